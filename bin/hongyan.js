#!/usr/bin/env node
// The entry of every command. Plain JavaScript for any Node from 20 on: on the pinned Node it goes straight to
// the command line, on another it starts the pinned one (and installs it first, where it is missing).
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { fileURLToPath } from 'node:url'

const here = (path) => fileURLToPath(new URL(path, import.meta.url))

if (Number(process.versions.node.split('.')[0]) >= 24 && existsSync(here('../node_modules'))) await runHere()
else runOnPinnedNode()

/** With the compile cache the second start neither strips types nor compiles; threads learn of it by the environment. */
async function runHere() {
  process.env.NODE_COMPILE_CACHE ??= here('../node_modules/.cache/hongyan')
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  await import('../src/cli/main.ts')
}

function runOnPinnedNode() {
  const node = here('../node_modules/node/bin/node')
  if (!existsSync(node)) {
    const setup = spawnSync(process.execPath, [here('../scripts/setup.js')], { stdio: 'inherit' })
    if (setup.status !== 0) process.exit(1)
  }
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)))
}
