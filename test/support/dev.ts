/** `dev` as `npm start` runs it, for documents whose commands are run as they are written. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './folder.ts'

const root = join(import.meta.dirname, '..', '..')

/** The shell blocks of a document, in order. */
export const shellBlocks = (text: string): readonly string[] =>
  [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block]) => block!)

const startDeadlineMs = 60_000

/** A running `dev` as `npm start` runs it, on free ports, in a home of its own. */
export const startDev = async (t: TestContext): Promise<{ home: string; dev: Record<string, string> }> => {
  const home = temporaryFolder(t)
  const child = spawn(process.execPath, ['bin/hongyan.js', 'dev'], {
    cwd: root,
    env: {
      ...process.env,
      HONGYAN_HOME: home,
      HONGYAN_HTTP: '127.0.0.1:0',
      HONGYAN_SIMULATOR: '127.0.0.1:0',
      LANG: 'C',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`dev did not start: ${said}`)), startDeadlineMs)
    child.stderr.on('data', (chunk) => {
      said += chunk
      // The timeline of the welcome message comes last.
      if (!/nothing to do/i.test(said)) return
      clearTimeout(timer)
      resolve()
    })
  })
  return { home, dev: JSON.parse(readFileSync(join(home, 'dev.json'), 'utf8')) }
}

/** The command as a reader would run it, but towards this test's process. */
export const adapted = (command: string, home: string, dev: Record<string, string>): string =>
  command
    .replaceAll('./.hongyan/dev.json', join(home, 'dev.json'))
    .replaceAll('http://127.0.0.1:8080', dev.gateway!)
    .replaceAll('http://127.0.0.1:8078', dev.simulator_admin!)
    .replaceAll('npm run -s hongyan --', `"${process.execPath}" bin/hongyan.js`)
