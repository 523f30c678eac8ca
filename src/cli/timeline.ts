/** One message as a story: where it is, what happened when, why, and what to do. */
import { errcodeOf } from '../errcodes.ts'
import { isFinal, type State } from '../message.ts'
import { say } from './say.ts'
import { columnsOf, padded, paint, plain, type Style, widthOf, wrapped } from './terminal.ts'
import { clockText, dayText, durationText } from './times.ts'
import type { AttemptView, MessageView, TimelineEntry } from './views.ts'

export interface TimelineOptions {
  /** Where it will be written: decides on colour and width. */
  readonly stream?: NodeJS.WriteStream
  readonly columns?: number
}

export const timelineText = (
  message: MessageView,
  { stream = process.stdout, columns = columnsOf(stream) }: TimelineOptions = {},
): string => {
  const language = say('zh', 'en') as 'zh' | 'en'
  const colour = (style: Style, text: string) => paint(style, text, stream)
  const { explanation } = message
  return [
    headline(message, colour),
    `  ${colour('dim', message.id)}`,
    ...factsOf(message).flatMap(([label, value]) => fact(label, value, columns, colour)),
    '',
    ...entryLines(message, columns, colour),
    '',
    ...wrapped(explanation[language], columns),
    ...wrapped(explanation.next_step[language], columns, '    ', '  → '),
    '',
  ].join('\n')
}

type Colour = (style: Style, text: string) => string

const markOf = (state: State): { readonly mark: string; readonly style: Style } => {
  if (state === 'sent' || state === 'delivered') return { mark: '✔', style: 'green' }
  if (state === 'unknown') return { mark: '?', style: 'magenta' }
  if (isFinal(state)) return { mark: '✖', style: 'red' }
  return { mark: '…', style: 'yellow' }
}

const headline = ({ state, reason }: MessageView, colour: Colour): string => {
  const { mark, style } = markOf(state)
  return `${colour(style, mark)} ${colour(['bold', style] as Style, state)}${reason === null ? '' : ` · ${plain(reason)}`}`
}

const factsOf = (message: MessageView): readonly (readonly [string, string])[] => [
  [say('账号', 'account'), message.account],
  [say('接收人', 'to'), message.touser],
  [say('模板', 'template'), message.template_id ?? '-'],
  ...(message.next_attempt_at === null
    ? []
    : ([
        [say('下次', 'next'), `${dayText(message.next_attempt_at)} ${clockText(message.next_attempt_at)}`],
      ] as const)),
]

const labelWidth = 10

const fact = (label: string, value: string, columns: number, colour: Colour): string[] => {
  const text = plain(value)
  const fits = 2 + labelWidth + widthOf(text) <= columns
  return fits
    ? [`  ${colour('dim', padded(label, labelWidth))}${text}`]
    : [`  ${colour('dim', label)}`, `    ${text}`]
}

const entryLines = ({ timeline, attempts }: MessageView, columns: number, colour: Colour): string[] => {
  const calls = attempts.values()
  return timeline.flatMap((entry, index) => {
    const before = timeline[index - 1]
    const day = dayText(entry.at)
    const isNewDay = before === undefined || dayText(before.at) !== day
    // Only a call takes time, and the calls stand in the order of the attempts.
    const attempt = entry.duration_ms === undefined ? undefined : calls.next().value
    return [
      ...(isNewDay ? [colour('dim', `  ${day}`)] : []),
      ...entryLine(
        entry,
        { delta: deltaOf(entry, before), detail: detailOf(entry, attempt) },
        columns,
        colour,
      ),
    ]
  })
}

const deltaWidth = 9
const eventWidth = 9

const deltaOf = ({ at }: TimelineEntry, before: TimelineEntry | undefined): string =>
  before === undefined ? '' : `+${durationText(Date.parse(at) - Date.parse(before.at))}`

const entryLine = (
  { at, event }: TimelineEntry,
  { delta, detail }: { readonly delta: string; readonly detail: readonly string[] },
  columns: number,
  colour: Colour,
): string[] => {
  const lead = `  ${clockText(at)} ${colour('dim', delta.padStart(deltaWidth))}  `
  const leadWidth = 2 + 12 + 1 + deltaWidth + 2
  if (detail.length === 0) return [lead + event]
  const oneLine = detail.join(' · ')
  const name = padded(event, eventWidth)
  if (leadWidth + widthOf(name) + 2 + widthOf(oneLine) <= columns)
    return [`${lead}${name}  ${colour('dim', oneLine)}`]
  return [
    lead + event,
    ...detail.flatMap((part) => wrapped(part, columns, '      ')).map((line) => colour('dim', line)),
  ]
}

/** What WeChat wrote itself goes before the table's text: it may name the field that was wrong. */
const detailOf = (entry: TimelineEntry, attempt: AttemptView | undefined): readonly string[] => {
  const { at, reason, until, errcode, duration_ms } = entry
  const parts = [
    errcode === undefined ? '' : `errcode ${errcode} ${plain(attempt?.errmsg ?? errcodeOf(errcode).errmsg)}`,
    attempt?.rid === undefined ? '' : `rid ${plain(attempt.rid)}`,
    reason === undefined ? '' : plain(reason),
    until === undefined
      ? ''
      : `→ ${dayText(until) === dayText(at) ? '' : `${dayText(until)} `}${clockText(until)}`,
    duration_ms === undefined ? '' : durationText(duration_ms),
  ]
  return parts.filter((part) => part !== '')
}
