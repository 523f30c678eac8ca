import { createCipheriv, createDecipheriv, hash, hkdfSync, randomBytes } from 'node:crypto'
import type { Vault } from './directory.ts'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** A shorter tag would be easier to guess, so it is none. */
const options = { authTagLength: tagBytes }
const version = 'v2'

/** A new master key, as the text it is kept as. */
export const newMasterKey = (): string => randomBytes(keyBytes).toString('base64')

export interface DerivedKeys {
  /**
   * Keys of 32 bytes for one purpose: that of the master key, then that of the one being replaced. They are the same
   * wherever the master key is the same, and tell nothing of it or of each other.
   */
  keysFor(purpose: string): readonly [current: Uint8Array, ...former: Uint8Array[]]
}

/**
 * AES-256-GCM under a master key, given as 32 bytes in base64. `former` is a master key that is being replaced:
 * what it sealed opens as well, but nothing new is sealed under it.
 *
 * A sealed text is `v2.<id of the key>.<base64 of nonce, ciphertext and tag>`. What stands before the last dot and
 * the context are authenticated with it. Texts of the first version were bare base64 without the id of their key.
 */
export const createVault = (masterKey: string, former?: string): Vault & DerivedKeys => {
  const current = readKey(masterKey)
  const keys = former === undefined ? [current] : [current, readKey(former)]
  return {
    seal(text, context) {
      const head = `${version}.${current.id}`
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', current.bytes, nonce, options).setAAD(
        authenticated(head, context),
      )
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `${head}.${sealed.toString('base64')}`
    },
    open(sealed, context) {
      const { head, id, bytes } = partsOf(sealed)
      const candidates = id === undefined ? keys : keys.filter((key) => key.id === id)
      for (const key of candidates) {
        const text = opened(key, bytes, authenticated(head, context))
        if (text !== undefined) return text
      }
      throw new Error(failure(id, candidates.length > 0))
    },
    isCurrent: (sealed) => partsOf(sealed).id === current.id,
    keysFor(purpose) {
      const derived = ({ bytes }: MasterKey) =>
        new Uint8Array(hkdfSync('sha256', bytes, '', `hongyan/${purpose}`, keyBytes))
      return [derived(current), ...keys.slice(1).map(derived)]
    },
  }
}

interface MasterKey {
  /** Tells keys apart and says nothing of them: the start of a digest. */
  readonly id: string
  readonly bytes: Buffer
}

const readKey = (text: string): MasterKey => {
  const bytes = Buffer.from(text.trim(), 'base64')
  if (bytes.length !== keyBytes)
    throw new Error(`The master key must be ${keyBytes} bytes in base64, this one has ${bytes.length}`)
  const label = Buffer.from('id of a hongyan master key:')
  return { id: hash('sha256', Buffer.concat([label, bytes]), 'hex').slice(0, 12), bytes }
}

const partsOf = (sealed: string) => {
  const [, id, base64] = /^v2\.([0-9a-f]{12})\.([^.]*)$/.exec(sealed) ?? []
  return id === undefined
    ? { head: undefined, id, bytes: Buffer.from(sealed, 'base64') }
    : { head: `${version}.${id}`, id, bytes: Buffer.from(base64!, 'base64') }
}

const authenticated = (head: string | undefined, context: string): Buffer =>
  Buffer.from(head === undefined ? context : `${head}\n${context}`)

const opened = (key: MasterKey, bytes: Buffer, context: Buffer): string | undefined => {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, nonceBytes), options)
    decipher.setAAD(context).setAuthTag(bytes.subarray(-tagBytes))
    return decipher.update(bytes.subarray(nonceBytes, -tagBytes)).toString() + decipher.final().toString()
  } catch {
    return undefined
  }
}

const failure = (id: string | undefined, known: boolean): string => {
  const why = 'A stored secret does not open: the master key is not the one that sealed it'
  const remedy =
    'Every process needs the same one: set HONGYAN_MASTER_KEY, or put the master.key of the first into this home'
  return id === undefined || known
    ? `${why}, or the record was moved or changed. ${remedy}`
    : `${why} (its id is ${id}). ${remedy}`
}
