/**
 * Signatures of what we post to others, by the rules of Standard Webhooks: `webhook-id`, `webhook-timestamp` (Unix
 * seconds) and `webhook-signature`, which holds `v1,` and the base64 of an HMAC-SHA256 over `id.timestamp.body` for
 * each secret, separated by blanks. A secret is `whsec_` and the base64 of its bytes.
 */
import { createHmac, randomBytes } from 'node:crypto'

const prefix = 'whsec_'
const leastBytes = 24
const mostBytes = 64

export const newWebhookSecret = (): string => prefix + randomBytes(32).toString('base64')

/** The bytes of a secret, or nothing when the text is none. */
export const webhookKeyOf = (secret: string): Buffer | undefined => {
  if (!secret.startsWith(prefix) || !/^[A-Za-z0-9+/]+={0,2}$/.test(secret.slice(prefix.length)))
    return undefined
  const key = Buffer.from(secret.slice(prefix.length), 'base64')
  return key.length >= leastBytes && key.length <= mostBytes ? key : undefined
}

export interface WebhookPost {
  /** The same at every attempt: the receiver tells a repeat by it. */
  readonly id: string
  /** Unix seconds. */
  readonly timestamp: number
  readonly body: string
}

/** The three headers. Throws when a secret is none: it was checked when it was stored. */
export const webhookHeaders = (secrets: readonly string[], post: WebhookPost): Record<string, string> => ({
  'webhook-id': post.id,
  'webhook-timestamp': String(post.timestamp),
  'webhook-signature': secrets.map((secret) => `v1,${sign(secret, post)}`).join(' '),
})

const sign = (secret: string, { id, timestamp, body }: WebhookPost): string => {
  const key = webhookKeyOf(secret)
  if (key === undefined) throw new Error('A webhook secret must be whsec_ and the base64 of 24 to 64 bytes')
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
}
