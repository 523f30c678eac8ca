import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { suite, test } from 'node:test'
import { pages } from '../../scripts/docs.ts'

suite('generated pages are current', () => {
  for (const [file, render] of pages)
    test(basename(file), async () => {
      assert.equal(readFileSync(file, 'utf8'), await render(), 'run `npm run docs`')
    })
})
