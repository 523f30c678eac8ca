/** What is measured, and what we aim for. */
import { type Contestant, contestants, type Ours, ours } from './contestants.ts'
import type { Scenario } from './measure.ts'

const withoutPeers: readonly Contestant[] = ['bare', ...ours]
// Enough requests at once that a durable answer, which waits for the disk, is a matter of latency and not of
// rate.
const single = { auth: 'bearer', size: 1, connections: 256 } as const
const array = { auth: 'bearer', size: 100, connections: 32 } as const

/** What a message costs while this many wait: the last of a long backlog must not cost more than the first of a short one. */
const depth = (queued: number): Scenario => ({
  name: `depth-${queued}`,
  about: `8,000 are sent while ${queued.toLocaleString('en')} wait`,
  kind: 'depth',
  messages: 8_000,
  warmup: 2_000,
  behind: queued - 10_000,
  contestants: ['hongyan-redis'],
})
export const depths: readonly Scenario[] = [10_000, 100_000, 1_000_000].map(depth)

export const scenarios: readonly Scenario[] = [
  {
    name: 'accept-single',
    about: 'single POSTs with a Bearer key, nobody works on them',
    kind: 'accept',
    messages: 40_000,
    warmup: 8_000,
    load: single,
    contestants,
  },
  {
    name: 'accept-signed',
    about: 'single POSTs with an HMAC signature; the bare limit checks none',
    kind: 'accept',
    messages: 40_000,
    warmup: 8_000,
    load: { ...single, auth: 'signed' },
    contestants: withoutPeers,
  },
  {
    name: 'accept-array',
    about: 'arrays of 100 with a Bearer key, nobody works on them',
    kind: 'accept',
    messages: 100_000,
    warmup: 20_000,
    load: array,
    contestants,
  },
  {
    name: 'worker',
    about: 'messages that wait already are sent; the bare limit is a dispatch loop',
    kind: 'work',
    messages: 60_000,
    warmup: 12_000,
    contestants,
  },
  {
    name: 'path-single',
    about: 'single POSTs with a Bearer key, to the last settlement',
    kind: 'path',
    messages: 30_000,
    warmup: 6_000,
    load: single,
    contestants,
  },
  {
    name: 'path-array',
    about: 'arrays of 100 with a Bearer key, to the last settlement',
    kind: 'path',
    messages: 60_000,
    warmup: 12_000,
    load: array,
    contestants,
  },
  ...depths,
]

/** `by`: messages per second, or messages per second of CPU. */
export interface Target {
  readonly of: Ours
  readonly scenario: string
  readonly against: Contestant
  readonly by: 'second' | 'CPU second'
  readonly atLeast: number
}

export const targets: readonly Target[] = [
  { of: 'hongyan', scenario: 'accept-single', against: 'bare', by: 'second', atLeast: 0.6 },
  { of: 'hongyan', scenario: 'accept-array', against: 'bare', by: 'second', atLeast: 0.6 },
  { of: 'hongyan', scenario: 'worker', against: 'bare', by: 'second', atLeast: 0.8 },
  { of: 'hongyan', scenario: 'worker', against: 'peer', by: 'second', atLeast: 3 },
  { of: 'hongyan', scenario: 'path-single', against: 'peer', by: 'CPU second', atLeast: 2.5 },
  { of: 'hongyan', scenario: 'path-array', against: 'peer', by: 'CPU second', atLeast: 4 },
  { of: 'hongyan-redis', scenario: 'accept-single', against: 'bare', by: 'second', atLeast: 0.5 },
  { of: 'hongyan-redis', scenario: 'accept-array', against: 'bare', by: 'second', atLeast: 0.5 },
  { of: 'hongyan-redis', scenario: 'worker', against: 'bare', by: 'second', atLeast: 0.7 },
  { of: 'hongyan-redis', scenario: 'worker', against: 'peer', by: 'second', atLeast: 3 },
]

/** CPU per message, whatever waits behind: so far from the shortest backlog's at most. */
export const mostAwayByDepth = 0.1
