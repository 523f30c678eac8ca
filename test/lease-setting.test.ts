import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { ConfigError, readConfig } from '../src/config.ts'
import { demoAccounts } from '../src/main.ts'
import type { MessageId } from '../src/message.ts'
import { goodBody } from './support/running.ts'
import { anAccount, openSystem } from './support/system.ts'

const callTimeout = { HONGYAN_CALL_TIMEOUT_MS: '250' }

/** The shortest lease that is taken with this call timeout, as the refusal of a shorter one names it. */
const shortestLease = (): string => {
  try {
    readConfig({ ...callTimeout, HONGYAN_LEASE_MS: '5000' })
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return /at least (\d+)/.exec(error.message)![1]!
  }
  return '5000'
}

suite('the shortest lease', () => {
  test('leaves time to begin a call: what has been leased is sent', async (t) => {
    const system = await openSystem(t, { env: { ...callTimeout, HONGYAN_LEASE_MS: shortestLease() } })
    const { appid, name, secret, templates } = demoAccounts[0]!
    const known = templates.map(({ template_id: templateId, alias }) => ({
      templateId,
      ...(alias && { alias }),
    }))
    await system.service.directory.putAccount(anAccount(appid, { name, secret, templates: known }))
    const { id } = (await system.api.post('/v1/messages', { ...goodBody, account: appid })) as {
      id: MessageId
    }
    assert.equal((await system.settled(id)).settlement.kind, 'sent')
  })
})
