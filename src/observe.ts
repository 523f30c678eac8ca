import type { MessageId, State } from './message.ts'
import type { Delivery } from './queue.ts'
import type { Sending } from './sender.ts'
import type { Settlement } from './settlement.ts'

/** What is done to keys, accounts, tenants, templates and nodes, as a noun and a verb. */
export type AuditAction = `${'account' | 'key' | 'tenant' | 'template' | 'node'}.${string}`

/** What happens, as it happens: the one stream that metrics, traces, console, webhooks and tests read. */
export type Observation =
  | { readonly kind: 'accepted'; readonly ids: readonly MessageId[] }
  | { readonly kind: 'leased'; readonly deliveries: readonly Delivery[] }
  | { readonly kind: 'called'; readonly delivery: Delivery; readonly sending: Sending }
  | {
      readonly kind: 'settled'
      readonly delivery: Delivery
      readonly settlement: Settlement
      readonly result: 'settled' | 'expired'
    }
  | { readonly kind: 'cancelled'; readonly id: MessageId; readonly state: State }
  /** A receipt has told more of a message that had ended, or has ended its doubt. */
  | { readonly kind: 'sharpened'; readonly id: MessageId; readonly state: State }
  /** WeChat has pushed something, and this became of it. `what`: the kind of event, or why it was refused. */
  | {
      readonly kind: 'callback'
      readonly account: string
      readonly result: 'taken' | 'repeated' | 'ignored' | 'refused' | 'failed'
      readonly what: string
    }
  | {
      readonly kind: 'token'
      readonly account: string
      /**
       * `refreshed` by a call; `shared`: another process has called; `healed`: another call had refreshed it already;
       * `refused`: there is none until `until`.
       */
      readonly event: 'refreshed' | 'shared' | 'healed' | 'refused'
      readonly forced?: boolean
      readonly errcode?: number
      readonly until?: number
    }
  | {
      /** Somebody has changed a key, an account, a tenant or a template. Never holds a secret. */
      readonly kind: 'audit'
      /** Of the key that asked. */
      readonly tenant: string
      readonly keyId: string
      /** What was done: `key.create` and so on. */
      readonly action: AuditAction
      /** To what: `key/key_…`, `account/wx…`, `tenant/shop`; of another tenant, `tenant/shop/key/key_…`. */
      readonly target: string
      readonly requestId: string
    }
  | {
      /** Events of messages on their way into the records. `lagMs`: how far behind the oldest of them is. */
      readonly kind: 'history'
      readonly result: 'recorded' | 'failed' | 'refused'
      readonly events: number
      readonly lagMs: number
    }
  | {
      /** Somebody should look. `code` names the case, for grouping; the account is named where there is one. */
      readonly kind: 'alert'
      readonly code: string
      readonly account?: string
      readonly detail: string
    }

export type Observe = (observation: Observation) => void

export interface Observer {
  readonly observe: Observe
  /** Answers how to stop listening. A listener must be quick and must not throw. */
  subscribe(listener: Observe): () => void
}

export const createObserver = (): Observer => {
  let listeners: readonly Observe[] = []
  return {
    observe(observation) {
      for (const listener of listeners) listener(observation)
    },
    subscribe(listener) {
      listeners = [...listeners, listener]
      return () => {
        listeners = listeners.filter((other) => other !== listener)
      }
    },
  }
}
