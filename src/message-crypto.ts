/**
 * WeChat's message encryption (WXBizMsgCrypt), as the official page on message push describes it, and the two
 * signatures of its callbacks. Whoever receives callbacks and whoever plays WeChat in tests share these rules.
 *
 * A ciphertext is AES-256-CBC with the key's first 16 bytes as IV over: 16 random bytes, the length of the
 * message as a 32-bit big-endian number of bytes, the message in UTF-8, and the appid; padded by PKCS#7 with a
 * block of 32, which is why the platform's own padding (a block of 16) is off.
 */
import { createCipheriv, createDecipheriv, hash, timingSafeEqual } from 'node:crypto'

const randomBytes = 16
const lengthBytes = 4
const paddingBlock = 32

/** The 32 bytes of an EncodingAESKey (43 letters and digits), or nothing when it is none. Trailing bits may be set. */
export const messageKeyOf = (encodingAesKey: string): Buffer | undefined =>
  /^[A-Za-z0-9]{43}$/.test(encodingAesKey) ? Buffer.from(`${encodingAesKey}=`, 'base64') : undefined

/** Lower-case hex sha1 of the parts in byte order, joined: `signature` of (token, timestamp, nonce), `msg_signature` of those and the ciphertext. */
export const callbackSignature = (...parts: readonly string[]): string =>
  hash('sha1', [...parts].sort().join(''), 'hex')

/** Whether `given` is that signature. Takes the same time for every wrong one. */
export const sameSignature = (expected: string, given: string): boolean =>
  timingSafeEqual(hash('sha256', expected, 'buffer'), hash('sha256', given.toLowerCase(), 'buffer'))

export interface Plaintext {
  readonly message: string
  /** Whose message it says it is; a receiver compares it with its own. */
  readonly appid: string
}

/** Base64. `random` is 16 bytes, never the same twice. */
export const encryptMessage = (key: Buffer, { message, appid }: Plaintext, random: Uint8Array): string => {
  if (random.length !== randomBytes) throw new RangeError(`The random part must be ${randomBytes} bytes`)
  const text = Buffer.from(message)
  const length = Buffer.alloc(lengthBytes)
  length.writeUInt32BE(text.length)
  const plain = Buffer.concat([random, length, text, Buffer.from(appid)])
  const pad = paddingBlock - (plain.length % paddingBlock)
  const cipher = createCipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  return Buffer.concat([
    cipher.update(plain),
    cipher.update(Buffer.alloc(pad, pad)),
    cipher.final(),
  ]).toString('base64')
}

/** What was encrypted, or nothing: wrong key, damaged, cut short, or not text. It never says which. */
export const decryptMessage = (key: Buffer, ciphertext: string): Plaintext | undefined => {
  const bytes = Buffer.from(ciphertext, 'base64')
  if (bytes.length === 0 || bytes.length % 16 !== 0) return undefined
  const decipher = createDecipheriv('aes-256-cbc', key, key.subarray(0, 16)).setAutoPadding(false)
  const padded = Buffer.concat([decipher.update(bytes), decipher.final()])
  const plain = unpadded(padded)
  if (plain === undefined || plain.length < randomBytes + lengthBytes) return undefined
  const start = randomBytes + lengthBytes
  const end = start + plain.readUInt32BE(randomBytes)
  if (end > plain.length) return undefined
  const message = textOf(plain.subarray(start, end))
  const appid = textOf(plain.subarray(end))
  return message === undefined || appid === undefined ? undefined : { message, appid }
}

const unpadded = (padded: Buffer): Buffer | undefined => {
  const pad = padded[padded.length - 1]!
  if (pad < 1 || pad > paddingBlock || pad > padded.length) return undefined
  for (let at = padded.length - pad; at < padded.length; at++) if (padded[at] !== pad) return undefined
  return padded.subarray(0, padded.length - pad)
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const textOf = (bytes: Uint8Array): string | undefined => {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}
