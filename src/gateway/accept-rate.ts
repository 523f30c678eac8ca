/**
 * How many messages a second a tenant may hand over: a token bucket for each tenant that has a limit. Nothing of one
 * tenant's bucket shows in another's answers, and who has no limit is told of none.
 *
 * Headers follow draft-ietf-httpapi-ratelimit-headers-11.
 */
import type { FastifyReply } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Directory } from '../directory.ts'
import type { TenantLimits } from '../tenants.ts'
import { Problem } from './problems.ts'

/** Takes tokens for one request, as it learns how many messages it holds. Throws `rate-limited`. */
export interface Admission {
  /** What the request holds beyond the one message that every request counts as. */
  more(messages: number): void
}

export interface AcceptRate {
  /** Counts a request as one message, before its body is looked at. */
  admit(tenant: string, reply: FastifyReply): Admission
}

interface Bucket {
  /** Below none after an array that is larger than the burst: it is paid for by waiting. */
  tokens: number
  at: number
}

const policy = 'messages'
const free: Admission = { more() {} }

export const createAcceptRate = (clock: Clock, directory: Pick<Directory, 'tenant'>): AcceptRate => {
  // Holds tenants only, and there are as many as an operator has made.
  const buckets = new Map<string, Bucket>()

  const filled = (tenant: string, { rate, burst }: Rate): Bucket => {
    const now = clock.now()
    const bucket = buckets.get(tenant) ?? { tokens: burst, at: now }
    buckets.set(tenant, bucket)
    const gained = (Math.max(0, now - bucket.at) / 1000) * rate
    bucket.tokens = Math.min(burst, bucket.tokens + gained)
    bucket.at = now
    return bucket
  }

  return {
    admit(tenant, reply) {
      const rate = rateOf(directory.tenant(tenant)?.limits)
      if (!rate) return free
      const bucket = filled(tenant, rate)
      const tell = () => reply.headers(headersOf(rate, bucket))
      /** `held` was taken for this request already; together they never need more than a full bucket. */
      const take = (count: number, held: number): void => {
        const needed = Math.min(count, rate.burst - held)
        const enough = bucket.tokens >= needed
        if (enough) bucket.tokens -= count
        tell()
        if (enough) return
        const waitSeconds = (needed + held - bucket.tokens) / rate.rate
        throw new Problem('rate-limited', {
          retryAfterSeconds: Math.max(1, Math.ceil(waitSeconds)),
          members: { 'violated-policies': [policy] },
        })
      }
      take(1, 0)
      return {
        more(messages) {
          if (messages > 0) take(messages, 1)
        },
      }
    },
  }
}

interface Rate {
  /** Messages a second. */
  readonly rate: number
  readonly burst: number
}

const rateOf = ({ messagesPerSecond: rate, burst = rate }: TenantLimits = {}): Rate | undefined =>
  rate === undefined || burst === undefined ? undefined : { rate, burst }

/** What there is, what is left of it, and in how many seconds it is whole again. */
const headersOf = ({ rate, burst }: Rate, { tokens }: Bucket) => ({
  'RateLimit-Policy': `"${policy}";q=${burst};w=${Math.max(1, Math.ceil(burst / rate))}`,
  RateLimit: `"${policy}";r=${Math.max(0, Math.floor(tokens))};t=${Math.ceil((burst - tokens) / rate)}`,
})
