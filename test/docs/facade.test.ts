import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { adapted, shellBlocks, startDev } from '../support/dev.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(join(root, 'docs', file), 'utf8')
const run = promisify(execFile)

/** Every block of code, whatever its language. */
const blocks = (text: string): readonly string[] => text.match(/```\w+\n[\s\S]*?```/g) ?? []

suite('the page on the facade', () => {
  test('its walk-through works as written', async (t) => {
    const { home, dev } = await startDev(t)
    const script = shellBlocks(read('facade.md'))
      .map((block) => adapted(block, home, dev))
      .join('\n')
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd: root })
    assert.match(stdout, /^\{"errcode":0,"errmsg":"ok","msgid":\d{18}\}$/m)
    assert.match(stdout, /"client_msg_id":"order-2048-paid"/)
    assert.match(stdout, /"errcode":47003,"errmsg":"argument invalid! data\.phrase3\.value invalid rid: /)
  })

  test('both languages have the same sections, paths and code', () => {
    const [english, chinese] = [read('facade.md'), read('facade.zh-CN.md')]
    for (const part of [/^#+ /gm, /^\| `.*?` \|/gm, /`[a-zA-Z_.0-9]+`/g])
      assert.equal(chinese.match(part)?.length, english.match(part)?.length, String(part))
    assert.deepEqual(blocks(chinese), blocks(english))
  })
})
