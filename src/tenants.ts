/** Who shares one installation with others: keys, accounts and messages belong to a tenant, and the rest never see them. */
export interface Tenant {
  /** Lower-case letters, digits and hyphens, at most 40; never changes. */
  readonly id: string
  readonly name: string
  /** Milliseconds since 1970 UTC. */
  readonly createdAt: number
  /** Its keys are refused. What it has queued stays where it is, and is still sent. */
  readonly disabled?: boolean
  readonly limits?: TenantLimits
}

/** Whatever is not set has no limit. */
export interface TenantLimits {
  /** Messages taken a second, on average. */
  readonly messagesPerSecond?: number
  /** Messages taken at once after a quiet time; by default as many as in one second. */
  readonly burst?: number
  readonly accounts?: number
  readonly keys?: number
}

/** A change of the limits: a number sets one, null lifts it, what is not named stays. */
export type LimitsChange = { readonly [Name in keyof TenantLimits]?: number | null | undefined }

/** The limits after a change. */
export const changedLimits = (limits: TenantLimits = {}, change: LimitsChange = {}): TenantLimits =>
  Object.fromEntries(
    Object.entries({ ...limits, ...change }).filter(([, limit]) => limit !== null && limit !== undefined),
  )
