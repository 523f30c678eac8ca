import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Mark } from '../../transfer.ts'

/** What the folder keeps has been carried elsewhere, or is on its way. */
export class FolderMoved extends Error {
  constructor(folder: string, mark: Mark | undefined) {
    super(sentenceOf(folder, mark))
    this.name = 'FolderMoved'
  }
}

const markFile = (folder: string): string => join(folder, 'moved.json')

/** Throws `FolderMoved` when the folder is marked. */
export const assertNotMoved = (folder: string): void => {
  const mark = readMark(folder)
  if (mark !== undefined) throw new FolderMoved(folder, mark)
}

/** Throws `FolderMoved` when there is a mark that cannot be read. */
export const readMark = (folder: string): Mark | undefined => {
  const text = textOf(markFile(folder))
  if (text === undefined) return undefined
  try {
    return parse(text)
  } catch {
    throw new FolderMoved(folder, undefined)
  }
}

/** Returns once it is on stable storage, the entry in the folder included. */
export const writeMark = (folder: string, mark: Mark): void => {
  const file = markFile(folder)
  const draft = `${file}.new`
  synced(draft, 'w', (descriptor) => writeFileSync(descriptor, `${JSON.stringify(mark, null, 2)}\n`))
  renameSync(draft, file)
  synced(folder, 'r', () => {})
}

const synced = (path: string, flags: string, write: (descriptor: number) => void): void => {
  const descriptor = openSync(path, flags, 0o600)
  try {
    write(descriptor)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

const textOf = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}

const parse = (text: string): Mark => {
  const { id, state, to, at } = JSON.parse(text) as Partial<Record<keyof Mark, unknown>>
  const known = state === 'moving' || state === 'moved'
  if (typeof id !== 'string' || !known || typeof to !== 'string' || typeof at !== 'number')
    throw new TypeError('It is not a mark of ours')
  return { id, state, to, at }
}

const sentenceOf = (folder: string, mark: Mark | undefined): string => {
  const file = markFile(folder)
  if (mark === undefined)
    return (
      `The data folder ${folder} has been migrated, or was about to be, and where to cannot be read in ${file}. ` +
      'Find out whether another Hongyan sends its messages now; only if none does, and none will, remove that file.'
    )
  const { state, to, at } = mark
  const since = new Date(at).toISOString()
  if (state === 'moving')
    return (
      `The data folder ${folder} is being migrated to ${to} since ${since}. Run the same hongyan migrate again to finish it. ` +
      `To stay here instead, remove ${file}: nothing of what is there already will be sent from there.`
    )
  return (
    `The data folder ${folder} has been migrated to ${to} (begun ${since}), and its messages are sent from there: ` +
    `set HONGYAN_ENGINE to that. Starting here would send them twice; only if nothing was ever started there, and ` +
    `never will be, remove ${file}.`
  )
}
