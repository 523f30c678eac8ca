/**
 * The access tokens that the facade gives out. They are ours and good for the facade alone, so it needs no WeChat to
 * make or to check one, and nothing is stored: a token says whose it is and until when, and an HMAC vouches for it.
 *
 * `1_` and, as base64url: a version byte, the expiry in Unix seconds (4 bytes), the appid (32 bytes, filled up with
 * zeros) and an HMAC-SHA512 over these, the tenant and the account's secret. A secret that changes takes its tokens
 * with it, and so does an account that changes hands. While the master key is being replaced, tokens of the former one
 * are good as well.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { Account } from '../directory.ts'

export interface FacadeTokens {
  /** One that lives for two hours from now on. Earlier ones live on: callers need not know of each other. */
  fresh(account: Account, nowMs: number): FacadeToken
  /**
   * The same one for whoever asks, here and at every other gateway, until its last five minutes; then the next one,
   * and both are good. So what is left of its life is always more than five minutes.
   */
  stable(account: Account, nowMs: number): FacadeToken
  /** Whose token this is, or why it is not good: 40001 none of ours, or of an earlier secret · 42001 expired. */
  check(text: string, nowMs: number): Account | 40001 | 42001
}

export interface FacadeToken {
  readonly text: string
  readonly lifeSeconds: number
}

const lifeSeconds = 7200
const overlapSeconds = 300
const periodSeconds = lifeSeconds - overlapSeconds

const version = 1
const appidBytes = 32
const statementBytes = 1 + 4 + appidBytes
const macBytes = 64
const shape = /^1_[\w-]{135}$/

export const createFacadeTokens = (
  keys: readonly [current: Uint8Array, ...former: Uint8Array[]],
  accountOf: (appid: string) => Account | undefined,
): FacadeTokens => {
  const macOf = (key: Uint8Array, statement: Buffer, { tenant, secret }: Account): Buffer =>
    createHmac('sha512', key)
      .update(statement)
      .update(JSON.stringify([tenant, secret]))
      .digest()

  const tokenUntil = (account: Account, expiresAt: number, now: number): FacadeToken => {
    const statement = Buffer.alloc(statementBytes)
    statement.writeUInt8(version, 0)
    statement.writeUInt32BE(expiresAt, 1)
    statement.write(account.appid, 5, 'latin1')
    const bytes = Buffer.concat([statement, macOf(keys[0], statement, account)])
    return { text: `1_${bytes.toString('base64url')}`, lifeSeconds: expiresAt - now }
  }

  /** Accounts take turns: all at once would renew their tokens in the same second otherwise. */
  const turnOf = ({ appid }: Account): number =>
    createHmac('sha256', keys[0]).update(appid).digest().readUInt32BE(0) % periodSeconds

  return {
    fresh(account, nowMs) {
      const now = Math.floor(nowMs / 1000)
      return tokenUntil(account, now + lifeSeconds, now)
    },
    stable(account, nowMs) {
      const now = Math.floor(nowMs / 1000)
      const turn = turnOf(account)
      const start = Math.floor((now - turn) / periodSeconds) * periodSeconds + turn
      return tokenUntil(account, start + lifeSeconds, now)
    },
    check(text, nowMs) {
      const bytes = bytesOf(text)
      if (bytes === undefined) return 40001
      const statement = bytes.subarray(0, statementBytes)
      const account = accountOf(statement.toString('latin1', 5).replace(/\0+$/, ''))
      const mac = bytes.subarray(statementBytes)
      if (!account || !keys.some((key) => timingSafeEqual(macOf(key, statement, account), mac))) return 40001
      return statement.readUInt32BE(1) * 1000 > nowMs ? account : 42001
    },
  }
}

/** Decoders skip what they do not know, so only the one right spelling counts. */
const bytesOf = (text: string): Buffer | undefined => {
  if (!shape.test(text)) return undefined
  const bytes = Buffer.from(text.slice(2), 'base64url')
  return bytes.length === statementBytes + macBytes && bytes.toString('base64url') === text.slice(2)
    ? bytes
    : undefined
}
