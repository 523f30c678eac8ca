/** How rows that a migration brings lie in Redis: each in one or more cells, as the scripts of the engine expect them. */
import type { Receipt } from '../../recipients.ts'
import type { Carried, GrantName, Kind } from '../../transfer.ts'
import { keyShard } from './intake.ts'
import type { MigratingShards } from './migrating.ts'
import type { Value } from './rows.ts'

export interface Cell {
  readonly shard: number
  /** As `putScript` tells. */
  readonly how: 'field' | 'packed' | 'member' | 'latest'
  /** Behind the name of the shard. */
  readonly key: string
  readonly name: string
  readonly value: Value
}

/** Kinds that lie in cells. */
export type CellKind = Exclude<Kind, 'messages'>

interface Layout<Row> {
  cells(row: Row, shards: MigratingShards): readonly Cell[]
  /** The row as it is there, from the values of its cells. */
  row(row: Row, values: readonly string[]): Row
}

const personOf = ({ account, touser }: { readonly account: string; readonly touser: string }) =>
  `${account} ${touser}`

const everyShard = ({ count }: MigratingShards): readonly number[] =>
  Array.from({ length: count }, (_, shard) => shard)

export const grantFieldOf = ({ templateId, kind, name }: Omit<GrantName, 'account' | 'touser'>): string =>
  `${templateId}\n${kind}\n${name}`

export const layouts: { readonly [K in CellKind]: Layout<Carried[K]> } = {
  directory: {
    cells: ({ kind, id, value }) => [{ shard: 0, how: 'field', key: `d:${kind}`, name: id, value }],
    row: (row, [value]) => ({ ...row, value: value! }),
  },
  nonces: {
    cells: ({ nonce, until }, shards) => [
      { shard: shards.ofName(nonce), how: 'member', key: 'nonces', name: nonce, value: until },
    ],
    row: (row, [until]) => ({ ...row, until: Number(until) }),
  },
  note_keys: {
    cells: ({ account, key, until }, shards) =>
      everyShard(shards).map((shard) => ({
        ...{ shard, how: 'member', key: 'notes', name: `${account}\n${key}`, value: until },
      })),
    row: (row, untils) => ({ ...row, until: Math.min(...untils.map(Number)) }),
  },
  contacts: {
    cells(contact, shards) {
      const { following, followingSince, interactedAt } = contact
      const fields = {
        f: following === undefined ? undefined : Number(following),
        fa: followingSince,
        ia: interactedAt,
      }
      const place = { shard: shards.ofPerson(contact), how: 'field', key: `h:${personOf(contact)}` } as const
      return Object.entries(fields).flatMap(([name, value]) =>
        value === undefined ? [] : [{ ...place, name, value }],
      )
    },
    row({ account, touser, following, followingSince, interactedAt }, values) {
      const rest = [...values]
      return {
        ...{ account, touser },
        ...(following !== undefined && { following: rest.shift() === '1' }),
        ...(followingSince !== undefined && { followingSince: Number(rest.shift()) }),
        ...(interactedAt !== undefined && { interactedAt: Number(rest.shift()) }),
      }
    },
  },
  grants: {
    cells(grant, shards) {
      const { templateId: p, kind: k, name: m, available: a = false, reserved: r, used: u } = grant
      const { expiresAt: x = false, generation: g, updatedAt: t } = grant
      const value = JSON.stringify({ p, k, m, a, r, u, x, g, t })
      const [shard, person] = [shards.ofPerson(grant), personOf(grant)]
      return [
        { shard, how: 'packed', key: `g:${person}`, name: grantFieldOf(grant), value },
        { shard, how: 'latest', key: 'grants', name: person, value: t },
      ]
    },
    row({ account, touser }, [packed]) {
      const { p, k, m, a, r, u, x, g, t } = JSON.parse(packed!)
      return {
        ...{ account, touser, templateId: p, kind: k, name: m },
        ...(a !== false && { available: a }),
        ...{ reserved: r, used: u },
        ...(x !== false && { expiresAt: x }),
        ...{ generation: g, updatedAt: t },
      }
    },
  },
  owed_grants: {
    cells(owed, shards) {
      const [shard, person] = [shards.ofPerson(owed), personOf(owed)]
      const value = JSON.stringify([owed.count, owed.at])
      return [
        { shard, how: 'packed', key: `o:${person}`, name: grantFieldOf(owed), value },
        { shard, how: 'latest', key: 'owed', name: person, value: owed.at },
      ]
    },
    row(row, [packed]) {
      const [count, at] = JSON.parse(packed!) as [number, number]
      return { ...row, count, at }
    },
  },
  stray_receipts: {
    cells({ account, receipt, until }, shards) {
      const who = { account, touser: receipt.touser }
      const [shard, person, msgid] = [shards.ofPerson(who), personOf(who), receipt.msgid!]
      const value = JSON.stringify(packedReceipt(receipt))
      return [
        { shard, how: 'packed', key: `y:${person}`, name: msgid, value },
        { shard, how: 'member', key: 'strays', name: `${person}\n${msgid}`, value: until },
      ]
    },
    row: ({ account }, [packed, until]) => ({
      ...{ account, receipt: receiptOf(JSON.parse(packed!)), until: Number(until) },
    }),
  },
  idempotency_keys: {
    cells(row, shards) {
      const { tenant, key, id, fingerprint } = row
      const place = {
        shard: keyShard(shards, tenant, key),
        how: 'field',
        key: `i:${tenant}\n${key}`,
      } as const
      return [
        { ...place, name: 'id', value: id },
        { ...place, name: 'fp', value: fingerprint },
        { ...place, name: 'sh', value: shards.ofPerson(row) },
      ]
    },
    row: (row, [id, fingerprint]) => ({ ...row, id: id as typeof row.id, fingerprint: fingerprint! }),
  },
}

/** As the scripts pack it: what is absent is false. */
interface PackedReceipt extends Pick<Receipt, 'touser' | 'channel' | 'at' | 'authentic'> {
  readonly msgid: string | false
  readonly template: string | false
  readonly kind: Receipt['result']['kind']
  readonly reason: string | false
  readonly reasonJson: string | false
}

const packedReceipt = (receipt: Receipt): PackedReceipt => {
  const { touser, msgid = false, channel, templateId = false, at, result, authentic } = receipt
  const reason = result.kind === 'undelivered' && result.reason
  const reasonJson = reason === false ? reason : JSON.stringify(reason)
  return {
    touser,
    msgid,
    channel,
    template: templateId,
    at,
    kind: result.kind,
    reason,
    reasonJson,
    authentic,
  }
}

const receiptOf = (packed: PackedReceipt): Receipt => ({
  ...{ touser: packed.touser, channel: packed.channel },
  ...(packed.msgid !== false && { msgid: packed.msgid }),
  ...(packed.template !== false && { templateId: packed.template }),
  at: packed.at,
  result: packed.reason === false ? { kind: 'delivered' } : { kind: 'undelivered', reason: packed.reason },
  authentic: packed.authentic,
})
