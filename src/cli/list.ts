import { type Command, InvalidArgumentError, Option } from 'commander'
import { states } from '../message.ts'
import type { Api } from './api.ts'
import { clientOf, examples } from './client.ts'
import { jsonText, note, print, printTable } from './output.ts'
import { say } from './say.ts'
import { clockText, dayText, timeArgument } from './times.ts'
import type { MessagePage, MessageSummary } from './views.ts'

const defaultLimit = 50
const maxPage = 200

export const addList = (program: Command): void => {
  program
    .command('list')
    .description(say('查找消息，最新的在前', 'find messages, newest first'))
    .option('--to <openid>', say('接收人的 openid', 'openid of the recipient'))
    .addOption(new Option('--state <state>', say('状态', 'where they are')).choices(states))
    .option('--account <name>', say('账号的名称或 appid', 'name or appid of the account'))
    .option(
      '--template <id>',
      say('模板编号；同时给出 --account 时也可以是别名', 'id of the template; with --account also its alias'),
    )
    .option('--tag <tag>', say('标签', 'a tag'))
    .option(
      '--q <text>',
      say('消息编号、openid 或 client_msg_id', 'a message id, an openid or a client_msg_id'),
    )
    .option('--from <time>', say('从何时起接受，如 -2h', 'accepted at or after, such as -2h'))
    .option('--to-time <time>', say('在何时之前接受', 'accepted before'))
    .option(
      '--limit <number>',
      say(`最多几条，默认 ${defaultLimit}`, `at most so many, ${defaultLimit} by default`),
      limit,
    )
    .option('--cursor <cursor>', say('从上次结束的地方继续', 'go on where another list ended'))
    .addOption(new Option('--all', say('全部', 'all of them')).conflicts(['limit', 'cursor']))
    .addHelpText(
      'after',
      examples(
        'hongyan list --state dead --from -2h',
        "hongyan list --to oDemoUser0000000000000000001 --json | jq -r '.[].id'",
      ),
    )
    .action(list)
}

interface ListOptions {
  readonly to?: string
  readonly state?: string
  readonly account?: string
  readonly template?: string
  readonly tag?: string
  readonly q?: string
  readonly from?: string
  readonly toTime?: string
  readonly limit?: number
  readonly cursor?: string
  readonly all?: true
}

const list = async (options: ListOptions, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const print = json ? createJsonList() : createTableList()
  let rest: number = options.all ? Number.POSITIVE_INFINITY : (options.limit ?? defaultLimit)
  let cursor: string | undefined = options.cursor
  do {
    const page = await pageOf(api, options, Math.min(rest, maxPage), cursor)
    print.page(page.data)
    rest -= page.data.length
    cursor = page.next_cursor ?? undefined
  } while (cursor !== undefined && rest > 0)
  print.end()
  if (cursor !== undefined)
    note(
      say(
        `还有更多：加上 --cursor ${cursor}，或 --all。`,
        `There are more: add --cursor ${cursor}, or --all.`,
      ),
    )
}

const pageOf = async (
  api: Api,
  options: ListOptions,
  size: number,
  cursor: string | undefined,
): Promise<MessagePage> => {
  const query = new URLSearchParams({ limit: String(size) })
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined) query.set(name, value)
  }
  set('touser', options.to)
  set('state', options.state)
  set('account', options.account)
  set('template_id', options.template)
  set('tag', options.tag)
  set('q', options.q)
  set('from', options.from && timeArgument(options.from))
  set('to', options.toTime && timeArgument(options.toTime))
  set('cursor', cursor)
  return (await api.get(`/v1/messages?${query}`)) as MessagePage
}

/** Where pages go: a list may be longer than memory. */
interface PagePrinter {
  page(messages: readonly MessageSummary[]): void
  end(): void
}

/** One array, written as it comes. */
const createJsonList = (): PagePrinter => {
  let count = 0
  return {
    page(messages) {
      for (const message of messages)
        process.stdout.write(`${count++ === 0 ? '[' : ','}\n${jsonText(message)}`)
    },
    end: () => print(count === 0 ? '[]' : '\n]'),
  }
}

const createTableList = (): PagePrinter => {
  let count = 0
  return {
    page(messages) {
      count += messages.length
      if (messages.length > 0) printTable(heading(), messages.map(row))
    },
    end() {
      if (count === 0) note(say('没有符合条件的消息。', 'There are no such messages.'))
    },
  }
}

const heading = () => [
  say('时间', 'time'),
  'id',
  say('状态', 'state'),
  say('原因', 'reason'),
  'openid',
  say('模板', 'template'),
]

/** People read local time, programs the API's own. */
const row = ({ accepted_at, id, state, reason, touser, template_id }: MessageSummary): readonly string[] => [
  process.stdout.isTTY ? `${dayText(accepted_at)} ${clockText(accepted_at).slice(0, 8)}` : accepted_at,
  id,
  state,
  reason ?? '',
  touser,
  template_id ?? '-',
]

const limit = (text: string): number => {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text)
  throw new InvalidArgumentError(say('要写一个正整数。', 'It takes a whole number from 1.'))
}
