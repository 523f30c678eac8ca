import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { type CallEnd, createHosts, fallbackOrigins, type Hosts } from '../../src/wechat/hosts.ts'

const seconds = 1000
const minutes = 60 * seconds

/** So many calls in a row that end like this, at one moment. Answers the switch, if there was one. */
const calls = (hosts: Hosts, count: number, end: CallEnd, now = 0, host = hosts.active()) => {
  for (let i = 0; i < count; i++) {
    const change = hosts.note(host, end, now)
    if (change) return { ...change, after: i + 1 }
  }
  return undefined
}

suite('a host is left', () => {
  const cases: readonly [what: string, ends: readonly CallEnd[], after: number | undefined][] = [
    ['after eight calls in a row that failed', Array(9).fill('ill'), 8],
    ['at once when it has no calls left', ['full'], 1],
    ['not after seven', Array(7).fill('ill'), undefined],
    [
      'not when a call went well in between',
      [...Array(7).fill('ill'), 'well', ...Array(7).fill('ill')],
      undefined,
    ],
    ['not for answers that say nothing of it', Array(20).fill('else'), undefined],
    ['although answers come in between that say nothing', [...Array(7).fill('ill'), 'else', 'ill'], 9],
  ]
  for (const [what, ends, after] of cases)
    test(what, () => {
      const hosts = createHosts(3)
      const found = ends.findIndex((end) => hosts.note(0, end, 0) !== undefined)
      assert.equal(found < 0 ? undefined : found + 1, after)
      assert.equal(hosts.active(), after === undefined ? 0 : 1)
    })

  test('never when there is no other', () => {
    const hosts = createHosts(1)
    assert.equal(calls(hosts, 100, 'ill'), undefined)
    assert.equal(calls(hosts, 1, 'full'), undefined)
    assert.equal(hosts.active(), 0)
  })

  test('once: calls that were on their way to it say nothing of the next one', () => {
    const hosts = createHosts(3)
    assert.deepEqual(calls(hosts, 8, 'ill'), { from: 0, to: 1, after: 8 })
    assert.equal(calls(hosts, 100, 'ill', 0, 0), undefined)
    assert.equal(hosts.active(), 1)
  })

  test('for the next that is not resting, and when all rest for the one that rests no longer soonest', () => {
    const hosts = createHosts(3)
    const taken = [0, 1, 2, 3, 4].map((second) => calls(hosts, 8, 'ill', second * seconds)!.to)
    // The first rests until 30 s, the second until 31 s; after them the first again, then the second, the third.
    assert.deepEqual(taken, [1, 2, 0, 1, 2])
  })
})

suite('the first host', () => {
  const openLeft = () => {
    const hosts = createHosts(2)
    calls(hosts, 8, 'ill', 0)
    return hosts
  }

  test('is asked by one question after half a minute, while calls go on elsewhere', () => {
    const hosts = openLeft()
    assert.equal(hosts.probeDue(30 * seconds - 1), false)
    assert.equal(hosts.probeDue(30 * seconds), true)
    assert.equal(hosts.probeDue(30 * seconds), false)
    assert.equal(hosts.active(), 1)
    assert.deepEqual(hosts.probed(true, 31 * seconds), { from: 1, to: 0 })
    assert.equal(hosts.active(), 0)
    assert.equal(hosts.probeDue(minutes), false)
  })

  test('is asked again after twice as long each time, at most a quarter of an hour', () => {
    const hosts = openLeft()
    const waits: number[] = []
    let askedAt = 0
    for (let now = 0; now < 90 * minutes; now += seconds) {
      if (!hosts.probeDue(now)) continue
      waits.push((now - askedAt) / seconds)
      askedAt = now
      assert.equal(hosts.probed(false, now), undefined)
    }
    assert.deepEqual(waits, [30, 60, 120, 240, 480, 900, 900, 900, 900])
  })

  test('that falls ill again soon rests longer; after ten good minutes it is trusted as before', () => {
    const restOf = (goodMs: number) => {
      const hosts = openLeft()
      hosts.probeDue(30 * seconds)
      hosts.probed(true, 30 * seconds)
      const left = 30 * seconds + goodMs
      calls(hosts, 8, 'ill', left)
      let rest = 0
      while (!hosts.probeDue(left + rest)) rest += seconds
      return rest
    }
    assert.equal(restOf(10 * minutes - 1), 60 * seconds)
    assert.equal(restOf(10 * minutes), 30 * seconds)
  })

  test('that came back in another way meanwhile is not taken up twice', () => {
    const hosts = openLeft()
    assert.equal(hosts.probeDue(30 * seconds), true)
    calls(hosts, 8, 'ill', 30 * seconds)
    assert.equal(hosts.active(), 0)
    assert.equal(hosts.probed(true, 31 * seconds), undefined)
  })
})

suite('the other hosts', () => {
  const wechat = 'https://api.weixin.qq.com'
  const others = ['api2', 'sh.api', 'sz.api', 'hk.api'].map((name) => `https://${name}.weixin.qq.com`)
  const cases: readonly [string, readonly string[] | undefined, readonly string[]][] = [
    [wechat, undefined, others],
    [wechat, [], []],
    [wechat, ['https://a.example', wechat], ['https://a.example']],
    ['http://127.0.0.1:8077', undefined, []],
    ['http://127.0.0.1:8077', ['https://a.example'], ['https://a.example']],
  ]
  for (const [origin, configured, expected] of cases)
    test(`of ${origin}, ${configured === undefined ? 'by default' : `with [${configured}]`}: ${expected.length}`, () =>
      assert.deepEqual(fallbackOrigins(origin, configured), expected))
})
