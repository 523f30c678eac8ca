/** The rules of the house, held by reading the sources. A finding names the file and the line. */
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { suite, test } from 'node:test'

const root = join(import.meta.dirname, '..')
const longestFile = 350

/** Join all parts, so they may know all parts, the environment and the machine. */
const wiring = new Set(
  ['main', 'open-engine', 'open-wechat', 'config', 'setting-values'].map((name) => `src/${name}.ts`),
)
/** Knowledge as data, which is read by looking something up. */
const tables = new Set(['src/errcodes.ts'])

/** Digests and ciphers are computation; what they need of chance stays in here. */
const cryptography = new Set([
  'src/vault.ts',
  'src/signing.ts',
  'src/checksum.ts',
  'src/message-crypto.ts',
  'src/webhook-signature.ts',
])

interface Source {
  /** From the root of the project, with slashes. */
  readonly path: string
  readonly text: string
  /** Comments and the contents of texts blanked out, line for line. */
  readonly code: string
}

/** Blanks out comments and texts, but keeps every line where it is. */
const codeOf = (text: string): string =>
  text.replace(
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`/g,
    (match) => match.replace(/[^\n]/g, ' '),
  )

const sources: readonly Source[] = globSync('src/**/*.ts', { cwd: root })
  .toSorted()
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    return { path, text, code: codeOf(text) }
  })

const isDomain = ({ path }: Source) => partOf(path) === 'src' && !wiring.has(path)

/** Where a pattern stands: `path:line: text of the line`. */
const findings = (some: readonly Source[], pattern: RegExp): readonly string[] =>
  some.flatMap(({ path, text, code }) => {
    const lines = text.split('\n')
    return code
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${lines[index]!.trim()}`] : []))
  })

/** What a file imports, as paths from the root or names of packages, with the line of each. */
const importsOf = ({ path, text }: Source): readonly { readonly target: string; readonly line: number }[] =>
  [...text.matchAll(/^(?:import|export)\b[^'\n]*(?:\n[^'\n]*)*?'([^'\n]+)'|\bimport\('([^']+)'\)/gm)].map(
    (match) => {
      const name = match[1] ?? match[2]!
      return {
        target: name.startsWith('.') ? relative(root, join(root, dirname(path), name)) : name,
        line: text.slice(0, match.index).split('\n').length,
      }
    },
  )

/** Folders that belong to the domain: one file for each of several things of one kind. */
const domainFolders = new Set(['src/channels'])

/** The part of the house a file belongs to: `src` itself, a folder below, or one engine. */
const partOf = (path: string): string => {
  const folders = dirname(path).split('/')
  if (domainFolders.has(folders.join('/'))) return 'src'
  return folders.slice(0, folders[1] === 'engines' ? 3 : 2).join('/')
}

/** Which parts a folder may import: the domain, itself, and an engine also what stands beside the engines for all of them. */
const mayUse = (part: string): readonly string[] => [
  'src',
  part,
  ...(part.startsWith('src/engines/') ? ['src/engines'] : []),
]

const none = (found: readonly string[], rule: string) =>
  assert.ok(found.length === 0, `${rule}\n  ${found.join('\n  ')}`)

suite('the rules of the house', () => {
  test('there are sources to hold to them', () => assert.ok(sources.filter(isDomain).length > 10))

  test('time, chance and stopping come to the domain as arguments', () => {
    const forbidden =
      /\bDate\.now\b|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bfetch\(|\bperformance\.now\b|\bnew Date\(\s*\)|\bprocess\.env\b/
    none(findings(sources.filter(isDomain), forbidden), 'The domain must not reach for the world:')
  })

  test('the domain imports no folder below it', () => {
    const found = sources.filter(isDomain).flatMap((source) =>
      importsOf(source)
        .filter(({ target }) => target.startsWith('src/') && partOf(target) !== 'src')
        .map(({ target, line }) => `${source.path}:${line}: ${target}`),
    )
    none(found, 'The domain must not know who uses it:')
  })

  test('the domain imports nothing of the platform but cryptography, where that is the subject', () => {
    const found = sources.filter(isDomain).flatMap((source) =>
      importsOf(source)
        .filter(({ target }) => target.startsWith('node:'))
        .filter(({ target }) => !(target === 'node:crypto' && cryptography.has(source.path)))
        .map(({ target, line }) => `${source.path}:${line}: ${target}`),
    )
    none(found, 'The domain must run anywhere:')
  })

  test('folders do not import each other', () => {
    const found = sources
      .filter(({ path }) => partOf(path) !== 'src')
      .flatMap((source) =>
        importsOf(source)
          .filter(
            ({ target }) =>
              target.startsWith('src/') && !mayUse(partOf(source.path)).includes(partOf(target)),
          )
          .map(({ target, line }) => `${source.path}:${line}: ${target}`),
      )
    none(found, 'Only the wiring may join two folders:')
  })

  test('only the command line imports the wiring', () => {
    const found = sources
      .filter(({ path }) => !wiring.has(path) && partOf(path) !== 'src/cli')
      .flatMap((source) =>
        importsOf(source)
          .filter(({ target }) => target === 'src/main.ts')
          .map(({ target, line }) => `${source.path}:${line}: ${target}`),
      )
    none(found, 'Nothing is built on what joins it:')
  })

  test(`no file is longer than ${longestFile} lines`, () => {
    const found = sources
      .filter(({ path }) => !tables.has(path))
      .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > longestFile)
      .map(({ path, lines }) => `${path}: ${lines} lines`)
    none(found, 'A file that long has two subjects:')
  })

  test('nothing is any', () => {
    none(
      findings(sources, /[:<|&,(]\s*any\b(?!\s*:)|\bas any\b|\bany\[\]/),
      'What enters is unknown until it is parsed:',
    )
  })
})

suite('the reader of the house', () => {
  test('looks through comments and texts, not into them', () => {
    const code = codeOf(
      "const a = 'Date.now()' // Date.now()\n/* Date.now()\n */ `Date.now()` + Date.now()\n",
    )
    assert.deepEqual(
      code.split('\n').map((line) => line.includes('Date.now')),
      [false, false, true, false],
    )
  })

  test('sees imports over several lines, of types, of exports and at run time', () => {
    const text =
      "import {\n  a,\n} from './x/a.ts'\nimport type { B } from '../b.ts'\nexport { c } from './c.ts'\nawait import('./d.ts')\n"
    const imports = importsOf({ path: 'src/cli/some.ts', text, code: text })
    assert.deepEqual(imports, [
      { target: 'src/cli/x/a.ts', line: 1 },
      { target: 'src/b.ts', line: 4 },
      { target: 'src/cli/c.ts', line: 5 },
      { target: 'src/cli/d.ts', line: 6 },
    ])
  })

  test('tells the parts of the house apart', () => {
    const paths = ['src/a.ts', 'src/cli/a.ts', 'src/gateway/x/a.ts', 'src/engines/redis/a.ts']
    assert.deepEqual(paths.map(partOf), ['src', 'src/cli', 'src/gateway', 'src/engines/redis'])
  })
})
