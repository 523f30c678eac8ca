/**
 * The books against the truth: users give permissions, messages use them up, the service is killed at moments that a
 * seed decides. In the end the books say no more than what WeChat has, and no less than what can be explained by
 * messages whose outcome nobody knows.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { createRandom } from '../../src/simulator/random.ts'
import type { Caller, Reply } from './caller.ts'
import type { Owner } from './child-process.ts'
import type { Simulator } from './simulator-process.ts'
import { openStage } from './stage.ts'
import { readAll, untilQuiet } from './truth.ts'

export interface GrantRunOptions {
  readonly kills: number
  readonly seed: number
}

export interface GrantFindings {
  /** Openids of whom the books say more than is true. */
  readonly above: readonly string[]
  /** Openids whose books lack more than their unknown messages explain, or hold what nobody will settle. */
  readonly leaked: readonly string[]
  readonly given: number
  readonly sent: number
  readonly refused: number
  readonly unknown: number
  readonly kills: number
}

const people = 12
const clients = 6
const account = 'demo-miniprogram'
const appid = 'wx00000000000de302'
const template = 'queue-turn'
const templateId = 'DemoQueueTurn_000000000000000000000000000_4'
const openidOf = (index: number): string => `oGrantUser${String(index).padStart(18, '0')}`
const quietLimitMs = 60_000

export const runGrants = async (owner: Owner, { kills, seed }: GrantRunOptions): Promise<GrantFindings> => {
  const random = createRandom(seed)
  const latencyMs = 10 + Math.floor(random.next() * 40)
  const { simulator, service, caller, first } = await openStage(owner, {
    seed,
    latencyMs,
    // What is in doubt is soon unknown: there are no receipts here.
    settings: { HONGYAN_RECEIPT_WAIT_SECONDS: '1' },
  })
  await simulator.admin('switches', { grants: 'counted' })
  let life = first
  let given = 0
  let reports = 0
  let messages = 0
  let killed = 0

  /** One yes: true at WeChat first, then reported until the report is taken. */
  const give = async (touser: string): Promise<void> => {
    const count = 1 + Math.floor(random.next() * 3)
    await simulator.admin('grants', { appid, touser, template_id: templateId, kind: 'once', count })
    given += count
    const report = { account, touser, template_id: template, add: count, report_id: `g${seed}-${++reports}` }
    await untilTaken(() => caller.post('/v1/grants', report))
  }

  const send = (touser: string, n: number): Promise<void> => {
    const data = { thing1: `n${n}`, character_string2: 'B1', number3: '1', thing4: 'x' }
    const message = { account, touser, template_id: template, data, client_msg_id: `m${seed}-${n}` }
    return untilTaken(() => caller.post('/v1/messages', message))
  }

  const murder = async (): Promise<void> => {
    while (killed < kills) {
      await pause(random.next() * 400)
      await life.kill()
      killed++
      life = service.spawn()
      await life.ready
    }
  }

  const live = async (): Promise<void> => {
    while (killed < kills) {
      const n = ++messages
      const touser = openidOf(Math.floor(random.next() * people))
      if (random.next() < 0.4) await give(touser)
      else await send(touser, n)
    }
  }

  await Promise.all([murder(), ...Array.from({ length: clients }, live)])
  await untilQuiet(caller, { limitMs: quietLimitMs, receiptsMayWait: false })
  const records = await readAll(caller, '')

  const above: string[] = []
  const leaked: string[] = []
  for (let index = 0; index < people; index++) {
    const touser = openidOf(index)
    const books = await booksOf(caller, touser)
    const truth = await truthOf(simulator, touser)
    const unknown = records.filter((each) => each.touser === touser && each.state === 'unknown').length
    if (books.left > truth) above.push(`${touser}: books ${books.left}, truth ${truth}`)
    if (truth - books.left > unknown || books.reserved > 0)
      leaked.push(`${touser}: books ${JSON.stringify(books)}, truth ${truth}, unknown ${unknown}`)
  }
  await life.stop()
  const inState = (...states: readonly string[]) =>
    records.filter(({ state }) => states.includes(state)).length
  return {
    above,
    leaked,
    given,
    sent: inState('sent', 'delivered'),
    refused: inState('dead'),
    unknown: inState('unknown'),
    kills: killed,
  }
}

const takenLimitMs = 60_000

/** Asks again until it is answered with a success: kills are on. */
const untilTaken = async (ask: () => Promise<Reply>): Promise<void> => {
  const deadline = performance.now() + takenLimitMs
  while (performance.now() < deadline) {
    const reply = await ask()
    if (reply.kind === 'answered' && reply.status < 300) return
    if (reply.kind === 'answered' && reply.status < 500) throw new Error(JSON.stringify(reply))
    await pause(20)
  }
  throw new Error(`Not taken within ${takenLimitMs} ms`)
}

interface Books {
  readonly left: number
  readonly reserved: number
  readonly used: number
}

const booksOf = async (caller: Caller, touser: string): Promise<Books> => {
  const { data } = await caller.read(`/v1/grants?account=${account}&touser=${touser}`)
  const [grant] = data as readonly Books[]
  return grant ?? { left: 0, reserved: 0, used: 0 }
}

/** How many messages WeChat would still take for this person. */
const truthOf = async (simulator: Simulator, touser: string): Promise<number> => {
  const { grants } = await simulator.admin(`grants?appid=${appid}&touser=${touser}`)
  const held = grants as readonly { readonly kind: string; readonly count?: number }[]
  return held.reduce((sum, { kind, count = 0 }) => sum + (kind === 'once' ? count : 0), 0)
}
