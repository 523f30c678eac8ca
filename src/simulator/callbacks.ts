/**
 * WeChat's message push: tells whoever an account has configured what becomes of its messages and what its users
 * do. Nothing is pushed for an account without a callback. What nobody outside WeChat knows is a setting of the
 * account: whether an event can come before the answer to the call, whether it comes at all.
 */
import type { Effect } from './effects.ts'
import type { Happening, Receipt, UserHappening } from './happening.ts'
import { createMsgids } from './msgid.ts'
import { type PushFields, platformFields, userFields } from './push-fields.ts'
import { createPushLine, type PushedEvent, type PushLine, type PushRow } from './push-line.ts'
import { createOutlet, type PushAnswer } from './push-outlet.ts'
import { createPushQueue } from './push-queue.ts'
import { verificationUrl } from './push-request.ts'
import type { CallbackTarget } from './push-target.ts'
import { createRandom } from './random.ts'
import { receiptOf } from './receipt.ts'
import { createRing } from './ring.ts'
import type { World, WorldObserver } from './world.ts'

/** Which accounts are third-party platforms, and the tickets that only pushes bring to them. */
export interface Platforms {
  appids(): Iterable<string>
  /** A new ticket, good from now on. */
  newTicket(appid: string): string
}

export interface CallbacksParts {
  readonly world: World
  readonly seed: number
  /** As they stand at the start, and again after a reset. */
  readonly targets: ReadonlyMap<string, CallbackTarget>
  readonly platforms: Platforms
}

export interface Callbacks extends WorldObserver {
  /** Nothing: no more pushes for it. Its counters begin anew. */
  configure(appid: string, target: CallbackTarget | undefined): void
  line(appid: string): PushLine | undefined
  lines(): Iterable<[appid: string, line: PushLine]>
  /** Whether the address answers as WeChat demands, before it is configured or at any time after. */
  verify(appid: string, target: CallbackTarget): Promise<Verification>
  /** The last events that came to an end, oldest first. */
  recent(): Iterable<PushRow>
  waiting(): number
  close(): Promise<void>
}

/** `echo`: it answered something else. */
export type Verification =
  | { readonly verified: true }
  | { readonly verified: false; readonly why: PushAnswer | 'echo' }

const connections = 32
const recentKept = 1000
const tickMs = 1000
const ticketMs = 600_000

export const createCallbacks = ({ world, seed, targets, platforms }: CallbacksParts): Callbacks => {
  const { clock } = world
  // Its own chance, so that pushes change nothing about the delays and faults of calls.
  const random = createRandom(seed + 1)
  const salts = createRandom(seed + 2)
  const outlet = createOutlet(connections)
  const queue = createPushQueue(outlet, connections)
  const ids = createMsgids()
  const lines = new Map<string, PushLine>()
  const recent = createRing<PushRow>(recentKept)
  /** Of messages whose results are pushed before their callers are answered. */
  const early = new Map<string, Promise<void>>()
  const ticketAt = new Map<string, number>()

  const lineFor = (appid: string, target: CallbackTarget): PushLine =>
    createPushLine(target, { appid, clock, random, salts, queue, realNow: Date.now, record: recent.push })

  const configure = (appid: string, target: CallbackTarget | undefined): void => {
    if (target === undefined) lines.delete(appid)
    else lines.set(appid, lineFor(appid, target))
    ticketAt.delete(appid)
    tick()
  }

  const restart = (): void => {
    queue.clear()
    lines.clear()
    recent.clear()
    early.clear()
    for (const [appid, target] of targets) configure(appid, target)
  }

  /** What becomes due as simulated time goes by: pauses end, tickets are renewed. */
  const tick = (): void => {
    for (const line of lines.values()) line.resume()
    for (const appid of platforms.appids()) {
      const last = ticketAt.get(appid)
      if (!lines.has(appid) || (last !== undefined && clock.now() - last < ticketMs)) continue
      ticketAt.set(appid, clock.now())
      happened({ kind: 'ticket', appid, ticket: platforms.newTicket(appid) })
    }
  }

  const accepted = (effect: Effect): void => {
    const line = lines.get(effect.appid)
    if (line === undefined) return
    const what = receiptOf(effect, { target: line.target, random })
    if (what === undefined) return
    const pushed = line.push(userEvent({ ...effect, what }, line, effect.msgid))
    if (line.target.beforeReply) early.set(effect.msgid, pushed)
  }

  const userEvent = (event: Pushable, line: PushLine, msgid: string | null): PushedEvent => {
    const { appid, touser, what } = event
    const fields = userFields({ appid, touser, what, at: clock.now(), newMsgid: ids.next }, line.target)
    return { touser, event: nameOf(fields), msgid, fields, atOnce: msgid !== null && line.target.beforeReply }
  }

  const happened = (happening: Happening): boolean => {
    const line = lines.get(happening.appid)
    if (line === undefined) return false
    if ('touser' in happening) {
      const { appid, touser } = happening
      void line.push(userEvent({ appid, touser, what: happening }, line, null))
    } else {
      const fields = platformFields(happening, clock.now())
      void line.push({ touser: null, event: nameOf(fields), msgid: null, fields })
    }
    return true
  }

  restart()
  const timer = setInterval(tick, tickMs).unref()

  return {
    configure,
    line: (appid) => lines.get(appid),
    lines: () => lines.entries(),
    verify: async (appid, target) => {
      const { sealing, target: whole } = lineFor(appid, target)
      const echostr = String(Math.floor(salts.next() * 1e15))
      const answer = await outlet.get(verificationUrl(sealing(), echostr), whole.timeoutMs)
      if ('failed' in answer) return { verified: false, why: answer.failed }
      return answer.text === echostr ? { verified: true } : { verified: false, why: 'echo' }
    },
    recent: recent.items,
    waiting: queue.waiting,
    accepted,
    beforeReply: (msgid) => {
      if (early.size === 0) return undefined
      const pushed = early.get(msgid)
      early.delete(msgid)
      return pushed
    },
    happened,
    clockMoved: tick,
    reset: restart,
    close: async () => {
      clearInterval(timer)
      queue.clear()
      await outlet.close()
    },
  }
}

interface Pushable {
  readonly appid: string
  readonly touser: string
  readonly what: UserHappening | Receipt
}

const nameOf = ({ Event, MsgType, InfoType }: PushFields): string => String(Event ?? MsgType ?? InfoType)
