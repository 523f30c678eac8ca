#!/usr/bin/env node
// Runs the command line on the pinned Node, whichever Node is on the PATH.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))
const node = here('../node_modules/node/bin/node')

if (!existsSync(node)) {
  const setup = spawnSync(process.execPath, [here('../scripts/setup.js')], { stdio: 'inherit' })
  if (setup.status !== 0) process.exit(1)
}

const child = spawn(node, [here('../src/cli/main.ts'), ...process.argv.slice(2)], { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
