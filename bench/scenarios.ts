/** What is measured, and what we aim for. */
import { type Contestant, contestants } from './contestants.ts'
import type { Scenario } from './measure.ts'

const withoutPeers: readonly Contestant[] = ['bare', 'hongyan']
// Enough requests at once that a durable answer, which waits for the disk, is a matter of latency and not of
// rate.
const single = { auth: 'bearer', size: 1, connections: 256 } as const
const array = { auth: 'bearer', size: 100, connections: 32 } as const

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
]

/** `by`: messages per second, or messages per second of CPU. */
export interface Target {
  readonly scenario: string
  readonly against: Contestant
  readonly by: 'second' | 'CPU second'
  readonly atLeast: number
}

export const targets: readonly Target[] = [
  { scenario: 'accept-single', against: 'bare', by: 'second', atLeast: 0.6 },
  { scenario: 'accept-array', against: 'bare', by: 'second', atLeast: 0.6 },
  { scenario: 'worker', against: 'bare', by: 'second', atLeast: 0.8 },
  { scenario: 'worker', against: 'peer', by: 'second', atLeast: 3 },
  { scenario: 'path-single', against: 'peer', by: 'CPU second', atLeast: 2.5 },
  { scenario: 'path-array', against: 'peer', by: 'CPU second', atLeast: 4 },
]
