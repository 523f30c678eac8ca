/**
 * Seeded load: clients that send single messages, arrays, and now and then a message they had sent before. Each
 * is as careful as a caller should be: what was not answered is sent again, the same bytes, until it is.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { createRandom, type Random } from '../../src/simulator/random.ts'
import type { Caller, Json, Reply } from './caller.ts'
import type { History } from './history.ts'
import { keyFields, miniprogram, official } from './simulator-process.ts'

export interface LoadOptions {
  readonly caller: Caller
  readonly history: History
  readonly seed: number
  readonly clients: number
  /** The longest that a client thinks before its next request. */
  readonly thinkMs: number
  /** Of every key, so that two loads never share one. */
  readonly prefix: string
  /** Share of messages for the mini program. */
  readonly subscribeShare?: number
}

export interface Load {
  /** Nothing new is sent; what is not answered yet is still repeated. */
  rest(): void
  goOn(): void
  /** Why a client gave up, if one did: it met an answer that must not be, or none. */
  fault(): unknown
  /** Ends the load; resolves when every client has its answers. Rejects if one gave up. */
  finish(): Promise<void>
}

export const startLoad = (options: LoadOptions): Load => {
  let resting: PromiseWithResolvers<void> | undefined
  let finished = false
  const goesOn = async () => {
    await resting?.promise
    return !finished
  }
  const clients = Array.from({ length: options.clients }, (_, index) => runClient(options, index, goesOn))
  const all = Promise.all(clients)
  let fault: unknown
  all.catch((error: unknown) => {
    fault = error
  })
  const goOn = () => {
    resting?.resolve()
    resting = undefined
  }
  return {
    rest: () => {
      resting ??= Promise.withResolvers()
    },
    goOn,
    fault: () => fault,
    async finish() {
      finished = true
      goOn()
      await all
    },
  }
}

/** A message as a client sends it. */
export interface Wish {
  readonly client_msg_id: string
  readonly [field: string]: unknown
}

const runClient = async (
  options: LoadOptions,
  index: number,
  goesOn: () => Promise<boolean>,
): Promise<void> => {
  const { seed, prefix, thinkMs, subscribeShare = 0.15 } = options
  const random = createRandom(seed * 1000 + index)
  const answered: Wish[] = []
  let count = 0

  const fresh = (): Wish => {
    const key = `${prefix}-${index}-${++count}`
    return random.next() < subscribeShare ? aSubscribeWish(key, count) : aTemplateWish(key, count)
  }
  const earlier = (): Wish => answered[Math.floor(random.next() * answered.length)] ?? fresh()

  while (await goesOn()) {
    const wishes = nextWishes(random, fresh, earlier)
    await sendUntilAnswered(options, { actor: `client-${prefix}-${index}`, wishes, random })
    answered.push(...wishes)
    answered.splice(0, answered.length - keptWishes)
    await pause(random.next() * thinkMs)
  }
}

const keptWishes = 200
const longestArray = 20

/** Mostly something new: one, or an array in which an old one or a twin may hide. */
const nextWishes = (random: Random, fresh: () => Wish, earlier: () => Wish): readonly Wish[] => {
  const draw = random.next()
  if (draw < 0.6) return [fresh()]
  if (draw < 0.7) return [earlier()]
  const wishes = Array.from({ length: 2 + Math.floor(random.next() * (longestArray - 2)) }, fresh)
  if (draw < 0.8) wishes.push(earlier())
  if (draw > 0.95) wishes.push(wishes[0]!)
  return wishes
}

export const aTemplateWish = (key: string, n = 0): Wish => aWish(official, key, n)
export const aSubscribeWish = (key: string, n = 0): Wish => aWish(miniprogram, key, n)

const aWish = ({ name, appid, openids, templates }: typeof official, key: string, n: number): Wish => ({
  account: name,
  touser: openids[n % openids.length],
  template_id: templates[0]!.alias,
  data: { ...templates[0]!.example, [keyFields[appid]!]: key },
  client_msg_id: key,
})

/** Between two tries of the same request. */
const longestWaitMs = 160
/** Longer than a few starts in a row can take that are killed on the way. */
const patienceMs = 300_000

interface Sending {
  readonly actor: string
  readonly wishes: readonly Wish[]
  readonly random: Random
}

/** Sends one message, or an array of them, and writes down how each try ended. */
export const sendUntilAnswered = async (
  { caller, history }: Pick<LoadOptions, 'caller' | 'history'>,
  { actor, wishes, random }: Sending,
): Promise<void> => {
  const body = wishes.length === 1 ? wishes[0] : wishes
  const deadline = performance.now() + patienceMs
  for (let waitMs = 20; ; waitMs = Math.min(2 * waitMs, longestWaitMs)) {
    const reply = await caller.post('/v1/messages', body)
    const results = resultsOf(reply, wishes.length)
    for (const [index, { client_msg_id: key }] of wishes.entries()) {
      if (results) history.add({ actor, op: 'accept', key, status: 'ok', detail: results[index]! })
      else history.add({ actor, op: 'accept', key, ...unanswered(reply) })
    }
    if (results) return
    if (performance.now() > deadline) throw new Error(`Never answered: ${JSON.stringify(reply)}`)
    await pause(waitMs / 2 + (random.next() * waitMs) / 2)
  }
}

type Result = { readonly id: string; readonly state: string; readonly duplicate: boolean }

/** One result for each wish, or nothing if the request has to be repeated. Any other answer is a fault. */
const resultsOf = (reply: Reply, count: number): readonly Result[] | undefined => {
  if (reply.kind !== 'answered' || reply.status >= 500 || reply.status === 429) return undefined
  const results = (count === 1 ? [reply.json] : reply.json.results) as readonly Json[] | undefined
  if (reply.status > 202 || results?.length !== count || results.some(({ id }) => typeof id !== 'string'))
    throw new Error(`An answer that nobody expected: ${JSON.stringify(reply)}`)
  return results as unknown as readonly Result[]
}

const unanswered = (reply: Reply) => {
  if (reply.kind === 'refused') return { status: 'fail', detail: { error: 'refused' } } as const
  const error = reply.kind === 'answered' ? `http ${reply.status}` : reply.error
  return { status: 'info', detail: { error } } as const
}
