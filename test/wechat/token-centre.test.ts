import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { nextBeijingMidnight } from '../../src/retry.ts'
import type { Answer } from '../../src/wechat/call.ts'
import { anAccount, appid, openTokens, refusalJson, tokenJson } from './token-api.ts'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes
const T1 = { kind: 'token', token: 'T1' }
const T2 = { kind: 'token', token: 'T2' }
const lost: Answer = { kind: 'in-doubt', error: 'timeout' }

suite('a token is asked for', () => {
  test('of the stable API, without force', async () => {
    const { get, current, calls, events } = openTokens()
    assert.equal(current(), undefined)
    assert.deepEqual(await get(), T1)
    assert.equal(current(), 'T1')
    const body =
      '{"grant_type":"client_credential","appid":"wx0123456789abcdef","secret":"canary-secret","force_refresh":false}'
    assert.deepEqual(calls, [{ method: 'POST', path: '/cgi-bin/stable_token', body }])
    assert.deepEqual(events(), ['refreshed'])
  })

  test('of the plain API, when the account says so', async () => {
    const { get, calls } = openTokens({ tokenApi: 'plain', secret: 'a&b' })
    assert.deepEqual(await get(), T1)
    const path = '/cgi-bin/token?grant_type=client_credential&appid=wx0123456789abcdef&secret=a%26b'
    assert.deepEqual(calls, [{ method: 'GET', path }])
  })

  test('once, however many want it', async () => {
    const { get, calls } = openTokens()
    const tokens = await Promise.all(Array.from({ length: 50 }, get))
    assert.ok(tokens.every((result) => result.kind === 'token' && result.token === 'T1'))
    assert.equal(calls.length, 1)
  })

  test('not at all for an account that nobody knows', async () => {
    const { centre, clock, calls } = openTokens()
    const until = clock.now() + minutes
    const unknown = { kind: 'unavailable', error: 'account-unknown', until }
    assert.deepEqual(await centre.get('wxffffffffffffffff'), unknown)
    assert.deepEqual(await centre.heal('wxffffffffffffffff', 'T1'), unknown)
    assert.equal(calls.length, 0)
  })
})

suite('a token is renewed', () => {
  test('in its last five minutes less some jitter, while it goes on being used', async () => {
    const { get, current, clock, calls, answer, settle } = openTokens()
    await get()
    clock.advance(7200 * seconds - 4.5 * minutes - 1)
    assert.equal(current(), 'T1')
    assert.equal(calls.length, 1)
    answer(tokenJson('T2'))
    clock.advance(1)
    assert.equal(current(), 'T1')
    assert.equal(current(), 'T1')
    await settle()
    assert.equal(calls.length, 2)
    assert.equal(current(), 'T2')
  })

  test('and used to its end when there is no other', async () => {
    const { get, current, clock, calls, answer, settle } = openTokens()
    await get()
    answer(lost)
    clock.advance(7200 * seconds - minutes)
    assert.equal(current(), 'T1')
    await settle()
    assert.equal(current(), 'T1')
    assert.deepEqual(await get(), T1)
    assert.equal(calls.length, 2)
    clock.advance(minutes)
    assert.equal(current(), undefined)
    assert.equal((await get()).kind, 'unavailable')
  })

  for (const life of [345, 290, 60, 5, 0.001])
    test(`when WeChat gives it ${life} seconds: never at once, and it is of use until then`, async () => {
      const { get, current, clock, calls, answer, settle } = openTokens()
      answer(tokenJson('T1', life))
      await get()
      const renewal = Math.max(10, life / 2, life - 270) * seconds
      clock.advance(renewal - 1)
      assert.equal(current(), 'T1')
      await settle()
      assert.equal(calls.length, 1)
      clock.advance(1)
      await get()
      await settle()
      assert.equal(calls.length, 2)
    })
})

suite('no token', () => {
  const cases: readonly [what: string, answer: Answer, error: string, waitMs: number, alerts: number][] = [
    ['no answer', lost, 'timeout', 5 * seconds, 0],
    ['no connection', { kind: 'not-sent', error: 'connect' }, 'connect', 5 * seconds, 0],
    [
      'a broken gateway',
      { kind: 'answered', status: 502, body: Buffer.from('<html>') },
      'http-502',
      5 * seconds,
      0,
    ],
    ['a redirect', { kind: 'answered', status: 302, body: Buffer.from('') }, 'redirect', 5 * seconds, 0],
    ['a page', { kind: 'answered', status: 200, body: Buffer.from('<html>') }, 'junk-reply', 5 * seconds, 0],
    ['an empty token', tokenJson(''), 'junk-reply', 5 * seconds, 0],
    ['a token without end', tokenJson('x'.repeat(1025)), 'junk-reply', 5 * seconds, 0],
    ['a token that does not live', tokenJson('T1', 0), 'junk-reply', 5 * seconds, 0],
    ['busy', refusalJson(-1), 'errcode-1', 5 * seconds, 0],
    ['a wrong secret', refusalJson(40001), 'errcode-40001', 5 * minutes, 1],
    ['an unlisted address', refusalJson(40164), 'errcode-40164', 5 * minutes, 1],
    ['an address refused by the administrator', refusalJson(89507), 'errcode-89507', hours, 1],
    ['an address refused again and again', refusalJson(89506), 'errcode-89506', 24 * hours, 1],
    ['too many a minute', refusalJson(45011), 'errcode-45011', minutes, 0],
  ]
  for (const [what, reply, error, waitMs, alerts] of cases)
    test(`after ${what}: nobody asks for ${waitMs / seconds} s`, async () => {
      const opened = openTokens()
      const { get, clock, calls, answer, events } = opened
      answer(reply)
      const until = clock.now() + waitMs
      const expected = { kind: 'unavailable', error: error.replace('errcode-1', 'errcode--1'), until }
      assert.partialDeepStrictEqual(await get(), expected)
      clock.advance(waitMs - 1)
      assert.partialDeepStrictEqual(await get(), expected)
      assert.equal(calls.length, 1)
      assert.equal(opened.alerts().length, alerts)
      assert.deepEqual(events(), ['refused'])
      answer(tokenJson('T2'))
      clock.advance(1)
      assert.deepEqual(await get(), T2)
    })

  test('after the daily limit: nobody asks until midnight in Beijing', async () => {
    const { get, clock, answer } = openTokens()
    answer(refusalJson(45009))
    const until = nextBeijingMidnight(clock.now())
    assert.deepEqual(await get(), { kind: 'unavailable', error: 'errcode-45009', errcode: 45009, until })
  })

  test('again and again without an answer: the wait grows to a minute', async () => {
    const { get, clock, answer } = openTokens()
    answer(lost)
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      const result = await get()
      const waitMs = result.kind === 'unavailable' ? result.until - clock.now() : 0
      waits.push(waitMs / seconds)
      clock.advance(waitMs)
    }
    assert.deepEqual(waits, [5, 10, 20, 40, 60, 60])
  })

  test('until somebody corrects the secret', async () => {
    const { get, answer, change } = openTokens()
    answer(refusalJson(40001))
    await get()
    change(anAccount({ secret: 'right' }))
    answer(tokenJson('T1'))
    assert.deepEqual(await get(), T1)
  })

  test('and a clock set back does not prolong it', async () => {
    const { get, clock, answer } = openTokens()
    answer(refusalJson(40164))
    await get()
    clock.advance(-hours)
    answer(tokenJson('T1'))
    assert.deepEqual(await get(), T1)
  })

  test('and nothing of the secret is told', async () => {
    const { get, answer, observations } = openTokens()
    answer(refusalJson(40125, 'invalid appsecret rid: 65f0c1a2-0b3c4d5e-6f708192'))
    const told = JSON.stringify([await get(), observations])
    assert.ok(!told.includes('canary'))
    assert.ok(told.includes('invalid appsecret'))
  })
})

/** A centre whose token has been in use for a while. */
const openInUse = async (tokenApi: 'stable' | 'plain' = 'stable') => {
  const opened = openTokens({ tokenApi })
  await opened.get()
  opened.clock.advance(minutes)
  return opened
}

suite('a rejected token', () => {
  test('that is no longer ours: the one we have is the answer', async () => {
    const { heal, clock, answer, calls, events } = await openInUse()
    answer(tokenJson('T2'))
    await heal('T1')
    clock.advance(hours)
    assert.deepEqual(await heal('T1'), T2)
    assert.equal(calls.length, 2)
    assert.deepEqual(events(), ['refreshed', 'refreshed', 'healed'])
  })

  test('rejected fifty times at once by a passing fault: one question, and it goes on', async () => {
    const { heal, current, calls, forces } = await openInUse()
    const results = await Promise.all(Array.from({ length: 50 }, () => heal('T1')))
    assert.ok(results.every((result) => result.kind === 'token' && result.token === 'T1'))
    assert.equal(calls.length, 2)
    assert.equal(forces(), 0)
    assert.equal(current(), 'T1')
  })

  test('in a call that began before the token API spoke last: that counts for nothing', async () => {
    const { heal, clock, calls, current } = await openInUse()
    const startedAt = clock.now() - 1
    await heal('T1')
    clock.advance(minutes)
    assert.deepEqual(await heal('T1', startedAt), T1)
    assert.equal(calls.length, 2)
    assert.equal(current(), 'T1')
    await heal('T1', clock.now())
    assert.equal(calls.length, 3)
  })

  test('in a call that began before the last answer, but the clock was set back since: it counts', async () => {
    const { heal, clock, calls } = await openInUse()
    const startedAt = clock.now() - 2 * hours
    clock.advance(-hours)
    await heal('T1', startedAt)
    assert.equal(calls.length, 2)
  })

  test('that another system has changed: one question heals all', async () => {
    const { heal, answer, calls } = await openInUse()
    answer(tokenJson('T2'))
    const results = await Promise.all(Array.from({ length: 50 }, () => heal('T1')))
    assert.ok(results.every((result) => result.kind === 'token' && result.token === 'T2'))
    assert.equal(calls.length, 2)
  })

  test('is not used while the question is open', async () => {
    const { heal, get, current, answer, calls } = await openInUse()
    answer(tokenJson('T2'))
    const healing = heal('T1')
    assert.equal(current(), undefined)
    assert.deepEqual(await Promise.all([healing, get()]), [T2, T2])
    assert.equal(calls.length, 2)
  })

  test('right after it was answered is asked about within a second, and no sooner than its gap', async () => {
    const { get, heal, answer, calls, pauses, clock } = openTokens()
    await get()
    clock.advance(100)
    answer(tokenJson('T2'))
    assert.deepEqual(await heal('T1'), T2)
    assert.equal(calls.length, 2)
    assert.deepEqual(pauses, [150])
  })

  test('is replaced by force once WeChat has stood by it for three seconds', async () => {
    const { heal, clock, answer, calls, forces, observations } = await openInUse()
    const start = clock.now()
    while (clock.now() - start < 3 * seconds) {
      assert.deepEqual(await heal('T1'), T1)
      assert.equal(forces(), 0)
    }
    assert.equal(calls.length, 1 + 5)
    answer(tokenJson('T2'))
    assert.deepEqual(await Promise.all([heal('T1'), heal('T1')]), [T2, T2])
    assert.equal(forces(), 1)
    assert.partialDeepStrictEqual(observations.at(-1), { event: 'refreshed', forced: true })
  })

  test('is not replaced by force when another system changes it while WeChat is being doubted', async () => {
    const { heal, answer, forces } = await openInUse()
    for (let i = 0; i < 4; i++) assert.deepEqual(await heal('T1'), T1)
    answer(tokenJson('T2'))
    assert.deepEqual(await heal('T1'), T2)
    assert.deepEqual(await heal('T2'), T2)
    assert.equal(forces(), 0)
  })

  test('is not replaced by force when a message has gone through in between', async () => {
    const { heal, accepted, clock, forces, calls } = await openInUse()
    for (let i = 0; i < 20; i++) {
      assert.deepEqual(await heal('T1'), T1)
      accepted('T1')
      clock.advance(4 * seconds)
    }
    assert.equal(forces(), 0)
    assert.equal(calls.length, 1 + 20)
  })

  test('is not replaced by force when WeChat stood by it long ago', async () => {
    const { heal, clock, forces } = await openInUse()
    await heal('T1')
    clock.advance(minutes)
    assert.deepEqual(await heal('T1'), T1)
    assert.equal(forces(), 0)
  })

  test('after a failed question stays out of use until there is an answer', async () => {
    const { heal, get, current, clock, answer, calls } = await openInUse()
    answer(lost)
    const until = clock.now() + 5 * seconds
    const unavailable = { kind: 'unavailable', error: 'timeout', until }
    assert.deepEqual(await heal('T1'), unavailable)
    assert.deepEqual(await get(), unavailable)
    assert.equal(current(), undefined)
    assert.equal(calls.length, 2)
    clock.advance(5 * seconds)
    answer(tokenJson('T1'))
    assert.deepEqual(await get(), T1)
    assert.equal(current(), 'T1')
  })

  test('of the plain API is never forced; the longer nothing helps, the longer nobody asks', async () => {
    const { heal, clock, answer, calls, pauses, alerts } = await openInUse('plain')
    const waits: number[] = []
    for (let i = 1; i <= 8; i++) {
      answer(tokenJson(`T${i + 1}`))
      const before = clock.now()
      let result = await heal(`T${i}`)
      if (result.kind === 'unavailable') {
        assert.equal(result.error, 'token-rejected')
        clock.advance(result.until - clock.now())
        result = await heal(`T${i}`)
      }
      assert.deepEqual(result, { kind: 'token', token: `T${i + 1}` })
      waits.push((clock.now() - before) / seconds)
    }
    assert.deepEqual(waits, [0, 1, 5, 15, 60, 60, 60, 60])
    assert.deepEqual(pauses, [1000])
    assert.ok(calls.every(({ method, body }) => method === 'GET' && body === undefined))
    assert.ok(alerts().includes('token-rejected'))
  })

  test('of the plain API that dies after it was of use is replaced at once, to the end of its budget', async () => {
    const { heal, accepted, clock, answer, calls } = await openInUse('plain')
    let refused = 0
    for (let i = 1; i <= 600; i++) {
      answer(tokenJson(`T${calls.length + 1}`))
      const held = `T${calls.length}`
      const result = await heal(held)
      if (result.kind === 'unavailable') refused++
      else accepted(result.token)
      clock.advance(10 * seconds)
    }
    // A hundred at once and one a minute, 1,440 a day beside the first: a day's limit is 2,000.
    const allowed = 100 + 100
    assert.ok(calls.length <= allowed + 2 && calls.length >= allowed - 2, String(calls.length))
    assert.ok(refused > 300)
  })

  test('that has been replaced is never taken back, whoever answers it', async () => {
    const { heal, get, clock, answer, current, calls } = await openInUse()
    answer(tokenJson('T2'))
    await heal('T1')
    clock.advance(2 * hours - 4 * minutes)
    answer(tokenJson('T1'))
    assert.deepEqual(await get(), T2)
    await new Promise((resolve) => setImmediate(resolve))
    assert.equal(calls.length, 3)
    assert.equal(current(), 'T2')
    clock.advance(4 * minutes)
    assert.partialDeepStrictEqual(await get(), { kind: 'unavailable', error: 'stale-token' })
  })

  test('again and again by a rival who changes it: healed without force, and the case is named', async () => {
    const { heal, accepted, clock, answer, forces, alerts, observations, centre } = await openInUse()
    const start = clock.now()
    for (let i = 1; i <= 150; i++) {
      answer(tokenJson(`T${i + 1}`))
      assert.deepEqual(await heal(`T${i}`), { kind: 'token', token: `T${i + 1}` })
      accepted(`T${i + 1}`)
      clock.advance(30 * seconds)
    }
    assert.equal(forces(), 0)
    assert.deepEqual(alerts(), ['token-rival', 'token-rival'])
    const told = observations.flatMap((each) => (each.kind === 'alert' ? [each.detail] : []))
    assert.match(
      told[0]!,
      /shop \(wx0123456789abcdef\).* 3 times since 2026-03-04T04:01:00.000Z, about every 30 s/,
    )
    assert.match(told[1]!, / 123 times since 2026-03-04T04:01:00.000Z/)
    assert.partialDeepStrictEqual(centre.notes(appid), { rivalry: { since: start, changes: 150 } })
    clock.advance(hours)
    assert.deepEqual(centre.notes(appid), {})
  })
})

suite('force', () => {
  /** Rejects whatever token there is, again and again, as if WeChat had lost its mind. */
  const rejectFor = async (opened: Awaited<ReturnType<typeof openInUse>>, durationMs: number) => {
    const forcedAt: number[] = []
    const end = opened.clock.now() + durationMs
    while (opened.clock.now() < end) {
      const result = await opened.get()
      if (result.kind === 'token') await opened.heal(result.token)
      while (forcedAt.length < opened.forces()) forcedAt.push(opened.clock.now())
      opened.clock.advance(result.kind === 'token' ? 200 : result.until - opened.clock.now())
    }
    return forcedAt
  }

  /** Rejects the token until the next rejection will be met by force. */
  const doubtOf = async (opened: Awaited<ReturnType<typeof openInUse>>, token: string) => {
    for (let i = 0; i < 5; i++) await opened.heal(token)
  }

  test('is used at most once in thirty seconds and fifteen times a day', async () => {
    const opened = await openInUse()
    const forcedAt = await rejectFor(opened, 25 * hours)
    const gaps = forcedAt.slice(1).map((at, index) => at - forcedAt[index]!)
    assert.ok(Math.min(...gaps) >= 30 * seconds)
    const start = forcedAt[0]!
    assert.equal(forcedAt.filter((at) => at < start + 24 * hours).length, 15)
    assert.ok(forcedAt.length > 15)
  })

  test('that is not allowed yet leaves no token until it is, and says so', async () => {
    const opened = await openInUse()
    const { heal, get, current, clock, alerts, forces } = opened
    await doubtOf(opened, 'T1')
    await heal('T1')
    assert.equal(forces(), 1)
    const forcedAt = clock.now()
    await doubtOf(opened, 'T1')
    const until = forcedAt + 30 * seconds
    const unavailable = { kind: 'unavailable', error: 'token-rejected', until }
    assert.deepEqual(await heal('T1'), unavailable)
    assert.deepEqual(await get(), unavailable)
    assert.equal(current(), undefined)
    assert.deepEqual(alerts(), ['token-rejected'])
    clock.advance(until - clock.now())
    assert.deepEqual(await get(), T1)
    assert.equal(forces(), 2)
  })

  test('beyond the daily limit does not keep the account waiting for midnight', async () => {
    const opened = await openInUse()
    const { heal, clock, answer } = opened
    await doubtOf(opened, 'T1')
    answer(refusalJson(45009))
    const until = clock.now() + 5 * minutes
    assert.deepEqual(await heal('T1'), { kind: 'unavailable', error: 'errcode-45009', errcode: 45009, until })
  })
})
