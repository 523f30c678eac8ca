import assert from 'node:assert/strict'
import type { Grant, GrantChange, GrantHolder } from '../../../src/grants.ts'
import type { Message } from '../../../src/message.ts'
import type { Delivery } from '../../../src/queue.ts'
import type { Note, Noted } from '../../../src/recipients.ts'
import type { Settlement } from '../../../src/settlement.ts'
import { type Harness, receiveOne } from '../../support/harness.ts'
import { publishOne } from '../queue/parts.ts'

export const account = 'wx0123456789abcdef'
export const touser = 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0'
export const templateId = 'tpl-shipped'
export const holder: GrantHolder = { account, touser, templateId }

export const aNote = (rest: Partial<Note> = {}): Note => ({ account, keys: [], grants: [], ...rest })

export const noteGrants = ({ recipients }: Harness, ...grants: readonly GrantChange[]): Promise<Noted> =>
  recipients.note(aNote({ grants }))

/** So many one-time grants more. */
export const addGrants = (harness: Harness, count: number, of: Partial<GrantHolder> = {}): Promise<Noted> =>
  noteGrants(harness, { ...holder, ...of, kind: 'subscribe', change: 'add', count })

export type Counts = Pick<Grant, 'left' | 'reserved' | 'used'>

/** The one permission of that kind that the books hold. */
export const countsOf = async (
  { recipients }: Harness,
  kind: Grant['kind'] = 'subscribe',
  of: Partial<GrantHolder> = {},
): Promise<Counts> => {
  const all = await recipients.grants({ ...holder, ...of, ...(kind !== 'subscribe' && { templateId: '' }) })
  const [grant, ...others] = all.filter((each) => each.kind === kind)
  assert.ok(grant && others.length === 0, `There are ${all.length} grants`)
  const { left, reserved, used } = grant
  return { ...(left !== undefined && { left }), reserved, used }
}

/** A subscribe message on lease. */
export const leaseOne = async (harness: Harness, overrides: Partial<Message> = {}): Promise<Delivery> => {
  await publishOne(harness, { channel: 'subscribe', ...overrides })
  return receiveOne(harness)
}

export const settled = async (
  { queue }: Harness,
  delivery: Delivery,
  settlement: Settlement,
): Promise<void> => assert.equal(await queue.settle(delivery, settlement), 'settled')
