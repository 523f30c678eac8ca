import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createInbox, type InboxOptions, type SendingCall } from '../../src/simulator/inbox.ts'

const aCall = (change: Partial<SendingCall> = {}): SendingCall => ({
  at: 0,
  path: '/cgi-bin/message/template/send',
  appid: 'wx1',
  touser: 'o1',
  templateId: 't1',
  clientMsgId: null,
  msgid: null,
  tags: [],
  request: '{}',
  reply: { status: 200, body: '{}' },
  errcode: 0,
  fault: null,
  blocked: false,
  ...change,
})

const open = (options: Partial<InboxOptions> = {}) => createInbox({ capacity: 3, start: 1, ...options })
const idsOf = (rows: readonly { readonly id: number }[]) => rows.map(({ id }) => id)

suite('the inbox', () => {
  test('keeps the newest and lets go of what is over its number', () => {
    const inbox = open()
    for (let i = 0; i < 5; i++) inbox.record(aCall())
    assert.deepEqual(idsOf(inbox.after(0)), [3, 4, 5])
    assert.deepEqual(idsOf(inbox.after(4)), [5])
    assert.deepEqual(inbox.after(5), [])
    assert.equal(inbox.find(2), undefined)
    assert.equal(inbox.find(3)?.id, 3)
    assert.equal(inbox.find(6), undefined)
    assert.deepEqual(inbox.counts(), { kept: 3, unread: 3, total: 5 })
  })

  test('still knows its rows after the front of the list was cut off', () => {
    const inbox = open()
    for (let i = 0; i < 5_000; i++) inbox.record(aCall())
    assert.deepEqual(idsOf(inbox.after(0)), [4998, 4999, 5000])
    assert.equal(inbox.find(4998)?.id, 4998)
  })

  test('keeps no more text than it may, but always the last call', () => {
    const inbox = open({ textLimit: 10 })
    inbox.record(aCall({ request: '123456', reply: null }))
    inbox.record(aCall({ request: '123456', reply: null }))
    assert.deepEqual(idsOf(inbox.after(0)), [2])
    inbox.record(aCall({ request: 'x'.repeat(100), reply: null }))
    assert.deepEqual(idsOf(inbox.after(0)), [3])
  })

  test('keeps the beginning of a text that is too long to read', () => {
    const inbox = open()
    inbox.record(aCall({ reply: { status: 200, body: 'x'.repeat(8_000_000) } }))
    assert.equal(inbox.find(1)?.reply?.body.length, 64_000)
  })

  test('tells a repeat from a first message by its msgid', () => {
    const inbox = open()
    const repeats = () => inbox.after(0).map((row) => row.repeats)
    for (const msgid of ['7', null, '7']) inbox.record(aCall({ msgid }))
    assert.deepEqual(repeats(), [false, false, true])
    // With the first message its msgid is forgotten.
    for (const msgid of ['8', '7']) inbox.record(aCall({ msgid }))
    assert.deepEqual(repeats(), [true, false, false])
  })

  test('counts what is unread', () => {
    const inbox = open()
    for (let i = 0; i < 3; i++) inbox.record(aCall())
    inbox.markRead(({ id }) => id === 2)
    inbox.markRead(({ id }) => id === 2)
    assert.equal(inbox.counts().unread, 2)
    // The oldest, an unread one, makes room.
    inbox.record(aCall())
    assert.equal(inbox.counts().unread, 2)
    inbox.markRead(() => true)
    assert.equal(inbox.counts().unread, 0)
  })

  test('forgets everything, counts ids on, and changes its epoch', () => {
    const inbox = open()
    const before = inbox.epoch()
    inbox.record(aCall({ msgid: '7' }))
    inbox.clear()
    assert.notEqual(inbox.epoch(), before)
    assert.deepEqual(inbox.counts(), { kept: 0, unread: 0, total: 0 })
    inbox.record(aCall({ msgid: '7' }))
    assert.deepEqual(idsOf(inbox.after(0)), [2])
    assert.equal(inbox.find(2)?.repeats, false)
    assert.equal(inbox.find(1), undefined)
  })

  test('tells of every change until nobody watches', () => {
    const inbox = open()
    let changes = 0
    const stop = inbox.watch(() => changes++)
    inbox.record(aCall())
    inbox.markRead(() => true)
    inbox.markRead(() => true)
    inbox.clear()
    stop()
    inbox.record(aCall())
    assert.equal(changes, 3)
  })

  test('keeps nothing where nothing is to be kept', () => {
    const inbox = open({ capacity: 0 })
    inbox.record(aCall())
    assert.deepEqual(inbox.counts(), { kept: 0, unread: 0, total: 0 })
  })
})
