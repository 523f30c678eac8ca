import { suite, type TestContext, test } from 'node:test'
import { type Account, openDirectory } from '../src/directory.ts'
import type { Observation } from '../src/observe.ts'
import type { TemplateListing } from '../src/template-sync.ts'
import { createTemplateWatch } from '../src/template-watch.ts'
import { createVault, newMasterKey } from '../src/vault.ts'
import { atEnd } from './support/at-end.ts'
import { createTestClock } from './support/clock.ts'
import { soon } from './support/waiting.ts'

const hourMs = 3_600_000
const anAccount = (appid: string, rest: Partial<Account> = {}): Account => ({
  appid,
  tenant: 'acme',
  name: appid,
  kind: 'official',
  secret: 'x',
  tokenApi: 'stable',
  templates: [],
  ...rest,
})
const listing = (...contents: readonly string[]): TemplateListing => ({
  kind: 'listed',
  templates: contents.map((content, n) => ({ templateId: `tpl-${n}`, content })),
  isComplete: true,
  failures: [],
})

/** A watch over accounts in memory; WeChat's lists are what the test says. */
const open = async (t: TestContext, ...accounts: readonly Account[]) => {
  const kept = new Map<string, string>()
  const records = {
    list: async () => [],
    put: async (_kind: string, id: string, value: string) => void kept.set(id, value),
    remove: async () => {},
  }
  const directory = await openDirectory(records, createVault(newMasterKey()))
  for (const account of accounts) await directory.putAccount(account)
  const clock = createTestClock()
  const observations: Observation[] = []
  const asked: string[] = []
  let wake = () => {}
  let answer: (account: Account) => TemplateListing | Promise<TemplateListing> = () =>
    listing('A:{{thing1.DATA}}')
  const watch = createTemplateWatch({
    directory,
    clock,
    random: () => 0.5,
    observe: (each) => observations.push(each),
    list: async (account) => {
      asked.push(account.appid)
      wake()
      return answer(account)
    },
  })
  atEnd(t, watch.stop)
  return {
    watch,
    directory,
    clock,
    asked,
    answer(next: typeof answer) {
      answer = next
    },
    alerts: () =>
      observations.flatMap((each) => (each.kind === 'alert' ? [`${each.code}: ${each.detail}`] : [])),
    /** Lets what is due come to its end, and answers who was asked since the last time. */
    async round(ms = 0): Promise<readonly string[]> {
      clock.advance(ms)
      for (let turns = 0; turns < 20; turns++) await new Promise<void>((resolve) => setImmediate(resolve))
      return asked.splice(0)
    },
    /** Resolves at the next question. */
    next: () =>
      soon(
        new Promise<void>((resolve) => {
          wake = resolve
        }),
        'WeChat is asked',
      ),
  }
}

suite('templates are kept by themselves', () => {
  test('at a start those that are due, and then once a day', async (t: TestContext) => {
    const clock = createTestClock()
    const fresh = [{ templateId: 'tpl-0', content: 'A:{{thing1.DATA}}', syncedAt: clock.now() - hourMs }]
    const { watch, round } = await open(
      t,
      anAccount('wx1'),
      anAccount('wx2', { templates: fresh }),
      anAccount('wh_1', { kind: 'webhook' }),
    )
    watch.start()
    t.assert.deepEqual(await round(), ['wx1'])
    t.assert.deepEqual(await round(22 * hourMs), [])
    t.assert.deepEqual(await round(1 * hourMs + 1), ['wx2'])
    t.assert.deepEqual(await round(1 * hourMs), [])
    t.assert.deepEqual(await round(hourMs / 4 + 1), ['wx1'])
  })

  test('by one of several processes: who has claimed an account, or the next in an hour', async (t: TestContext) => {
    const { directory, clock, round, asked } = await open(t, anAccount('wx1'))
    const claims = new Map<string, number>()
    const watches = ['first', 'second'].map((name) =>
      createTemplateWatch({
        ...{ directory, clock, random: () => 0.5, observe: () => {} },
        async claim(appid, until) {
          if ((claims.get(appid) ?? 0) > clock.now()) return false
          claims.set(appid, until)
          return true
        },
        async list() {
          asked.push(name)
          return answering
        },
      }),
    )
    let answering: TemplateListing = { kind: 'failed', failures: [] }
    for (const watch of watches) {
      atEnd(t, watch.stop)
      watch.start()
    }
    t.assert.deepEqual(await round(), ['first'])
    t.assert.deepEqual(await round(hourMs / 2), [])
    answering = listing('A:{{thing1.DATA}}')
    t.assert.deepEqual(await round(hourMs / 2), ['second'])
    t.assert.deepEqual(await round(23 * hourMs), [])
    t.assert.equal((await round(hourMs)).length, 1)
  })

  test('an account that comes later is not forgotten', async (t: TestContext) => {
    const { watch, directory, round } = await open(t)
    watch.start()
    t.assert.deepEqual(await round(), [])
    await directory.putAccount(anAccount('wx3'))
    t.assert.deepEqual(await round(60_000), ['wx3'])
    t.assert.equal(directory.account('wx3')?.templates.length, 1)
  })

  test('after a failure it is tried again within the day, not at once', async (t: TestContext) => {
    const { watch, round, answer } = await open(t, anAccount('wx1'))
    answer(() => ({ kind: 'failed', failures: [{ family: 'template', error: 'timeout' }] }))
    watch.start()
    t.assert.deepEqual(await round(), ['wx1'])
    t.assert.deepEqual(await round(hourMs), [])
    t.assert.deepEqual(await round(hourMs / 2), ['wx1'])
  })

  test('nothing is done before it is started', async (t: TestContext) => {
    const { round } = await open(t, anAccount('wx1'))
    t.assert.deepEqual(await round(48 * hourMs), [])
  })
})

suite('one synchronisation', () => {
  test('raises an alert for each kind of trouble, and names what it is about', async (t: TestContext) => {
    const { watch, answer, alerts } = await open(t, anAccount('wx1'))
    answer(() => listing('A:{{thing1.DATA}}', 'B:{{thing1.DATA}}'))
    await watch.sync('wx1')
    t.assert.deepEqual(alerts(), [])
    answer(() => listing('A:{{phrase1.DATA}}'))
    await watch.sync('wx1')
    t.assert.deepEqual(alerts(), [
      'template-drift: WeChat has changed templates: tpl-0 (thing1 → phrase1)',
      'template-missing: WeChat does not list these templates any more: tpl-1',
    ])
  })

  test('white space is a version but no alert', async (t: TestContext) => {
    const { watch, answer, alerts, directory } = await open(t, anAccount('wx1'))
    await watch.sync('wx1')
    answer(() => listing('A:{{thing1.DATA}}\n'))
    await watch.sync('wx1')
    t.assert.deepEqual(alerts(), [])
    t.assert.equal(directory.account('wx1')?.templates[0]?.version, 2)
  })

  test('is shared by all who ask at the same time', async (t: TestContext) => {
    const { watch, asked } = await open(t, anAccount('wx1'))
    const [first, second] = await Promise.all([watch.sync('wx1'), watch.sync('wx1')])
    t.assert.equal(first, second)
    t.assert.deepEqual(asked, ['wx1'])
  })

  test('does not undo what was changed while WeChat was asked', async (t: TestContext) => {
    const { watch, answer, directory } = await open(t, anAccount('wx1'))
    await watch.sync('wx1')
    answer(async () => {
      await directory.changeAccount('wx1', (account) => ({
        ...account,
        templates: account.templates.map((each) => ({ ...each, alias: 'mine' })),
      }))
      return listing('A:{{thing1.DATA}}')
    })
    await watch.sync('wx1')
    t.assert.equal(directory.account('wx1')?.templates[0]?.alias, 'mine')
  })

  test('has nothing to do for an account without templates', async (t: TestContext) => {
    const { watch, asked } = await open(t, anAccount('wh_1', { kind: 'webhook' }))
    t.assert.deepEqual(await watch.sync('wh_1'), { kind: 'not-applicable' })
    t.assert.deepEqual(await watch.sync('nobody'), { kind: 'not-applicable' })
    t.assert.deepEqual(asked, [])
  })

  test('ends at once when everything stops, and writes nothing any more', async (t: TestContext) => {
    const { watch, answer, directory, next } = await open(t, anAccount('wx1'))
    const late = Promise.withResolvers<TemplateListing>()
    answer(() => late.promise)
    const asked = next()
    watch.start()
    await asked
    const outcome = watch.sync('wx1')
    await soon(watch.stop(), 'the watch stops')
    t.assert.deepEqual(await outcome, { kind: 'failed', failures: [] })
    late.resolve(listing('A:{{thing1.DATA}}'))
    await late.promise
    t.assert.deepEqual(directory.account('wx1')?.templates, [])
  })
})
