import { suite, type TestContext, test } from 'node:test'
import { check, type Evidence, type FinalRecord, type Findings, faultsIn } from './checker.ts'
import type { Detail, Line, Status } from './history.ts'

const accept = (key: string, status: Status, detail: Detail = {}): Line => ({
  t: 0,
  actor: 'client-1',
  op: 'accept',
  key,
  status,
  detail,
})

const read = (id: string, state: string): Line => ({
  ...accept('', 'ok', { id, state }),
  op: 'read',
})

const record = (id: string, key: string, change: Partial<FinalRecord> = {}): FinalRecord => {
  const state = change.state ?? 'sent'
  return { id, key, channel: 'template', state, reason: null, timeline: [{ at: 1, event: state }], ...change }
}

const seen = (...keys: readonly string[]) => keys.map((key) => ({ key, at: 1 }))

const nothing: Evidence = { history: [], records: [], effects: [] }

/** A run in which all is well: one accepted at once, one after a lost reply, one whose request was refused. */
const good: Evidence = {
  history: [
    accept('a', 'ok', { id: '1', state: 'queued', duplicate: false }),
    accept('b', 'info', { error: 'reset' }),
    accept('b', 'ok', { id: '2', state: 'sent', duplicate: true }),
    accept('c', 'fail', { error: 'refused' }),
  ],
  records: [record('1', 'a'), record('2', 'b')],
  effects: seen('a', 'b'),
}

const acceptedAs = (state: FinalRecord['state'], effects: Evidence['effects']): Evidence => ({
  history: [accept('a', 'ok', { id: '1' })],
  records: [record('1', 'a', { state })],
  effects,
})

const awaiting: Evidence = {
  history: [accept('a', 'ok', { id: '1' })],
  records: [record('1', 'a', { state: 'parked', reason: 'awaiting-receipt' })],
  effects: seen('a'),
}

const clean: Readonly<Record<string, Evidence>> = {
  'nothing happened': nothing,
  'everything went well': good,
  'a request in doubt was taken, and its caller never came back': {
    history: [accept('a', 'info')],
    records: [record('1', 'a')],
    effects: seen('a'),
  },
  'unknown, seen or not, is an honest answer': acceptedAs('unknown', []),
  'a receipt sharpened unknown to sent': {
    ...acceptedAs('sent', seen('a')),
    records: [record('1', 'a', { timeline: ['unknown', 'sent'].map((event) => ({ at: 1, event })) })],
  },
  'a message waits for its receipt, and may': { ...awaiting, receiptsMayWait: true },
}

const cases: readonly (readonly [sentence: string, Evidence, Partial<Findings>])[] = [
  ['an accepted message without a record is lost', { ...good, records: [record('1', 'a')] }, { lost: ['2'] }],
  ['an accepted message that never comes to an end is lost', acceptedAs('retry', seen('a')), { lost: ['1'] }],
  ['a message that waits for its receipt is not at its end', awaiting, { lost: ['1'] }],
  [
    'a message that nobody sent is resurrected',
    { ...good, records: [...good.records, record('9', 'z')], effects: seen('a', 'b', 'z') },
    { resurrected: ['9', 'z'] },
  ],
  [
    'a message whose request was certainly not taken is resurrected',
    { ...good, effects: seen('a', 'b', 'c') },
    { resurrected: ['c'] },
  ],
  [
    'two ends in a timeline are a flip',
    {
      ...acceptedAs('sent', seen('a')),
      records: [record('1', 'a', { timeline: ['dead', 'sent'].map((event) => ({ at: 1, event })) })],
    },
    { flip: ['1'] },
  ],
  [
    'an end that was told and is not the end is a flip',
    { ...good, history: [...good.history, read('1', 'expired')] },
    { flip: ['1'] },
  ],
  [
    'a message that leaves its end is a flip, and lost',
    {
      ...acceptedAs('queued', seen('a')),
      records: [record('1', 'a', { state: 'queued', timeline: [{ at: 1, event: 'sent' }] })],
    },
    { flip: ['1'], lost: ['1'] },
  ],
  [
    'two effects of one message are a visible duplicate',
    { ...good, effects: seen('a', 'b', 'b') },
    { visibleDuplicates: ['b'] },
  ],
  ['sent and seen by nobody is a ghost', { ...good, effects: seen('a') }, { ghost: ['2'] }],
  ['dead and seen is silent', acceptedAs('dead', seen('a')), { silent: ['1'] }],
  ['expired and seen is silent', acceptedAs('expired', seen('a')), { silent: ['1'] }],
  ['cancelled and seen is silent', acceptedAs('cancelled', seen('a')), { silent: ['1'] }],
  [
    'two ids answered for one key are a double accept',
    {
      ...good,
      history: [...good.history, accept('a', 'ok', { id: '3' })],
      records: [...good.records, record('3', 'a')],
    },
    { doubleAccept: ['a'] },
  ],
  [
    'a second record of a key is a double accept even if only one id was answered',
    {
      history: [accept('a', 'info'), accept('a', 'ok', { id: '2' })],
      records: [record('1', 'a'), record('2', 'a')],
      effects: seen('a', 'a'),
    },
    { doubleAccept: ['a'], visibleDuplicates: ['a'] },
  ],
  ['a lease that nobody holds any more is a leak', acceptedAs('leased', []), { leak: ['1'], lost: ['1'] }],
]

suite('the checker', () => {
  for (const [sentence, evidence] of Object.entries(clean))
    test(`finds nothing wrong when ${sentence}`, (t: TestContext) =>
      t.assert.deepEqual(faultsIn(check(evidence)), []))

  for (const [sentence, evidence, expected] of cases)
    test(sentence, (t: TestContext) => {
      const findings = check(evidence)
      const found = Object.fromEntries(faultsIn(findings).map((name) => [name, findings[name]]))
      t.assert.deepEqual(found, expected)
    })

  test('each set is detected by a case of its own', (t: TestContext) => {
    const covered = new Set(cases.flatMap(([, , expected]) => Object.keys(expected)))
    t.assert.deepEqual([...covered].sort(), Object.keys(check(nothing)).sort())
  })
})
