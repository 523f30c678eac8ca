import type { Account } from '../../src/directory.ts'
import type { Observation } from '../../src/observe.ts'
import type { Answer } from '../../src/wechat/call.ts'
import type { WechatRequest } from '../../src/wechat/client.ts'
import { createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createWechatSource } from '../../src/wechat/token-source.ts'
import { createTestClock } from '../support/clock.ts'

export const appid = 'wx0123456789abcdef'

export const anAccount = (overrides: Partial<Account> = {}): Account => ({
  appid,
  tenant: 'acme',
  name: 'shop',
  kind: 'official',
  secret: 'canary-secret',
  tokenApi: 'stable',
  templates: [],
  ...overrides,
})

export const json = (value: unknown, status = 200): Answer => ({
  kind: 'answered',
  status,
  body: Buffer.from(JSON.stringify(value)),
})

export const tokenJson = (token: string, lifeSeconds = 7200): Answer =>
  json({ access_token: token, expires_in: lifeSeconds })

export const refusalJson = (errcode: number, errmsg = 'no'): Answer => json({ errcode, errmsg })

/** A token centre, a clock that the test moves, and a token API that answers what the test says. */
export const openTokens = (overrides: Partial<Account> = {}) => {
  const clock = createTestClock()
  /** The short waits of the centre pass by themselves. */
  const passing = {
    ...clock,
    sleep: async (ms: number) => {
      pauses.push(ms)
      clock.advance(ms)
    },
  }
  const pauses: number[] = []
  const calls: WechatRequest[] = []
  const observations: Observation[] = []
  let account: Account | undefined = anAccount(overrides)
  let next: Answer | Promise<Answer> = tokenJson('T1')

  const centre = createTokenCentre({
    ask: createWechatSource({
      call: async (request) => {
        calls.push(request)
        return next
      },
    }),
    accountOf: (wanted) => (wanted === appid ? account : undefined),
    clock: passing,
    random: () => 0.5,
    observe: (observation) => observations.push(observation),
  })

  return {
    centre,
    clock,
    calls,
    pauses,
    observations,
    get: () => centre.get(appid),
    current: () => centre.current(appid),
    heal: (token: string, startedAt?: number) => centre.heal(appid, token, startedAt),
    accepted: (token: string) => centre.accepted(appid, token),
    accountOf: (wanted: string) => (wanted === appid ? account : undefined),
    /** What the token API answers from now on. */
    answer(answer: Answer | Promise<Answer>) {
      next = answer
    },
    change(changed: Account | undefined) {
      account = changed
    },
    /** The forced calls among those made so far. */
    forces: () => calls.filter(({ body }) => body?.includes('"force_refresh":true')).length,
    /** Lets a renewal that nobody waits for come to its end. */
    settle: () => new Promise<void>((resolve) => setImmediate(resolve)),
    alerts: () => observations.flatMap((each) => (each.kind === 'alert' ? [each.code] : [])),
    events: () => observations.flatMap((each) => (each.kind === 'token' ? [each.event] : [])),
  }
}
