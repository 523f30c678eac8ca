/** Messages as the gateway makes them of its callers' inputs, without a gateway. */
import { openDirectory } from '../src/directory.ts'
import { acceptMessage } from '../src/gateway/accept.ts'
import type { Message } from '../src/message.ts'
import { createVault, newMasterKey } from '../src/vault.ts'
import { account, inputOf, tenant } from './workload.ts'

const directory = await openDirectory(
  { list: async () => [], put: async () => {}, remove: async () => {} },
  createVault(newMasterKey()),
)
await directory.putAccount(account)

/** The nth message. Its body is what WeChat is sent, byte for byte. */
export const messageOf = (n: number): Message =>
  acceptMessage(inputOf(n), { directory, tenant, now: Date.now(), defaultLifeMs: 72 * 3_600_000 })
