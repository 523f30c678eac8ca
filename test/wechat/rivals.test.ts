/**
 * Twenty processes' worth of senders, each with a token centre of its own, against one simulated token API, while
 * another system keeps refreshing. Time is virtual, and chance is seeded.
 */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Observation } from '../../src/observe.ts'
import { createRandom } from '../../src/simulator/random.ts'
import { usualSwitches } from '../../src/simulator/switches.ts'
import { createTokens } from '../../src/simulator/tokens.ts'
import type { Answer } from '../../src/wechat/call.ts'
import type { CallReply } from '../../src/wechat/reply.ts'
import { createSender } from '../../src/wechat/sender.ts'
import { askRules } from '../../src/wechat/token.ts'
import { createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createWechatSource } from '../../src/wechat/token-source.ts'
import { createTestClock } from '../support/clock.ts'
import { aMessage } from '../support/messages.ts'
import { anAccount, appid, openTokens, refusalJson, tokenJson } from './token-api.ts'

const seconds = 1000
const minutes = 60 * seconds
const stepMs = 20
const centres = 20

/** What one process saw. Times are of the virtual clock. */
interface Process {
  readonly questions: { readonly askedAt: number; answeredAt: number; readonly forced: boolean }[]
  readonly replies: { readonly startedAt: number; readonly endedAt: number; readonly errcode: number }[]
  readonly observations: Observation[]
  /** Messages that ended as rejected, after their repeat. */
  bounced: number
  sent: number
}

const taken: CallReply = { kind: 'answered', errcode: 0, errmsg: 'ok' }

const run = async ({
  world,
  durationMs,
  rivalAt,
  overlapMs,
}: {
  readonly world: 'stable' | 'plain'
  readonly durationMs: number
  /** Whether the rival refreshes at this step, by its time since the start. */
  readonly rivalAt: (passedMs: number) => boolean
  readonly overlapMs: number
}): Promise<{ readonly processes: readonly Process[]; readonly changes: readonly number[] }> => {
  const clock = createTestClock()
  const random = createRandom(7)
  const account = anAccount({ tokenApi: world })
  const tokens = createTokens({
    now: clock.now,
    switches: usualSwitches,
    onIssued: () => {},
  })
  const wire = () => clock.sleep(20 + Math.floor(random.next() * 60))

  const openProcess = (): Process & { send(): void } => {
    const seen: Process = { questions: [], replies: [], observations: [], bounced: 0, sent: 0 }
    const callTokenApi = async (body = ''): Promise<Answer> => {
      const question = { askedAt: clock.now(), answeredAt: 0, forced: body.includes('"force_refresh":true') }
      seen.questions.push(question)
      await wire()
      const token =
        world === 'plain' ? tokens.renew(appid) : question.forced ? tokens.force(appid) : tokens.stable(appid)
      await wire()
      question.answeredAt = clock.now()
      return typeof token === 'number' ? refusalJson(token) : tokenJson(token.token, token.expiresIn)
    }
    const centre = createTokenCentre({
      ask: createWechatSource({ call: ({ body }) => callTokenApi(body) }),
      accountOf: () => account,
      clock,
      random: random.next,
      observe: (observation) => seen.observations.push(observation),
    })
    const client = {
      async send(path: string) {
        const startedAt = clock.now()
        await wire()
        const { errcode } = tokens.check(decodeURIComponent(path.split('access_token=')[1]!))
        await wire()
        seen.replies.push({ startedAt, endedAt: clock.now(), errcode })
        const reply: CallReply = errcode === 0 ? taken : { kind: 'answered', errcode, errmsg: 'no' }
        return { reply, startedAt, endedAt: clock.now() }
      },
      close: async () => {},
    }
    const sender = createSender({ client, tokens: centre, accountOf: () => account, clock })
    const send = (): void => {
      void sender.send(aMessage()).then(({ reply }) => {
        if (reply.kind === 'answered' && reply.errcode === 0) seen.sent++
        else seen.bounced++
      })
    }
    return Object.assign(seen, { send })
  }

  const processes = Array.from({ length: centres }, openProcess)
  const changes: number[] = []
  for (let passed = 0; passed < durationMs; passed += stepMs) {
    if (rivalAt(passed)) {
      changes.push(clock.now())
      tokens.restore({
        ...{ appid, world, at: clock.now(), overlapMs, forced: false },
        token: `99_${'r'.repeat(120)}${passed}`,
      })
    }
    for (const process of processes) if (random.next() < stepMs / 100) process.send()
    clock.advance(stepMs)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { processes, changes }
}

/**
 * From each rejection that follows a success, or from the last change if that came later, to the end of the first
 * call that went through, begun after it.
 */
const healingTimes = ({ replies }: Process, changes: readonly number[]): readonly number[] => {
  const times: number[] = []
  let since: number | undefined
  for (const { startedAt, endedAt, errcode } of replies) {
    if (errcode !== 0) since ??= endedAt
    else if (since !== undefined && startedAt >= since) {
      const changedAt = changes.findLast((at) => at <= startedAt) ?? since
      times.push(endedAt - Math.max(since, changedAt))
      since = undefined
    }
  }
  return times
}

const atMost = (found: readonly number[], limit: number, what: string) =>
  assert.ok(Math.max(0, ...found) <= limit, `${what}: ${Math.max(0, ...found)}`)

const everyHalfMinute = (passed: number) => passed % (30 * seconds) === 15 * seconds
/** A second system follows the first: the token that we have just learnt of dies again. */
const andAgainSoon = (lag: number) => (passed: number) =>
  everyHalfMinute(passed) || everyHalfMinute(passed - lag)

type Case = readonly [
  what: string,
  world: 'stable' | 'plain',
  rivalAt: (passed: number) => boolean,
  overlapMs: number,
]

suite('twenty processes and a rival that refreshes every half minute', () => {
  const cases: readonly Case[] = [
    ['by force in the stable API', 'stable', everyHalfMinute, 0],
    ...[60, 140, 300, 1000, 2500].map(
      (lag) => [`by force, and again ${lag} ms later`, 'stable', andAgainSoon(lag), 0] as const,
    ),
    ['in the plain API', 'plain', everyHalfMinute, 5 * minutes],
    ['in the plain API, and old tokens die at once', 'plain', everyHalfMinute, 0],
  ]
  for (const [what, world, rivalAt, overlapMs] of cases)
    test(`${what}: heals within a second, loses nothing, and asks no more than it must`, async (t: TestContext) => {
      const durationMs = world === 'plain' && overlapMs > 0 ? 7 * minutes : 2.5 * minutes
      const { processes, changes } = await run({ world, durationMs, rivalAt, overlapMs })
      const gapMs = askRules[world].gapsMs[0]!
      const healings: number[] = []
      for (const process of processes) {
        const times = healingTimes(process, changes)
        healings.push(...times)
        atMost(times, seconds, 'healed after')
        assert.ok(process.sent > 500)
        // Only a message whose repeat met the next change comes back to the worker, which sends it again.
        assert.ok(process.bounced <= 20, `${process.bounced} came back`)
        assert.equal(process.questions.filter(({ forced }) => forced).length, 0)
        const gaps = process.questions
          .slice(1)
          .map(({ askedAt }, index) => askedAt - process.questions[index]!.answeredAt)
        assert.ok(Math.min(...gaps) >= gapMs, `asked again after ${Math.min(...gaps)} ms`)
      }
      assert.ok(healings.length >= centres)
      t.diagnostic(`healed ${healings.length} times, after ${Math.max(...healings)} ms at most`)
      const named = processes.filter(({ observations }) =>
        observations.some((each) => each.kind === 'alert' && each.code === 'token-rival'),
      )
      assert.equal(named.length, overlapMs === 0 ? centres : 0)
    })
})

suite('the token in use', () => {
  /** Tokens are numbered as they are made; a copy of the API that lags may answer any that we have held. */
  const command = fc.oneof(
    fc.record({ kind: fc.constant('use' as const) }),
    fc.record({ kind: fc.constant('reject' as const), age: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant('accept' as const) }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 8_000_000 }) }),
    fc.record({ kind: fc.constant('change' as const) }),
    fc.record({ kind: fc.constant('lag' as const), age: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('fail' as const) }),
  )

  for (const world of ['stable', 'plain', 'foreign'] as const)
    test(`of ${world} is never an older one than before, whatever comes`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.array(command, { minLength: 10, maxLength: 60, size: 'max' }),
          async (commands) => {
            const opened = openTokens({ tokenApi: world })
            // A token of the tenant's own endpoint is read here as WeChat's are: the rules are the same.
            let made = 1
            const held: number[] = []
            const newest = () => opened.answer(tokenJson(String(made)))
            const look = (token: string | undefined) => {
              if (token === undefined) return
              const number = Number(token)
              assert.ok(number >= (held.at(-1) ?? 0), `${number} after ${held.at(-1)}`)
              if (number !== held.at(-1)) held.push(number)
            }
            newest()
            for (const each of commands) {
              if (each.kind === 'use' || each.kind === 'reject') {
                const result = await (each.kind === 'use'
                  ? opened.get()
                  : opened.heal(String(held.at(-1 - each.age) ?? 0)))
                look(result.kind === 'token' ? result.token : undefined)
              } else if (each.kind === 'accept') opened.accepted(String(held.at(-1)))
              else if (each.kind === 'pass') opened.clock.advance(each.ms)
              else if (each.kind === 'change') {
                made++
                newest()
              } else if (each.kind === 'lag') opened.answer(tokenJson(String(held.at(-1 - each.age) ?? made)))
              else opened.answer({ kind: 'in-doubt', error: 'timeout' })
              await opened.settle()
              look(opened.current())
            }
          },
        ),
        { numRuns: 300 },
      ))
})
