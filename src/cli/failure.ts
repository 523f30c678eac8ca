/** What a failed command says: what, why, what to do, and what to quote to whoever runs the gateway. */
import { ConfigError } from '../config.ts'
import { ApiFailure, Unreachable } from './api-failure.ts'
import { exitCodes, jsonText, note } from './output.ts'
import { say } from './say.ts'
import { columnsOf, paint, plain, wrapped } from './terminal.ts'

/** The command was given something it cannot work with. */
export class UsageError extends Error {
  readonly next: string
  constructor(what: string, next: string) {
    super(what)
    this.name = 'UsageError'
    this.next = next
  }
}

/** The user stopped it. */
export class Interrupted extends Error {
  constructor() {
    super(say('已中断', 'Interrupted'))
    this.name = 'Interrupted'
  }
}

interface Story {
  readonly exitCode: number
  readonly code: string
  readonly what: string
  readonly why?: readonly string[]
  readonly next?: string | undefined
  readonly requestId?: string | undefined
}

/** Tells the failure on standard error, with `json` also as JSON on its last line. Answers the exit code. */
export const reportFailure = (error: unknown, { json }: { readonly json: boolean }): number => {
  const story = storyOf(error)
  for (const line of linesOf(story)) note(line)
  if (json)
    note(
      jsonText({
        error: { ...memberOf(error), code: story.code, message: story.what, next_step: story.next },
      }),
    )
  return story.exitCode
}

const storyOf = (error: unknown): Story => {
  if (error instanceof ApiFailure) return apiStory(error)
  if (error instanceof Unreachable)
    return { exitCode: exitCodes.failed, code: 'unreachable', what: error.message, next: unreachableNext() }
  if (error instanceof UsageError)
    return { exitCode: exitCodes.usage, code: 'usage', what: error.message, next: error.next }
  if (error instanceof ConfigError) return { exitCode: exitCodes.usage, code: 'config', what: error.message }
  if (error instanceof Interrupted)
    return { exitCode: exitCodes.interrupted, code: 'interrupted', what: error.message }
  const { code = 'failed', message } = error as NodeJS.ErrnoException
  return { exitCode: exitCodes.failed, code, what: message ?? String(error) }
}

const apiStory = (failure: ApiFailure): Story => ({
  exitCode: exitCodeOf(failure.status),
  code: failure.code,
  what: failure.title,
  why:
    failure.errors.length > 0
      ? failure.errors.map(({ pointer, message }) => `${pointer || '/'}: ${message}`)
      : [failure.detail ?? ''].filter((text) => text !== '' && text !== failure.title),
  next: nextSteps()[failure.code],
  requestId: failure.requestId,
})

const exitCodeOf = (status: number): number => {
  if (status === 404) return exitCodes.notFound
  return status === 401 || status === 403 ? exitCodes.refused : exitCodes.failed
}

const linesOf = ({ what, why = [], next, code, requestId }: Story): string[] => {
  const columns = columnsOf(process.stderr)
  return [
    ...wrapped(plain(what), columns, '  ', '').map((line, at) =>
      at === 0 ? `${paint('red', '✖', process.stderr)} ${line}` : line,
    ),
    ...why.flatMap((line) => wrapped(plain(line), columns)),
    ...(next === undefined ? [] : wrapped(next, columns, '    ', '  → ')),
    paint('dim', `  ${[code, requestId].filter(Boolean).join(' · ')}`, process.stderr),
  ]
}

const memberOf = (error: unknown): Readonly<Record<string, unknown>> => {
  if (!(error instanceof ApiFailure)) return {}
  const { status, detail, requestId, errors } = error
  return { status, detail, request_id: requestId, ...(errors.length > 0 && { errors }) }
}

const unreachableNext = () =>
  say(
    '网关在运行吗？用 npm start 启动；地址由 HONGYAN_URL 决定；hongyan doctor 会逐项检查。',
    'Does it run? npm start starts it; HONGYAN_URL says where it is; hongyan doctor checks one thing after the other.',
  )

/** What to do about the refusals that say it least themselves. */
const nextSteps = (): Readonly<Record<string, string>> => ({
  'auth-invalid': say(
    '核对 HONGYAN_KEY_ID 和 HONGYAN_KEY_SECRET；密钥属于另一个数据目录时也会这样。',
    'Check HONGYAN_KEY_ID and HONGYAN_KEY_SECRET; a key of another home is refused too.',
  ),
  'timestamp-out-of-range': say('校准本机时钟。', 'Set the clock of this machine.'),
  forbidden: say('换一个有此权限的密钥：hongyan keys list。', 'Use a key that may: hongyan keys list.'),
  'not-found': say('核对编号；hongyan list 列出消息。', 'Check the id; hongyan list shows the messages.'),
  'account-unknown': say(
    'hongyan accounts list 列出已有的账号。',
    'hongyan accounts list shows the accounts there are.',
  ),
  'idempotency-conflict': say(
    '内容不同的消息要用另一个 --client-msg-id。',
    'A message with another content needs another --client-msg-id.',
  ),
  'limit-reached': say(
    '删掉不用的，或请运维提高上限：hongyan tenants limit。',
    'Remove what is not used, or ask whoever operates it for more: hongyan tenants limit.',
  ),
  'rate-limited': say('稍等片刻再试。', 'Wait a moment and try again.'),
  'in-flight': say(
    '稍等片刻，再用 hongyan get 查看结果。',
    'Wait a moment, then see what became of it with hongyan get.',
  ),
  'in-doubt': say(
    '用同一个 --client-msg-id 再发一次，不会重复发送。',
    'Send it again with the same --client-msg-id: it will not be sent twice.',
  ),
  internal: say('把请求号告诉网关的管理员。', 'Tell whoever runs the gateway the request id.'),
})
