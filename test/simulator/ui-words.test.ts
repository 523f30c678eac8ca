/** Every sentence of the page exists in both languages, and is said somewhere. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { pathToFileURL } from 'node:url'

const folder = join(import.meta.dirname, '../../src/simulator/ui')

const tableOf = async (language: string): Promise<Record<string, string>> =>
  (await import(pathToFileURL(join(folder, `words-${language}.js`)).href))[language]

const { zh, en } = { zh: await tableOf('zh'), en: await tableOf('en') }

const texts = readdirSync(folder)
  .filter((name) => /\.(js|html)$/.test(name) && !name.startsWith('words-'))
  .map((name) => readFileSync(join(folder, name), 'utf8'))

const placeholders = (sentence = ''): string[] => (sentence.match(/\{\w+\}/g) ?? []).toSorted()

suite('the words of the page', () => {
  test('are the same in both languages', () => {
    assert.deepEqual(Object.keys(en), Object.keys(zh))
  })

  test('are filled in with the same values in both languages', () => {
    for (const key of Object.keys(zh)) assert.deepEqual(placeholders(en[key]), placeholders(zh[key]), key)
  })

  test('are Chinese in Chinese and have no Chinese in English', () => {
    const han = /\p{Script=Han}/u
    for (const [key, sentence] of Object.entries(en)) assert.ok(!han.test(sentence), key)
    const sameEverywhere = new Set(Object.keys(zh).filter((key) => zh[key] === en[key]))
    for (const [key, sentence] of Object.entries(zh))
      assert.ok(han.test(sentence) || sameEverywhere.has(key), key)
  })

  test('exist for every key that is named', () => {
    const named = texts.flatMap((text) => [
      ...Array.from(text.matchAll(/\bt\('([^']+)'/g), ([, key]) => key ?? ''),
      ...Array.from(text.matchAll(/data-t(?:-\w+)?="([^"]+)"/g), ([, key]) => key ?? ''),
    ])
    assert.ok(named.length > 80)
    for (const key of named) assert.ok(key in zh, key)
  })

  test('are all said', () => {
    const all = texts.join('\n')
    const composed = Array.from(all.matchAll(/`([\w.]+\.)\$\{/g), ([, prefix]) => prefix ?? '')
    for (const key of Object.keys(zh)) {
      const said = all.includes(`'${key}'`) || all.includes(`"${key}"`)
      assert.ok(said || composed.some((prefix) => key.startsWith(prefix)) || key.startsWith('user.'), key)
    }
  })
})
