/** Writes every generated page. `test/docs/generated.test.ts` fails when one is not current. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderErrcodes } from './docs-errcodes.ts'
import { renderOpenapi } from './docs-openapi.ts'
import { renderRefusals } from './docs-refusals.ts'
import { renderSettings } from './docs-settings.ts'

const docs = join(import.meta.dirname, '..', 'docs')

export const pages: readonly (readonly [file: string, render: () => string | Promise<string>])[] = [
  [join(docs, 'errcodes.md'), renderErrcodes],
  [join(docs, 'security.md'), renderRefusals],
  [join(docs, 'settings.md'), renderSettings],
  [join(docs, 'openapi.json'), renderOpenapi],
]

if (import.meta.main) for (const [file, render] of pages) writeFileSync(file, await render())
