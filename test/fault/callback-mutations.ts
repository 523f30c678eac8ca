/**
 * Callbacks that WeChat never made, out of ones that it might have: bits flipped, cut short, forged, taken for
 * another account, with what XML is feared for. For each it is known how it must be met.
 */

import type { CallbackReading } from '../../src/callback-event.ts'
import { callbackSignature } from '../../src/message-crypto.ts'
import type { Receipt, UserHappening } from '../../src/simulator/happening.ts'
import { type PushFields, userFields } from '../../src/simulator/push-fields.ts'
import { pushRequest, type Sealing } from '../../src/simulator/push-request.ts'
import { createRandom, type Random } from '../../src/simulator/random.ts'
import {
  type Arrival,
  aesKey,
  appid,
  arrivalFor,
  arrivalOf,
  type Form,
  forms,
  read,
  targetOf,
  token,
} from '../support/callbacks.ts'
import { testStart } from '../support/clock.ts'

/** `same`: it may be understood, as what it was before. `anything`: plain mode does not sign its body. */
type Met = '400' | '403' | '413' | 'stale' | 'same' | 'anything'

interface Original extends Arrival {
  readonly form: Form
  readonly fields: PushFields
  readonly random: Random
}

type Mutation = (original: Original) => { readonly arrival: Arrival; readonly met: readonly Met[] }

export interface MutationReport {
  readonly count: number
  readonly seed: number
  /** How often each was met with what; `unsigned`: a changed body in plain mode, which nothing protects. */
  readonly met: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** Understood, but not as what it was before. */
  readonly accepted: number
  readonly thrown: number
  /** Neither accepted nor thrown, but not as it must be met either. */
  readonly otherwise: number
  /** Of originals, without which nothing is proved. */
  readonly originalsRefused: number
  /** The first few that went wrong, to begin with. */
  readonly examples: readonly string[]
}

export const runMutations = ({
  count,
  seed,
}: {
  readonly count: number
  readonly seed: number
}): MutationReport => {
  const random = createRandom(seed)
  const names = Object.keys(mutations)
  const met: Record<string, Record<string, number>> = {}
  const wrongs = { accepted: 0, thrown: 0, otherwise: 0, originalsRefused: 0 }
  const examples: string[] = []
  for (let number = 0; number < count; number++) {
    const original = originalOf(random)
    const before = read(original, original.form.mode)
    const name = names[number % names.length]!
    const { arrival, met: expected } = mutations[name]!(original)
    const outcome = outcomeOf(before, arrival, original.form)
    const tally = met[name] ?? {}
    const shown = outcome === 'accepted' && expected.includes('anything') ? 'unsigned' : outcome
    met[name] = { ...tally, [shown]: (tally[shown] ?? 0) + 1 }
    const wrong = before.kind === 'event' ? wrongOf(outcome, expected) : 'originalsRefused'
    if (wrong === undefined) continue
    wrongs[wrong]++
    if (examples.length < 5)
      examples.push(`${number} ${name}: ${outcome} ${arrival.body.toString().slice(0, 300)}`)
  }
  return { count, seed, met, ...wrongs, examples }
}

const outcomeOf = (before: CallbackReading, arrival: Arrival, { mode }: Form): string => {
  try {
    const after = read(arrival, mode)
    if (after.kind === 'refused') return String(after.status)
    if (after.kind === 'ignored') return after.why
    return JSON.stringify(after) === JSON.stringify(before) ? 'same' : 'accepted'
  } catch {
    return 'thrown'
  }
}

const wrongOf = (outcome: string, met: readonly Met[]): 'accepted' | 'thrown' | 'otherwise' | undefined => {
  if (outcome === 'thrown') return 'thrown'
  if (met.includes('anything') || (met as readonly string[]).includes(outcome)) return undefined
  return outcome === 'accepted' || outcome === 'same' ? 'accepted' : 'otherwise'
}

const below = (random: Random, limit: number): number => Math.floor(random.next() * limit)
const oneOf = <T>(random: Random, all: readonly T[]): T => all[below(random, all.length)]!

const happenings: readonly ((random: Random) => UserHappening | Receipt)[] = [
  (random) => ({ kind: 'job-finished', msgid: `35${below(random, 1e15)}`, status: 'success' }),
  (random) => ({ kind: 'job-finished', msgid: `35${below(random, 1e15)}`, status: 'failed:user block' }),
  () => ({ kind: 'sent', templateId: 'T1', msgid: '1', errorCode: 0, errorStatus: 'success' }),
  () => ({ kind: 'popup', decisions: [{ templateId: 'T1', accepted: true }] }),
  () => ({ kind: 'change', refused: ['T1', 'T2'] }),
  () => ({ kind: 'message', text: '你好 <xml>' }),
  () => ({ kind: 'follow' }),
  () => ({ kind: 'unfollow' }),
]

const originalOf = (random: Random): Original => {
  const form = oneOf(random, forms)
  const what = oneOf(random, happenings)(random)
  const touser = `o${below(random, 1e9)}`
  const newMsgid = () => String(below(random, 1e15))
  const fields = userFields({ appid, touser, at: testStart - below(random, 60_000), what, newMsgid }, form)
  return { form, fields, random, ...arrivalFor(fields, { ...form, random }) }
}

const isPlain = ({ form }: Original): boolean => form.mode === 'plain'

/** The same event, sealed otherwise than this account's. */
const sealedBy = ({ form, fields, random }: Original, change: Partial<Sealing>): Arrival =>
  arrivalOf(
    pushRequest(fields, { target: targetOf(form), appid, random, timestamp: testStart / 1000, ...change }),
  )

/** One character of a text becomes another of the same kind. */
const oneCharacterOf = (random: Random, text: string, alphabet: string): string => {
  const at = below(random, text.length)
  const was = alphabet.indexOf(text[at]!)
  const other = alphabet[(was + 1 + below(random, alphabet.length - 1)) % alphabet.length]!
  return text.slice(0, at) + other + text.slice(at + 1)
}

const digits = '0123456789'
const hex = `${digits}abcdef`
const base64 = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz${digits}+/`

const parameter =
  (name: 'signature' | 'timestamp' | 'nonce', alphabet: string): Mutation =>
  ({ query, body, random }) => ({
    arrival: { query: { ...query, [name]: oneCharacterOf(random, query[name]!, alphabet) }, body },
    met: ['403'],
  })

const ciphertext = ({ body }: Original): string => /[A-Za-z0-9+/]{100,}=*/.exec(body.toString())?.[0] ?? ''

const withCiphertext = (original: Original, change: (text: string) => string): Arrival => {
  const text = ciphertext(original)
  return {
    query: original.query,
    body: Buffer.from(original.body.toString().replace(text, () => change(text))),
  }
}

const doctype = '<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b SYSTEM "file:///etc/passwd">]>'

/** Signed again, as if WeChat itself had written this body. */
const signedAgain = ({ query, random }: Original, body: Buffer): Arrival => {
  const { timestamp = '' } = query
  const nonce = String(below(random, 1e9))
  return { query: { ...query, nonce, signature: callbackSignature(token, timestamp, nonce) }, body }
}

const mutations: Readonly<Record<string, Mutation>> = {
  signature: parameter('signature', hex),
  timestamp: parameter('timestamp', digits),
  nonce: parameter('nonce', digits),
  'message signature': ({ query, body, random, form }) => {
    if (query.msg_signature === undefined)
      return parameter('signature', hex)({ query, body, random, form, fields: {} })
    const msg_signature = oneCharacterOf(random, query.msg_signature, hex)
    return { arrival: { query: { ...query, msg_signature }, body }, met: ['403'] }
  },
  'parameter left out': (original) => {
    const { query, body, random } = original
    const names = Object.keys(query).filter((name) => name !== 'openid')
    const { [oneOf(random, names)]: _, ...rest } = query
    return { arrival: { query: rest, body }, met: ['403'] }
  },
  'parameters swapped': ({ query, body, random }) => {
    const names = ['signature', 'nonce', 'timestamp', ...(query.msg_signature ? ['msg_signature'] : [])]
    const one = oneOf(random, names)
    const other = oneOf(
      random,
      names.filter((name) => name !== one),
    )
    const swapped = { ...query, [one]: query[other]!, [other]: query[one]! }
    // The signature sorts its parts: that these two changed places only the time can tell.
    const isUnseen = !`${one}${other}`.includes('signature')
    return { arrival: { query: swapped, body }, met: isUnseen ? ['stale', '403'] : ['403'] }
  },
  'ciphertext changed': (original) =>
    isPlain(original)
      ? parameter('signature', hex)(original)
      : {
          arrival: withCiphertext(original, (text) => {
            const end = text.replace(/=+$/, '')
            return oneCharacterOf(original.random, end, base64) + text.slice(end.length)
          }),
          met: ['403'],
        },
  'ciphertext cut': (original) =>
    isPlain(original)
      ? parameter('nonce', digits)(original)
      : {
          arrival: withCiphertext(original, (text) =>
            text.slice(0, 1 + below(original.random, text.length - 1)),
          ),
          met: ['403'],
        },
  'a bit anywhere': (original) => {
    const body = Buffer.from(original.body)
    const at = below(original.random, body.length)
    body[at]! ^= 1 << below(original.random, 8)
    return {
      arrival: { query: original.query, body },
      met: isPlain(original) ? ['anything'] : ['400', '403', 'same'],
    }
  },
  'cut short': ({ query, body, random }) => ({
    arrival: { query, body: body.subarray(0, below(random, body.length)) },
    met: ['400'],
  }),
  'another token': (original) => ({
    arrival: sealedBy(original, { target: targetOf(original.form, { token: 'another-token' }) }),
    met: ['403'],
  }),
  'another key': (original) => {
    const { form, random } = original
    // Not its last character, some bits of which mean nothing.
    const key = oneCharacterOf(random, aesKey.slice(0, -1), hex) + aesKey.slice(-1)
    const target = targetOf(form, isPlain(original) ? { token: `${token} ` } : { aesKey: key })
    return { arrival: sealedBy(original, { target }), met: ['403'] }
  },
  'another appid': (original) =>
    isPlain(original)
      ? parameter('timestamp', digits)(original)
      : { arrival: sealedBy(original, { appid: `wx${below(original.random, 1e9)}` }), met: ['403'] },
  'a weaker mode': (original) =>
    isPlain(original)
      ? parameter('signature', hex)(original)
      : { arrival: arrivalFor(original.fields, { ...original.form, mode: 'plain' }), met: ['403'] },
  old: (original) => ({
    arrival: sealedBy(original, { timestamp: testStart / 1000 - 301 - below(original.random, 1e6) }),
    met: ['stale'],
  }),
  'document type': (original) => ({
    arrival: signedAgain(original, Buffer.concat([Buffer.from(doctype), original.body])),
    met: ['400'],
  }),
  'document type inside': (original) => {
    const { random, form } = original
    const text = original.body.toString()
    const body = form.format === 'xml' ? text.replace('<xml>', () => `<xml>${doctype}`) : `${doctype}${text}`
    return { arrival: signedAgain({ ...original, random }, Buffer.from(body)), met: ['400'] }
  },
  bomb: (original) => {
    const body = `<xml><a>${'&#120;'.repeat(1 + below(original.random, 10_000))}</a></xml>`
    return { arrival: signedAgain(original, Buffer.from(body)), met: ['400'] }
  },
  deep: (original) => {
    const depth = 9 + below(original.random, 2000)
    const body = original.form.format === 'xml' ? `<xml>${'<a>'.repeat(depth)}` : `${'{"a":'.repeat(depth)}1`
    return { arrival: signedAgain(original, Buffer.from(body)), met: ['400'] }
  },
  huge: (original) => ({
    arrival: { ...original, body: Buffer.concat([original.body, Buffer.alloc(65_536, ' ')]) },
    met: ['413'],
  }),
  junk: (original) => {
    const { random } = original
    const body = Buffer.from(Array.from({ length: below(random, 200) }, () => below(random, 256)))
    return { arrival: signedAgain(original, body), met: ['400'] }
  },
}
