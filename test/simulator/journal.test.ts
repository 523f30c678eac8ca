import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createRing } from '../../src/simulator/ring.ts'
import {
  aMessage,
  answerOf,
  aSubscribeMessage,
  miniprogram,
  official,
  openSimulator,
  subscribeSend,
  templateSend,
} from './open.ts'

const aHome = async (t: TestContext): Promise<string> => {
  const home = await mkdtemp(join(tmpdir(), 'simulator-'))
  t.after(() => rm(home, { recursive: true }))
  return home
}

/** A simulator in a process of its own; it prints its address. */
const spawnSimulator = async (t: TestContext, home: string, more: object = {}) => {
  const entry = new URL('../../src/simulator/simulator.ts', import.meta.url)
  const free = { host: '127.0.0.1', port: 0 }
  const options = JSON.stringify({ api: free, admin: free, home, latency: { fixedMs: 0 }, ...more })
  const script = `const { startSimulator } = await import('${entry}'); console.log((await startSimulator(${options})).url)`
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script])
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout!, 'data')
  return { child, url: String(line).trim() }
}

const post = async (address: string, body: object) => {
  const response = await fetch(address, { method: 'POST', body: JSON.stringify(body) })
  return answerOf(response.status, await response.text())
}

suite('the journal', () => {
  test('what was answered outlives kill -9', { timeout: 30_000 }, async (t: TestContext) => {
    const home = await aHome(t)
    const { child, url } = await spawnSimulator(t, home)
    const { appid, secret } = official
    const claim = { grant_type: 'client_credential', appid, secret }
    const token = (await post(`${url}/cgi-bin/stable_token`, claim)).json.access_token
    const message = aMessage({ client_msg_id: 'order-1' })
    const sent = await post(`${url}${templateSend}?access_token=${token}`, message)
    child.kill('SIGKILL')
    await once(child, 'exit')

    const sim = await openSimulator(t, { home })
    t.assert.partialDeepStrictEqual(await sim.effects(), [{ client_msg_id: 'order-1', msgid: sent.msgid }])
    t.assert.equal(await sim.tokenOf(), token)
    t.assert.equal((await sim.send(String(token), { client_msg_id: 'order-1' })).msgid, sent.msgid)
    const next = await sim.send(String(token), { client_msg_id: 'order-2' })
    t.assert.ok(BigInt(next.msgid ?? 0) > BigInt(sent.msgid ?? 0))
    t.assert.equal((await sim.effects()).length, 2)
  })

  test('a grant that was used stays used', { timeout: 30_000 }, async (t: TestContext) => {
    const home = await aHome(t)
    const { appid, secret, openids, templates } = miniprogram
    const grant = {
      appid,
      touser: openids[0],
      template_id: templates[0]?.template_id,
      kind: 'once',
      count: 2,
    }
    const begin = { grants: 'counted', scenario: { grants: [grant] } } as const
    const { child, url } = await spawnSimulator(t, home, begin)
    const claim = { grant_type: 'client_credential', appid, secret }
    const token = (await post(`${url}/cgi-bin/stable_token`, claim)).json.access_token
    await post(`${url}${subscribeSend}?access_token=${token}`, aSubscribeMessage())
    child.kill('SIGKILL')
    await once(child, 'exit')

    const sim = await openSimulator(t, { home, ...begin })
    const { json } = await sim.admin(`grants?appid=${appid}`)
    t.assert.deepEqual(json.grants, [{ ...grant, count: 1 }])
  })

  test('a client_msg_id that guarded nothing guards nothing later', async (t: TestContext) => {
    const home = await aHome(t)
    const message = aMessage({ client_msg_id: 'order-1' })
    const first = await openSimulator(t, { home })
    await first.as(official, '/cgi-bin/message/subscribe/bizsend', message)
    await first.close()
    const second = await openSimulator(t, { home })
    await second.as(official, templateSend, message)
    t.assert.equal((await second.effects()).length, 2)
  })

  test('a torn last line is dropped and the next record is whole', async (t: TestContext) => {
    const home = await aHome(t)
    const first = await openSimulator(t, { home })
    await first.send(await first.tokenOf())
    await first.close()
    await appendFile(join(home, 'truth.ndjson'), '{"kind":"effect","effect":{"app')
    const second = await openSimulator(t, { home })
    t.assert.equal((await second.effects()).length, 1)
    await second.send(await second.tokenOf())
    await second.close()
    const third = await openSimulator(t, { home })
    t.assert.equal((await third.effects()).length, 2)
  })

  test('damage in the middle is told, not skipped', async (t: TestContext) => {
    const home = await aHome(t)
    await appendFile(join(home, 'truth.ndjson'), '{"kind":"msgid","last":"3500000000000000131"}\n{"ki\n')
    await t.assert.rejects(openSimulator(t, { home }), /truth\.ndjson:2 is damaged/)
  })

  test('a forced token, a replaced one and a moved clock are remembered', async (t: TestContext) => {
    const home = await aHome(t)
    const first = await openSimulator(t, { home })
    const old = await first.tokenOf()
    await first.advance(86_400_000 * 3)
    const current = await first.tokenOf()
    await first.admin('tokens/rotate', { appid: official.appid })
    await first.close()
    const second = await openSimulator(t, { home })
    t.assert.equal((await second.send(old)).json.errcode, 42001)
    t.assert.equal((await second.send(current)).json.errcode, 40001)
    const now = Date.parse(String((await second.admin('clock')).json.now))
    t.assert.ok(now - Date.now() > 86_400_000 * 2.9)
  })

  test('a reset empties it, except for what must not come again', async (t: TestContext) => {
    const home = await aHome(t)
    const first = await openSimulator(t, { home })
    const token = await first.tokenOf()
    const sent = await first.send(token)
    await first.admin('reset', {})
    t.assert.doesNotMatch(await readFile(join(home, 'truth.ndjson'), 'utf8'), /effect/)
    await first.close()
    const second = await openSimulator(t, { home })
    t.assert.deepEqual(await second.effects(), [])
    const next = await second.send(token)
    t.assert.ok(BigInt(next.msgid ?? 0) > BigInt(sent.msgid ?? 0))
  })
})

suite('a ring', () => {
  test('keeps the newest in order and counts them all', (t: TestContext) => {
    const ring = createRing<number>(3)
    for (const n of [1, 2, 3, 4, 5]) ring.push(n)
    t.assert.deepEqual([...ring.items()], [3, 4, 5])
    t.assert.equal(ring.total(), 5)
  })
})
