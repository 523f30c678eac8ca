/** What the clock makes of a key: which of its secrets count now, and what becomes of them in a rotation. */
import type { AccessKey } from './directory.ts'

/** Whether the key has not run out. */
export const isLive = ({ expiresAt = Number.POSITIVE_INFINITY }: AccessKey, now: number): boolean =>
  now < expiresAt

/** The secrets that are taken now, newest first: one, or two while the key is being rotated. None once it has run out. */
export const liveSecrets = (key: AccessKey, now: number): readonly string[] => {
  if (!isLive(key, now)) return []
  return key.secrets.length > 1 && !olderIsLive(key, now) ? key.secrets.slice(0, 1) : key.secrets
}

/** Until when the older of two secrets is taken as well, if it still is. */
export const olderSecretUntil = (key: AccessKey, now: number): number | undefined =>
  key.secrets.length > 1 && olderIsLive(key, now) ? key.olderSecretUntil : undefined

/** The key with a new secret. The one before it counts for the overlap; any still older one is gone at once. */
export const rotated = (
  key: AccessKey,
  { secret, now, overlapMs }: { readonly secret: string; readonly now: number; readonly overlapMs: number },
): AccessKey => {
  const { olderSecretUntil: _, ...rest } = key
  return overlapMs === 0
    ? { ...rest, secrets: [secret] }
    : { ...rest, secrets: [secret, ...key.secrets.slice(0, 1)], olderSecretUntil: now + overlapMs }
}

const olderIsLive = (
  { olderSecretUntil: until = Number.POSITIVE_INFINITY }: AccessKey,
  now: number,
): boolean => now < until
