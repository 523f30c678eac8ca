import { parseArgs } from 'node:util'
import { type Contestant, contestants } from './contestants.ts'

export interface Options {
  /** Names of scenarios; all when empty. */
  readonly only: readonly string[]
  /** Contestants; all when empty. */
  readonly of: readonly Contestant[]
  readonly rounds: number
  /** What the usual counts of messages are multiplied by. */
  readonly scale: number
  /** Where CPU profiles of Hongyan are written; none without it. */
  readonly profile: string | undefined
}

export const usage = `npm run bench -- [options]

  --quick            a tenth of the messages and one round: for CI
  --only <scenario>  may be given more than once
  --of <contestant>  ${contestants.join(', ')}; may be given more than once
  --rounds <n>       how often each contestant is measured (3)
  --scale <x>        times the usual counts of messages (1)
  --profile <folder> writes CPU profiles of Hongyan's threads; what is measured with it is slower
  --list             the scenarios

npm run bench -- simulator

  how fast the simulator takes messages, beside a bare node:http server; at most 20 s

npm run bench -- nodes [policies|processes]

  several worker processes on one Redis: the policies with one slow node, and two processes beside one; some five minutes
`

/** Throws when they cannot be understood. */
export const parseOptions = (args: readonly string[], scenarios: readonly string[]): Options => {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      of: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
      scale: { type: 'string' },
      profile: { type: 'string' },
    },
  })
  const { quick, only, profile } = values
  const unknown = only.find((name) => !scenarios.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no scenario ${unknown}. There are: ${scenarios.join(', ')}`)
  const of = contestants.filter((each) => values.of.includes(each))
  if (of.length !== new Set(values.of).size) throw new Error(`--of takes ${contestants.join(', ')}`)
  const rounds = Number(values.rounds ?? (quick ? 1 : 3))
  const scale = Number(values.scale ?? (quick ? 0.1 : 1))
  if (!(Number.isInteger(rounds) && rounds >= 1 && rounds <= 99))
    throw new Error('--rounds must be a whole number from 1 to 99')
  if (!(scale > 0 && scale <= 5)) throw new Error('--scale must be above 0 and at most 5')
  return { only, of, rounds, scale, profile }
}
