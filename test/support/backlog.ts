/** A backlog with something of everything in it, for tests that carry it elsewhere. */
import assert from 'node:assert/strict'
import { openDirectory } from '../../src/directory.ts'
import type { Engine } from '../../src/engines/embedded/embedded.ts'
import { grantCondition } from '../../src/grants.ts'
import { callerKey, facadeKey, type Message } from '../../src/message.ts'
import type { Delivery } from '../../src/queue.ts'
import type { Note, Receipt } from '../../src/recipients.ts'
import type { Settlement } from '../../src/settlement.ts'
import { createVault } from '../../src/vault.ts'
import type { TestClock } from './clock.ts'
import { aMessage } from './messages.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs

export const account = 'wx0123456789abcdef'
export const other = 'wx00000000000000ff'
export const tenants = ['acme', 'umbrella'] as const
/** In base64, of 32 bytes. */
export const masterKey = Buffer.alloc(32, 7).toString('base64')
export const quotaCondition = `quota ${account} /cgi-bin/message/template/send`

export interface Backlog {
  readonly engine: Engine
  readonly clock: TestClock
  /** By what they are there for. */
  readonly messages: ReadonlyMap<string, Message>
}

/** Fills an engine with every state, every book, and whatever else a store can hold. It is left with leases. */
export const fillEngine = async (engine: Engine, clock: TestClock): Promise<Backlog> => {
  const messages = new Map<string, Message>()
  const scene: Scene = { engine, clock, messages }
  await fillDirectory(engine)
  await fillBooks(scene)
  await fillEnded(scene)
  await fillReceipts(scene)
  await fillWaiting(scene)
  await fillLeased(scene)
  return scene
}

interface Scene extends Omit<Backlog, 'messages'> {
  readonly messages: Map<string, Message>
}

const fillDirectory = async ({ directoryRecords }: Engine): Promise<void> => {
  const directory = await openDirectory(directoryRecords, createVault(masterKey))
  for (const tenant of tenants) {
    await directory.putTenant({ id: tenant, name: `The ${tenant}`, createdAt: 1 })
    const secrets = [`secret of ${tenant}`]
    await directory.putKey({
      id: `key_${tenant}`,
      tenant,
      name: 'k',
      scopes: ['send'],
      secrets,
      createdAt: 2,
    })
  }
  const templates = [
    { templateId: 'tpl-shipped', alias: 'shipped', title: '发货', content: 'a:{{thing1.DATA}}' },
  ]
  const known = { tenant: 'acme', kind: 'official', tokenApi: 'stable', templates } as const
  await directory.putAccount({ ...known, appid: account, name: 'shop', secret: 'appsecret' })
}

/** Publishes one message. */
const publish = async (
  { engine, messages }: Scene,
  name: string,
  overrides: Partial<Message> = {},
): Promise<Message> => {
  const message = aMessage({ touser: `o-${name}`, account, ...overrides })
  assert.deepEqual(await engine.queue.publish([message]), [{ kind: 'accepted' }])
  messages.set(name, message)
  return message
}

const lease = async (scene: Scene, name: string, overrides: Partial<Message> = {}): Promise<Delivery> => {
  const { id } = await publish(scene, name, { lane: 'urgent', ...overrides })
  const [delivery, ...others] = await scene.engine.queue.receive({ max: 1, waitMs: 0 })
  assert.deepEqual([delivery?.message.id, others], [id, []])
  return delivery!
}

const settled = async (scene: Scene, delivery: Delivery, settlement: Settlement): Promise<void> => {
  assert.equal(await scene.engine.queue.settle(delivery, settlement), 'settled')
}

const note = ({ engine }: Scene, rest: Partial<Note>) =>
  engine.recipients.note({ account, keys: [], grants: [], ...rest })

const fillBooks = async (scene: Scene): Promise<void> => {
  const { engine, clock } = scene
  const of = (touser: string, templateId = 'tpl-shipped') => ({ account, touser, templateId })
  const inAnHour = clock.now() + hourMs
  await note(scene, {
    grants: [{ ...of('o-books'), kind: 'subscribe', change: 'add', count: 3 }],
    keys: ['k1', 'k2'],
  })
  await note(scene, { grants: [{ ...of('o-books', 'tpl-any'), kind: 'subscribe', change: 'lasting' }] })
  await note(scene, { grants: [{ ...of('o-books'), kind: 'scene', name: '7', change: 'set', count: 1 }] })
  const window = { ...of('o-books', ''), kind: 'window', name: 'message', change: 'set' } as const
  await note(scene, { grants: [{ ...window, count: 5, expiresAt: inAnHour }] })
  const form = { ...of('o-books', ''), kind: 'form', name: 'form id\n1', change: 'add' } as const
  await note(scene, { grants: [{ ...form, count: 1, expiresAt: inAnHour }] })
  await note(scene, { grants: [{ ...of('o-books', 'tpl-no'), kind: 'subscribe', change: 'withdraw' }] })
  await note(scene, { contact: { touser: 'o-books', at: clock.now(), following: true, interacted: true } })
  await note(scene, { contact: { touser: 'o-gone', at: clock.now() - 5, following: false } })
  await note(scene, { contact: { touser: 'o-seen', at: clock.now() - 5, interacted: true } })
  // One was held when all were withdrawn: what is given later is of another generation.
  await note(scene, { grants: [{ ...of('o-withdrawn'), kind: 'subscribe', change: 'add', count: 1 }] })
  const held = await lease(scene, 'withdrawn', { channel: 'subscribe' })
  await settled(scene, held, {
    kind: 'retry',
    until: inAnHour,
    reason: 'timeout',
    spent: true,
    inDoubt: true,
  })
  await note(scene, { grants: [{ ...of('o-withdrawn'), kind: 'subscribe', change: 'withdraw' }] })
  await note(scene, { grants: [{ ...of('o-withdrawn'), kind: 'subscribe', change: 'add', count: 2 }] })
  // Sent before word of the permission has come.
  const early = await lease(scene, 'owing', { channel: 'subscribe' })
  assert.deepEqual(early.grant, { kind: 'none' })
  await settled(scene, early, { kind: 'sent', msgid: '900', grant: 'used' })
  const until = clock.now() + hourMs
  assert.equal(await engine.coordination.claimNonce({ keyId: 'key_acme', nonce: 'n1', until }), true)
  assert.equal(
    await engine.coordination.claimNonce({ keyId: 'key_acme', nonce: 'old', until: clock.now() - 1 }),
    true,
  )
}

const fillEnded = async (scene: Scene): Promise<void> => {
  const { engine, clock } = scene
  const attempts = [{ startedAt: 1, endedAt: 2, outcome: 'answered', errcode: 0, rid: 'r"1' }] as const
  const key = callerKey('order-1')
  const keyed = {
    idempotency: { key, fingerprint: 'print-1' },
    clientMsgId: 'order-1',
    tags: ['春节', 'a"b'],
  }
  await settled(scene, await lease(scene, 'sent', keyed), { kind: 'sent', msgid: '901', attempts })
  await settled(scene, await lease(scene, 'dead'), { kind: 'dead', reason: 'errcode-43004' })
  await settled(scene, await lease(scene, 'expired', { tenant: 'umbrella' }), {
    kind: 'expired',
    reason: 'expired',
  })
  await settled(scene, await lease(scene, 'unknown', { channel: 'subscribe' }), {
    kind: 'unknown',
    reason: 'no-receipt',
  })
  await engine.queue.cancel(await publish(scene, 'cancelled', { lane: 'bulk' }))
  const tried = await lease(scene, 'tried')
  await settled(scene, tried, {
    kind: 'retry',
    until: clock.now(),
    reason: 'errcode--1',
    spent: true,
    inDoubt: false,
  })
  const [again] = await engine.queue.receive({ max: 1, waitMs: 0 })
  await settled(scene, again!, { kind: 'sent', msgid: '902' })
  // Two of one caller's messages may have one number of WeChat's.
  await settled(scene, await lease(scene, 'twin', { account: other }), { kind: 'sent', msgid: '901' })
}

export const aReceipt = (touser: string, rest: Partial<Receipt> = {}): Receipt => ({
  ...{ touser, channel: 'template', at: 1, result: { kind: 'delivered' }, authentic: false },
  ...rest,
})

const fillReceipts = async (scene: Scene): Promise<void> => {
  const at = scene.clock.now()
  const receipt = (name: string, rest: Partial<Receipt>) =>
    note(scene, { receipt: aReceipt(`o-${name}`, { at, ...rest }) })
  await settled(scene, await lease(scene, 'delivered'), { kind: 'sent', msgid: '911' })
  await receipt('delivered', { msgid: '911' })
  await settled(scene, await lease(scene, 'undelivered'), { kind: 'sent', msgid: '912' })
  await receipt('undelivered', { msgid: '912', result: { kind: 'undelivered', reason: 'user "block"' } })
  await receipt('stray', { msgid: '913', channel: 'subscribe', templateId: 'tpl-shipped' })
  await receipt('stray', {
    msgid: '914',
    result: { kind: 'undelivered', reason: 'user block' },
    authentic: true,
  })
}

const fillWaiting = async (scene: Scene): Promise<void> => {
  const { clock } = scene
  const later = clock.now() + 10 * minuteMs
  await settled(scene, await lease(scene, 'retry'), {
    kind: 'retry',
    until: later,
    reason: 'busy',
    spent: true,
    inDoubt: false,
  })
  const doubted = await lease(scene, 'doubt')
  await settled(scene, doubted, {
    kind: 'retry',
    until: later,
    reason: 'timeout',
    spent: false,
    inDoubt: true,
  })
  const noGrant = await lease(scene, 'no-grant', { channel: 'subscribe' })
  const condition = grantCondition({ account, touser: 'o-no-grant', templateId: 'tpl-shipped' })
  const parked = { kind: 'parked', until: later, inDoubt: false } as const
  await settled(scene, noGrant, { ...parked, reason: 'no-grant', condition })
  await settled(scene, await lease(scene, 'quota'), { ...parked, reason: 'quota', condition: quotaCondition })
  await settled(scene, await lease(scene, 'condition'), {
    ...parked,
    reason: 'frozen',
    condition: 'frozen x',
  })
  const waits = await lease(scene, 'receipt', { channel: 'subscribe', touser: 'o-books' })
  assert.equal(waits.grant?.kind, 'reserved')
  await settled(scene, waits, { ...parked, reason: 'awaiting-receipt', inDoubt: true })
  await settled(scene, await lease(scene, 'returned'), { kind: 'returned', until: later })
}

const fillLeased = async (scene: Scene): Promise<void> => {
  const { engine, clock } = scene
  await lease(scene, 'leased')
  await lease(scene, 'held', { channel: 'subscribe', touser: 'o-books' })
  assert.equal(await engine.queue.begin(await lease(scene, 'begun', { channel: 'subscribe' })), 'begun')
  clock.advance(1000)
  for (const lane of ['urgent', 'normal', 'bulk'] as const) await publish(scene, `queued-${lane}`, { lane })
  await publish(scene, 'scheduled', { sendAt: clock.now() + 5 * minuteMs })
  await publish(scene, 'customer', { channel: 'customer', templateId: '', touser: 'o-books' })
  await publish(scene, 'once', { channel: 'oa_once', grantName: '7', touser: 'o-books' })
  const facade = { account, touser: 'o-facade' }
  await publish(scene, 'facade', {
    ...facade,
    idempotency: { key: facadeKey('f-1', facade), fingerprint: 'print-2' },
  })
}
