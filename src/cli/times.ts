/** Times as people write and read them: in their own time zone. */
import { UsageError } from './failure.ts'
import { say } from './say.ts'

const two = (number: number): string => String(number).padStart(2, '0')

/** The local day of a time, as 2026-05-01. */
export const dayText = (time: string): string => {
  const date = new Date(time)
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** The local time of day to the millisecond. */
export const clockText = (time: string): string => {
  const date = new Date(time)
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`
}

/** `62 ms`, `1.25 s`, `12 min`, `3.5 h`. */
export const durationText = (ms: number): string => {
  if (ms < 1000) return `${ms} ms`
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(2))} s`
  if (ms < 3_600_000) return `${Number((ms / 60_000).toFixed(1))} min`
  return `${Number((ms / 3_600_000).toFixed(1))} h`
}

const unitMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A length of time in seconds: `90s`, `10m`, `24h`, `7d`. Throws `UsageError` for anything else. */
export const secondsArgument = (text: string): number => {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  if (unit !== undefined) return (Number(amount) * unitMs[unit as keyof typeof unitMs]) / 1000
  throw new UsageError(
    say(`看不懂这段时间：${text}`, `This is no length of time: ${text}`),
    say('写成 90s、10m、24h 或 7d。', 'Write 90s, 10m, 24h or 7d.'),
  )
}

/**
 * A time for the API: RFC 3339 as it is; without an offset, local time; `+10m` from now, `-2h` before now.
 * Throws `UsageError` for anything else.
 */
export const timeArgument = (text: string, now = Date.now()): string => {
  const relative = /^([+-])(\d{1,6})([smhd])$/.exec(text)
  if (relative) {
    const [, sign, amount, unit] = relative
    const distance = Number(amount) * unitMs[unit as keyof typeof unitMs]
    return new Date(sign === '+' ? now + distance : now - distance).toISOString()
  }
  const time = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/i.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time))
    throw new UsageError(
      say(`看不懂这个时间：${text}`, `This is not a time: ${text}`),
      say(
        '写成 2026-12-01T09:00:00+08:00、2026-12-01T09:00（本地时间）或 +10m。',
        'Write 2026-12-01T09:00:00+08:00, 2026-12-01T09:00 (local time) or +10m.',
      ),
    )
  return new Date(time).toISOString()
}
