import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createSteadyClock, type SteadyClock } from '../src/steady-clock.ts'

const minute = 60_000
const hour = 60 * minute
const start = 1_770_000_000_000

/** A machine whose clocks the test moves, and another clock that it looks at over a way that takes a time. */
const open = ({ patienceMs = 0, aheadMs = 0, wayMs = 2 } = {}) => {
  const at = { monotonic: 5000, slept: 0, wall: start, other: start + aheadMs }
  const jumps: number[] = []
  const pass = (ms: number) => {
    at.monotonic += ms
    at.wall += ms
    at.other += ms
  }
  const clock: SteadyClock = createSteadyClock({
    machine: {
      wall: () => at.wall,
      monotonic: () => at.monotonic,
      uptime: () => at.monotonic + at.slept + 77_000,
      sleep: async () => {},
    },
    patienceMs,
    onJump: (by) => jumps.push(Math.round(by)),
  })
  /** `out` and `back`: how long question and answer are on their way. */
  const look = (out = wayMs / 2, back = wayMs / 2) =>
    clock.follow(async () => {
      pass(out)
      const time = at.other
      pass(back)
      return time
    })
  /** How far the clock is behind the other one. */
  const behind = () => Math.round(at.other - clock.now())
  return { at, clock, jumps, pass, look, behind }
}

/** Second by second, with a look at each. */
const passWithLooks = async ({ pass, look }: ReturnType<typeof open>, ms: number) => {
  for (let passed = 0; passed < ms; passed += 1000) {
    pass(1000)
    await look()
  }
}

suite('a clock that follows another', () => {
  test('takes it over at the first look, and says so if that is a long way', async () => {
    for (const aheadMs of [-300_000, 0, 300_000]) {
      const all = open({ aheadMs })
      assert.equal(all.behind(), aheadMs)
      await all.look()
      assert.ok(Math.abs(all.behind()) <= 1)
      assert.deepEqual(all.jumps, aheadMs === 0 ? [] : [aheadMs])
    }
  })

  test('takes of several first looks the one that took least', async () => {
    const all = open({ aheadMs: 10_000 })
    const ways = [
      [900, 10],
      [3, 1],
      [20, 800],
      [400, 400],
      [9, 700],
    ] as const
    let looks = 0
    await all.clock.follow(() => {
      const [out, back] = ways[looks++]!
      all.pass(out)
      const time = all.at.other
      all.pass(back)
      return time
    })
    assert.equal(looks, ways.length)
    assert.ok(Math.abs(all.behind()) <= 1)
  })

  test('is not moved by the wall clock of the machine', async () => {
    const all = open()
    await all.look()
    for (const by of [hour, -2 * hour]) {
      all.at.wall += by
      await passWithLooks(all, 10_000)
      assert.ok(Math.abs(all.behind()) <= 1)
    }
    assert.deepEqual(all.jumps, [])
  })

  test('makes up for a little slowly, and never goes backwards', async () => {
    for (const by of [1500, -1500]) {
      const all = open()
      await all.look()
      all.at.other += by
      await all.look()
      let last = all.clock.now()
      for (let ms = 0; ms < 30_000; ms += 100) {
        all.pass(100)
        const now = all.clock.now()
        assert.ok(now - last >= 95 && now - last <= 105, `${now - last}`)
        last = now
      }
      await passWithLooks(all, 15_000)
      assert.ok(Math.abs(all.behind()) <= 1, `${all.behind()}`)
      assert.deepEqual(all.jumps, [])
    }
  })

  test('learns nothing of a look that took long, whichever way was the long one', async () => {
    const all = open()
    await all.look()
    for (const [out, back] of [
      [9000, 0],
      [0, 9000],
      [120_000, 120_000],
    ] as const) {
      await all.look(out, back)
      all.pass(60_000)
      assert.ok(Math.abs(all.behind()) <= 1, `${out} ${back}: ${all.behind()}`)
    }
    assert.deepEqual(all.jumps, [])
  })

  test('jumps when the other clock was set, at once where it counts at once', async () => {
    for (const by of [hour, -hour]) {
      const all = open()
      await all.look()
      all.at.other += by
      await all.look()
      assert.ok(Math.abs(all.behind()) <= 1)
      assert.deepEqual(all.jumps, [by])
    }
  })

  test('waits, where it must last first, and is not moved by what is taken back', async () => {
    const all = open({ patienceMs: 10 * minute })
    await all.look()
    all.at.other += hour
    await passWithLooks(all, 9 * minute)
    assert.ok(Math.abs(all.behind() - hour) <= 1)
    all.at.other -= hour
    await passWithLooks(all, minute)
    all.at.other += hour
    await passWithLooks(all, 9 * minute)
    assert.deepEqual(all.jumps, [])
    await passWithLooks(all, 2 * minute)
    assert.deepEqual(all.jumps, [hour])
    assert.ok(Math.abs(all.behind()) <= 1)
  })

  test('counts what the machine has slept as soon as it looks', async () => {
    const all = open({ patienceMs: 10 * minute })
    await all.look()
    for (const ms of [8 * hour, 3 * minute]) {
      all.at.slept += ms
      all.at.wall += ms
      all.at.other += ms
      await all.look()
      assert.ok(Math.abs(all.behind()) <= 1)
    }
    assert.deepEqual(all.jumps, [])
  })

  test('goes on while the other clock cannot be read', async () => {
    const all = open()
    await all.look()
    all.pass(hour)
    await assert.rejects(
      all.clock.follow(() => Promise.reject(new Error('away'))),
      /away/,
    )
    assert.ok(Math.abs(all.behind()) <= 1)
  })
})
