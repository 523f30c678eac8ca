import type { Directory } from '../directory.ts'
import { explain } from '../explain.ts'
import { type Attempt, isFinal, type MessageRecord, type Step, wechatClientMsgId } from '../message.ts'
import type { MessageView } from './schemas.ts'

/** A time as the API writes it. */
export const timeText = (at: number): string => new Date(at).toISOString()

type Summary = Omit<MessageView, 'data' | 'request' | 'attempts' | 'timeline'>
type TimelineEntry = MessageView['timeline'][number]

/** A record as lists show it. */
export const summaryOf = (record: MessageRecord, directory: Directory): Summary => {
  const { zh, en, nextStep } = explain(record)
  return {
    id: record.id,
    state: record.state,
    reason: record.reason ?? null,
    explanation: { zh, en, next_step: nextStep },
    account: directory.account(record.account)?.name ?? record.account,
    appid: record.account,
    channel: record.channel,
    lane: record.lane,
    touser: record.touser,
    template_id: record.templateId === '' ? null : record.templateId,
    client_msg_id: record.clientMsgId ?? null,
    tags: [...(record.tags ?? [])],
    accepted_at: timeText(record.acceptedAt),
    send_at: timeText(record.sendAt),
    expires_at: timeText(record.expiresAt),
    updated_at: timeText(record.updatedAt),
    next_attempt_at:
      isFinal(record.state) || record.state === 'leased' || record.readyAt === undefined
        ? null
        : timeText(record.readyAt),
    wechat_msgid: record.msgid ?? null,
    wechat_client_msg_id: wechatClientMsgId(record.id),
  }
}

/** A record with everything that happened to it. */
export const viewOf = (record: MessageRecord, directory: Directory): MessageView => {
  const request = JSON.parse(record.body) as { data?: MessageView['data'] }
  const attempts = record.steps.flatMap((step) => step.attempts ?? [])
  return {
    ...summaryOf(record, directory),
    data: request.data ?? {},
    request,
    attempts: attempts.map((attempt, index) => attemptView(attempt, index + 1)),
    timeline: timelineOf(record),
  }
}

const attemptView = (attempt: Attempt, n: number): MessageView['attempts'][number] => ({
  n,
  started_at: timeText(attempt.startedAt),
  duration_ms: attempt.endedAt - attempt.startedAt,
  outcome: attempt.outcome,
  ...(attempt.errcode !== undefined && { errcode: attempt.errcode }),
  ...(attempt.errmsg !== undefined && { errmsg: attempt.errmsg }),
  ...(attempt.rid !== undefined && { rid: attempt.rid }),
  ...(attempt.error !== undefined && { error: attempt.error }),
})

const timelineOf = ({ acceptedAt, sendAt, steps }: MessageRecord): TimelineEntry[] => [
  { at: timeText(acceptedAt), event: 'accepted' },
  ...(sendAt > acceptedAt ? [{ at: timeText(acceptedAt), event: 'scheduled', until: timeText(sendAt) }] : []),
  ...steps.flatMap(entriesOf),
]

/** A step is kept as one line; a reader wants to see the lease, each call and the outcome one after the other. */
const entriesOf = ({ at, state, reason, until, leasedAt, attempts = [] }: Step): TimelineEntry[] => [
  ...(leasedAt === undefined ? [] : [{ at: timeText(leasedAt), event: 'leased' }]),
  ...attempts.map(callEntry),
  {
    at: timeText(at),
    event: state,
    ...(reason !== undefined && { reason }),
    ...(until !== undefined && { until: timeText(until) }),
  },
]

const callEntry = ({ startedAt, endedAt, outcome, errcode, error }: Attempt): TimelineEntry => ({
  at: timeText(endedAt),
  event: outcome,
  duration_ms: endedAt - startedAt,
  ...(errcode !== undefined && { errcode }),
  ...(error !== undefined && { reason: error }),
})
