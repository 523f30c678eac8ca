import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readConfig } from '../../src/config.ts'
import type { Account } from '../../src/directory.ts'
import { newKey, startService } from '../../src/main.ts'
import { atEnd } from '../support/at-end.ts'
import { runCli } from '../support/cli.ts'
import { temporaryFolder } from '../support/folder.ts'
import { listOf, startTemplateApi } from '../support/template-api.ts'
import { until } from '../support/waiting.ts'

const account: Account = {
  appid: 'wx0123456789abcdef',
  tenant: 'default',
  name: 'shop',
  kind: 'official',
  secret: 'secret',
  tokenApi: 'stable',
  templates: [{ templateId: 'tpl-order', alias: 'order' }],
}
const official = {
  template_id: 'tpl-order',
  title: '订单通知',
  content: '单号:{{character_string1.DATA}}\n商品:{{thing2.DATA}}\n',
  example: '',
}

/** The whole service, between the command line and WeChat's lists. */
const open = async (t: TestContext, sync: 'on' | 'off') => {
  const home = temporaryFolder(t)
  const wechat = await startTemplateApi(t)
  wechat.answers({ template: listOf('template', official) })
  const start = async (templateSync: 'on' | 'off') => {
    const config = readConfig({
      HONGYAN_HOME: home,
      HONGYAN_HTTP: '127.0.0.1:0',
      HONGYAN_LOG: 'silent',
      HONGYAN_WECHAT: wechat.url,
      HONGYAN_DRAIN_MS: '1000',
      HONGYAN_TEMPLATE_SYNC: templateSync,
    })
    const service = await startService(config, (error) => {
      throw error
    })
    let stopped: Promise<void> | undefined
    const stop = () => {
      stopped ??= service.stop()
      return stopped
    }
    atEnd(t, stop)
    return { ...service, stop }
  }
  const first = await start('off')
  const key = newKey({ tenant: 'default', name: 'admin', scopes: ['send', 'read', 'admin'], now: 0 })
  await first.directory.putKey(key)
  await first.directory.putAccount(account)
  if (sync === 'on') await first.stop()
  const service = sync === 'on' ? await start('on') : first
  writeFileSync(
    join(home, 'admin.json'),
    JSON.stringify({ gateway: service.url, key_id: key.id, key_secret: key.secrets[0] }),
  )
  const cli = (...args: readonly string[]) => runCli(['templates', ...args], { HONGYAN_HOME: home })
  return { wechat, service, cli, template: () => service.directory.account(account.appid)!.templates[0]! }
}

const flags = ['--account', 'shop', '--template', 'order']

test('the texts of templates are known soon after a start', async (t: TestContext) => {
  const { template, wechat } = await open(t, 'on')
  await until(() => template().content === official.content, 5000)
  t.assert.equal(template().alias, 'order')
  t.assert.equal(wechat.asked.length, 2)
})

test('templates are synchronised, listed, and a text that changes is told', async (t: TestContext) => {
  const { cli, wechat } = await open(t, 'off')
  t.assert.deepEqual(wechat.asked, [])
  t.assert.deepEqual(await cli('sync'), {
    code: 0,
    stdout: 'shop\t1 listed\n',
    stderr: 'shop: subscribe: 48001 api unauthorized\n',
  })
  const listed = await cli('list', '--account', 'shop')
  t.assert.equal(listed.stdout, 'shop\torder\t订单通知\tcharacter_string1,thing2\ttpl-order\t\n')
  t.assert.match(listed.stderr, /^shop: 1\/25 template, 0\/25 subscribe, synchronised 20/)

  wechat.answers({ template: listOf('template', { ...official, content: '商品:{{thing2.DATA}}' }) })
  const [{ changes }] = JSON.parse((await cli('sync', '--account', 'shop', '--json')).stdout)
  t.assert.partialDeepStrictEqual(changes, [
    { kind: 'changed', alias: 'order', drift: [{ kind: 'removed' }] },
  ])

  wechat.answers({})
  const refused = await cli('sync', '--account', 'shop')
  t.assert.equal(refused.code, 1)
  t.assert.match(refused.stderr, /48001 api unauthorized/)
  t.assert.equal((await cli('sync')).code, 5)
})

test('a preview shows the card, and what is wrong with it', async (t: TestContext) => {
  const { cli } = await open(t, 'off')
  await cli('sync')
  const good = await cli('preview', ...flags, '--data', 'character_string1=A1', 'thing2=茶')
  t.assert.deepEqual(good, { code: 0, stdout: '单号  A1\n商品  茶\n', stderr: '' })

  const bad = await cli('preview', ...flags, '--data', 'thing2=茶🍵', 'extra=x')
  t.assert.equal(bad.code, 1)
  t.assert.match(bad.stderr, /✖ \/data\/character_string1: .*is missing/)
  t.assert.match(bad.stderr, /! \/data\/extra: The template has no extra/)

  const long = ['--data', 'character_string1=A1', `thing2=${'字'.repeat(30)}`]
  t.assert.equal((await cli('preview', ...flags, ...long)).code, 1)
  const cut = JSON.parse((await cli('preview', ...flags, ...long, '--shorten', '--json')).stdout)
  t.assert.equal(cut.lines[1].value, `${'字'.repeat(19)}…`)
})

test('a lint fails on errors and not on warnings', async (t: TestContext) => {
  const { cli, wechat } = await open(t, 'off')
  const unknown = await cli('lint')
  t.assert.equal(unknown.code, 0)
  t.assert.match(unknown.stdout, /^shop\torder\twarning\tcontent-unknown\t/)

  await cli('sync')
  const wrong = await cli('lint', ...flags, '--data', 'thing2=茶')
  t.assert.equal(wrong.code, 1)
  t.assert.match(wrong.stdout, /error\ttemplate-field\tcharacter_string1/)

  wechat.answers({ template: listOf('template') })
  await cli('sync')
  t.assert.deepEqual(JSON.parse((await cli('lint', '--json')).stdout).findings[0].code, 'template-missing')
  t.assert.equal((await cli('lint', '--template', 'order')).code, 2)
})
