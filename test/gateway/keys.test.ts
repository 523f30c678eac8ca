import { type TestContext, test } from 'node:test'
import type { AccessKey } from '../../src/directory.ts'
import { createKeyUse } from '../../src/gateway/key-use.ts'
import { createTestClock } from '../support/clock.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type Ask, keyIdOf, openGateway, secretOf } from '../support/gateway.ts'

const schemes = ['v1', 'params', 'bearer'] as const
const list: Ask = { method: 'GET', path: '/v1/messages' }
const rotate = (overlap_seconds?: number, caller: 'sender' | 'acme' = 'sender'): Ask => ({
  path: `/v1/keys/${keyIdOf(caller)}/rotate`,
  body: overlap_seconds === undefined ? undefined : { overlap_seconds },
})
const daySeconds = 86_400

test('nobody is refused while a key is being rotated', async (t: TestContext) => {
  const { ask, clock } = await openGateway(t)
  const refused: string[] = []
  let asked = 0
  const use = async (...secrets: readonly string[]) => {
    for (const secret of secrets)
      for (const scheme of schemes) {
        asked++
        const { status, text } = await ask({ as: 'sender', secret, scheme })
        if (status !== 202) refused.push(`${scheme}: ${text}`)
      }
  }
  const old = secretOf('sender')
  await use(old)
  // Whoever asks during the rotation itself is served as well.
  const [{ status, json }] = await Promise.all([ask(rotate(3600)), use(old), use(old)])
  t.assert.equal(status, 200)
  t.assert.equal(json.old_secret_until, new Date(clock.now() + 3_600_000).toISOString())
  await use(old, json.secret)
  clock.advance(3_599_999)
  await use(old, json.secret)
  t.assert.deepEqual([refused, asked], [[], 21])

  clock.advance(1)
  for (const scheme of schemes)
    t.assert.deepEqual((await ask({ as: 'sender', secret: old, scheme })).json.code, 'auth-invalid')
  await use(json.secret)
  t.assert.deepEqual(refused, [])
})

test('the overlap is a day unless it is said, and may be none or thirty days', async (t: TestContext) => {
  const { ask, clock } = await openGateway(t)
  const untilAfter = async (seconds?: number) => (await ask(rotate(seconds))).json.old_secret_until
  const inSeconds = (seconds: number) => new Date(clock.now() + seconds * 1000).toISOString()
  t.assert.equal(await untilAfter(), inSeconds(daySeconds))
  t.assert.equal(await untilAfter(30 * daySeconds), inSeconds(30 * daySeconds))
  const last = (await ask(rotate(60))).json
  t.assert.equal(await untilAfter(0), null)
  t.assert.equal((await ask({ as: 'sender', secret: last.secret })).status, 401)
})

test('a second rotation in an overlap drops the oldest secret, and never are there three', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const secrets = [secretOf('sender')]
  for (let n = 0; n < 3; n++) secrets.push((await ask(rotate(3600))).json.secret)
  const statuses = []
  for (const secret of secrets) statuses.push((await ask({ as: 'sender', secret })).status)
  t.assert.deepEqual(statuses, [401, 401, 202, 202])
})

test('of two rotations at once, both secrets that were shown work', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const answers = await Promise.all([ask(rotate(3600)), ask(rotate(3600))])
  for (const { json } of answers)
    t.assert.equal((await ask({ as: 'sender', secret: json.secret })).status, 202)
})

test('a key can rotate itself', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const { json } = await ask(rotate(60, 'acme'))
  t.assert.equal((await ask({ secret: json.secret })).status, 202)
  t.assert.equal((await ask()).status, 202)
})

test('a rotation is kept over a restart, with its end', async (t: TestContext) => {
  const folder = temporaryFolder(t)
  const clock = createTestClock(Date.now())
  const first = await openGateway(t, { folder, clock })
  const { secret } = (await first.ask(rotate(3600))).json
  await first.close()
  const second = await openGateway(t, { folder, clock })
  const statuses = async () => [
    (await second.ask({ as: 'sender' })).status,
    (await second.ask({ as: 'sender', secret })).status,
  ]
  t.assert.deepEqual(await statuses(), [202, 202])
  clock.advance(3_600_000)
  t.assert.deepEqual(await statuses(), [401, 202])
})

test('a key runs out at its time and not before', async (t: TestContext) => {
  const { ask, clock } = await openGateway(t)
  const expires_at = new Date(clock.now() + 60_000).toISOString()
  const made = await ask({ path: '/v1/keys', body: { name: 'guest', scopes: ['read'], expires_at } })
  t.assert.deepEqual([made.status, made.json.expires_at], [201, expires_at])
  const asIt: Ask = { ...list, scheme: 'none', headers: { Authorization: `Bearer ${made.json.bearer}` } }
  clock.advance(59_999)
  t.assert.equal((await ask(asIt)).status, 200)
  clock.advance(1)
  t.assert.deepEqual((await ask(asIt)).json.code, 'auth-invalid')
})

test('a key tells when it was last used, to the minute, and nothing is written for it', async (t: TestContext) => {
  let written = 0
  const { ask, clock } = await openGateway(t, {
    clock: createTestClock(Date.parse('2026-05-01T10:00:59.500Z')),
    parts: ({ directory }) => ({
      directory: {
        ...directory,
        putKey: (key: AccessKey) => {
          written++
          return directory.putKey(key)
        },
      },
    }),
  })
  const lastUsed = async () => {
    const { json } = await ask({ method: 'GET', path: '/v1/keys' })
    return json.data.find(({ id }: { id: string }) => id === keyIdOf('reader')).last_used
  }
  t.assert.equal(await lastUsed(), null)
  await ask({ ...list, as: 'reader' })
  t.assert.equal(await lastUsed(), '2026-05-01T10:00:00.000Z')
  clock.advance(60_000)
  await ask({ ...list, as: 'reader', secret: 'wrong' })
  t.assert.equal(await lastUsed(), '2026-05-01T10:00:00.000Z')
  await ask({ ...list, as: 'reader' })
  t.assert.equal(await lastUsed(), '2026-05-01T10:01:00.000Z')
  t.assert.equal(written, 0)
})

test('what is remembered of the use of keys has an end', (t: TestContext) => {
  const use = createKeyUse(createTestClock())
  for (let n = 0; n <= 100_000; n++) use.note(`key_${n}`)
  t.assert.equal(use.lastUsed('key_0'), undefined)
  t.assert.notEqual(use.lastUsed('key_100000'), undefined)
  use.forget('key_100000')
  t.assert.equal(use.lastUsed('key_100000'), undefined)
})
