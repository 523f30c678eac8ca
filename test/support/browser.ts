import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** Chromium as the machine has it. None is downloaded: what is tested is the page, not a browser's build. */
const findChromium = (): string => {
  const named = process.env.HONGYAN_TEST_CHROMIUM
  if (named) return named
  for (const folder of (process.env.PATH ?? '').split(delimiter))
    for (const name of names) {
      const path = join(folder, name)
      if (isExecutable(path)) return path
    }
  throw new Error(
    'The tests of the page need Chromium: apt-get install chromium, or name one in HONGYAN_TEST_CHROMIUM',
  )
}

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** A browser for a whole file; whoever starts it closes it. */
export const launchBrowser = (): Promise<Browser> => {
  // Chromium refuses to run its sandbox as root, and containers often run tests as root.
  const asRoot = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({
    executablePath: findChromium(),
    args: [...asRoot, '--disable-dev-shm-usage', '--disable-gpu'],
  })
}
