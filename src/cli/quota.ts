import type { Command } from 'commander'
import { clientOf, examples } from './client.ts'
import { note, printJson, printTable } from './output.ts'
import { say } from './say.ts'
import { clockText, dayText } from './times.ts'

export const addQuota = (program: Command): void => {
  program
    .command('quota')
    .description(say('今天还能发多少、多快', 'what may still be sent today, and how fast'))
    .option('--account <account>', say('只看这个账号（名称或 appid）', 'only this account (name or appid)'))
    .addHelpText('after', examples('hongyan quota', 'hongyan quota --account shop --json'))
    .action(show)
}

/** What the CLI reads of the answer. */
interface QuotaEntry {
  readonly account: string
  readonly api: string
  readonly daily_limit: number | null
  readonly used: number
  readonly remaining: number | null
  readonly resets_at: string
  readonly held_until: string | null
  readonly held: { readonly reason: string } | null
  readonly pace: { readonly allowed: number; readonly in_flight: number }
  readonly forecast: { readonly exhausted_at: string | null }
}

const show = async ({ account }: { readonly account?: string }, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`
  const { data } = (await api.get(`/v1/quota${query}`)) as { data: readonly QuotaEntry[] }
  if (json) return printJson(data)
  if (data.length === 0)
    return note(
      say(
        '还没有发送过，因此没有配额信息；加上 --account 可向微信查询。',
        'Nothing has been sent yet, so nothing is known; with --account, WeChat is asked.',
      ),
    )
  printTable(
    [
      say('账号', 'account'),
      'API',
      say('已用', 'used'),
      say('上限', 'limit'),
      say('剩余', 'left'),
      say('并发', 'calls'),
      say('状态', 'state'),
    ],
    data.map((entry) => [
      entry.account,
      entry.api,
      String(entry.used),
      numberText(entry.daily_limit),
      numberText(entry.remaining),
      `${entry.pace.in_flight}/${entry.pace.allowed}`,
      stateText(entry),
    ]),
  )
}

const numberText = (value: number | null): string => (value === null ? '?' : String(value))

const stateText = ({ held, held_until, forecast }: QuotaEntry): string => {
  if (held && held_until) return `${held.reason} ${say('至', 'until')} ${localTime(held_until)}`
  if (forecast.exhausted_at)
    return say(
      `约 ${localTime(forecast.exhausted_at)} 用完`,
      `used up at ${localTime(forecast.exhausted_at)}`,
    )
  return say('正常', 'ok')
}

const localTime = (time: string): string => `${dayText(time)} ${clockText(time).slice(0, 5)}`
