import type { LengthUnit } from '../fields.ts'

/** What nobody outside WeChat knows for sure. A client must be right whichever way each one stands. */
export interface Switches {
  /** What template/send answers when a client_msg_id comes again within its ten minutes. `error` is 44007. */
  readonly repeatedClientMsgId: 'same-msgid' | 'msgid-0' | 'error'
  /** How the length of a field is counted. */
  readonly lengthUnit: LengthUnit
  /** Whether a refused call uses up quota. */
  readonly failedCallsCount: boolean
  /** The hour, Beijing time, at which daily quotas start anew. */
  readonly quotaResetHour: number
  /** Whether a call that a fault answers with -1 may have been accepted: then half of them are. */
  readonly ambiguousBusyDelivers: boolean
  /** The answer to a token that cannot be one. */
  readonly malformedTokenErrcode: 40001 | 40014
  /** The answer of the token APIs to a wrong secret. */
  readonly wrongSecretErrcode: 40001 | 40125
  /** Whether the old stable token lives on for five minutes after a forced refresh (documentation: no). */
  readonly forcedRefreshOverlap: boolean
  /** Whether a field's value may be a number or a boolean. */
  readonly nonStringValue: 'accept' | 'reject'
  /** What happens to fields that the template does not have. */
  readonly extraKeys: 'ignore' | 'reject'
}

export const usualSwitches: Switches = {
  repeatedClientMsgId: 'same-msgid',
  lengthUnit: 'code-point',
  failedCallsCount: true,
  quotaResetHour: 0,
  ambiguousBusyDelivers: false,
  malformedTokenErrcode: 40014,
  wrongSecretErrcode: 40125,
  forcedRefreshOverlap: false,
  nonStringValue: 'accept',
  extraKeys: 'ignore',
}
