/** The files of the page, read once and served from memory. There is nothing else to serve. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface UiFile {
  readonly type: string
  readonly bytes: Buffer
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** By path on the server: `/` and `/_ui/…`. */
export const readUiFiles = (): ReadonlyMap<string, UiFile> => {
  const folder = join(import.meta.dirname, 'ui')
  const files = new Map<string, UiFile>()
  for (const name of readdirSync(folder)) {
    const type = types[extname(name)]
    if (type === undefined) continue
    const path = name === 'index.html' ? '/' : `/_ui/${name}`
    files.set(path, { type, bytes: readFileSync(join(folder, name)) })
  }
  return files
}
