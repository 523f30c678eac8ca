import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { Vault } from './directory.ts'

const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** A new master key, as the text it is kept as. */
export const newMasterKey = (): string => randomBytes(keyBytes).toString('base64')

/** AES-256-GCM under one master key, given as 32 bytes in base64. The context is authenticated with each text. */
export const createVault = (masterKey: string): Vault => {
  const key = Buffer.from(masterKey.trim(), 'base64')
  if (key.length !== keyBytes)
    throw new Error(`The master key must be ${keyBytes} bytes in base64, this one has ${key.length}`)
  return {
    seal(text, context) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context))
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return sealed.toString('base64')
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64')
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, nonceBytes))
        decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-tagBytes))
        return decipher.update(bytes.subarray(nonceBytes, -tagBytes)).toString() + decipher.final().toString()
      } catch (cause) {
        throw new Error('A stored secret does not open: the master key is not the one that sealed it', {
          cause,
        })
      }
    },
  }
}
