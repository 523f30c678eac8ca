import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { EventRefused, type History, type HistoryEvent } from '../src/history.ts'
import { createObserver, type Observation } from '../src/observe.ts'
import { runRecorder } from '../src/recorder.ts'
import { createTestClock, testStart } from './support/clock.ts'
import { accepted } from './support/history-events.ts'
import { memorySource } from './support/history-source.ts'
import { aMessage } from './support/messages.ts'
import { until } from './support/waiting.ts'

const soonMs = 3000

const someEvents = (count: number): readonly HistoryEvent[] =>
  Array.from({ length: count }, () => accepted(aMessage()))

/** A recorder that runs until the test ends, with a history that does what the test says. */
const running = (
  t: TestContext,
  history: History,
  { events, max = 10 }: { events: readonly HistoryEvent[]; max?: number },
) => {
  const clock = createTestClock()
  const { observe, subscribe } = createObserver()
  const observations: Observation[] = []
  subscribe((observation) => observations.push(observation))
  const stop = new AbortController()
  const source = memorySource(events)
  const ended = runRecorder({ source, history, clock, random: () => 0.5, observe, signal: stop.signal, max })
  t.after(async () => {
    stop.abort()
    await ended
  })
  const of = (result: string) =>
    observations.filter((each) => each.kind === 'history' && each.result === result)
  return { clock, source, observations, of, stop, ended }
}

suite('the recorder', () => {
  test('records everything in order, in batches of the size allowed', async (t) => {
    const batches: (readonly HistoryEvent[])[] = []
    const events = someEvents(25)
    const { source } = running(t, { record: async (batch) => void batches.push(batch) }, { events })
    await until(() => source.rest() === 0, soonMs)
    assert.deepEqual(batches.flat(), events)
    assert.deepEqual(
      batches.map(({ length }) => length),
      [10, 10, 5],
    )
  })

  test('tries a batch again until the records are back, holds no second one, and tells how far behind it is', async (t) => {
    let away = true
    const tried: (readonly HistoryEvent[])[] = []
    const history: History = {
      async record(batch) {
        tried.push(batch)
        if (away) throw new Error('The records are away')
      },
    }
    const events = someEvents(25)
    const { clock, source, of, observations } = running(t, history, { events })
    for (let failures = 1; failures <= 6; failures++) {
      await until(() => of('failed').length === failures && clock.asleep() === 1, soonMs)
      clock.advance(10_000)
    }
    assert.equal(source.acknowledged(), 0)
    for (const batch of tried) assert.deepEqual(batch, events.slice(0, 10))
    const lags = of('failed').map((each) => each.kind === 'history' && each.lagMs)
    assert.deepEqual(lags.slice(0, 6), [0, 10_000, 20_000, 30_000, 40_000, 50_000])
    assert.equal(
      observations.filter((each) => each.kind === 'alert' && each.code === 'history-away').length,
      1,
    )
    away = false
    await until(() => {
      clock.advance(10_000)
      return source.rest() === 0
    }, soonMs)
    assert.equal(of('recorded').length, 3)
  })

  test('goes on when the engine’s own store is away for a moment', async (t) => {
    const recorded: HistoryEvent[] = []
    const events = someEvents(3)
    const { clock, source, of } = running(
      t,
      { record: async (batch) => void recorded.push(...batch) },
      { events: [] },
    )
    const { take } = source
    source.take = async () => {
      throw new Error('The stream is away')
    }
    await until(() => of('failed').length === 1 && clock.asleep() === 1, soonMs)
    source.take = take
    source.add(events)
    clock.advance(10_000)
    await until(() => source.rest() === 0, soonMs)
    assert.deepEqual(recorded, events)
  })

  test('leaves out the one event that the records refuse, and tells of it', async (t) => {
    const events = someEvents(10)
    const bad = events[6]!
    const recorded: HistoryEvent[] = []
    const history: History = {
      async record(batch) {
        if (batch.includes(bad)) throw new EventRefused(new Error('out of range'))
        recorded.push(...batch)
      },
    }
    const { source, of, observations } = running(t, history, { events })
    await until(() => source.rest() === 0, soonMs)
    assert.deepEqual(
      recorded,
      events.filter((event) => event !== bad),
    )
    assert.equal(of('refused').length, 1)
    const alert = observations.find((each) => each.kind === 'alert')
    assert.ok(alert?.kind === 'alert' && alert.code === 'history-refused')
    assert.ok(bad.kind === 'accepted' && alert.detail.includes(bad.message.id))
  })

  test('stops while the records are away, and acknowledges nothing', async (t) => {
    const history: History = { record: () => Promise.reject(new Error('away')) }
    const { clock, source, stop, ended } = running(t, history, { events: someEvents(3) })
    await until(() => clock.asleep() === 1, soonMs)
    stop.abort()
    await ended
    assert.deepEqual([source.rest(), source.acknowledged()], [3, 0])
    assert.equal(clock.now(), testStart)
  })
})
