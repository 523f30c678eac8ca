/** Captured calls as the page is told of them: rows for its list, everything about one, and what is searched. */
import { errcodeOf } from '../errcodes.ts'
import { type Bubble, bubbleOf, isOnceMessage, summaryOf, valuesOf } from './card.ts'
import type { Captured } from './inbox.ts'
import type { SearchRow } from './page-search.ts'
import { isRecord, type SimulatedTemplate } from './template.ts'
import { type Examined, fieldLines, findingsOf } from './template-check.ts'
import type { World } from './world.ts'

/**
 * `accepted` · `repeat` accepted, and the user has it already · `refused` · `hidden` the user has it and the
 * caller was told otherwise, or nothing · `lost` nobody was answered and nothing was accepted · `unshown` accepted,
 * but the user takes no messages of the account
 */
export type MessageState = 'accepted' | 'repeat' | 'refused' | 'hidden' | 'lost' | 'unshown'

export const stateOf = ({ errcode, msgid, repeats, blocked }: Captured): MessageState => {
  if (errcode === 0) return repeats ? 'repeat' : blocked ? 'unshown' : 'accepted'
  if (msgid !== null) return 'hidden'
  return errcode === null ? 'lost' : 'refused'
}

/** Whether the phone shows it. */
export const isSeen = (row: Captured): boolean => ['accepted', 'hidden'].includes(stateOf(row))

export interface RowView {
  readonly id: number
  readonly at: number
  readonly account: string
  readonly appid: string | null
  readonly touser: string | null
  readonly title: string
  readonly summary: string
  readonly path: string
  readonly errcode: number | null
  readonly fault: string | null
  readonly state: MessageState
  readonly tags: readonly string[]
  readonly unread: boolean
}

export const rowView = (world: World, row: Captured): RowView => {
  const { id, at, appid, touser, path, errcode, fault, tags, unread } = row
  const bubble = bubbleOfRow(world, row)
  return {
    id,
    at,
    account: accountName(world, row),
    appid,
    touser,
    title: 'title' in bubble ? bubble.title : '',
    summary: summaryOf(bubble).slice(0, longestSummary),
    path,
    errcode,
    fault,
    state: stateOf(row),
    tags,
    unread,
  }
}

const longestSummary = 120

export const searchRow = (world: World, row: Captured): SearchRow => {
  const { appid, touser, templateId, errcode, tags, at, unread, clientMsgId, msgid, request } = row
  const template = templateOf(world, row)
  const named = [templateId, template?.alias, template?.title]
  const json = jsonOf(row)
  return {
    touser,
    template: named.filter((name) => typeof name === 'string'),
    app: [appid ?? '', accountName(world, row)],
    errcode,
    tags,
    at,
    unread,
    delivered: isSeen(row),
    fields: valuesOf(json.data),
    words: [clientMsgId ?? '', msgid ?? '', 'msgtype' in json ? request : ''],
  }
}

/** How many messages of the conversation stand above the one that is looked at. */
const earlierShown = 4

export const detailView = (world: World, row: Captured) => {
  const template = templateOf(world, row)
  const json = jsonOf(row)
  const { path, request, reply, msgid, templateId, clientMsgId } = row
  const content = isOnceMessage(json) ? undefined : template?.content
  const { words } = template ?? {}
  const examined: Examined = { json, content, path, lengthUnit: world.switches.lengthUnit, words }
  const account = accountOf(world, row)
  return {
    ...rowView(world, row),
    kind: account?.kind ?? (path.includes('/subscribe/') ? 'miniprogram' : 'official'),
    sandbox: account?.flags.sandbox ?? false,
    msgid,
    template_id: templateId,
    template: template ?? null,
    client_msg_id: clientMsgId,
    request,
    reply,
    explain: explain(row),
    fields: fieldLines(examined),
    findings: findingsOf(examined),
    conversation: conversation(world, row),
  }
}

const explain = ({ errcode }: Captured) => {
  if (errcode === null || errcode === 0) return null
  const { cause, next, source } = errcodeOf(errcode)
  return { cause, next, source }
}

/** What the user has seen of this account up to this message, oldest first; the message itself stands last. */
const conversation = (world: World, row: Captured): readonly { id: number; at: number; bubble: Bubble }[] => {
  const lines = [row]
  for (const other of world.inbox.after(0).toReversed()) {
    if (lines.length > earlierShown) break
    const same = other.appid === row.appid && other.touser === row.touser
    if (other.id < row.id && same && isSeen(other)) lines.push(other)
  }
  return lines.reverse().map((line) => ({ id: line.id, at: line.at, bubble: bubbleOfRow(world, line) }))
}

const bubbleOfRow = (world: World, row: Captured): Bubble => bubbleOf(jsonOf(row), templateOf(world, row))

/** Parsed anew whenever somebody looks: the inbox holds bytes, not trees. What WeChat would not read is shown all the same. */
const jsonOf = ({ request }: Captured): Readonly<Record<string, unknown>> => {
  try {
    const json: unknown = JSON.parse(request)
    return isRecord(json) ? json : {}
  } catch {
    return {}
  }
}

const accountOf = ({ accounts }: World, { appid }: Captured) =>
  appid === null ? undefined : accounts.known(appid)

const accountName = (world: World, row: Captured): string => accountOf(world, row)?.name ?? row.appid ?? ''

const templateOf = (world: World, row: Captured): SimulatedTemplate | undefined =>
  row.templateId === null ? undefined : accountOf(world, row)?.templates.get(row.templateId)?.source
