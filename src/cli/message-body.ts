/** One message, as the flags of `hongyan send` describe it. */
import { UsageError } from './failure.ts'
import { say } from './say.ts'
import { timeArgument } from './times.ts'

export interface MessageOptions {
  readonly account?: string
  readonly to?: string
  readonly template?: string
  readonly data?: readonly string[]
  readonly dataJson?: string
  readonly url?: string
  readonly page?: string
  readonly channel?: string
  readonly lane?: string
  readonly clientMsgId?: string
  readonly at?: string
  readonly expires?: string
  readonly tag?: readonly string[]
}

/** The body of `POST /v1/messages`, without its key. Throws `UsageError`; what the values mean the gateway checks. */
export const messageBody = (options: MessageOptions): Readonly<Record<string, unknown>> => {
  const missing = (['account', 'to', 'template'] as const).filter((name) => options[name] === undefined)
  if (missing.length > 0) {
    const flags = missing.map((name) => `--${name}`).join(', ')
    throw new UsageError(
      say(`缺少 ${flags}`, `${flags} ${missing.length === 1 ? 'is' : 'are'} missing`),
      say(
        'hongyan send --help 有例子；一次发很多条用 --file。',
        'hongyan send --help has examples; --file sends many at once.',
      ),
    )
  }
  const { account, to, template, url, page, channel, lane, at, expires, tag } = options
  return {
    account,
    touser: to,
    template_id: template,
    data: templateData(options),
    ...(url !== undefined && { url }),
    ...(page !== undefined && { page }),
    ...(channel !== undefined && { channel }),
    ...(lane !== undefined && { lane }),
    ...(at !== undefined && { send_at: timeArgument(at) }),
    ...(expires !== undefined && { expires_at: timeArgument(expires) }),
    ...(tag !== undefined && { tags: tag }),
  }
}

/** `--data` and `--data-json` together; a pair goes before the JSON. */
export const templateData = ({ data = [], dataJson }: Pick<MessageOptions, 'data' | 'dataJson'>): object => ({
  ...dataFromJson(dataJson),
  ...dataFromPairs(data),
})

const dataFromPairs = (pairs: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1)
        throw new UsageError(
          say(`--data 要写成 字段=内容，而不是 ${pair}`, `--data takes key=value, not ${pair}`),
          say('例如 --data thing2=茶叶。', 'For example --data thing2=tea.'),
        )
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )

const dataFromJson = (text: string | undefined): object => {
  if (text === undefined) return {}
  const value = parsed(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new UsageError(
    say('--data-json 不是 JSON 对象', '--data-json is not a JSON object'),
    `--data-json '{"thing2":"${say('茶叶', 'tea')}"}'`,
  )
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
