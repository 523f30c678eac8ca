import assert from 'node:assert/strict'
import type { Message, MessageId } from '../../../src/message.ts'
import type { Receipt } from '../../../src/recipients.ts'
import { type ContractOptions, clausesOf, type Harness, receiveOne } from '../../support/harness.ts'
import { aMessage } from '../../support/messages.ts'
import { aPark, minuteMs, publishOne, recordOf } from '../queue/parts.ts'
import { account, addGrants, aNote, countsOf, leaseOne, settled, templateId, touser } from './parts.ts'

const msgid = '3557254367693750277'
const delivered = { kind: 'delivered' } as const
const blocked = { kind: 'undelivered', reason: 'user block' } as const

/** What WeChat says became of a message: the receipt as it comes when nothing is odd about it. */
const take = (harness: Harness, overrides: Partial<Receipt> = {}) =>
  harness.recipients.note(
    aNote({
      receipt: {
        ...{
          touser,
          channel: 'template',
          msgid,
          at: harness.clock.now(),
          result: delivered,
          authentic: true,
        },
        ...overrides,
      },
    }),
  )

/** The same without a msgid. */
const takeNameless = (harness: Harness, overrides: Partial<Receipt> = {}) => {
  const receipt: Receipt = {
    ...{ touser, channel: 'template', at: harness.clock.now(), result: delivered, authentic: true },
    ...overrides,
  }
  return harness.recipients.note(aNote({ receipt }))
}

const sendOne = async (harness: Harness, number: string | undefined, overrides: Partial<Message> = {}) => {
  const message = await publishOne(harness, overrides)
  const delivery = await receiveOne(harness)
  await settled(harness, delivery, { kind: 'sent', ...(number !== undefined && { msgid: number }) })
  return message
}

const stateOf = async (harness: Harness, message: { readonly tenant: string; readonly id: MessageId }) => {
  const { state, reason, msgid: number } = await recordOf(harness, message)
  return { state, reason, msgid: number }
}

/** A receipt sharpens what is known of its message, once, and nothing else. */
export const receipts = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('sharpens the message with its msgid', async (_t, harness) => {
    const good = await sendOne(harness, msgid)
    const bad = await sendOne(harness, '2', { touser: 'somebody' })
    const noted = await take(harness)
    assert.deepEqual(noted, { kind: 'taken', released: 0, sharpened: { id: good.id, state: 'delivered' } })
    await take(harness, { msgid: '2', touser: 'somebody', result: blocked })
    assert.deepEqual(await stateOf(harness, good), { state: 'delivered', reason: undefined, msgid })
    assert.deepEqual(await stateOf(harness, bad), { state: 'undelivered', reason: 'user block', msgid: '2' })
    const { steps } = await recordOf(harness, good)
    assert.deepEqual(
      steps.map(({ state }) => state),
      ['sent', 'delivered'],
    )
  })

  clause('the first one counts', async (_t, harness) => {
    const message = await sendOne(harness, msgid)
    await take(harness)
    for (const result of [delivered, blocked]) assert.equal((await take(harness, { result })).kind, 'taken')
    assert.equal((await stateOf(harness, message)).state, 'delivered')
    assert.equal((await recordOf(harness, message)).steps.length, 2)
  })

  clause('of somebody else, or of another account, it changes nothing', async (_t, harness) => {
    const message = await sendOne(harness, msgid)
    await take(harness, { touser: 'somebody' })
    await harness.recipients.note({
      ...aNote(),
      account: 'wx00000000000000ff',
      receipt: {
        touser,
        channel: 'template',
        msgid,
        at: harness.clock.now(),
        result: blocked,
        authentic: true,
      },
    })
    assert.equal((await stateOf(harness, message)).state, 'sent')
  })

  clause('changes no state that says it was not sent', async (_t, harness) => {
    const message = await publishOne(harness)
    await settled(harness, await receiveOne(harness), { kind: 'dead', reason: 'errcode-43004' })
    await take(harness)
    await takeNameless(harness)
    assert.deepEqual(await stateOf(harness, message), {
      state: 'dead',
      reason: 'errcode-43004',
      msgid: undefined,
    })
  })

  clause('before the answer, it waits for it', async (_t, harness) => {
    const message = await publishOne(harness)
    const delivery = await receiveOne(harness)
    assert.deepEqual(await take(harness, { result: blocked }), { kind: 'taken', released: 0 })
    await settled(harness, delivery, { kind: 'sent', msgid })
    assert.equal((await stateOf(harness, message)).state, 'undelivered')
  })

  clause('before the answer, it outlives a restart', async (_t, harness) => {
    const message = await publishOne(harness)
    await receiveOne(harness)
    await take(harness)
    const after = await harness.restart()
    await after.loseLeases()
    await settled(after, await receiveOne(after), { kind: 'sent', msgid })
    assert.equal((await stateOf(after, message)).state, 'delivered')
  })

  clause('two hours late, it still counts; after a day a stray one is forgotten', async (_t, harness) => {
    const { clock } = harness
    const message = await sendOne(harness, msgid)
    clock.advance(120 * minuteMs)
    await take(harness)
    assert.equal((await stateOf(harness, message)).state, 'delivered')
    await take(harness, { msgid: '77' })
    clock.advance(24 * 60 * minuteMs)
    await harness.sweep()
    assert.equal((await stateOf(harness, await sendOne(harness, '77'))).state, 'sent')
  })

  clause('without a msgid it is the earliest that waits for one', async (_t, harness) => {
    const { clock } = harness
    const first = await sendOne(harness, '1')
    clock.advance(minuteMs)
    const second = await sendOne(harness, '2')
    await sendOne(harness, '3', { touser: 'somebody' })
    await takeNameless(harness, { result: blocked })
    assert.equal((await stateOf(harness, first)).state, 'undelivered')
    await takeNameless(harness)
    assert.equal((await stateOf(harness, second)).state, 'delivered')
    assert.deepEqual(await takeNameless(harness), { kind: 'taken', released: 0 })
  })

  clause('without a msgid it is none that was sent long before, or after it', async (_t, harness) => {
    const { clock } = harness
    const old = await sendOne(harness, '1')
    clock.advance(11 * minuteMs)
    await takeNameless(harness)
    assert.equal((await stateOf(harness, old)).state, 'sent')
    const late = await sendOne(harness, '2')
    await takeNameless(harness, { at: clock.now() - minuteMs })
    assert.equal((await stateOf(harness, late)).state, 'sent')
  })

  clause(
    'without a msgid, the template has to be the one it names, and the channel its own',
    async (_t, harness) => {
      const subscribe = { channel: 'subscribe' } as const
      const other = await sendOne(harness, '1', { ...subscribe, templateId: 'another' })
      const template = await sendOne(harness, '2')
      const message = await sendOne(harness, '3', subscribe)
      await takeNameless(harness, { ...subscribe, templateId })
      assert.equal((await stateOf(harness, message)).state, 'delivered')
      assert.equal((await stateOf(harness, other)).state, 'sent')
      assert.equal((await stateOf(harness, template)).state, 'sent')
    },
  )

  clause('without a msgid, many of them find their messages', async (_t, harness) => {
    const { clock } = harness
    // The first one makes the engine remember who was sent what; from ten minutes later it knows all there is.
    await takeNameless(harness)
    clock.advance(11 * minuteMs)
    const messages: Message[] = []
    for (let n = 0; n < 20; n++) messages.push(await sendOne(harness, String(n), { touser: `o${n % 5}` }))
    for (let n = 0; n < 20; n++) await takeNameless(harness, { touser: `o${n % 5}` })
    for (const message of messages) assert.equal((await stateOf(harness, message)).state, 'delivered')
  })

  clause('without a msgid, one in doubt is the earliest, also among many', async (_t, harness) => {
    const { clock } = harness
    await takeNameless(harness)
    clock.advance(11 * minuteMs)
    const { message } = await inDoubt(harness)
    const later = await sendOne(harness, '2', { channel: 'subscribe' })
    await takeNameless(harness, { channel: 'subscribe', templateId })
    assert.equal((await stateOf(harness, message)).state, 'delivered')
    assert.equal((await stateOf(harness, later)).state, 'sent')
  })

  clause(
    'settles the one message in doubt that it can belong to, and uses its grant',
    async (_t, harness) => {
      const { clock } = harness
      await addGrants(harness, 1)
      const { message } = await inDoubt(harness)
      await take(harness, { channel: 'subscribe', templateId })
      assert.deepEqual(await stateOf(harness, message), { state: 'delivered', reason: 'receipt', msgid })
      assert.deepEqual(await countsOf(harness), { left: 0, reserved: 0, used: 1 })
      clock.advance(10 * minuteMs)
      assert.deepEqual(await harness.queue.receive({ max: 1, waitMs: 0 }), [])
    },
  )

  clause('settles an unknown one, and a repeat of it meets no other', async (_t, harness) => {
    const { clock } = harness
    const first = await inDoubt(harness)
    clock.advance(2 * minuteMs)
    await settled(harness, await receiveOne(harness), { kind: 'unknown', reason: 'no-receipt' })
    await take(harness, { channel: 'subscribe', templateId })
    assert.equal((await stateOf(harness, first.message)).state, 'delivered')
    const second = await inDoubt(harness)
    await take(harness, { channel: 'subscribe', templateId })
    assert.equal((await stateOf(harness, second.message)).state, 'parked')
  })

  clause('settles one that was unknown from its first call on', async (_t, harness) => {
    const delivery = await leaseOne(harness)
    await settled(harness, delivery, { kind: 'unknown', reason: 'timeout' })
    await take(harness, { channel: 'subscribe', templateId })
    assert.equal((await stateOf(harness, delivery.message)).state, 'delivered')
  })

  clause(
    'that came while the call was open settles it once the answer is known to be lost',
    async (_t, harness) => {
      const { clock } = harness
      const delivery = await leaseOne(harness)
      clock.advance(1000)
      await take(harness, { channel: 'subscribe', templateId, result: blocked })
      await settled(harness, delivery, aPark(clock.now() + 2 * minuteMs, { inDoubt: true }))
      assert.equal((await stateOf(harness, delivery.message)).state, 'undelivered')
    },
  )

  clause(
    'settles no doubt when two could be meant, one is being sent, or WeChat has not signed it',
    async (_t, harness) => {
      const receipt = { channel: 'subscribe', templateId } as const
      const first = await inDoubt(harness)
      await take(harness, { ...receipt, authentic: false, msgid: '1' })
      assert.equal((await stateOf(harness, first.message)).state, 'parked')
      const second = await leaseOne(harness)
      await take(harness, { ...receipt, msgid: '2' })
      assert.equal((await stateOf(harness, first.message)).state, 'parked')
      await settled(harness, second, aPark(harness.clock.now() + 2 * minuteMs, { inDoubt: true }))
      await take(harness, { ...receipt, msgid: '3' })
      assert.equal((await stateOf(harness, first.message)).state, 'parked')
      assert.equal((await stateOf(harness, second.message)).state, 'parked')
    },
  )

  clause('that is older than the doubt is not its', async (_t, harness) => {
    const { clock } = harness
    clock.advance(10 * minuteMs)
    const { message } = await inDoubt(harness)
    await take(harness, { channel: 'subscribe', templateId, at: clock.now() - minuteMs })
    assert.equal((await stateOf(harness, message)).state, 'parked')
  })

  clause('is found by its state, and gone from the one before', async (_t, harness) => {
    const { ledger } = harness
    const one = await sendOne(harness, msgid)
    const other = await sendOne(harness, '2', { touser: 'somebody' })
    await take(harness)
    await take(harness, { msgid: '2', touser: 'somebody', result: blocked })
    const find = async (state: 'sent' | 'delivered' | 'undelivered') =>
      (await ledger.search({ tenant: 'acme', state, limit: 10 })).records.map(({ id }) => id)
    assert.deepEqual(await find('delivered'), [one.id])
    assert.deepEqual(await find('undelivered'), [other.id])
    assert.deepEqual(await find('sent'), [])
    const counts = await ledger.counts('acme')
    assert.deepEqual([counts.sent, counts.delivered, counts.undelivered], [0, 1, 1])
  })

  clause('is the same after a restart, and goes with its message', async (_t, harness) => {
    const message = await sendOne(harness, msgid)
    await take(harness)
    const after = await harness.restart()
    assert.equal((await stateOf(after, message)).state, 'delivered')
    after.clock.advance(after.retentionMs + 25 * 60 * minuteMs)
    await after.sweep()
    assert.equal(await after.ledger.find(message), undefined)
  })

  clause('a publish of the same key is told the sharpened state', async (_t, harness) => {
    const idempotency = { key: 'c:order-1', fingerprint: 'f' }
    const message = await sendOne(harness, msgid, { idempotency })
    await take(harness)
    assert.deepEqual(await harness.queue.publish([aMessage({ idempotency })]), [
      { kind: 'duplicate', id: message.id, state: 'delivered' },
    ])
    assert.equal(message.account, account)
  })
}

/** A subscribe message whose answer was lost. */
const inDoubt = async (harness: Harness) => {
  const delivery = await leaseOne(harness)
  await settled(harness, delivery, aPark(harness.clock.now() + 2 * minuteMs, { inDoubt: true }))
  return delivery
}
