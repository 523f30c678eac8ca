import assert from 'node:assert/strict'
import { createCipheriv, randomBytes } from 'node:crypto'
import { suite, test } from 'node:test'
import {
  type AccessKey,
  type Account,
  type DirectoryRecords,
  knownTemplate,
  openDirectory,
  templateIdOf,
} from '../src/directory.ts'
import { createVault, newMasterKey } from '../src/vault.ts'

const masterKey = newMasterKey()

/** Records in memory, as texts. */
const aStore = () => {
  const entries = new Map<string, string>()
  const records: DirectoryRecords = {
    list: async (kind) =>
      [...entries].filter(([name]) => name.startsWith(`${kind}/`)).map(([, value]) => value),
    async put(kind, id, value) {
      entries.set(`${kind}/${id}`, value)
    },
    async remove(kind, id) {
      entries.delete(`${kind}/${id}`)
    },
  }
  return {
    entries,
    records,
    open: (key = masterKey, former?: string) => openDirectory(records, createVault(key, former)),
  }
}

const aKey = (overrides: Partial<AccessKey> = {}): AccessKey => ({
  id: 'key_demo',
  tenant: 'acme',
  name: 'orders',
  scopes: ['send', 'read'],
  secrets: ['canary-new-密钥', 'canary-old'],
  createdAt: 1,
  ...overrides,
})

const anAccount = (overrides: Partial<Account> = {}): Account => ({
  appid: 'wx0123456789abcdef',
  tenant: 'acme',
  name: 'shop',
  kind: 'official',
  secret: 'canary-app-secret',
  tokenApi: 'stable',
  templates: [{ templateId: 'tpl-1', alias: 'shipped' }],
  ...overrides,
})

suite('the directory', () => {
  test('keys and accounts survive a reopening, with two secrets while one is rotated', async () => {
    const store = aStore()
    const directory = await store.open()
    await directory.putKey(aKey())
    await directory.putAccount(anAccount())
    const reopened = await store.open()
    assert.deepEqual(reopened.key('key_demo'), aKey())
    assert.deepEqual(reopened.account('wx0123456789abcdef'), anAccount())
    assert.deepEqual(directory.key('key_demo'), aKey())
  })

  test('no secret stands in what is stored', async () => {
    const store = aStore()
    const directory = await store.open()
    await directory.putKey(aKey())
    await directory.putAccount(anAccount())
    const stored = [...store.entries.values()].join('\n')
    for (const secret of [...aKey().secrets, anAccount().secret]) {
      assert.ok(!stored.includes(secret))
      assert.ok(!stored.includes(Buffer.from(secret).toString('base64').replace(/=*$/, '')))
    }
  })

  test('another master key opens nothing, and says so', async () => {
    const store = aStore()
    await (await store.open()).putKey(aKey())
    await assert.rejects(store.open(newMasterKey()), /master key is not the one/)
  })

  test('a secret moved to another tenant, key or account does not open', async () => {
    const moves: readonly [kind: string, change: object][] = [
      ['key', { tenant: 'other' }],
      ['key', { id: 'key_other' }],
      ['account', { tenant: 'other' }],
      ['account', { appid: 'wx-other' }],
    ]
    for (const [kind, change] of moves) {
      const store = aStore()
      const directory = await store.open()
      await directory.putKey(aKey())
      await directory.putAccount(anAccount())
      for (const [name, value] of store.entries)
        if (name.startsWith(`${kind}/`))
          store.entries.set(name, JSON.stringify({ ...JSON.parse(value), ...change }))
      await assert.rejects(store.open(), /does not open/, JSON.stringify(change))
    }
  })

  test('a row copied from one tenant to another does not open', async () => {
    const store = aStore()
    const directory = await store.open()
    await directory.putKey(aKey())
    await directory.putKey(aKey({ id: 'key_theirs', tenant: 'other', secrets: ['theirs'] }))
    const [ours, theirs] = ['key_demo', 'key_theirs'].map((id) => JSON.parse(store.entries.get(`key/${id}`)!))
    store.entries.set('key/key_theirs', JSON.stringify({ ...theirs, secrets: ours.secrets }))
    await assert.rejects(store.open(), /the record was moved or changed/)
  })

  test('a master key is replaced: the former one opens what it sealed, once, and can go then', async () => {
    const [former, next] = [newMasterKey(), newMasterKey()]
    const store = aStore()
    const account = anAccount({ callback: { token: 'canary-token', aesKeys: ['canary-aes'], mode: 'safe' } })
    const first = await store.open(former)
    await first.putKey(aKey())
    await first.putAccount(account)
    await first.putAccount(anAccount({ appid: 'wx-second', name: 'second' }))

    await assert.rejects(store.open(next), /master key is not the one/)
    const second = await store.open(next, former)
    const third = await store.open(next)
    for (const directory of [second, third]) {
      assert.deepEqual(directory.key('key_demo'), aKey())
      assert.deepEqual(directory.account(account.appid), account)
      assert.equal(directory.accounts('acme').length, 2)
    }
    await assert.rejects(store.open(former), /master key is not the one/)
  })

  test('a start that finds a secret it cannot open leaves everything as it was', async () => {
    const [former, next] = [newMasterKey(), newMasterKey()]
    const store = aStore()
    const directory = await store.open(former)
    await directory.putKey(aKey())
    await directory.putAccount(anAccount())
    const moved = JSON.stringify({ ...JSON.parse(store.entries.get('key/key_demo')!), id: 'key_moved' })
    store.entries.set('key/key_moved', moved)
    const before = new Map(store.entries)
    await assert.rejects(store.open(next, former), /does not open/)
    assert.deepEqual(store.entries, before)
  })

  test('what the first version sealed opens, and is sealed anew with the id of its key', async () => {
    const store = aStore()
    const key = aKey({ secrets: ['canary-of-the-first-version'] })
    const sealed = firstVersion(key.secrets[0]!, 'acme/key/key_demo/secret/v1')
    store.entries.set('key/key_demo', JSON.stringify({ ...key, secrets: [sealed] }))
    assert.deepEqual((await store.open()).key('key_demo'), key)
    assert.match(JSON.parse(store.entries.get('key/key_demo')!).secrets[0], /^v2\.[0-9a-f]{12}\./)
    assert.deepEqual((await store.open()).key('key_demo'), key)
  })

  test('tenants survive a reopening, and one without a record is known by its first key', async () => {
    const store = aStore()
    const directory = await store.open()
    const tenant = { id: 'acme', name: 'The shop', createdAt: 5, disabled: true, limits: { keys: 3 } }
    await directory.putTenant(tenant)
    await directory.putKey(aKey())
    await directory.putKey(aKey({ id: 'key_default', tenant: 'default', createdAt: 7 }))
    for (const each of [directory, await store.open()]) {
      assert.deepEqual(each.tenant('acme'), tenant)
      assert.deepEqual(each.tenant('default'), { id: 'default', name: 'default', createdAt: 7 })
      assert.equal(each.tenant('third'), undefined)
      assert.equal(each.tenants().length, 2)
    }
  })

  test('what is replaced or removed stays so', async () => {
    const store = aStore()
    const directory = await store.open()
    await directory.putKey(aKey())
    await directory.putKey(aKey({ secrets: ['canary-newer'] }))
    await directory.putKey(aKey({ id: 'key_2' }))
    await directory.removeKey('key_2')
    for (const each of [directory, await store.open()]) {
      assert.deepEqual(each.key('key_demo')?.secrets, ['canary-newer'])
      assert.equal(each.key('key_2'), undefined)
    }
  })

  test('what could not be stored is not known', async () => {
    const { records } = aStore()
    const put = () => Promise.reject(new Error('full'))
    const directory = await openDirectory({ ...records, put }, createVault(masterKey))
    await assert.rejects(directory.putKey(aKey()), /full/)
    await assert.rejects(directory.putAccount(anAccount()), /full/)
    assert.deepEqual(
      [directory.key('key_demo'), directory.account('wx0123456789abcdef')],
      [undefined, undefined],
    )
  })

  test('a tenant sees its own keys and accounts, by name or appid', async () => {
    const directory = await aStore().open()
    await directory.putKey(aKey())
    await directory.putKey(aKey({ id: 'key_other', tenant: 'other' }))
    await directory.putAccount(anAccount())
    await directory.putAccount(anAccount({ appid: 'wx-other', tenant: 'other' }))
    assert.deepEqual(
      directory.keys('acme').map(({ id }) => id),
      ['key_demo'],
    )
    assert.deepEqual(
      directory.accounts('acme').map(({ appid }) => appid),
      ['wx0123456789abcdef'],
    )
    assert.equal(directory.accountOf('acme', 'shop')?.appid, 'wx0123456789abcdef')
    assert.equal(directory.accountOf('acme', 'wx0123456789abcdef')?.tenant, 'acme')
    assert.equal(directory.accountOf('acme', 'wx-other'), undefined)
    assert.equal(directory.accountOf('other', 'shop')?.appid, 'wx-other')
    assert.equal(directory.accountOf('third', 'shop'), undefined)
  })

  test('a template is meant by its alias or its id', () => {
    const account = anAccount()
    assert.equal(templateIdOf(account, 'shipped'), 'tpl-1')
    assert.equal(templateIdOf(account, 'tpl-1'), 'tpl-1')
    assert.equal(templateIdOf(account, 'tpl-unknown'), 'tpl-unknown')
  })
})

/** As texts were sealed before they carried the id of their key. */
const firstVersion = (text: string, context: string): string => {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', Buffer.from(masterKey, 'base64'), nonce)
  cipher.setAAD(Buffer.from(context))
  return Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]).toString(
    'base64',
  )
}

suite('the vault', () => {
  const vault = createVault(masterKey)

  for (const text of ['', 'secret', '密钥 😀', 'x'.repeat(100_000)])
    test(`opens what it sealed: ${JSON.stringify(text.slice(0, 10))} of ${text.length}`, () =>
      assert.equal(vault.open(vault.seal(text, 'here'), 'here'), text))

  test('never seals twice alike', () =>
    assert.notEqual(vault.seal('secret', 'here'), vault.seal('secret', 'here')))

  test('has one key for each purpose, the same under the same master key', () => {
    const hex = (masterKey: string, purpose: string) =>
      Buffer.from(createVault(masterKey).keysFor(purpose)[0]).toString('hex')
    assert.match(hex(masterKey, 'one'), /^[0-9a-f]{64}$/)
    assert.equal(hex(masterKey, 'one'), hex(masterKey, 'one'))
    const others = [
      hex(masterKey, 'other'),
      hex(newMasterKey(), 'one'),
      Buffer.from(masterKey, 'base64').toString('hex'),
    ]
    assert.ok(!others.includes(hex(masterKey, 'one')))
  })

  test('does not open under another key or in another place', () => {
    const sealed = vault.seal('secret', 'here')
    assert.throws(() => createVault(newMasterKey()).open(sealed, 'here'), /does not open/)
    assert.throws(() => vault.open(sealed, 'there'), /does not open/)
  })

  test('does not open what was changed or cut, wherever', () => {
    const sealed = vault.seal('secret', 'here')
    const head = sealed.slice(0, sealed.lastIndexOf('.') + 1)
    const bytes = Buffer.from(sealed.slice(head.length), 'base64')
    const refused = (text: string, at: string) =>
      assert.throws(() => vault.open(text, 'here'), /does not open/, at)
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at]! ^= 1
      refused(head + changed.toString('base64'), `byte ${at}`)
      refused(head + bytes.subarray(0, at).toString('base64'), `cut at ${at}`)
    }
    for (let at = 0; at < head.length; at++)
      refused(`${sealed.slice(0, at)}${sealed[at] === '1' ? '2' : '1'}${sealed.slice(at + 1)}`, `head ${at}`)
    refused(bytes.toString('base64'), 'without its head')
  })

  test('names the key that sealed a text, and tells what it did not seal itself', () => {
    const other = createVault(newMasterKey())
    const [, id] = vault.seal('secret', 'here').split('.')
    assert.throws(() => other.open(vault.seal('secret', 'here'), 'here'), new RegExp(id!))
    assert.deepEqual(
      [vault.isCurrent(vault.seal('a', 'b')), vault.isCurrent(other.seal('a', 'b')), vault.isCurrent('AAAA')],
      [true, false, false],
    )
    assert.ok(!id!.includes(masterKey.slice(0, 6)))
  })

  for (const key of ['', 'short', Buffer.alloc(31).toString('base64'), Buffer.alloc(33).toString('base64')])
    test(`refuses a master key of ${Buffer.from(key, 'base64').length} bytes`, () =>
      assert.throws(() => createVault(key), /32 bytes in base64/))

  test('takes a master key as a file would give it', () =>
    assert.equal(createVault(`${masterKey}\n`).open(vault.seal('secret', 'here'), 'here'), 'secret'))
})

suite('changes of an account', () => {
  const appid = anAccount().appid

  test('follow one another, so that none undoes another', async () => {
    const store = aStore()
    const slow = {
      ...store.records,
      put: async (...entry: Parameters<DirectoryRecords['put']>) => {
        await new Promise((resolve) => setImmediate(resolve))
        await store.records.put(...entry)
      },
    }
    const directory = await openDirectory(slow, createVault(masterKey))
    const put = directory.putAccount(anAccount({ grantsFrom: 'events' }))
    const [renamed, limited] = await Promise.all([
      directory.changeAccount(appid, (present) => ({ ...present, name: 'other' })),
      directory.changeAccount(appid, (present) => ({ ...present, limits: { daily: 5 } })),
      put,
    ])
    assert.equal(renamed?.name, 'other')
    const expected = anAccount({ name: 'other', grantsFrom: 'events', limits: { daily: 5 } })
    assert.deepEqual(limited, expected)
    assert.deepEqual(directory.account(appid), expected)
    assert.deepEqual((await store.open()).account(appid), expected)
  })

  test('that fail are told, change nothing, and do not stop the next', async () => {
    const directory = await aStore().open()
    await directory.putAccount(anAccount())
    const failing = directory.changeAccount(appid, () => {
      throw new Error('not like this')
    })
    const next = directory.changeAccount(appid, (present) => ({ ...present, name: 'other' }))
    await assert.rejects(failing, /not like this/)
    assert.equal((await next)?.name, 'other')
  })

  test('of an account that is not there are none', async () => {
    const directory = await aStore().open()
    assert.equal(await directory.changeAccount(appid, (present) => present), undefined)
    assert.equal(directory.account(appid), undefined)
  })
})
suite('an account is changed', () => {
  test('one change after the other, each on what the last has left', async () => {
    const directory = await aStore().open()
    const { appid } = anAccount()
    await directory.putAccount(anAccount({ templates: [] }))
    const add = (templateId: string) =>
      directory.changeAccount(appid, (account) => ({
        ...account,
        templates: [...account.templates, { templateId }],
      }))
    await Promise.all([add('a'), add('b'), add('c')])
    assert.deepEqual(
      directory.account(appid)?.templates.map(({ templateId }) => templateId),
      ['a', 'b', 'c'],
    )
  })

  test('a change that fails keeps nobody else from changing it', async () => {
    const directory = await aStore().open()
    const account = anAccount()
    await directory.putAccount(account)
    const failing = directory.changeAccount(account.appid, () => {
      throw new Error('no')
    })
    const renaming = directory.changeAccount(account.appid, (present) => ({ ...present, name: 'other' }))
    await assert.rejects(failing, /no/)
    assert.equal((await renaming)?.name, 'other')
    assert.equal(await directory.changeAccount('nobody', (present) => present), undefined)
  })
})

suite('the template that a caller means', () => {
  const templates = [
    { templateId: 'T1', alias: 'a' },
    { templateId: 'T2', alias: 'T1' },
    { templateId: 'T3', alias: 'a' },
  ]
  const cases = [
    ['a', 'T1'],
    ['T1', 'T2'],
    ['T3', 'T3'],
    ['T9', undefined],
    ['constructor', undefined],
  ] as const
  for (const [name, templateId] of cases)
    test(`${name} is ${templateId ?? 'none'}: an alias goes before an id, the first before the second`, () =>
      assert.equal(knownTemplate(anAccount({ templates }), name)?.templateId, templateId))
})
