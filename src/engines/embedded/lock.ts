import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Another process is at work in this folder. */
export class FolderInUse extends Error {
  constructor(folder: string, owner: string) {
    super(
      `The data folder ${folder} is in use by another Hongyan${owner}. ` +
        'Stop that one first, or choose another folder with HONGYAN_HOME.',
    )
    this.name = 'FolderInUse'
  }
}

/**
 * Makes this process the only one in the folder until it ends, however it ends: the operating system
 * holds the lock (SQLite's own, on a file of its own) and lets go of it with the process.
 */
export const lockFolder = (folder: string): { release(): void } => {
  const db = new DatabaseSync(join(folder, 'lock'))
  const ownerFile = join(folder, 'owner.json')
  try {
    db.exec('PRAGMA journal_mode = DELETE; BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if ((error as { errcode?: number }).errcode !== busy) throw error
    throw new FolderInUse(folder, describeOwner(ownerFile))
  }
  writeFileSync(ownerFile, JSON.stringify({ pid: process.pid, since: new Date().toISOString() }))
  return { release: () => db.close() }
}

/** SQLite's result code for a file that another process has locked. */
const busy = 5

const describeOwner = (file: string): string => {
  try {
    const { pid, since } = JSON.parse(readFileSync(file, 'utf8')) as { pid: number; since: string }
    return ` (process ${pid}, since ${since})`
  } catch {
    return ''
  }
}
