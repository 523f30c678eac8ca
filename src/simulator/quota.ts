/**
 * How many calls each (appid, API path) has made today and in this minute. A day is a natural day in
 * Beijing, which starts at a set hour (I); a failing call may or may not count: both are switches.
 */

export interface Limit {
  /** Calls a day; more are 45009. */
  readonly daily?: number
  /** Calls a minute; more are 45011. */
  readonly minute?: number
  /** Calls a minute of a third-party platform on the account's behalf; more are 45011 for the platform. */
  readonly component?: number
}

/** By path. D where `wechat-api` says so; a limit that is not here is not published and not enforced. */
export const documentedLimits: Readonly<Record<string, Limit>> = {
  '/cgi-bin/token': { daily: 2_000 },
  '/cgi-bin/stable_token': { daily: 500_000, minute: 10_000 },
  '/cgi-bin/message/template/send': { daily: 100_000 },
  '/cgi-bin/message/subscribe/send': { daily: 10_000_000 },
  '/cgi-bin/message/custom/send': { daily: 500_000 },
  '/cgi-bin/message/wxopen/template/send': { daily: 1_000_000 },
}

/** For test accounts. */
export const sandboxLimits: Readonly<Record<string, Limit>> = {
  ...documentedLimits,
  '/cgi-bin/token': { daily: 200 },
  '/cgi-bin/message/custom/send': { daily: 50_000 },
}

export interface Usage {
  readonly limit: Limit
  readonly usedToday: number
}

export interface Quota {
  /** 45011 or 45009 if one more call, perhaps of a platform on the account's behalf, is too many, else 0. */
  refusal(metered: Metered, limits: Readonly<Record<string, Limit>>): 0 | 45009 | 45011
  count(metered: Metered): void
  usage(appid: string, path: string, limits: Readonly<Record<string, Limit>>): Usage
  /** Sets the limits of one account's API from now on; an empty limit removes them. */
  setLimit(appid: string, path: string, limit: Limit): void
  /** Starts today's counters anew. `false`: this month's ten are used up. */
  clearDay(appid: string): boolean
  /** The same for one API, fifty times a month. */
  clearPath(appid: string, path: string): boolean
  /** The limits that were set. */
  ownLimits(): OwnLimit[]
  clear(): void
}

export interface Metered {
  readonly appid: string
  readonly path: string
  /** The platform that makes the call, if one does. */
  readonly component: string | undefined
}

export interface OwnLimit extends Limit {
  readonly appid: string
  readonly path: string
}

interface Counter {
  day: number
  today: number
  minute: number
  thisMinute: number
}

export interface QuotaOptions {
  readonly now: () => number
  readonly resetHour: () => number
}

const dayMs = 86_400_000
const beijingMs = 8 * 3_600_000

/** The number of the natural day in Beijing that starts at `resetHour`. */
export const dayOf = (ms: number, resetHour: number): number =>
  Math.floor((ms + beijingMs - resetHour * 3_600_000) / dayMs)

/** clear_quota, the console's button and clear_quota/v2 share these (D). */
const clearsAMonth = 10
/** openapi/quota/clear (D). */
const pathClearsAMonth = 50

export const createQuota = ({ now, resetHour }: QuotaOptions): Quota => {
  const counters = new Map<string, Map<string, Counter>>()
  const ownLimits = new Map<string, Limit>()
  const clears = new Map<string, number>()

  const counterOf = (appid: string, path: string): Counter => {
    const paths = counters.get(appid) ?? new Map<string, Counter>()
    const counter = paths.get(path) ?? { day: 0, today: 0, minute: 0, thisMinute: 0 }
    if (counter.day === 0) counters.set(appid, paths.set(path, counter))
    const at = now()
    const day = dayOf(at, resetHour())
    const minute = Math.floor(at / 60_000)
    if (counter.day !== day) Object.assign(counter, { day, today: 0 })
    if (counter.minute !== minute) Object.assign(counter, { minute, thisMinute: 0 })
    return counter
  }

  const limitOf = (appid: string, path: string, limits: Readonly<Record<string, Limit>>): Limit =>
    (ownLimits.size === 0 ? undefined : ownLimits.get(`${appid} ${path}`)) ?? limits[path] ?? {}

  /** Whether there is one more clearing of this budget in this month. */
  const spend = (appid: string, budget: string, aMonth: number): boolean => {
    const month = `${appid} ${budget} ${new Date(now() + beijingMs).toISOString().slice(0, 7)}`
    const used = clears.get(month) ?? 0
    if (used >= aMonth) return false
    clears.set(month, used + 1)
    return true
  }

  return {
    refusal: ({ appid, path, component }, limits) => {
      const { daily, minute, component: pace } = limitOf(appid, path, limits)
      const counter = counterOf(appid, path)
      if (minute !== undefined && counter.thisMinute >= minute) return 45011
      if (component !== undefined && pace !== undefined)
        if (counterOf(`${component} ${appid}`, path).thisMinute >= pace) return 45011
      if (daily !== undefined && counter.today >= daily) return 45009
      return 0
    },
    count: ({ appid, path, component }) => {
      const counter = counterOf(appid, path)
      counter.today++
      counter.thisMinute++
      if (component !== undefined) counterOf(`${component} ${appid}`, path).thisMinute++
    },
    usage: (appid, path, limits) => {
      const limit = limitOf(appid, path, limits)
      return { limit, usedToday: limit.daily === undefined ? 0 : counterOf(appid, path).today }
    },
    setLimit: (appid, path, limit) => void ownLimits.set(`${appid} ${path}`, limit),
    clearDay: (appid) => {
      if (!spend(appid, 'all', clearsAMonth)) return false
      for (const counter of counters.get(appid)?.values() ?? []) counter.today = 0
      return true
    },
    clearPath: (appid, path) => {
      if (!spend(appid, 'one', pathClearsAMonth)) return false
      counterOf(appid, path).today = 0
      return true
    },
    ownLimits: () =>
      Array.from(ownLimits, ([key, limit]) => {
        const [appid = '', path = ''] = key.split(' ')
        return { appid, path, ...limit }
      }),
    clear: () => {
      counters.clear()
      ownLimits.clear()
      clears.clear()
    },
  }
}
