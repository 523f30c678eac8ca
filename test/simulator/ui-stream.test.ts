/** A reader that does not read: what the stream does about it, without waiting for real time to pass. */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { suite, type TestContext, test } from 'node:test'
import { createInbox, type SendingCall } from '../../src/simulator/inbox.ts'
import { createStream } from '../../src/simulator/ui-stream.ts'

const aCall: SendingCall = {
  at: 0,
  path: '/cgi-bin/message/template/send',
  appid: 'wx1',
  touser: 'o1',
  templateId: 't1',
  clientMsgId: null,
  msgid: null,
  tags: [],
  request: '{}',
  reply: null,
  errcode: 0,
  fault: null,
  blocked: false,
}

/** A response whose socket is full whenever we say so. */
const aReader = () => {
  const written: string[] = []
  const state = { full: false, destroyed: false }
  const emitter = new EventEmitter()
  const res = Object.assign(emitter, {
    writeHead: () => res,
    write: (text: string) => {
      written.push(text)
      return !state.full
    },
    destroy: () => {
      state.destroyed = true
      emitter.emit('close')
    },
  })
  return { res: res as unknown as ServerResponse, written, state, drain: () => emitter.emit('drain') }
}

const req = { socket: { setNoDelay: () => {} } } as unknown as IncomingMessage

const open = (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const inbox = createInbox({ capacity: 10_000, start: 1 })
  const stream = createStream({ inbox, view: ({ id }) => id })
  const reader = aReader()
  stream.open(req, reader.res, { after: `${inbox.epoch()}:0`, wanted: () => true })
  /** Sends messages and lets the stream tell of them. */
  const arrive = (count: number) => {
    for (let i = 0; i < count; i++) inbox.record(aCall)
    t.mock.timers.tick(50)
  }
  const end = () => reader.res.destroy()
  return { inbox, reader, arrive, end, beat: () => t.mock.timers.tick(15_000) }
}

const rowsIn = (text = ''): number[] => JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? '{}').rows

suite('a stream to a page', () => {
  test('beats every fifteen seconds', (t) => {
    const { reader, beat, end } = open(t)
    beat()
    assert.equal(reader.written.at(-1), ': still here\n\n')
    end()
  })

  test('gathers what comes at once into one event', (t) => {
    const { reader, arrive, end } = open(t)
    const before = reader.written.length
    arrive(3)
    assert.equal(reader.written.length, before + 1)
    assert.deepEqual(rowsIn(reader.written.at(-1)), [3, 2, 1])
    end()
  })

  test('writes nothing to a full socket, and tells everything once it takes more', (t) => {
    const { reader, arrive, beat, end } = open(t)
    reader.state.full = true
    arrive(1)
    const before = reader.written.length
    arrive(150)
    beat()
    assert.equal(reader.written.length, before)
    reader.state.full = false
    reader.drain()
    const rows = rowsIn(reader.written.at(-1))
    assert.deepEqual([rows.length, rows[0]], [100, 151])
    assert.match(reader.written.at(-1) ?? '', /"skipped":50,/)
    end()
  })

  test('cuts off who reads nothing for longer than two beats', (t) => {
    const { reader, arrive, beat } = open(t)
    reader.state.full = true
    arrive(1)
    beat()
    beat()
    assert.equal(reader.state.destroyed, false)
    beat()
    assert.equal(reader.state.destroyed, true)
  })

  test('leaves nothing behind when the last page goes', (t) => {
    const { reader, arrive, beat, end } = open(t)
    end()
    const before = reader.written.length
    arrive(1)
    beat()
    assert.equal(reader.written.length, before)
  })
})
