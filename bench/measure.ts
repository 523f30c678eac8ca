/**
 * The three kinds of measurement. Each warms up first, with messages that do not count, in the same
 * processes.
 */
import { type Conditions, type Contestant, openPlace, placeOf, startContestant } from './contestants.ts'
import type { LoadOptions, LoadTasks } from './load.ts'
import { type Measured, measurementOf } from './measurement.ts'
import { startProcess } from './process.ts'
import type { SinkTasks } from './sink.ts'

export interface Scenario {
  readonly name: string
  readonly about: string
  readonly kind: 'accept' | 'work' | 'path' | 'depth'
  readonly messages: number
  readonly warmup: number
  /** Of `depth`: how many wait behind those that are measured. */
  readonly behind?: number
  readonly load?: Pick<LoadOptions, 'auth' | 'size' | 'connections'>
  readonly contestants: readonly Contestant[]
}

type Measure = (scenario: Scenario, contestant: Contestant, conditions: Conditions) => Promise<Measured>

/** From the first request to the last answer; nobody works on what is accepted. */
const measureAccept: Measure = async (scenario, contestant, conditions) => {
  const { name, messages, warmup } = scenario
  await using place = await openPlace(contestant)
  await using service = startContestant(contestant, conditions)
  await using load = startProcess<LoadTasks>('load.ts', conditions)
  const access = await service.ask('start', {
    ...placeOf(place),
    roles: ['gateway'],
    wechat: 'http://127.0.0.1',
    milestones: [],
  })
  await load.ask('prepare', { ...scenario.load!, access, first: 0, messages: warmup })
  await load.ask('run')
  await load.ask('prepare', { ...scenario.load!, access, first: warmup, messages })
  const before = await service.ask('mark')
  const run = await load.ask('run')
  const after = await service.ask('mark')
  const ms = run.endedAtMs - run.startedAtMs
  return measurementOf({ scenario: name, contestant, messages, before, after, ms, load: run })
}

/** Messages that wait already are sent: from the settlement that ends the warm-up to the last one that counts. */
const measureWork: Measure = async (scenario, contestant, conditions) => {
  const { name, messages, warmup, behind = 0 } = scenario
  const total = warmup + messages
  await using place = await openPlace(contestant)
  await using sink = startProcess<SinkTasks>('sink.ts', conditions)
  const wechat = await sink.ask('listen')
  {
    await using storing = startContestant(contestant, { signal: conditions.signal })
    await storing.ask('preload', { ...placeOf(place), count: total + behind })
  }
  await using service = startContestant(contestant, conditions)
  const milestones = [warmup, total]
  await service.ask('start', { ...placeOf(place), roles: ['worker'], wechat, milestones })
  const before = await service.ask('settled', warmup)
  const after = await service.ask('settled', total)
  // Those behind are on their way meanwhile.
  if (behind === 0) expectSends(await sink.ask('sends'), total)
  const ms = after.atMs - before.atMs
  return measurementOf({ scenario: name, contestant, messages, before, after, ms })
}

/** From the first request to the last settlement, gateway and worker in one process. */
const measurePath: Measure = async (scenario, contestant, conditions) => {
  const { name, messages, warmup } = scenario
  const total = warmup + messages
  await using place = await openPlace(contestant)
  await using sink = startProcess<SinkTasks>('sink.ts', conditions)
  await using service = startContestant(contestant, conditions)
  await using load = startProcess<LoadTasks>('load.ts', conditions)
  const wechat = await sink.ask('listen')
  const milestones = [warmup, total]
  const access = await service.ask('start', {
    ...placeOf(place),
    roles: ['gateway', 'worker'],
    wechat,
    milestones,
  })
  await load.ask('prepare', { ...scenario.load!, access, first: 0, messages: warmup })
  await load.ask('run')
  await service.ask('settled', warmup)
  await load.ask('prepare', { ...scenario.load!, access, first: warmup, messages })
  const before = await service.ask('mark')
  const run = await load.ask('run')
  const after = await service.ask('settled', total)
  expectSends(await sink.ask('sends'), total)
  const ms = after.atMs - run.startedAtMs
  return measurementOf({ scenario: name, contestant, messages, before, after, ms, load: run })
}

/** Who sends less or more than it was given has not done the job. */
const expectSends = (sends: number, expected: number): void => {
  if (sends !== expected) throw new Error(`The sink saw ${sends} messages, not ${expected}`)
}

export const measureBy: Readonly<Record<Scenario['kind'], Measure>> = {
  accept: measureAccept,
  work: measureWork,
  depth: measureWork,
  path: measurePath,
}
