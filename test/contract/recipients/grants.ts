import assert from 'node:assert/strict'
import { type ContractOptions, clausesOf, receiveNow, receiveOne } from '../../support/harness.ts'
import { aPark, aRetry, minuteMs, publishOne } from '../queue/parts.ts'
import {
  account,
  addGrants,
  aNote,
  type Counts,
  countsOf,
  holder,
  leaseOne,
  noteGrants,
  settled,
  templateId,
  touser,
} from './parts.ts'

const counts = (left: number, reserved: number, used: number): Counts => ({ left, reserved, used })

/** What is reserved with a lease is settled with it. */
export const grants = (options: ContractOptions) => {
  const clause = clausesOf(options)

  clause('one-time grants add up', async (_t, harness) => {
    await addGrants(harness, 1)
    await addGrants(harness, 2)
    assert.deepEqual(await countsOf(harness), counts(3, 0, 0))
  })

  clause('a lease reserves one, and a message that needs none reserves none', async (_t, harness) => {
    await addGrants(harness, 2)
    const delivery = await leaseOne(harness)
    assert.equal(delivery.grant?.kind, 'reserved')
    assert.deepEqual(await countsOf(harness), counts(1, 1, 0))
    await publishOne(harness, { channel: 'template' })
    assert.equal((await receiveOne(harness)).grant, undefined)
  })

  clause('where there is none, the delivery says so', async (_t, harness) => {
    await addGrants(harness, 1, { templateId: 'another' })
    await addGrants(harness, 1, { touser: 'somebody' })
    await addGrants(harness, 1, { account: 'wx00000000000000ff' })
    assert.deepEqual((await leaseOne(harness)).grant, { kind: 'none' })
  })

  clause('two messages never hold the same grant', async (_t, harness) => {
    await addGrants(harness, 1)
    await publishOne(harness, { channel: 'subscribe' })
    await publishOne(harness, { channel: 'subscribe' })
    const kinds = (await receiveNow(harness)).map(({ grant }) => grant?.kind)
    assert.deepEqual(kinds.sort(), ['none', 'reserved'])
  })

  clause('used is used, freed comes back', async (_t, harness) => {
    await addGrants(harness, 2)
    await settled(harness, await leaseOne(harness), { kind: 'sent', grant: 'used' })
    assert.deepEqual(await countsOf(harness), counts(1, 0, 1))
    await settled(harness, await leaseOne(harness), { kind: 'dead', reason: 'errcode-47003', grant: 'free' })
    assert.deepEqual(await countsOf(harness), counts(1, 0, 1))
    await settled(harness, await leaseOne(harness), { kind: 'returned', grant: 'free' })
    assert.deepEqual(await countsOf(harness), counts(1, 0, 1))
  })

  clause('a message in doubt keeps what it holds until the doubt is settled', async (_t, harness) => {
    const { clock } = harness
    await addGrants(harness, 2)
    await settled(harness, await leaseOne(harness), aPark(clock.now() + minuteMs, { inDoubt: true }))
    assert.deepEqual(await countsOf(harness), counts(1, 1, 0))
    clock.advance(minuteMs)
    const again = await receiveOne(harness)
    assert.equal(again.grant?.kind, 'reserved')
    assert.deepEqual(await countsOf(harness), counts(1, 1, 0))
    await settled(harness, again, { kind: 'unknown', reason: 'no-receipt', grant: 'used' })
    assert.deepEqual(await countsOf(harness), counts(1, 0, 1))
  })

  clause('a lost lease keeps it, and the next one has the same', async (_t, harness) => {
    await addGrants(harness, 1)
    const lost = await leaseOne(harness)
    await harness.loseLeases()
    const again = await receiveOne(harness)
    assert.deepEqual(again.grant, lost.grant)
    assert.equal(await harness.queue.settle(lost, { kind: 'sent', grant: 'used' }), 'expired')
    assert.deepEqual(await countsOf(harness), counts(0, 1, 0))
    await settled(harness, again, { kind: 'sent', grant: 'used' })
    assert.deepEqual(await countsOf(harness), counts(0, 0, 1))
  })

  clause('cancelling what is in doubt uses it up', async (_t, harness) => {
    const { queue, clock } = harness
    await addGrants(harness, 1)
    const delivery = await leaseOne(harness)
    await settled(harness, delivery, aPark(clock.now() + minuteMs, { inDoubt: true }))
    assert.deepEqual(await queue.cancel(delivery.message), { kind: 'cancelled', state: 'unknown' })
    assert.deepEqual(await countsOf(harness), counts(0, 0, 1))
  })

  clause('void withdraws all, and what was held before does not come back', async (_t, harness) => {
    await addGrants(harness, 3)
    const first = await leaseOne(harness)
    const second = await leaseOne(harness)
    await settled(harness, first, { kind: 'dead', reason: 'errcode-43101', grant: 'void' })
    assert.deepEqual(await countsOf(harness), counts(0, 0, 0))
    await addGrants(harness, 1)
    await settled(harness, second, { kind: 'dead', reason: 'errcode-47003', grant: 'free' })
    assert.deepEqual(await countsOf(harness), counts(1, 0, 0))
  })

  clause('void without a reservation withdraws as well', async (_t, harness) => {
    const delivery = await leaseOne(harness)
    await addGrants(harness, 2)
    await settled(harness, delivery, { kind: 'dead', reason: 'errcode-43101', grant: 'void' })
    assert.deepEqual(await countsOf(harness), counts(0, 0, 0))
  })

  clause('a retry that frees its grant reserves one anew', async (_t, harness) => {
    const { clock } = harness
    await addGrants(harness, 1)
    await settled(harness, await leaseOne(harness), { ...aRetry(clock.now() + minuteMs), grant: 'free' })
    assert.deepEqual(await countsOf(harness), counts(1, 0, 0))
    clock.advance(minuteMs)
    assert.equal((await receiveOne(harness)).grant?.kind, 'reserved')
    assert.deepEqual(await countsOf(harness), counts(0, 1, 0))
  })

  clause('a lasting grant is never used up, until it is withdrawn', async (_t, harness) => {
    await noteGrants(harness, { ...holder, kind: 'subscribe', change: 'lasting' })
    for (let n = 1; n <= 3; n++) {
      await settled(harness, await leaseOne(harness), { kind: 'sent', grant: 'used' })
      assert.deepEqual(await countsOf(harness), { reserved: 0, used: n })
    }
    await noteGrants(harness, { ...holder, kind: 'subscribe', change: 'withdraw' })
    assert.deepEqual((await leaseOne(harness)).grant, { kind: 'none' })
  })

  clause('a scene has one at most', async (_t, harness) => {
    const agree = { ...holder, kind: 'scene', name: '1000', change: 'set', count: 1 } as const
    await noteGrants(harness, agree)
    await noteGrants(harness, agree)
    const other = await leaseOne(harness, { channel: 'oa_once', grantName: '1001' })
    assert.deepEqual(other.grant, { kind: 'none' })
    const delivery = await leaseOne(harness, { channel: 'oa_once', grantName: '1000' })
    assert.equal(delivery.grant?.kind, 'reserved')
    assert.equal(delivery.grant.name, '1000')
    const next = await leaseOne(harness, { channel: 'oa_once', grantName: '1000' })
    assert.deepEqual(next.grant, { kind: 'none' })
  })

  clause('a window closes at its time, and a new interaction opens it anew', async (_t, harness) => {
    const { clock } = harness
    const open = () =>
      noteGrants(harness, {
        ...{ account, touser, templateId: '', kind: 'window', name: 'message' },
        ...{ change: 'set', count: 5, expiresAt: clock.now() + minuteMs },
      })
    const send = () => leaseOne(harness, { channel: 'customer', templateId: '' })
    await open()
    await settled(harness, await send(), { kind: 'sent', grant: 'used' })
    assert.deepEqual(await countsOf(harness, 'window'), counts(4, 0, 1))
    clock.advance(minuteMs)
    assert.deepEqual((await send()).grant, { kind: 'none' })
    await open()
    assert.deepEqual(await countsOf(harness, 'window'), counts(5, 0, 1))
    assert.equal((await send()).grant?.kind, 'reserved')
  })

  clause(
    'what a delivery holds is taken off a new allowance, and comes back if it was not used',
    async (_t, harness) => {
      const { clock } = harness
      const open = () =>
        noteGrants(harness, {
          ...{ account, touser, templateId: '', kind: 'window', name: 'message' },
          ...{ change: 'set', count: 5, expiresAt: clock.now() + minuteMs },
        })
      await open()
      const delivery = await leaseOne(harness, { channel: 'customer', templateId: '' })
      await open()
      assert.deepEqual(await countsOf(harness, 'window'), counts(4, 1, 0))
      await settled(harness, delivery, { kind: 'dead', reason: 'errcode-40003', grant: 'free' })
      assert.deepEqual(await countsOf(harness, 'window'), counts(5, 0, 0))
    },
  )

  clause(
    'a form id counts once however often it is reported, and the one that ends first goes first',
    async (_t, harness) => {
      const { clock, recipients } = harness
      const issue = (name: string, count: number, lifeMs: number) =>
        noteGrants(harness, {
          ...{ account, touser, templateId: '', kind: 'form', name },
          ...{ change: 'set', count, expiresAt: clock.now() + lifeMs },
        })
      await issue('prepay-1', 3, 3 * minuteMs)
      await issue('form-1', 1, 2 * minuteMs)
      const send = () => leaseOne(harness, { channel: 'form' })
      const first = await send()
      assert.deepEqual(first.grant?.kind === 'reserved' && first.grant.name, 'form-1')
      await settled(harness, first, { kind: 'sent', grant: 'used' })
      await issue('form-1', 1, 2 * minuteMs)
      const second = await send()
      assert.deepEqual(second.grant?.kind === 'reserved' && second.grant.name, 'prepay-1')
      await settled(harness, second, { kind: 'dead', reason: 'errcode-41028', grant: 'void' })
      assert.deepEqual((await send()).grant, { kind: 'none' })
      const all = await recipients.grants({ account, touser })
      assert.deepEqual(
        all
          .map(({ name, left, used }) => ({ name, left, used }))
          .sort((a, b) => (a.name! < b.name! ? -1 : 1)),
        [
          { name: 'form-1', left: 0, used: 1 },
          { name: 'prepay-1', left: 0, used: 0 },
        ],
      )
    },
  )

  clause('the books are the same after a restart', async (_t, harness) => {
    await addGrants(harness, 3)
    await leaseOne(harness)
    await settled(harness, await leaseOne(harness), { kind: 'sent', grant: 'used' })
    const after = await harness.restart()
    assert.deepEqual(await countsOf(after), counts(1, 1, 1))
    await after.loseLeases()
    await settled(after, await receiveOne(after), { kind: 'sent', grant: 'used' })
    assert.deepEqual(await countsOf(after), counts(1, 0, 2))
  })

  clause('what is spent is forgotten after its time, what is left is not', async (_t, harness) => {
    const { clock, recipients } = harness
    await addGrants(harness, 1)
    await addGrants(harness, 1, { templateId: 'another' })
    await settled(harness, await leaseOne(harness), { kind: 'sent', grant: 'used' })
    clock.advance(harness.retentionMs + 25 * 60 * minuteMs)
    await harness.sweep()
    const left = await recipients.grants({ account, touser })
    assert.deepEqual(
      left.map((grant) => grant.templateId),
      ['another'],
    )
  })

  clause('a note under a key that was seen changes nothing', async (_t, harness) => {
    const { recipients } = harness
    const note = aNote({
      keys: ['event-1'],
      grants: [{ ...holder, kind: 'subscribe', change: 'add', count: 1 }],
    })
    assert.deepEqual(await recipients.note(note), { kind: 'taken', released: 0 })
    assert.deepEqual(await recipients.note(note), { kind: 'repeated' })
    assert.deepEqual(await recipients.note({ ...note, keys: ['another', 'event-1'] }), { kind: 'repeated' })
    assert.deepEqual(await countsOf(harness), counts(1, 0, 0))
    assert.equal((await recipients.note({ ...note, account: 'wx00000000000000ff' })).kind, 'taken')
    assert.equal(templateId, holder.templateId)
  })
}
