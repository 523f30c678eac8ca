/** What the CLI reads of the API's answers. */
import type { Bilingual } from '../errcodes.ts'
import type { State } from '../message.ts'

export interface MessageSummary {
  readonly id: string
  readonly state: State
  readonly reason: string | null
  readonly explanation: Bilingual & { readonly next_step: Bilingual }
  readonly account: string
  readonly appid: string
  readonly touser: string
  readonly template_id: string | null
  readonly accepted_at: string
  readonly next_attempt_at: string | null
}

export interface TimelineEntry {
  readonly at: string
  readonly event: string
  readonly reason?: string
  readonly until?: string
  readonly errcode?: number
  readonly duration_ms?: number
}

export interface AttemptView {
  readonly errmsg?: string
  /** WeChat's number of the request. */
  readonly rid?: string
}

export interface MessageView extends MessageSummary {
  /** Every call to WeChat, oldest first. */
  readonly attempts: readonly AttemptView[]
  readonly timeline: readonly TimelineEntry[]
}

export interface MessagePage {
  readonly data: readonly MessageSummary[]
  readonly next_cursor: string | null
}

/** What a message that was taken is answered with; with `Prefer: wait` the whole view, if it ended in time. */
export type AcceptedView = Pick<MessageSummary, 'id' | 'state'> & {
  readonly duplicate: boolean
  readonly warnings?: readonly WarningView[]
} & Partial<MessageView>

/** Why one of many messages was refused. */
export interface RefusalView {
  readonly status: number
  readonly code: string
  readonly title: string
  readonly detail?: string
}

export interface BulkAcceptedView {
  readonly accepted: number
  readonly rejected: number
  /** In the order of the request. */
  readonly results: readonly (AcceptedView | RefusalView)[]
}

export interface KeyView {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly created_at: string
  readonly expires_at: string | null
  readonly last_used: string | null
  readonly old_secret_until: string | null
}

export interface TenantView {
  readonly id: string
  readonly name: string
  readonly created_at: string
  readonly disabled: boolean
  readonly limits: Readonly<Record<'messages_per_second' | 'burst' | 'accounts' | 'keys', number | null>>
  readonly accounts: number
  readonly keys: number
}

export interface NewKeyView extends KeyView {
  readonly secret: string
  readonly bearer: string
}

export interface AccountView {
  readonly name: string
  readonly appid: string
  readonly kind: string
  readonly token_api: string
  readonly secret_ends_with: string
  readonly templates: readonly { readonly template_id: string; readonly alias: string | null }[]
}

export interface NewAccountView extends AccountView {
  /** Of a webhook, when it has just been made. */
  readonly secret?: string
}

export interface FindingView {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'fault' | 'skipped'
  readonly errcode?: number
  readonly about: Bilingual
  readonly next?: Bilingual
}

export interface AccountCheckView {
  readonly ok: boolean
  readonly findings: readonly FindingView[]
}

export interface WarningView {
  readonly pointer: string
  readonly code: string
  readonly message: string
}

export interface TemplateView {
  readonly account: string
  readonly template_id: string
  readonly alias: string | null
  readonly title: string | null
  readonly fields: readonly { readonly key: string; readonly label: string }[]
  readonly missing_since: string | null
}

export interface AccountTemplatesView {
  readonly account: string
  readonly used: { readonly template: number; readonly subscribe: number }
  readonly limit: number
  readonly synced_at: string | null
}

export interface TemplateSyncView {
  readonly account: string
  readonly listed: number
  readonly changes: readonly {
    readonly kind: string
    readonly template_id: string
    readonly alias: string | null
    readonly title: string | null
  }[]
  readonly failures: readonly {
    readonly family: string
    readonly errcode: number | null
    readonly error: string
  }[]
}

export interface TemplatePreviewView {
  readonly lines: readonly { readonly label: string; readonly value: string }[]
  readonly warnings: readonly WarningView[]
  readonly faults: readonly WarningView[]
}

export interface TemplateFindingView extends WarningView {
  readonly account: string
  readonly template_id: string
  readonly alias: string | null
  readonly severity: string
}

export interface NodeView {
  readonly id: string
  readonly name: string
  readonly roles: readonly string[]
  readonly state: string
  readonly drain_asked: boolean
  readonly started_at: string
  readonly shards: number
  readonly upkeep: boolean
  readonly concurrency: number
  readonly load: {
    readonly in_flight: number
    readonly per_second: number
    readonly cpu: number
    readonly loop_delay_ms: number
    readonly oldest_ready_ms: number | null
  }
}
