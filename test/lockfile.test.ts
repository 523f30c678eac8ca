import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, test } from 'node:test'

interface Entry {
  readonly version?: string
  readonly resolved?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Readonly<Record<string, Entry>>
}

/** Where Node would find `name` from the package at `path`: beside it, or beside one of those above. */
const found = (path: string, name: string): boolean => {
  const place = path === '' ? `node_modules/${name}` : `${path}/node_modules/${name}`
  if (packages[place]?.version !== undefined) return true
  return path !== '' && found(path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/'))), name)
}

suite('the lockfile', () => {
  test('has an entry for every package that another names, on every platform', () => {
    const missing = Object.entries(packages).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !found(path, name))
        .map((name) => `${path} → ${name}`),
    )
    assert.deepEqual(missing, [], '`npm ci` refuses a lockfile that lacks one')
  })

  test('holds no address of a registry', () => {
    const addresses = Object.values(packages).filter(({ resolved }) => resolved !== undefined)
    assert.deepEqual(addresses, [])
  })
})
