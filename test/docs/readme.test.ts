import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { adapted, shellBlocks, startDev } from '../support/dev.ts'
import { temporaryFolder } from '../support/folder.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const run = promisify(execFile)

suite('the READMEs', () => {
  for (const file of ['README.md', 'README.zh-CN.md'])
    test(`every command of ${file} under "npm start" works as written`, async (t) => {
      const { home, dev } = await startDev(t)
      const blocks = shellBlocks(read(file)).filter((block) =>
        /curl|hongyan -- (send|list|errcode)/.test(block),
      )
      assert.ok(blocks.length >= 4)
      const script = blocks.map((block) => adapted(block, home, dev)).join('\n')
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], {
        cwd: root,
        env: { ...process.env, HONGYAN_HOME: home, LANG: 'C' },
      })
      assert.match(stdout, /"client_msg_id":"order-1024-paid"/)
      assert.match(stdout, /"wechat_msgid":"\d{15,}"/)
      assert.match(stdout, /"total":\d+/)
      assert.match(stdout, /43101/)
    })

  test('adding a real account works as written', async (t) => {
    const { home, dev } = await startDev(t)
    const folder = temporaryFolder(t)
    writeFileSync(join(folder, 'secret.txt'), '0123456789abcdef0123456789abcdef\n')
    const block = shellBlocks(read('README.md')).find((text) => text.includes('accounts add'))!
    const command = adapted(block, home, dev)
      .replace(/^export HONGYAN_HOME.*$/m, '')
      .replace('secret.txt', join(folder, 'secret.txt'))
      .replace(/^.*doctor.*$/m, '')
    const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', command], {
      cwd: root,
      env: { ...process.env, HONGYAN_HOME: home, LANG: 'C' },
    })
    assert.match(stdout, /shop/)
    assert.match(stdout, /key_[0-9a-f]+/)
  })

  test('both languages have the same sections and the same commands', () => {
    const [english, chinese] = [read('README.md'), read('README.zh-CN.md')]
    const levels = (text: string) => [...text.matchAll(/^#+ /gm)].map(([mark]) => mark)
    assert.deepEqual(levels(chinese), levels(english))
    assert.deepEqual(shellBlocks(chinese), shellBlocks(english))
  })

  test('every link within the repository leads somewhere', () => {
    const folders = ['.', 'docs', 'docs/decisions']
    const documents = folders.flatMap((folder) =>
      readdirSync(join(root, folder))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name)),
    )
    for (const file of documents)
      for (const [, target] of read(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g))
        assert.ok(existsSync(join(root, dirname(file), target!)), `${file} links to ${target}`)
  })
})
