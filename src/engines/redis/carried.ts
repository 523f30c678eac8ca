import type { GrantKind } from '../../grants.ts'
import type { State } from '../../message.ts'
import type { CarriedMessage } from '../../transfer.ts'
import { grantFieldOf } from './cells.ts'
import { acceptRow, extraIn, recordOf, type Value } from './rows.ts'

type Waiting = NonNullable<CarriedMessage['waiting']>

/** A message that a migration brings, in the order of `putMessagesScript`; `place` is that in the order of acceptance. */
export const carriedRow = (
  { record, key, waiting, ended }: CarriedMessage,
  place: number,
): readonly Value[] => [
  ...acceptRow(
    key === undefined ? record : { ...record, idempotency: { key, fingerprint: '' } },
    record.id,
    place,
  ),
  ...[record.state, record.reason ?? '', record.readyAt ?? '', record.deliveries, waiting?.tries ?? 0],
  ...[record.doubtSince ?? '', waiting?.leasedAt ?? '', waiting?.begun ? 1 : 0, waiting?.condition ?? ''],
  waiting?.held ? `${waiting.held.generation}.${grantFieldOf(waiting.held)}` : '',
  ...[record.msgid ?? '', record.updatedAt, ended?.state ?? '', ended?.at ?? '', ended?.sharpened ? 1 : 0],
  JSON.stringify(record.steps.map((step) => JSON.stringify(step))),
]

/** The same from the order of `getMessagesScript`. */
export const carriedOf = ([row, more]: readonly [
  row: readonly (string | null)[],
  more: readonly (string | null)[],
]): CarriedMessage => {
  const [tries, leasedAt, begun, condition, handle, ended, endedAt, sharpened] = more
  const { key } = extraIn(row[10]!)
  return {
    record: recordOf(row),
    ...(key !== undefined && { key }),
    ...(ended === null && {
      waiting: {
        tries: Number(tries),
        ...(leasedAt != null && { leasedAt: Number(leasedAt) }),
        begun: begun === '1',
        ...(condition != null && { condition }),
        ...(handle != null && { held: heldIn(handle) }),
      },
    }),
    ...(ended != null && {
      ended: { state: ended as State, at: Number(endedAt), sharpened: sharpened !== null },
    }),
  }
}

const heldIn = (handle: string): NonNullable<Waiting['held']> => {
  const [, generation, templateId, kind, name] = /^(\d+)\.([^\n]*)\n([^\n]*)\n([\s\S]*)$/.exec(handle)!
  return { templateId: templateId!, kind: kind as GrantKind, name: name!, generation: Number(generation) }
}
