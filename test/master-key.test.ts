/** What a start does with a master key that is right, replaced, wrong or lost, as whoever runs the service sees it. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { readConfig } from '../src/config.ts'
import { type Service, startService } from '../src/main.ts'
import { newMasterKey } from '../src/vault.ts'
import { temporaryFolder } from './support/folder.ts'

const account = {
  appid: 'wx0123456789abcdef',
  tenant: 'default',
  name: 'shop',
  kind: 'official',
  secret: 'canary-app-secret',
  tokenApi: 'stable',
  templates: [],
} as const

const start = (home: string, settings: Readonly<Record<string, string>> = {}): Promise<Service> =>
  startService(
    readConfig({ HONGYAN_HOME: home, HONGYAN_HTTP: '127.0.0.1:0', HONGYAN_LOG: 'silent', ...settings }),
    (error) => {
      throw error
    },
  )

/** A home in which a service has stored a secret. */
const aHome = async (t: TestContext, settings = {}): Promise<string> => {
  const home = temporaryFolder(t)
  const service = await start(home, settings)
  await service.directory.putAccount(account)
  await service.stop()
  return home
}

const secretAfter = async (home: string, settings = {}): Promise<string | undefined> => {
  const service = await start(home, settings)
  const secret = service.directory.account(account.appid)?.secret
  await service.stop()
  return secret
}

suite('a start with a master key', () => {
  test('that was lost is refused with a sentence, makes no other key, and works once it is back', async (t: TestContext) => {
    const home = await aHome(t)
    const file = join(home, 'master.key')
    renameSync(file, `${file}.away`)
    await t.assert.rejects(start(home), /the master key is not in .*master\.key: put it back/)
    t.assert.throws(() => readFileSync(file), /ENOENT/)
    renameSync(`${file}.away`, file)
    t.assert.equal(await secretAfter(home), account.secret)
  })

  test('that is another one is refused with a sentence, and says nothing of a secret', async (t: TestContext) => {
    const home = await aHome(t)
    const wrong = newMasterKey()
    await t.assert.rejects(start(home, { HONGYAN_MASTER_KEY: wrong }), (error: Error) => {
      t.assert.match(error.message, /the master key is not the one that sealed it/)
      for (const secret of ['canary', wrong.slice(0, 20)]) t.assert.ok(!String(error.stack).includes(secret))
      return true
    })
    t.assert.equal(await secretAfter(home), account.secret)
  })

  test('that is none is refused', async (t: TestContext) => {
    await t.assert.rejects(start(temporaryFolder(t), { HONGYAN_MASTER_KEY: 'short' }), /32 bytes in base64/)
  })

  test('that replaces another seals everything anew, after which the former is not needed', async (t: TestContext) => {
    const [former, next] = [newMasterKey(), newMasterKey()]
    const home = await aHome(t, { HONGYAN_MASTER_KEY: former })
    const file = join(temporaryFolder(t), 'former.key')
    writeFileSync(file, `${former}\n`)
    const settings = { HONGYAN_MASTER_KEY: next, HONGYAN_MASTER_KEY_OLD_FILE: file }
    t.assert.equal(await secretAfter(home, settings), account.secret)
    t.assert.equal(await secretAfter(home, { HONGYAN_MASTER_KEY: next }), account.secret)
    await t.assert.rejects(start(home, { HONGYAN_MASTER_KEY: former }), /master key is not the one/)
  })

  test('that is kept in the home is replaced by moving it away and naming it', async (t: TestContext) => {
    const home = await aHome(t)
    const [file, away] = [join(home, 'master.key'), join(home, 'master.key.old')]
    renameSync(file, away)
    t.assert.equal(await secretAfter(home, { HONGYAN_MASTER_KEY_OLD_FILE: away }), account.secret)
    t.assert.notEqual(readFileSync(file, 'utf8'), readFileSync(away, 'utf8'))
    t.assert.equal(await secretAfter(home), account.secret)
  })
})
