import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { adminRoutes } from '../../src/simulator/admin-routes.ts'
import { callbackRoutes } from '../../src/simulator/callback-routes.ts'
import { createCallbacks } from '../../src/simulator/callbacks.ts'
import { readInput } from '../../src/simulator/input.ts'
import { resolveOptions } from '../../src/simulator/options.ts'
import { parseTarget, targetFields } from '../../src/simulator/push-target.ts'
import { routesOf } from '../../src/simulator/routes.ts'
import { positions, type Switches, usualSwitches } from '../../src/simulator/switches.ts'
import { createWorld } from '../../src/simulator/world.ts'
import { atEnd } from '../support/at-end.ts'
import { startCli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'

const root = join(import.meta.dirname, '..', '..')
const files = ['docs/simulator.md', 'docs/simulator.zh-CN.md'] as const
const read = (file: string): string => readFileSync(join(root, file), 'utf8')
const run = promisify(execFile)

const shellBlocks = (text: string): readonly string[] =>
  [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!)

/** A simulator as the first block of the page starts it, on free ports. */
const startAsWritten = async (t: TestContext, block: string) => {
  const words = block.trim().split(' ').slice(5)
  assert.equal(words[0], 'simulate')
  const args = words.map((word) => word.replace(/^examples\//, `${root}/examples/`))
  const cli = startCli(args, {
    HONGYAN_SIMULATOR: '127.0.0.1:0',
    HONGYAN_SIMULATOR_ADMIN: '127.0.0.1:0',
  })
  atEnd(t, async () => {
    cli.child.kill('SIGKILL')
    await cli.ended
  })
  await cli.says(/simulator_admin/)
  return JSON.parse(cli.stdout) as { simulator: string; simulator_admin: string }
}

suite('the page about the simulator', () => {
  for (const file of files)
    test(`every command of ${file} works as written`, { timeout: 120_000 }, async (t) => {
      const [start, ...blocks] = shellBlocks(read(file))
      const { simulator, simulator_admin } = await startAsWritten(t, start!)
      const script = blocks
        .join('\n')
        .replaceAll('http://127.0.0.1:8077', simulator)
        .replaceAll('http://127.0.0.1:8078', simulator_admin)
        // A command that is refused fails, and every answer ends its line.
        .replaceAll('curl -s', "curl --fail-with-body -w '\\n' -s")
      // The example scenario has a fault of chance, which the page shows how to switch off.
      await fetch(`${simulator_admin}/_sim/faults`, { method: 'POST', body: '{"rules":[]}' })
      const cwd = temporaryFolder(t)
      const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { cwd })
      assert.match(stdout, /"errcode":0,"errmsg":"ok","msgid":\d{19}/)
      assert.match(stdout, /"total":1,"messages":\[.*"tags":\["readme"\]/)
      assert.match(stdout, /"component_access_token":"/)
      assert.match(stdout, /"windows":\[\{.*"what":"message"/)
      assert.doesNotMatch(stdout, /"error":/)
      const exported = JSON.parse(readFileSync(join(cwd, 'scenario.json'), 'utf8'))
      assert.equal(exported.switches.sameContent, 'refuse')
    })

  for (const file of files)
    test(`the switches of ${file} are those of the code`, () => {
      const rows = [...read(file).matchAll(/^\| `(\w+)` \| (.+?) \| `([^`]+)` \| (.+) \|$/gm)]
      const told = rows.map(([, name, position, usual]) => [name, position, usual])
      const real = Object.entries(positions).map(([name, position]) => [
        name,
        position === 'texts'
          ? 'texts'
          : 'upTo' in position
            ? `0 to ${position.upTo}`
            : position.map((each) => `\`${each}\``).join(' '),
        asTold(usualSwitches[name as keyof Switches]),
      ])
      assert.deepEqual(told, real)
    })

  for (const file of files)
    test(`the callback on ${file} is one that the simulator takes, and every setting is named`, () => {
      const text = read(file)
      const [, json] = /```json\n([\s\S]*?)```/.exec(text)!
      const target = parseTarget(readInput(JSON.parse(json!), targetFields), undefined)
      assert.equal(target.mode, 'safe')
      for (const field of targetFields) assert.ok(new RegExp(`[\`"]${field}[\`"]`).test(text), field)
    })

  for (const file of files)
    test(`${file} names every path and every call of the admin API`, (t) => {
      const text = read(file)
      const free = { host: '127.0.0.1', port: 0 }
      const options = resolveOptions({ api: free, admin: free })
      const world = createWorld(options)
      const callbacks = createCallbacks({
        world,
        seed: 1,
        targets: new Map(),
        platforms: { appids: () => [], newTicket: () => '' },
      })
      t.after(() => callbacks.close())
      for (const call of callbackRoutes(world, callbacks).keys())
        assert.ok(text.includes(`\`${call}\``), call)
      for (const path of routesOf(world).keys()) assert.ok(text.includes(`\`${path}\``), path)
      for (const call of adminRoutes(world, { ...options, targetOf: () => undefined }).keys())
        assert.ok(text.includes(`\`${call}\``), call)
    })

  test('both languages have the same sections and the same commands', () => {
    const [english, chinese] = [read(files[0]), read(files[1])]
    const levels = (text: string) => [...text.matchAll(/^#+ /gm)].map(([mark]) => mark)
    assert.deepEqual(levels(chinese), levels(english))
    assert.deepEqual(shellBlocks(chinese), shellBlocks(english))
  })
})

const asTold = (value: unknown): string => (typeof value === 'object' ? JSON.stringify(value) : String(value))
