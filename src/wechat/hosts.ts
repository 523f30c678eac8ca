/**
 * Which host of WeChat's the next call goes to. Pure: the time, on the monotonic clock, comes as an argument.
 *
 * WeChat names several hosts that serve the same paths with the same tokens (official page on interface domains):
 * api, api2 for recovery from disasters, and three places. The first is used as long as it is well. Calls in a row
 * that fail open a switch to the next one; that concerns later calls only, and no call is ever sent twice because
 * of it. The way back is one harmless question to the first host, after a while that doubles each time it fails or
 * the host does not stay well.
 */
export interface Hosts {
  /** The number of the host for the next call. */
  readonly active: () => number
  /** A call to this host came to an end. Answers the switch that it led to, if it did. */
  note(host: number, end: CallEnd, now: number): Switch | undefined
  /** Whether the first host is to be asked now whether it is well; true once, until `probed`. */
  probeDue(now: number): boolean
  probed(well: boolean, now: number): Switch | undefined
}

/** `well`: an answer of WeChat's came. `ill`: none came, or one of gear in front. `full`: 45104. `else`: says nothing. */
export type CallEnd = 'well' | 'ill' | 'full' | 'else'

export interface Switch {
  readonly from: number
  readonly to: number
}

/** Failures in a row that take a host out of use. One lost connection takes several calls with it. */
const failuresToSwitch = 8
/** For so long a host that was left is not looked at again; doubles each time, up to the longest. */
const shortestRestMs = 30_000
const longestRestMs = 15 * 60_000
/** A host that has been used so long since it was last left is trusted as at the start. */
const trustedAfterMs = 10 * 60_000

interface Health {
  failures: number
  /** Times in a row that it was left soon after it had been taken up. */
  setbacks: number
  takenUpAt: number
  restUntil: number
}

export const createHosts = (count: number): Hosts => {
  const hosts: Health[] = Array.from({ length: count }, () => ({
    failures: 0,
    setbacks: 0,
    takenUpAt: Number.NEGATIVE_INFINITY,
    restUntil: Number.NEGATIVE_INFINITY,
  }))
  let active = 0
  let probing = false

  const takeUp = (to: number, now: number): Switch => {
    const from = active
    active = to
    hosts[to]!.failures = 0
    hosts[to]!.takenUpAt = now
    return { from, to }
  }

  const rest = (host: Health, now: number): void => {
    host.restUntil = now + Math.min(shortestRestMs * 2 ** Math.min(host.setbacks, 10), longestRestMs)
    host.setbacks++
  }

  /** The first that is not resting, in the order they were given; otherwise the one that has rested longest. */
  const successor = (now: number): number => {
    const others = hosts.map((_, index) => index).filter((index) => index !== active)
    const rested = others.find((index) => hosts[index]!.restUntil <= now)
    return rested ?? others.toSorted((a, b) => hosts[a]!.restUntil - hosts[b]!.restUntil)[0]!
  }

  const leave = (now: number): Switch => {
    const host = hosts[active]!
    if (now - host.takenUpAt >= trustedAfterMs) host.setbacks = 0
    rest(host, now)
    return takeUp(successor(now), now)
  }

  return {
    active: () => active,

    note(host, end, now) {
      const health = hosts[host]!
      if (end === 'well') health.failures = 0
      else if (end === 'ill') health.failures++
      // What comes from a host that was left already changes nothing any more.
      if (host !== active || hosts.length === 1) return undefined
      return end === 'full' || health.failures >= failuresToSwitch ? leave(now) : undefined
    },

    probeDue(now) {
      if (active === 0 || probing || now < hosts[0]!.restUntil) return false
      probing = true
      return true
    },

    probed(well, now) {
      probing = false
      if (active === 0) return undefined
      if (well) return takeUp(0, now)
      rest(hosts[0]!, now)
      return undefined
    },
  }
}

const wechat = 'https://api.weixin.qq.com'
const knownFallbacks = ['api2', 'sh.api', 'sz.api', 'hk.api'].map((name) => `https://${name}.weixin.qq.com`)

/** The other hosts: those that were configured, or WeChat's own where that is who is called. */
export const fallbackOrigins = (
  origin: string,
  configured: readonly string[] | undefined,
): readonly string[] =>
  (configured ?? (origin === wechat ? knownFallbacks : [])).filter((other) => other !== origin)
