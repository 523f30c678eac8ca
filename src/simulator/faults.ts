/**
 * Rules that make the simulated WeChat misbehave. The first rule that matches a call, has hits left
 * and wins its draw is played; the others do not see that call.
 */
import { BadInput, type Input, readInput } from './input.ts'
import type { Random } from './random.ts'

/** What a rule does. `errcode`, `hang: before`, `reset: before` and the junk of gear in front accept nothing. */
export type Misbehaviour =
  | { readonly kind: 'errcode'; readonly errcode: number }
  | { readonly kind: 'latency' }
  | { readonly kind: 'hang'; readonly when: 'before' | 'after' }
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  | { readonly kind: 'junk'; readonly junk: Junk }

/**
 * `html-502` and `html-200` a page of some gear in front · `redirect` 302 · `huge` 8 MB of it, and nothing accepted ·
 * `no-errcode`, `string-errcode`, `cut-json` WeChat's own answer, distorted: the message may have been accepted
 */
export const junks = [
  'html-502',
  'html-200',
  'redirect',
  'huge',
  'no-errcode',
  'string-errcode',
  'cut-json',
] as const
export type Junk = (typeof junks)[number]

export interface FaultRule {
  readonly id: number
  /** The rule as it was given. */
  readonly given: Readonly<Record<string, unknown>>
  readonly path: string | undefined
  readonly appid: string | undefined
  readonly touser: string | undefined
  readonly templateId: string | undefined
  readonly misbehaviour: Misbehaviour
  /** Instead of the usual delay, in real milliseconds. */
  readonly latencyMs: number | undefined
  readonly probability: number
  /** How often it may be played. */
  readonly count: number
  hits: number
}

export interface FaultTarget {
  readonly path: string
  readonly appid: string | undefined
  readonly touser: string | undefined
  readonly templateId: string | undefined
}

export interface Faults {
  /** The rule to be played for this call, whose hit is counted. */
  pick(call: FaultTarget): FaultRule | undefined
  /** Replaces all rules. */
  replace(rules: readonly FaultRule[]): void
  list(): readonly FaultRule[]
  clear(): void
}

export const createFaults = (random: Random): Faults => {
  let rules: readonly FaultRule[] = []
  return {
    pick: (call) => {
      for (const rule of rules) {
        if (rule.hits >= rule.count || !concerns(rule, call)) continue
        if (rule.probability < 1 && random.next() >= rule.probability) continue
        rule.hits++
        return rule
      }
      return undefined
    },
    replace: (next) => {
      rules = next
    },
    list: () => rules,
    clear: () => {
      rules = []
    },
  }
}

const concerns = (rule: FaultRule, call: FaultTarget): boolean =>
  (rule.path === undefined || rule.path === call.path) &&
  (rule.appid === undefined || rule.appid === call.appid) &&
  (rule.touser === undefined || rule.touser === call.touser) &&
  (rule.templateId === undefined || rule.templateId === call.templateId)

/** `hang:after`, `errcode`, `junk:cut-json`: how the calls ledger names a fault. */
export const faultName = ({ misbehaviour }: FaultRule): string => {
  switch (misbehaviour.kind) {
    case 'errcode':
    case 'latency':
      return misbehaviour.kind
    case 'hang':
    case 'reset':
      return `${misbehaviour.kind}:${misbehaviour.when}`
    case 'junk':
      return `junk:${misbehaviour.junk}`
  }
}

/** One rule of `POST /_sim/faults`. */
export const parseRule = (value: unknown, id: number): FaultRule => {
  const input = readInput(value, ruleFields)
  return {
    id,
    given: input.given,
    path: input.text('path'),
    appid: input.text('appid'),
    touser: input.text('touser'),
    templateId: input.text('template_id'),
    misbehaviour: misbehaviourOf(input),
    latencyMs: input.number('latency_ms', { min: 0, max: longestDelayMs }),
    probability: input.number('probability', { min: 0, max: 1 }) ?? 1,
    count: input.number('count', { min: 0 }) ?? Infinity,
    hits: 0,
  }
}

const targetFields = ['path', 'appid', 'touser', 'template_id']
const misbehaviourFields = ['errcode', 'latency_ms', 'hang', 'reset', 'junk']
const ruleFields = [...targetFields, ...misbehaviourFields, 'probability', 'count']

const longestDelayMs = 3_600_000

/** Exactly one thing goes wrong; a delay may come with it. */
const misbehaviourOf = (input: Input): Misbehaviour => {
  const errcode = input.number('errcode', { min: -Infinity, integer: true })
  const hang = input.choice('hang', ['before', 'after'] as const)
  const reset = input.choice('reset', [true, 'before', 'after'] as const)
  const junk = input.choice('junk', [true, ...junks] as const)
  const wrongs: Misbehaviour[] = []
  if (errcode !== undefined) wrongs.push({ kind: 'errcode', errcode })
  if (hang !== undefined) wrongs.push({ kind: 'hang', when: hang })
  if (reset !== undefined) wrongs.push({ kind: 'reset', when: reset === 'after' ? 'after' : 'before' })
  if (junk !== undefined) wrongs.push({ kind: 'junk', junk: junk === true ? 'html-502' : junk })
  if (wrongs.length === 0 && input.given.latency_ms != null) return { kind: 'latency' }
  const [wrong, ...others] = wrongs
  if (wrong === undefined || others.length > 0)
    throw new BadInput(`a rule does exactly one of ${misbehaviourFields.join(', ')}`)
  return wrong
}
