import {
  closeSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'

/**
 * Writes a file that only its owner can read, whole or not at all: a process that is killed meanwhile leaves
 * what was there before.
 */
export const writePrivateFile = (file: string, text: string): void => {
  renameSync(writeDraft(file, text), file)
}

/** The same, unless another process was first: answers what the file holds then. */
export const claimPrivateFile = (file: string, text: string): string => {
  const draft = writeDraft(file, text)
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as { code?: string }).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(draft)
  }
  return readFileSync(file, 'utf8')
}

const writeDraft = (file: string, text: string): string => {
  const draft = `${file}.${process.pid}.new`
  const descriptor = openSync(draft, 'w', 0o600)
  try {
    writeFileSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  return draft
}

/** The text of a file, or nothing when there is none. */
export const readPrivateFile = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return undefined
    throw error
  }
}
