// Installs what a command needs, on first use or when the lockfile has changed. Plain JavaScript for any
// Node from 20 on: it runs before the pinned Node 24 is there.
//
//   node scripts/setup.js          what running needs
//   node scripts/setup.js --dev    also what tests and checks need
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..')
const stampFile = join(root, 'node_modules', '.hongyan-setup.json')
const lock = createHash('sha256')
  .update(readFileSync(join(root, 'package-lock.json')))
  .digest('hex')
const wanted = process.argv.includes('--dev') ? 'dev' : 'run'

if (!isInstalled()) install()

function isInstalled() {
  if (!existsSync(stampFile)) return false
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'))
    return stamp.lock === lock && (stamp.kind === 'dev' || wanted === 'run')
  } catch {
    return false
  }
}

function install() {
  console.error(`Installing dependencies (${wanted === 'dev' ? 'with' : 'without'} development tools) …`)
  const args = [
    'ci',
    '--no-audit',
    '--no-fund',
    '--loglevel=error',
    ...(wanted === 'run' ? ['--omit=dev'] : []),
  ]
  // npm tells its scripts where it is; a bare `node scripts/setup.js` finds it on the PATH.
  const npm = process.env.npm_execpath
  const result = npm
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, { cwd: root, stdio: ['ignore', 2, 2], shell: process.platform === 'win32' })
  if (result.status !== 0) {
    console.error(
      'The installation failed; the lines above say why. Nothing else was done: run the command again.',
    )
    process.exit(1)
  }
  // A start without the cache is slower, nothing worse, so its failure is not ours.
  spawnSync(join(root, 'node_modules', 'node', 'bin', 'node'), [join(root, 'scripts', 'warm.js')], {
    stdio: 'ignore',
  })
  writeFileSync(stampFile, JSON.stringify({ lock, kind: wanted }))
}
