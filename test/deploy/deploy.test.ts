import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, readFileSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import { readConfig, settings } from '../../src/config.ts'
import { audit } from '../../src/engines/redis/audit.ts'
import { newMasterKey } from '../../src/vault.ts'
import { atEnd } from '../support/at-end.ts'
import { temporaryFolder } from '../support/folder.ts'
import { until } from '../support/waiting.ts'

interface Service {
  readonly image: string
  readonly profiles: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly secrets?: readonly string[]
  readonly depends_on?: readonly string[] | Readonly<Record<string, unknown>>
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean }
  readonly stop_grace_period?: string
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
}

const root = join(import.meta.dirname, '..', '..')
const read = (file: string): string => readFileSync(join(root, file), 'utf8')

/** The parser that Fastify's plugin writes its own YAML with. */
const { parse } = createRequire(createRequire(import.meta.url).resolve('@fastify/swagger'))('yaml') as {
  parse(text: string, options: { merge: boolean }): unknown
}

/** As Docker reads it where nothing is set: every default in its place. */
const compose = parse(read('deploy/compose.yaml').replace(/\$\{\w+:-([^}]*)\}/g, '$1'), {
  merge: true,
}) as Compose
const services = Object.entries(compose.services)
const own = services.filter(([, { image }]) => image === 'hongyan')

suite('deploy/compose.yaml', () => {
  test('has the services of its two profiles', () => {
    const of = (profile: string) =>
      services.filter(([, { profiles }]) => profiles.includes(profile)).map(([name]) => name)
    assert.deepEqual(of('small'), ['hongyan'])
    assert.deepEqual(of('nodes').toSorted(), [
      ...['balancer', 'gateway-1', 'gateway-2', 'postgres', 'redis', 'scheduler', 'worker-1', 'worker-2'],
    ])
  })

  test('names only what it declares', () => {
    const used = { volumes: new Set<string>(), networks: new Set<string>(), secrets: new Set<string>() }
    for (const [name, service] of services) {
      for (const volume of service.volumes ?? []) {
        const [source] = volume.split(':')
        if (!source!.startsWith('.')) used.volumes.add(source!)
        else assert.ok(existsSync(join(root, 'deploy', source!)), `${name}: ${source}`)
      }
      for (const network of service.networks ?? []) used.networks.add(network)
      for (const secret of service.secrets ?? []) used.secrets.add(secret)
      const after = service.depends_on ?? []
      for (const other of Array.isArray(after) ? after : Object.keys(after))
        assert.ok(compose.services[other], `${name} depends on ${other}`)
    }
    for (const kind of ['volumes', 'networks', 'secrets'] as const)
      assert.deepEqual(Object.keys(compose[kind]).toSorted(), [...used[kind]].toSorted(), kind)
  })

  test('pins every image, looks after the health of all that can tell it, and opens nothing to the world', () => {
    for (const [name, { image, healthcheck, ports = [] }] of services) {
      if (image !== 'hongyan') {
        assert.match(image, /^[a-z]+:\d+(\.\d+)?-alpine$/, name)
        assert.ok(healthcheck?.test, name)
      }
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:8080$/, name)
    }
    for (const store of ['redis', 'postgres']) {
      assert.deepEqual(compose.services[store]!.networks, ['store'])
      assert.equal(compose.services[store]!.ports, undefined)
    }
    assert.equal(compose.networks.store?.internal, true)
  })

  test('gives its nodes settings that exist and can be read, each its own name and home, and time to drain', () => {
    const names = new Set<string | undefined>()
    const homes = new Set<string | undefined>()
    for (const [name, { environment = {}, volumes, stop_grace_period, healthcheck }] of own) {
      const { HONGYAN_MASTER_KEY_FILE: keyFile, ...rest } = environment
      const config = readConfig({ ...rest, HONGYAN_MASTER_KEY: newMasterKey() })
      if (name !== 'hongyan') assert.equal(keyFile, '/run/secrets/master-key', name)
      assert.equal(config.engine.kind, name === 'hongyan' ? 'embedded' : 'redis', name)
      assert.ok(Number.parseInt(stop_grace_period!, 10) * 1000 > config.drainMs, name)
      // A role without HTTP has nothing that the check of the image could ask.
      assert.equal(healthcheck?.disable ?? false, !config.roles.includes('gateway'), name)
      names.add(environment.HONGYAN_NODE)
      homes.add(volumes?.[0])
    }
    assert.equal(names.size, own.length)
    assert.equal(homes.size, own.length)
    const roles = own.map(([, { environment }]) => environment?.HONGYAN_ROLES)
    for (const [role, count] of [['gateway', 2] as const, ['worker', 2] as const, ['scheduler', 1] as const])
      assert.equal(roles.filter((each) => each === role).length, count, role)
  })

  test('runs a Redis that loses nothing', () => {
    const words = compose.services.redis!.command!.slice(1).map((each) => each.split(/ (.*)/))
    const config = new Map(words.map(([name, value]) => [name!.replace(/^--/, ''), value!]))
    // What it asks for memory, as Redis shows it.
    assert.match(config.get('maxmemory')!, /^\d+gb$/)
    const looked = audit({ version: '7.2.0', role: 'master', config: config.set('maxmemory', '1000') }, 0)
    assert.deepEqual(looked, { durability: 'machine', findings: [], refusals: [] })
  })

  test('balances between its gateways', () => {
    const servers = [...read('deploy/nginx.conf').matchAll(/^\s+server ([\w-]+):8080/gm)].map(
      ([, name]) => name,
    )
    assert.deepEqual(
      servers,
      services.map(([name]) => name).filter((name) => name.startsWith('gateway-')),
    )
  })
})

suite('deploy/Dockerfile', () => {
  const text = read('deploy/Dockerfile')
  const words = (instruction: string): readonly string[] =>
    JSON.parse(new RegExp(`^\\s*${instruction} (\\[.*\\])$`, 'm').exec(text)![1]!)

  test('builds on the Node that is pinned, and does not run as root', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    assert.match(text, new RegExp(`^FROM node:${dependencies.node}-`, 'm'))
    assert.match(text, /^USER node$/m)
  })

  test('has all that the service needs, which its health check finds alive', async (t) => {
    const image = temporaryFolder(t)
    const copied = [...text.matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, names]) => names!.split(' '))
    const kept = read('deploy/Dockerfile.dockerignore').split('\n')
    for (const name of copied) {
      assert.ok(kept.includes(`!${name}`), `${name} is left out by the list`)
      cpSync(join(root, name), join(image, name), { recursive: true })
    }
    symlinkSync(join(root, 'node_modules'), join(image, 'node_modules'))
    const [program, ...args] = [...words('ENTRYPOINT'), ...words('CMD(?= \\["serve)')]
    assert.equal(program, 'node')
    const env = { HONGYAN_HTTP: '127.0.0.1:0', HONGYAN_HOME: join(image, 'home'), PATH: process.env.PATH }
    const service = spawn(process.execPath, args, { cwd: image, env, stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(service, 'exit')
    atEnd(t, () => service.kill('SIGKILL'))
    let said = ''
    service.stderr.setEncoding('utf8').on('data', (some) => (said += some))
    await until(() => /"url":"http/.test(said), 30_000)
    const port = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(said)![1]!
    const [, ...check] = words('CMD(?= \\["node)').map((word) => word.replace(':8080/', `:${port}/`))
    const run = promisify(execFile)
    await until(
      () =>
        run(process.execPath, [...check]).then(
          () => true,
          () => false,
        ),
      20_000,
    )
    service.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
    await assert.rejects(run(process.execPath, [...check]))
  })
})

suite('deploy/hongyan@.service', () => {
  test('starts what is there, and waits for the drain', () => {
    const unit = read('deploy/hongyan@.service')
    const paths = [...unit.matchAll(/\/opt\/hongyan\/(\S+)/g)].map(([, path]) => path!)
    assert.equal(paths.length, 2)
    for (const path of paths) assert.ok(existsSync(join(root, path)), path)
    assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(unit)![1]) * 1000 > Number(settings.drainMs.fallback))
  })
})
