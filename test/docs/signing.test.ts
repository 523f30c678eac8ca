import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import {
  authorizationOf,
  bodyDigest,
  canonicalRequest,
  signParams,
  signRequest,
  sortedParams,
  verifyParams,
  verifyRequest,
} from '../../src/signing.ts'
import { temporaryFolder } from '../support/folder.ts'

const docs = join(import.meta.dirname, '../../docs')
const page = readFileSync(join(docs, 'signing.md'), 'utf8')
/** Without the blanks that align its tables. */
const tables = page.replaceAll(/ +/g, ' ')

interface Vectors {
  readonly key_id: string
  readonly secret: string
  readonly v1: readonly {
    readonly name: string
    readonly method: string
    readonly path: string
    readonly timestamp: string
    readonly nonce: string
    readonly body: string
    readonly body_sha256: string
    readonly canonical: string
    readonly signature: string
    readonly authorization: string
  }[]
  readonly params: readonly {
    readonly name: string
    readonly method: string
    readonly path: string
    readonly params: Readonly<Record<string, string>>
    readonly body: string
    readonly text: string
    readonly signature: string
  }[]
}

const vectors = JSON.parse(readFileSync(join(docs, 'signing-vectors.json'), 'utf8')) as Vectors
const { key_id: keyId, secret } = vectors
const [published] = vectors.v1

suite('the vectors of v1', () => {
  test('begin with the one that is published everywhere', (t) =>
    t.assert.equal(published?.signature, 'nvTn2vsKFKS9dJPAn4aQapp5/vA97UiUscvIzSi7dzQ='))

  for (const vector of vectors.v1)
    test(vector.name, (t: TestContext) => {
      t.assert.equal(bodyDigest(vector.body), vector.body_sha256)
      t.assert.equal(canonicalRequest(vector), vector.canonical)
      t.assert.equal(signRequest(secret, vector), vector.signature)
      t.assert.equal(authorizationOf(keyId, secret, vector), vector.authorization)
      t.assert.ok(verifyRequest([secret], vector, vector.signature))
      t.assert.ok(
        tables.includes(`\`${vector.method} ${vector.path}\` | \`${vector.signature}\``),
        'Not on the page',
      )
    })
})

suite('the vectors of params', () => {
  for (const vector of vectors.params)
    test(vector.name, (t: TestContext) => {
      t.assert.equal(sortedParams(vector), vector.text)
      t.assert.equal(signParams(secret, vector), vector.signature)
      t.assert.ok(verifyParams([secret], vector, vector.signature))
      if (vector.body !== '') t.assert.equal(vector.params.body_sha256, bodyDigest(vector.body))
      t.assert.ok(tables.includes(`\`${vector.text}\` | \`${vector.signature}\``), 'Not on the page')
    })
})

/** How each snippet is run: its name in the fence, the program that must be there, and the file it wants. */
const languages = [
  { fence: 'java', program: 'java', file: 'Sign.java', args: [] },
  { fence: 'go', program: 'go', file: 'sign.go', args: ['run'] },
  { fence: 'js', program: process.execPath, file: 'sign.cjs', args: [] },
  { fence: 'python', program: 'python3', file: 'sign.py', args: [] },
  { fence: 'php', program: 'php', file: 'sign.php', args: [] },
  { fence: 'bash', program: 'bash', file: 'sign.sh', args: [] },
] as const

const run = promisify(execFile)

/** What a program prints; nothing when it is not on this machine. */
const printed = async (
  program: string,
  args: readonly string[],
  cwd: string,
): Promise<string | undefined> => {
  try {
    const { stdout } = await run(program, args, { cwd, timeout: 60_000 })
    return stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const snippetIn = (fence: string): string => {
  const found = [...page.matchAll(new RegExp(`^\`\`\`${fence}\n([^]*?)^\`\`\`$`, 'gm'))]
  if (found.length !== 1) throw new Error(`There are ${found.length} snippets of ${fence}`)
  return found[0]![1]!
}

suite('the programs on the page print the published signature', { concurrency: true }, () => {
  for (const { fence, program, file, args } of languages)
    test(fence, async (t: TestContext) => {
      const folder = temporaryFolder(t)
      writeFileSync(join(folder, file), snippetIn(fence))
      const output = await printed(program, [...args, file], folder)
      if (output === undefined)
        t.skip(`NOT RUN: ${program} is not installed, so nobody has tried this snippet here`)
      else t.assert.equal(output.trim(), published?.signature)
    })
})
