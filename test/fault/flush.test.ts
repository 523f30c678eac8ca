import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createRandom } from '../../src/simulator/random.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/waiting.ts'
import type { Caller } from './caller.ts'
import { check, faultsIn } from './checker.ts'
import { createHistory } from './history.ts'
import { aTemplateWish, sendUntilAnswered } from './load.ts'
import type { Service } from './service-process.ts'
import { type Cluster, openCluster } from './stage.ts'
import { readRecords, untilQuiet } from './truth.ts'

const backlog = 40
const limitMs = 60_000

interface Answer {
  readonly begunAt: number
  readonly answeredAt: number
  readonly accepted: boolean
}

/** Sends one by one, from several sides and without repeats, and notes what was answered when. */
const hammer = (caller: Caller) => {
  const answers: Answer[] = []
  let going = true
  const side = async (number: number) => {
    for (let n = 0; going; n++) {
      const begunAt = performance.now()
      const reply = await caller.post('/v1/messages', aTemplateWish(`f-${number}-${n}`, n))
      const accepted = reply.kind === 'answered' && reply.status === 202
      answers.push({ begunAt, answeredAt: performance.now(), accepted })
    }
  }
  const all = Promise.all([0, 1, 2, 3].map(side))
  return {
    answers,
    async stop() {
      going = false
      await all
    },
  }
}

const isReady = async ({ url }: Service): Promise<boolean> => (await fetch(`${url}/readyz`)).ok

/** As docs/redis.md tells it: everything is stopped, the files are put back, Redis comes first. */
const restore = async ({ store, gateways }: Cluster, folder: string, backup: string): Promise<void> => {
  for (const gateway of gateways) await gateway.life().stop()
  await store.life().stop()
  rmSync(join(folder, 'appendonlydir'), { recursive: true })
  cpSync(join(backup, 'appendonlydir'), join(folder, 'appendonlydir'), { recursive: true })
  await store.spawn().ready
}

suite('FLUSHALL under load', () => {
  test('stops accepting at once, is named, and a backup brings back what it has', async (t: TestContext) => {
    const cluster = await openCluster(t, { workers: 1 })
    const { simulator, store, gateways, workers, caller } = cluster
    await workers[0]!.life().stop()
    const history = createHistory()
    const wishes = Array.from({ length: backlog }, (_, index) => aTemplateWish(`b-${index}`, index))
    await sendUntilAnswered({ caller, history }, { actor: 'client', wishes, random: createRandom(1) })
    const backup = temporaryFolder(t)
    cpSync(store.folder, backup, { recursive: true })

    const load = hammer(caller)
    await until(() => load.answers.filter(({ accepted }) => accepted).length >= 100, limitMs)
    await store.command('FLUSHALL')
    const flushedAt = performance.now()
    await until(() => load.answers.filter(({ begunAt }) => begunAt > flushedAt).length >= 100, limitMs)
    await load.stop()
    const late = load.answers.filter(({ begunAt, accepted }) => accepted && begunAt > flushedAt)
    t.assert.deepEqual(late, [], 'nothing is accepted that comes after it')
    const last = Math.max(...load.answers.map(({ answeredAt, accepted }) => (accepted ? answeredAt : 0)))
    t.diagnostic(`the last acceptance was answered ${Math.round(last - flushedAt)} ms after it`)

    for (const gateway of gateways) {
      t.assert.match(gateway.log(), /"code":"redis-data-lost".*\d+ messages were waiting/)
      t.assert.equal(gateway.log().split('redis-data-lost').length, 2, 'it is said once a minute')
      t.assert.equal(await isReady(gateway), false)
    }
    const restarted = workers[0]!.spawn()
    await t.assert.rejects(
      restarted.ready,
      /Redis has lost its data/,
      'a start does not begin anew by itself',
    )

    await restore(cluster, store.folder, backup)
    await Promise.all([...gateways, workers[0]!].map((each) => each.spawn().ready))
    await untilQuiet(caller, { limitMs, receiptsMayWait: false })
    const records = await readRecords(caller, false)
    t.assert.equal(records.length, backlog)
    const findings = check({ history: history.lines, records, effects: await simulator.effects() })
    t.assert.deepEqual(faultsIn(findings), [], JSON.stringify(findings))
    t.assert.deepEqual(new Set(records.map(({ state }) => state)), new Set(['sent']))
  })
})
