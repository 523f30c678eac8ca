/**
 * Moves a backlog from one engine to another, so that at every moment one of them at most can send it:
 *
 * 1. The source is marked `moving`: its engine does not start any more. Whoever wants to stay takes the mark away, which is
 *    safe, because the target is closed until the end.
 * 2. The target is closed for everything but this migration, and all rows are put there.
 * 3. All rows are read back and compared, by count and checksum.
 * 4. The source is marked `moved`: from here on the target may be live.
 * 5. The target goes live, in one step.
 *
 * After an interruption at any point the same command does what is left, from the mark and from what the target says of
 * itself; rows that are there already are not touched. A mark that was taken away makes a new migration, for which the
 * target, where the former one has left its rows, is not empty.
 */
import { type Checksum, canonicalText, createChecksum } from './checksum.ts'
import { openDirectory, type Vault } from './directory.ts'
import { type Export, type Import, type Kind, kinds, type Mark } from './transfer.ts'

export interface Summary {
  readonly id: string
  /** `already-done`: by an earlier run; then nothing was compared any more, because the target has gone on since. */
  readonly result: 'migrated' | 'already-done'
  readonly kinds: readonly KindSummary[]
}

export interface KindSummary {
  readonly kind: Kind
  readonly read: number
  readonly there: number
  readonly checksum: string
  readonly checksumThere: string
}

/**
 * Why nothing is migrated. `elsewhere`: the mark names another target. `occupied`: the target has something else in it.
 * `lost`: the migration was finished, and the target does not know of it any more. `differs`: what is there is not what
 * was read; nothing has gone live.
 */
export class MigrationRefused extends Error {
  readonly reason: 'elsewhere' | 'occupied' | 'lost' | 'differs'
  constructor(reason: MigrationRefused['reason'], detail: string) {
    super(`The migration was refused (${reason}): ${detail}`)
    this.name = 'MigrationRefused'
    this.reason = reason
  }
}

export interface Ends {
  readonly source: Export
  readonly target: Import
}

/** How far it is. */
export type Progress = (step: {
  readonly step: 'put' | 'compare'
  readonly kind: Kind
  readonly done: number
  readonly of: number
}) => void

/** Throws when a sealed secret of the source does not open: then it would not open at the target either. */
export const assertSecretsOpen = async (source: Export, vault: Vault): Promise<void> => {
  const rows = [...source.pages('directory', 0)].flat()
  const nowhere = async () => {}
  await openDirectory(
    {
      list: async (wanted) => rows.filter(({ kind }) => kind === wanted).map(({ value }) => value),
      // What is under a former master key is sealed anew by the first node that starts.
      ...{ put: nowhere, remove: nowhere },
    },
    vault,
  )
}

/** How many rows of each kind there are to carry, and whether the target would take them. Changes nothing. */
export const rehearse = async (
  { source, target }: Ends,
  now: number,
): Promise<Readonly<Record<Kind, number>>> => {
  await planOf({ source, target })
  const at = source.mark?.at ?? now
  return Object.fromEntries(kinds.map((kind) => [kind, source.count(kind, at)])) as Record<Kind, number>
}

/** Throws `MigrationRefused`; whatever else it throws, run it again. `id` and `now` are for a migration that begins. */
export const migrate = async (
  ends: Ends,
  { id, now, progress }: { readonly id: string; readonly now: number; readonly progress: Progress },
): Promise<Summary> => {
  const { source, target } = ends
  const plan = await planOf(ends)
  const mark: Mark = source.mark ?? { id, state: 'moving', to: target.address, at: now }
  if (plan === 'done') {
    source.setMark({ ...mark, state: 'moved' })
    return { id: mark.id, result: 'already-done', kinds: [] }
  }
  if (source.mark === undefined) source.setMark(mark)
  await target.begin(mark.id)
  for (const kind of kinds) await putAll(ends, kind, mark.at, progress)
  const summaries: KindSummary[] = []
  for (const kind of kinds) summaries.push(await compare(ends, kind, mark.at, progress))
  const messages = await target.messages()
  if (messages !== source.count('messages', mark.at))
    throw new MigrationRefused('differs', `the target has ${messages} messages`)
  source.setMark({ ...mark, state: 'moved' })
  await target.goLive(mark.id)
  return { id: mark.id, result: 'migrated', kinds: summaries }
}

/** Whether there is something left to do. */
const planOf = async ({ source: { mark }, target }: Ends): Promise<'go on' | 'done'> => {
  if (mark !== undefined && mark.to !== target.address)
    throw new MigrationRefused('elsewhere', `it has begun to ${mark.to}`)
  const there = await target.look(mark?.id)
  if (there === 'live') return 'done'
  // What the target had may have been sent before it was lost.
  if (mark?.state === 'moved' && there !== 'moving')
    throw new MigrationRefused('lost', `${mark.to}: ${there}`)
  if (there === 'occupied') throw new MigrationRefused('occupied', target.address)
  return 'go on'
}

const putAll = async <K extends Kind>(
  { source, target }: Ends,
  kind: K,
  at: number,
  progress: Progress,
): Promise<void> => {
  const of = source.count(kind, at)
  let done = 0
  for (const rows of source.pages(kind, at)) {
    await target.put(kind, rows)
    done += rows.length
    progress({ step: 'put', kind, done, of })
  }
}

const compare = async <K extends Kind>(
  { source, target }: Ends,
  kind: K,
  at: number,
  progress: Progress,
): Promise<KindSummary> => {
  const of = source.count(kind, at)
  const [here, there] = [createChecksum(), createChecksum()]
  let different: unknown
  for (const rows of source.pages(kind, at)) {
    const found = await target.read(kind, rows)
    for (const [index, row] of rows.entries()) {
      const text = canonicalText(row)
      const textThere = found[index] && canonicalText(found[index])
      here.add(text)
      if (textThere !== undefined) there.add(textThere)
      if (textThere !== text) different ??= row
    }
    progress({ step: 'compare', kind, done: here.count, of })
  }
  return equal(kind, { of, here, there, different })
}

const equal = (
  kind: Kind,
  { of, here, there, different }: { of: number; here: Checksum; there: Checksum; different: unknown },
): KindSummary => {
  if (here.count !== of) throw new MigrationRefused('differs', `${here.count} of ${of} ${kind} were read`)
  if (here.digest() !== there.digest() || there.count !== here.count)
    throw new MigrationRefused('differs', `${kind}, first ${nameOf(different)}`)
  return { kind, read: of, there: there.count, checksum: here.digest(), checksumThere: there.digest() }
}

/** Names a row and shows nothing of what is in it: a body, or a sealed secret. */
const nameOf = (row: unknown): string => {
  const { record, id, key, account, touser } = row as Readonly<Record<string, unknown>>
  const message = record as { readonly id: string } | undefined
  return [message?.id, id, key, account, touser].filter((part) => part !== undefined).join(' ')
}
