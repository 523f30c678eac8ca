/** Nodes: token centres that have nothing in common but a Redis, each with connections, memory and clock of its own. */
import type { TestContext } from 'node:test'
import type { Shelf } from '../../src/coordination.ts'
import type { Account } from '../../src/directory.ts'
import { systemClock } from '../../src/main.ts'
import type { Observation } from '../../src/observe.ts'
import { createVault, newMasterKey } from '../../src/vault.ts'
import { createWechatClient } from '../../src/wechat/client.ts'
import { createSharedAsk } from '../../src/wechat/shared-token.ts'
import { type AskForToken, createTokenCentre } from '../../src/wechat/token-centre.ts'
import { createWechatSource } from '../../src/wechat/token-source.ts'
import { official, openSimulator } from '../simulator/open.ts'
import { atEnd } from '../support/at-end.ts'
import { createTestClock } from '../support/clock.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'
import { anAccount } from './token-api.ts'

export const { appid } = official

export interface NodeOptions {
  readonly account?: Partial<Account>
  /** How far its clock is ahead. */
  readonly aheadMs?: number
  /** How many times faster its pauses pass than they say. */
  readonly haste?: number
  /** Puts something between the shelf and the source. */
  readonly around?: (ask: AskForToken) => AskForToken
}

/** A Redis, a simulator, and a time that only the test moves, for both. */
export const openNetwork = async (t: TestContext) => {
  const server = await startRedis(t)
  const simulator = await openSimulator(t)
  const clock = createTestClock(Date.now())
  const vault = createVault(newMasterKey())
  const client = createWechatClient({ origin: simulator.url, connections: 64, timeoutMs: 30_000, clock })
  atEnd(t, client.close)
  let ids = 0

  const openNode = async ({
    account: change = {},
    aheadMs = 0,
    haste = 1,
    around = same,
  }: NodeOptions = {}) => {
    let account = anAccount({ appid, secret: official.secret, ...change })
    const now = () => clock.now() + aheadMs
    const own = { now, sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / haste, signal) }
    const engine = await openRedisEngine(t, {
      ...{ url: server.url, clock: own, shards: 1, callMs: 20_000 },
      onAlert: () => {},
    })
    const seen: Observation[] = []
    let looks = 0
    const { look, swap } = engine.coordination.shelf!
    const shelf: Shelf = {
      swap,
      look(name) {
        looks++
        return look(name)
      },
    }
    const ask = createSharedAsk({
      ...{ ask: around(createWechatSource(client)), shelf, vault, clock: own },
      ...{ newId: () => `question-${ids++}`, callMs: 10_000 },
    })
    const centre = createTokenCentre({
      ...{ ask, inSteps: true, clock: own, random: Math.random, patienceMs: 60_000 * haste },
      accountOf: (wanted) => (wanted === appid ? account : undefined),
      observe: (observation) => seen.push(observation),
    })
    return {
      ask,
      centre,
      engine,
      /** How often it has looked at the shelf. */
      looks: () => looks,
      get: () => centre.get(appid),
      current: () => centre.current(appid),
      heal: (token: string) => centre.heal(appid, token),
      events: () => seen.flatMap((each) => (each.kind === 'token' ? [each.event] : [])),
      alerts: () => seen.flatMap((each) => (each.kind === 'alert' ? [each.code] : [])),
      change(next: Partial<Account>) {
        account = { ...account, ...next }
      },
      accountNow: () => account,
    }
  }

  return {
    server,
    simulator,
    clock,
    openNode,
    openNodes: (count: number, options: NodeOptions = {}) =>
      Promise.all(Array.from({ length: count }, () => openNode(options))),
    /** How often a token API has been called. */
    async tokenCalls(): Promise<number> {
      const paths = ['/cgi-bin/stable_token', '/cgi-bin/token']
      return (await simulator.calls('limit=1000')).filter(({ path }) => paths.includes(String(path))).length
    },
    /** Time goes by for the nodes and for WeChat. */
    async pass(ms: number) {
      clock.advance(ms)
      await simulator.advance(ms)
    },
  }
}

export type Node = Awaited<ReturnType<Awaited<ReturnType<typeof openNetwork>>['openNode']>>

const same = (ask: AskForToken): AskForToken => ask
