import type { NodeReport, Share } from './nodes.ts'

/** Where nodes hear of each other. */
export interface NodeRegistry {
  /**
   * Tells how this node is, and answers what all have told. `mayUpkeep`: this node would do the engine's upkeep: if
   * nobody does it, or the node `gone` does, it is this one from now on.
   */
  beat(report: NodeReport, upkeep: { readonly mayUpkeep: boolean; readonly gone?: string }): Promise<RollCall>
  /** The node is no more. */
  leave(id: string): Promise<void>
  /** Asks a node to drain, or to work again; it sees it at its next beat. Answers whether there is such a node. */
  order(id: string, drain: boolean): Promise<boolean>
}

export interface RollCall {
  readonly nodes: readonly { readonly report: NodeReport; readonly drainAsked: boolean }[]
  /** The id of the node that does the upkeep. */
  readonly upkeep?: string
}

/** The engine's side of sharing the work out. */
export interface Sharing {
  /** How many shards there are. */
  readonly shards: number
  readonly registry: NodeRegistry
  /**
   * Makes this process known as a node: messages that cannot wait go to whichever node `urgentTo` names, or to the one
   * that looks after their shard when it names none. Until `take` is called, it does everything.
   */
  join(node: { readonly id: string; readonly urgentTo: () => string | undefined }): void
  /** What this node does from now on. */
  take(share: Share): void
  /** Since when the oldest message that is ready in its shards has been. */
  oldestReadyAt(): Promise<number | undefined>
}
