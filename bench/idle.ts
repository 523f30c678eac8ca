/** How much memory `hongyan dev` (gateway, worker, simulator) holds when nothing happens. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { residentMbOf } from './cpu.ts'
import { openFolder } from './folder.ts'

export interface IdleResult {
  readonly residentMb: number
}

/** As `npm start` runs it, with its compile cache. */
const cli = join(import.meta.dirname, '..', 'bin', 'hongyan.js')
/** Of the `start` script in package.json: a laptop would rather have the memory than the last tenth of speed. */
const startFlags = ['--max-semi-space-size=4']
const startLimitMs = 20_000
const idleMs = 10_000

export const measureIdle = async (): Promise<IdleResult> => {
  // Set-up does this after installing; here the sources may have changed since.
  spawnSync(process.execPath, [join(import.meta.dirname, '..', 'scripts', 'warm.js')], { stdio: 'ignore' })
  const folder = openFolder()
  const home = folder.path
  const child = spawn(process.execPath, [...startFlags, cli, 'dev'], {
    env: {
      PATH: process.env.PATH,
      HONGYAN_HOME: home,
      HONGYAN_HTTP: '127.0.0.1:0',
      HONGYAN_SIMULATOR: '127.0.0.1:0',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => {
    errors = `${errors}${chunk}`.slice(-1000)
  })
  const ended = () => child.exitCode !== null || child.signalCode !== null
  try {
    const deadline = performance.now() + startLimitMs
    while (!existsSync(join(home, 'dev.json'))) {
      if (ended()) throw new Error(`hongyan dev ended: ${errors.trim()}`)
      if (performance.now() > deadline) throw new Error('hongyan dev was not ready in time')
      await sleep(100)
    }
    await sleep(idleMs)
    return { residentMb: residentMbOf(child.pid!) }
  } finally {
    if (!ended()) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    folder.remove()
  }
}
