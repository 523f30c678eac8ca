import { randomBytes } from 'node:crypto'
import type { CallbackSettings, Directory } from '../directory.ts'

/**
 * Lets the simulator push its events to the gateway, as WeChat does once the address stands in its console: receipts
 * make `sent` into `delivered`, and follows, popups and messages of simulated users reach the books.
 */
export const connectCallbacks = async ({
  directory,
  appids,
  gateway,
  simulatorAdmin,
  conduct = {},
}: {
  readonly directory: Directory
  readonly appids: readonly string[]
  readonly gateway: string
  readonly simulatorAdmin: string
  /** How the simulator pushes, in the fields of its admin API. */
  readonly conduct?: Readonly<Record<string, unknown>>
}): Promise<void> => {
  for (const appid of appids) {
    const account = await directory.changeAccount(appid, (present) =>
      present.callback ? present : { ...present, callback: newCallback() },
    )
    if (account?.callback === undefined) continue
    const { token, aesKeys, mode } = account.callback
    await configure(simulatorAdmin, {
      ...{ appid, token, mode, url: `${gateway}/callbacks/${appid}` },
      ...(aesKeys[0] !== undefined && { aes_key: aesKeys[0] }),
      ...conduct,
    })
  }
}

const newCallback = (): CallbackSettings => ({
  token: randomBytes(12).toString('hex'),
  aesKeys: [newAesKey()],
  mode: 'safe',
})

/** 43 letters and digits, as WeChat's console makes one. */
const newAesKey = (): string => {
  const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
  return Array.from(randomBytes(43), (byte) => characters[byte % characters.length]).join('')
}

const configure = async (admin: string, body: object): Promise<void> => {
  const response = await fetch(`${admin}/_sim/callbacks`, { method: 'POST', body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`The simulator does not take the callback: ${await response.text()}`)
}
