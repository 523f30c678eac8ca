/** The whole service on Redis with its history in PostgreSQL, and what happens while PostgreSQL is away. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import pg from 'pg'
import { connectCallbacks } from '../../src/cli/dev-callbacks.ts'
import { openPostgres } from '../../src/engines/postgres/postgres.ts'
import { demoAccounts, systemClock } from '../../src/main.ts'
import { startRecording } from '../../src/records.ts'
import { newMasterKey } from '../../src/vault.ts'
import { atEnd } from '../support/at-end.ts'
import { receiveNow } from '../support/harness.ts'
import { aMessage } from '../support/messages.ts'
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'
import { anAccount, openSystem, type System } from '../support/system.ts'
import { until } from '../support/waiting.ts'

const hourMs = 3_600_000
const patienceMs = 60_000

const [official] = demoAccounts as [(typeof demoAccounts)[0]]
const shipped = official.templates[0]!

interface View {
  readonly id: string
  readonly state: string
  readonly timeline?: readonly { readonly state: string }[]
}
interface Page {
  readonly data: readonly View[]
}

const openPostgresServer = async (t: TestContext): Promise<PostgresServer> => {
  const server = await startPostgres()
  atEnd(t, server.remove)
  return server
}

const openService = async (t: TestContext, redis: string, postgres: string): Promise<System> => {
  const system = await openSystem(t, {
    env: { HONGYAN_ENGINE: redis, HONGYAN_HISTORY: postgres, HONGYAN_MASTER_KEY: newMasterKey() },
  })
  const { appid, name, secret, templates } = official
  const known = templates.map(({ template_id: templateId, alias }) => ({
    templateId,
    ...(alias && { alias }),
  }))
  const { directory } = system.service
  await directory.putAccount(anAccount(appid, { name, secret, templates: known }))
  const { url: gateway, simulator } = system
  await connectCallbacks({ directory, appids: [appid], gateway, simulatorAdmin: simulator.adminUrl })
  return system
}

const send = async ({ api }: System, clientMsgId: string): Promise<View> => {
  const message = { account: official.name, touser: official.openids[0]!, template_id: shipped.alias }
  const body = { ...message, data: shipped.example, client_msg_id: clientMsgId }
  return (await api.post('/v1/messages', body)) as View
}

const get = async ({ api }: System, id: string) => (await api.get(`/v1/messages/${id}`)) as View

const isDelivered = (system: System, id: string) =>
  until(async () => (await get(system, id)).state === 'delivered', patienceMs)

/** How far the history is behind, as it is told to whoever watches the service. */
const lagOf = async ({ url }: System) => {
  const { history } = (await (await fetch(`${url}/readyz`)).json()) as {
    readonly history: { readonly waiting: number; readonly lag_ms: number }
  }
  return history
}

/** Lets Redis forget what it would forget in some hours. */
const forget = async (t: TestContext, url: string): Promise<void> => {
  const clock = { ...systemClock, now: () => Date.now() + 3 * hourMs }
  const { upkeep, cut } = await openRedisEngine(t, { url, clock, hasHistory: true })
  await upkeep.sweep()
  cut()
}

suite('a service with a history', { timeout: 240_000 }, () => {
  test('shows a message by its id and by searching when redis has forgotten it', async (t) => {
    const [redis, postgres] = await Promise.all([startRedis(t), openPostgresServer(t)])
    const system = await openService(t, redis.url, postgres.url)
    const { id } = await send(system, 'order-1')
    await isDelivered(system, id)
    await until(async () => (await lagOf(system)).waiting === 0, patienceMs)
    const before = await get(system, id)
    const keys = async () => (await redis.command('KEYS', `*:m:${id}`)) as readonly string[]
    assert.equal((await keys()).length, 1)
    // Nothing is forgotten before it is recorded.
    const isForgotten = async () => {
      await forget(t, redis.url)
      return (await keys()).length === 0
    }
    await until(isForgotten, patienceMs)
    assert.deepEqual(await get(system, id), before)
    for (const query of ['', '?q=order-1', '?state=delivered', `?touser=${official.openids[0]}`]) {
      const { data } = (await system.api.get(`/v1/messages${query}`)) as Page
      assert.deepEqual(
        data.map((view) => view.id),
        [id],
        query,
      )
    }
    const again = (await send(system, 'order-1')) as View & { readonly duplicate: boolean }
    assert.deepEqual([again.id, again.state, again.duplicate], [id, 'delivered', true])
  })

  test('starts while postgres is away, accepts and sends, and records everything later', async (t) => {
    const [redis, postgres] = await Promise.all([startRedis(t), openPostgresServer(t)])
    await postgres.kill()
    const system = await openService(t, redis.url, postgres.url)
    const accepted = [await send(system, 'order-1'), await send(system, 'order-2')]
    for (const { id } of accepted) await isDelivered(system, id)
    await until(async () => (await lagOf(system)).waiting > 0, patienceMs)
    await assert.rejects(system.api.get('/v1/messages'), { status: 503, code: 'history-away' })
    await postgres.start()
    await until(async () => (await lagOf(system)).waiting === 0, patienceMs)
    await forget(t, redis.url)
    const { data } = (await system.api.get('/v1/messages')) as Page
    assert.deepEqual(
      data.map(({ id, state }) => [id, state]),
      accepted.map(({ id }) => [id, 'delivered']).reverse(),
    )
  })

  test('does not start with a database that postgres does not know', async (t) => {
    const [redis, postgres] = await Promise.all([startRedis(t), openPostgresServer(t)])
    await assert.rejects(openService(t, redis.url, postgres.url.replace(/postgres$/, 'nowhere')), /nowhere/)
  })
})

suite('what redis tells', { timeout: 240_000 }, () => {
  test('is recorded once and whole although postgres is killed under load, again and again', async (t) => {
    const [redis, postgres] = await Promise.all([startRedis(t), openPostgresServer(t)])
    const clock = systemClock
    const engine = await openRedisEngine(t, { url: redis.url, clock, hasHistory: true })
    const retentionMs = 30 * 24 * hourMs
    const records = openPostgres({
      url: postgres.url,
      clock,
      retentionMs,
      onUpkeepFailure() {},
      timeoutMs: 2000,
    })
    atEnd(t, records.close)
    let failures = 0
    let recorded = 0
    const parts = { source: engine.telling!.source, history: records.history, clock, random: Math.random }
    const stop = startRecording({
      ...parts,
      observe(seen) {
        if (seen.kind === 'history' && seen.result === 'failed') failures++
        if (seen.kind === 'history' && seen.result === 'recorded') recorded += seen.events
        assert.ok(seen.kind !== 'alert' || seen.code === 'history-away')
      },
    })
    atEnd(t, stop)

    const ids: string[] = []
    const load = async (rounds: number) => {
      for (let round = 0; round < rounds; round++) {
        const messages = Array.from({ length: 50 }, () =>
          aMessage({ acceptedAt: clock.now(), expiresAt: 9e12 }),
        )
        await engine.queue.publish(messages)
        ids.push(...messages.map(({ id }) => id))
        const deliveries = await receiveNow(engine)
        await Promise.all(deliveries.map((each) => engine.queue.settle(each, { kind: 'sent', msgid: '7' })))
      }
    }
    for (let kill = 0; kill < 3; kill++) {
      const seen = recorded
      await Promise.all([load(6), until(() => recorded > seen, patienceMs).then(postgres.kill)])
      const failed = failures
      await Promise.all([load(2), until(() => failures > failed, patienceMs)])
      await postgres.start()
    }
    await until(async () => {
      await engine.upkeep.look()
      return engine.telling!.untold().events === 0
    }, patienceMs)

    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    const { rows } = await client.query<{ n: number }>(
      'SELECT (SELECT count(*) FROM messages)::int AS n UNION ALL SELECT (SELECT count(*) FROM steps)::int',
    )
    await client.end()
    assert.deepEqual(
      rows.map(({ n }) => n),
      [ids.length, ids.length],
    )
    for (const id of ids) {
      const target = { tenant: 'acme', id } as Parameters<typeof records.ledger.find>[0]
      assert.deepEqual(await records.ledger.find(target), await engine.ledger.find(target))
    }
  })
})
