/**
 * When another system refreshes the same account's token, WeChat rejects ours with 40001 again and again. Each
 * time heals by itself; that it goes on is something a person should know and end. Pure.
 */

/** Tokens that turned out to have been changed by somebody else. Times are milliseconds since 1970 UTC. */
export interface Rivalry {
  /** The first of the series. */
  readonly since: number
  readonly changes: number
  /** The last few, oldest first. */
  readonly latest: readonly number[]
  /** When somebody was last told. */
  readonly toldAt: number
}

/** One more change. A series ends with an hour of peace. */
export const anotherChange = (rivalry: Rivalry | undefined, now: number): Rivalry => {
  const lastAt = rivalry?.latest.at(-1)
  if (rivalry === undefined || lastAt === undefined || now - lastAt > hour || lastAt > now)
    return { since: now, changes: 1, latest: [now], toldAt: Number.NEGATIVE_INFINITY }
  return {
    ...rivalry,
    changes: rivalry.changes + 1,
    latest: [...rivalry.latest.slice(1 - changesThatTell), now],
  }
}

/** Three in an hour are no accident: a secret is reset once, and a plain token outlives its successor by five minutes. */
export const isRivalry = ({ latest }: Rivalry, now: number): boolean =>
  latest.length >= changesThatTell && latest[0]! > now - hour

export const isWorthTelling = (rivalry: Rivalry, now: number): boolean =>
  isRivalry(rivalry, now) && now - rivalry.toldAt >= hour

/** In one sentence: who, since when, how often, and what to do. */
export const rivalryText = (account: { readonly name: string; readonly appid: string }, rivalry: Rivalry) => {
  const { since, changes, latest } = rivalry
  const everySeconds = Math.max(1, Math.round((latest.at(-1)! - since) / (changes - 1) / 1000))
  return {
    zh: `另有系统在刷新账号 ${account.name}（${account.appid}）的 access_token：自 ${timeText(since)} 起已被换掉 ${changes} 次，约每 ${everySeconds} 秒一次。请只让一个系统获取 token，或让所有系统都改用 stable_token 的普通模式。`,
    en: `another system keeps refreshing the access_token of ${account.name} (${account.appid}): it was changed ${changes} times since ${timeText(since)}, about every ${everySeconds} s; let one system ask for it, or use stable_token in normal mode everywhere`,
  }
}

const timeText = (at: number): string => new Date(at).toISOString()

const hour = 3_600_000
const changesThatTell = 3
