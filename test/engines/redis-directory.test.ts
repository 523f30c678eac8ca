/** One directory that several processes read and write: each has its own memory of it, and its own connection. */
import { suite, type TestContext, test } from 'node:test'
import { type Account, type Directory, openDirectory } from '../../src/directory.ts'
import { startDirectoryWatch } from '../../src/directory-watch.ts'
import { newKey, systemClock } from '../../src/main.ts'
import type { Observation } from '../../src/observe.ts'
import { createVault, newMasterKey } from '../../src/vault.ts'
import type { WechatRequest } from '../../src/wechat/client.ts'
import { createPlatforms } from '../../src/wechat/platform.ts'
import { atEnd } from '../support/at-end.ts'
import { openRedisEngine, startRedis } from '../support/redis.ts'
import { anAccount, tenant } from '../support/system.ts'
import { until } from '../support/waiting.ts'
import { json } from '../wechat/token-api.ts'

const appid = 'wx0123456789abcdef'

const openShared = async (t: TestContext) => {
  const server = await startRedis(t)
  const masterKey = newMasterKey()
  const open = async (keys: readonly [string, string?] = [masterKey]) => {
    const { directoryRecords } = await openRedisEngine(t, { url: server.url, onAlert: () => {} })
    return {
      records: directoryRecords,
      directory: await openDirectory(directoryRecords, createVault(...keys)),
    }
  }
  return { server, masterKey, open }
}

const templateIds = (directory: Directory) =>
  directory
    .account(appid)!
    .templates.map(({ templateId }) => templateId)
    .toSorted()

suite('a directory that several processes write', () => {
  test('loses no change of a record that all change at once', async (t: TestContext) => {
    const { open } = await openShared(t)
    const all = await Promise.all([open(), open(), open()])
    await all[0]!.directory.putAccount(anAccount(appid))
    for (const { directory } of all) await directory.refresh()
    const wanted: string[] = []
    const changes = all.flatMap(({ directory }, node) =>
      Array.from({ length: 15 }, (_, n) => {
        const templateId = `tpl-${node}-${String(n).padStart(2, '0')}`
        wanted.push(templateId)
        return directory.changeAccount(appid, (present) => ({
          ...present,
          templates: [...present.templates, { templateId }],
        }))
      }),
    )
    await Promise.all(changes)
    for (const { directory } of all) {
      await directory.refresh()
      t.assert.deepEqual(templateIds(directory), wanted.toSorted())
    }
  })

  test('gives the last room, and a name, to one of two', async (t: TestContext) => {
    const { open } = await openShared(t)
    const all = await Promise.all([open(), open()])
    const take = async (directory: Directory, account: Account) =>
      directory.putAccount(() => {
        if (directory.accountOf(tenant, account.name)) throw new Error('the name is taken')
        if (directory.accounts(tenant).length >= 5) throw new Error('there is no room')
        return account
      })
    const tries = all.flatMap(({ directory }, node) =>
      Array.from({ length: 8 }, (_, n) =>
        take(directory, anAccount(`wx-${node}-${n}`, { name: `shop-${n}` })),
      ),
    )
    const results = await Promise.allSettled(tries)
    t.assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5)
    for (const { directory } of all) {
      await directory.refresh()
      t.assert.equal(new Set(directory.accounts(tenant).map(({ name }) => name)).size, 5)
    }
  })

  test('knows of what others have removed and written, and of nothing it has seen already', async (t: TestContext) => {
    const { open } = await openShared(t)
    const [one, two] = await Promise.all([open(), open()])
    const key = newKey({ tenant, name: 'k', scopes: ['read'], now: 0 })
    await one.directory.putKey(key)
    await one.directory.putTenant({ id: tenant, name: 'The shop', createdAt: 1 })
    await two.directory.refresh()
    t.assert.deepEqual(two.directory.key(key.id), key)
    t.assert.equal(two.directory.tenant(tenant)?.name, 'The shop')
    const kept = two.directory.key(key.id)
    await one.directory.putTenant({ id: 'other', name: 'other', createdAt: 1 })
    await two.directory.refresh()
    t.assert.equal(two.directory.key(key.id), kept)
    await one.directory.removeKey(key.id)
    await two.directory.refresh()
    t.assert.equal(two.directory.key(key.id), undefined)
    t.assert.equal((await open()).directory.key(key.id), undefined)
  })

  test('asks with the refresh token that another process has stored last', async (t: TestContext) => {
    const { open } = await openShared(t)
    const all = await Promise.all([open(), open()])
    const [one, two] = all.map(({ directory }) => directory) as [Directory, Directory]
    const authorizedBy = { component: 'wx-platform', refreshToken: 'R1' }
    await one.putAccount(anAccount(appid, { tokenApi: 'component', authorizedBy }))
    await two.refresh()
    const asked: string[] = []
    const client = {
      async call({ body = '{}' }: WechatRequest) {
        const token = (JSON.parse(body) as Record<string, string>).authorizer_refresh_token!
        asked.push(token)
        const next = `R${Number(token.slice(1)) + 1}`
        return json({ authorizer_access_token: 'A', expires_in: 7200, authorizer_refresh_token: next })
      },
    }
    const token = async () => ({ kind: 'token', token: 'C' }) as const
    const centre = { get: token, heal: token }
    const how = { forced: false, rejected: false, insisting: false, centre }
    const ask = (directory: Directory) =>
      createPlatforms(
        { client, directory, clock: systemClock, observe: () => {} },
        () => centre,
      ).askAsAuthorised(directory.account(appid)!, how)
    for (const directory of [one, two, one, two]) t.assert.equal((await ask(directory)).kind, 'token')
    t.assert.deepEqual(asked, ['R1', 'R2', 'R3', 'R4'])
    t.assert.equal(two.account(appid)?.authorizedBy?.refreshToken, 'R5')
  })

  test('keeps what it knew of a record that another master key has sealed, and does not write over it', async (t: TestContext) => {
    const { open, masterKey } = await openShared(t)
    const old = await open()
    await old.directory.putAccount(anAccount(appid, { secret: 'first' }))
    const next = newMasterKey()
    const { directory } = await open([next, masterKey])
    await directory.changeAccount(appid, (present) => ({ ...present, secret: 'second' }))
    t.assert.ok((await old.directory.refresh()).includes(`account/${appid}`))
    t.assert.equal(old.directory.account(appid)?.secret, 'first')
    const rename = (present: Account) => ({ ...present, name: 'renamed' })
    await t.assert.rejects(old.directory.changeAccount(appid, rename), /HONGYAN_MASTER_KEY/)
    const both = await open([next, masterKey])
    t.assert.equal(both.directory.account(appid)?.secret, 'second')
    await t.assert.rejects(open([masterKey]), /HONGYAN_MASTER_KEY/)
  })

  test('that redis has lost is kept in memory, and somebody is told', async (t: TestContext) => {
    const { open, server } = await openShared(t)
    const { directory, records } = await open()
    await directory.putAccount(anAccount(appid))
    const seen: Observation[] = []
    const watch = await startDirectoryWatch({
      ...{ directory, shared: records.shared!, observe: (each) => seen.push(each) },
      clock: { ...systemClock, sleep: (_ms, signal) => systemClock.sleep(20, signal) },
    })
    atEnd(t, watch.stop)
    await server.command('FLUSHALL')
    await until(() => seen.some((each) => each.kind === 'alert' && each.code === 'directory-behind'), 20_000)
    await until(
      () =>
        directory.refresh().then(
          () => false,
          (error) => /has lost its data/.test(error),
        ),
      20_000,
    )
    t.assert.equal(directory.account(appid)?.appid, appid)
    const rename = (present: Account) => ({ ...present, name: 'renamed' })
    await t.assert.rejects(directory.changeAccount(appid, rename), /has lost its data/)
  })
})
