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
  if (state === 'sent') return { mark: '✔', style: 'green' }
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
  [say('模板', 'template'), message.template_id],
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

const entryLines = (timeline: readonly TimelineEntry[], columns: number, colour: Colour): string[] =>
  timeline.flatMap((entry, index) => {
    const before = timeline[index - 1]
    const day = dayText(entry.at)
    const isNewDay = before === undefined || dayText(before.at) !== day
    return [...(isNewDay ? [colour('dim', `  ${day}`)] : []), ...entryLine(entry, before, columns, colour)]
  })

const deltaWidth = 9
const eventWidth = 9

const entryLine = (
  entry: TimelineEntry,
  before: TimelineEntry | undefined,
  columns: number,
  colour: Colour,
): string[] => {
  const delta = before === undefined ? '' : `+${durationText(Date.parse(entry.at) - Date.parse(before.at))}`
  const lead = `  ${clockText(entry.at)} ${colour('dim', delta.padStart(deltaWidth))}  `
  const leadWidth = 2 + 12 + 1 + deltaWidth + 2
  const detail = detailOf(entry)
  if (detail === '') return [lead + entry.event]
  const event = padded(entry.event, eventWidth)
  if (leadWidth + widthOf(event) + 2 + widthOf(detail) <= columns)
    return [`${lead}${event}  ${colour('dim', detail)}`]
  return [lead + entry.event, ...wrapped(detail, columns, '      ').map((line) => colour('dim', line))]
}

const detailOf = ({ at, reason, until, errcode, duration_ms }: TimelineEntry): string =>
  [
    errcode === undefined ? undefined : `errcode ${errcode} ${errcodeOf(errcode).errmsg}`,
    reason === undefined ? undefined : plain(reason),
    until === undefined
      ? undefined
      : `→ ${dayText(until) === dayText(at) ? '' : `${dayText(until)} `}${clockText(until)}`,
    duration_ms === undefined ? undefined : durationText(duration_ms),
  ]
    .filter((part) => part !== undefined)
    .join(' · ')
