/** The page in a real browser: what a person sees and does, against a simulator that really answers. */
import assert from 'node:assert/strict'
import { connect, createServer, type Socket } from 'node:net'
import { after, before, suite, type TestContext, test } from 'node:test'
import { AxeBuilder } from '@axe-core/playwright'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchBrowser } from '../support/browser.ts'
import { aSubscribeMessage, miniprogram, official, openSimulator, subscribeSend } from './open.ts'

let browser: Browser
before(async () => {
  browser = await launchBrowser()
})
after(() => browser.close())

type Options = BrowserContextOptions & { readonly at?: string }

/** A simulator and a page of it. Whatever goes wrong in the page, or leaves its origin, fails the test. */
const open = async (t: TestContext, { at = '/', ...options }: Options = {}) => {
  const context = await browser.newContext({
    viewport: { width: 1366, height: 768 },
    reducedMotion: 'reduce',
    ...options,
  })
  context.setDefaultTimeout(10_000)
  const wrong: string[] = []
  // Before the simulator goes: a page that loses its server has reason to complain.
  t.after(async () => {
    await context.close()
    assert.deepEqual(wrong, [])
  })
  const simulator = await openSimulator(t)
  const page = await context.newPage()
  page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()))
  page.on('pageerror', (error) => wrong.push(error.message))
  page.on(
    'request',
    (request) => new URL(request.url()).origin === simulator.url || wrong.push(request.url()),
  )
  await page.goto(simulator.url + at)
  const token = await simulator.tokenOf()
  return { ...simulator, page, sendMessage: (change: object = {}) => simulator.send(token, change) }
}

const rowOf = (page: Page, id: number) => page.locator(`[data-id="${id}"]`)

/** The place of the focus, as the id of a row. */
const focusedRow = (page: Page) => page.locator('[data-id]:focus').getAttribute('data-id')

suite('the page', () => {
  test('teaches while it is empty, and its commands work', async (t) => {
    const { page, url, api, adminUrl } = await open(t)
    await page.getByText('还没有消息').waitFor()
    const [tokenCommand = '', sendCommand = '', faultCommand = ''] = await page
      .locator('.steps pre')
      .allTextContents()
    const claim = /-d '([^']*)'/.exec(tokenCommand)?.[1]
    const { access_token } = (await api('/cgi-bin/stable_token', claim)).json
    const [, address = '', body] = /^curl "([^"]*)" -d '([^']*)'$/.exec(sendCommand) ?? []
    assert.ok(address.startsWith(url))
    const answer = await api(address.slice(url.length).replace('$TOKEN', String(access_token)), body)
    assert.equal(answer.json.errcode, 0)
    assert.ok(faultCommand.includes(`${adminUrl}/_sim/faults`))
    await rowOf(page, 1).waitFor()
    assert.equal(await page.getByText('还没有消息').isVisible(), false)
  })

  test('shows a message at once, and its card as the phone would', async (t) => {
    const { page, sendMessage } = await open(t)
    await page.getByText('还没有消息').waitFor()
    await sendMessage({ url: 'https://example.com/o/1' })
    await rowOf(page, 1).click()
    const card = page.locator('.card')
    await card.waitFor()
    assert.equal(await card.locator('.card-title').textContent(), official.templates[0]?.title)
    assert.deepEqual(await card.locator('dt').allTextContents(), [
      '订单编号',
      '商品名称',
      '快递公司',
      '快递单号',
      '发货时间',
    ])
    assert.deepEqual(
      await card.locator('dd').allTextContents(),
      Object.values(official.templates[0]?.example ?? {}),
    )
    assert.match((await card.locator('.card-foot').textContent()) ?? '', /查看详情/)
    assert.match(page.url(), /[?&]m=1/)
    // Read, here and on the server.
    await page.getByText('1 条，0 条未读').waitFor()
  })

  test('shows a mini program’s message among the service notices', async (t) => {
    const { page, api, tokenOf } = await open(t)
    await api(
      `${subscribeSend}?access_token=${await tokenOf(miniprogram)}`,
      aSubscribeMessage({ page: 'pages/a' }),
    )
    await rowOf(page, 1).click()
    await page.locator('.phone-bar').getByText('服务通知').waitFor()
    assert.equal(await page.locator('.card-from').textContent(), 'Mdemo-miniprogram')
  })

  test('explains a refusal in the reader’s language', async (t) => {
    const { page, sendMessage } = await open(t)
    await sendMessage({ data: { character_string1: { value: '编号' } } })
    await rowOf(page, 1).click()
    await page.locator('.stamp').getByText('用户看不到这条').waitFor()
    assert.match((await page.locator('.why').textContent()) ?? '', /怎么办/)
    await page.getByRole('tab', { name: '校验' }).click()
    await page.locator('.finding.error').first().waitFor()
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('tab', { name: 'Checks' }).waitFor()
    assert.match((await page.locator('.why').textContent()) ?? '', /What to do/)
    assert.equal(await page.locator('html').getAttribute('lang'), 'en')
    assert.match(page.url(), /lang=en/)
  })

  test('writes out what was sent and answered, to the last digit', async (t) => {
    const { page, sendMessage } = await open(t)
    const { msgid = '' } = await sendMessage({ client_msg_id: '<b>&"' })
    await rowOf(page, 1).click()
    await page.getByRole('tab', { name: '回复' }).click()
    await page.locator('.code', { hasText: `"msgid": ${msgid}` }).waitFor()
    await page.getByRole('tab', { name: '原始请求' }).click()
    await page.locator('.code', { hasText: '"client_msg_id": "<b>&\\""' }).waitFor()
    await page.getByRole('tab', { name: '字段' }).click()
    assert.equal(await page.locator('.fields tbody tr').count(), 5)
    // The address is the state: the same page opens again as it was.
    await page.reload()
    await page.locator('.fields').waitFor()
  })

  test('copies a message as a command that sends it again', async (t) => {
    const { page, sendMessage, api } = await open(t)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await sendMessage({ client_msg_id: "it's" })
    await rowOf(page, 1).click()
    await page.getByRole('tab', { name: '原始请求' }).click()
    await page.getByRole('button', { name: '复制为 curl' }).click()
    await page.getByRole('button', { name: '已复制' }).waitFor()
    const [, claim, path = '', body = ''] =
      /-d '([^']*)' \| sed .*\ncurl "http:..[^/]*(.*)" -d '(.*)'$/.exec(
        String(await page.evaluate('navigator.clipboard.readText()')),
      ) ?? []
    const { access_token } = (await api('/cgi-bin/stable_token', claim)).json
    const again = await api(path.replace('$TOKEN', String(access_token)), body.replaceAll(`'\\''`, "'"))
    assert.equal(again.json.errcode, 0)
    await page.locator('.chip.repeat').waitFor()
  })

  test('decides by its switches what the next send is told', async (t) => {
    const { page, sendMessage } = await open(t)
    await sendMessage()
    await rowOf(page, 1).click()
    for (const [name, errcode] of [
      ['拒收此模板', 43101],
      ['在黑名单里', 43019],
      ['关注公众号', 43004],
    ] as const) {
      const changed = page.waitForResponse((response) => response.url().endsWith('/_ui/sim/recipients'))
      await page.getByRole('switch', { name }).click()
      await changed
      assert.equal((await sendMessage()).json.errcode, errcode)
    }
    await page.locator('.chip', { hasText: '43004' }).waitFor()
  })

  test('lets the user write, as far as the simulator can tell anybody', async (t) => {
    const { page, sendMessage } = await open(t)
    await sendMessage()
    await rowOf(page, 1).click()
    await page.getByLabel('以用户身份发消息').fill('到哪里了')
    await page.getByRole('button', { name: '发送', exact: true }).click()
    await page.getByText('没有配置回调地址').waitFor()
  })

  test('counts the grants of a user, and gives one more', async (t) => {
    const { page, api, tokenOf, admin } = await open(t)
    await admin('switches', { grants: 'counted' })
    const address = `${subscribeSend}?access_token=${await tokenOf(miniprogram)}`
    assert.equal((await api(address, aSubscribeMessage())).json.errcode, 43101)
    await rowOf(page, 1).click()
    await page.getByText('剩余 0 次').waitFor()
    await page.getByRole('button', { name: '加一次' }).click()
    await page.getByText('剩余 1 次').waitFor()
    assert.equal((await api(address, aSubscribeMessage())).json.errcode, 0)
    assert.equal((await api(address, aSubscribeMessage())).json.errcode, 43101)
  })

  test('plays faults that are chosen, counts them, and forgets them', async (t) => {
    const { page, sendMessage } = await open(t)
    await page.getByRole('button', { name: '故障与时钟' }).click()
    const drawer = page.getByRole('dialog')
    await drawer.getByLabel('次数').fill('2')
    await drawer.getByLabel('只对这个 openid').fill(String(official.openids[0]))
    await drawer.getByRole('button', { name: /45009/ }).click()
    await drawer.getByText('命中 0 次').waitFor()
    assert.equal((await sendMessage()).json.errcode, 45009)
    assert.equal((await sendMessage({ touser: official.openids[1] })).json.errcode, 0)
    await drawer.getByText('命中 1 次').waitFor()
    await drawer.getByRole('button', { name: '全部清除' }).click()
    await drawer.getByText('没有故障').waitFor()
    assert.equal((await sendMessage()).json.errcode, 0)
    const before = await drawer.locator('#clock-now').textContent()
    await drawer.getByRole('button', { name: '快进 1 天' }).click()
    await drawer.locator('#clock-now', { hasNotText: String(before).slice(0, 10) }).waitFor()
    await page.keyboard.press('Escape')
    assert.equal(await drawer.isVisible(), false)
  })

  test('searches as one types, says what it could not read, and keeps the search in the address', async (t) => {
    const { page, sendMessage } = await open(t)
    await sendMessage()
    await sendMessage({ touser: 'oNobody' })
    await rowOf(page, 2).waitFor()
    const search = page.getByRole('searchbox')
    await search.fill('errcode:40003')
    await rowOf(page, 1).waitFor({ state: 'detached' })
    assert.equal(await page.locator('[data-id]').count(), 1)
    assert.match(page.url(), /q=errcode/)
    // What comes now and does not match stays away; what matches appears.
    await sendMessage()
    await sendMessage({ touser: 'oNobody' })
    await rowOf(page, 4).waitFor()
    assert.equal(await page.locator('[data-id]').count(), 2)
    await search.fill('before:soon is:refused nothing-like-this')
    await page.getByText('没看懂：before:soon').waitFor()
    await page.getByRole('button', { name: '清除搜索' }).click()
    await rowOf(page, 3).waitFor()
  })

  test('is led by the keyboard, but not while one types', async (t) => {
    const { page, sendMessage } = await open(t)
    for (let i = 0; i < 3; i++) await sendMessage()
    await rowOf(page, 3).waitFor()
    await page.keyboard.press('j')
    assert.equal(await focusedRow(page), '3')
    await page.keyboard.press('j')
    await page.keyboard.press('j')
    await page.keyboard.press('k')
    assert.equal(await focusedRow(page), '2')
    await page.keyboard.press('Enter')
    await page.locator('.current .card').waitFor()
    assert.match(page.url(), /m=2/)
    await page.keyboard.press('/')
    await page.keyboard.type('j?')
    assert.equal(await page.getByRole('searchbox').inputValue(), 'j?')
    await page.keyboard.press('Escape')
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('tab', { name: '手机预览' }).focus()
    await page.keyboard.press('ArrowRight')
    await page.locator('.fields').waitFor()
    assert.match(page.url(), /tab=fields/)
  })

  test('holds new messages back while one reads further down, or has paused', async (t) => {
    const { page, sendMessage } = await open(t)
    for (let i = 0; i < 20; i++) await sendMessage()
    await rowOf(page, 20).waitFor()
    await page.locator('#list-scroll').evaluate((list) => list.scrollTo(0, 400))
    await sendMessage()
    await page.getByRole('button', { name: '1 条新消息' }).click()
    await rowOf(page, 21).waitFor()
    await page.getByRole('button', { name: '实时' }).click()
    await sendMessage()
    await page.getByRole('button', { name: '1 条新消息' }).waitFor()
    assert.equal(await rowOf(page, 22).count(), 0)
    await page.getByRole('button', { name: '已暂停' }).click()
    await rowOf(page, 22).waitFor()
  })

  test('comes back by itself after a lost connection, and misses nothing', async (t) => {
    const simulator = await openSimulator(t)
    const token = await simulator.tokenOf()
    const line = await openLine(t, simulator.url)
    const page = await line.openPage(t)
    await page.getByText('还没有消息').waitFor()
    await simulator.send(token)
    await rowOf(page, 1).waitFor()
    line.cut()
    await simulator.send(token)
    await page.locator('.live[data-state="offline"]').waitFor()
    line.mend()
    await rowOf(page, 2).waitFor()
    await page.locator('.live[data-state="live"]').waitFor()
    assert.equal(await page.locator('[data-id]').count(), 2)
  })

  test('lets go of its connection while nobody sees it, and misses nothing', async (t) => {
    const { page, sendMessage } = await open(t)
    await page.getByText('还没有消息').waitFor()
    const turn = (hidden: boolean) =>
      page.evaluate(
        `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true });` +
          `document.dispatchEvent(new Event('visibilitychange'))`,
      )
    const closed = page.waitForEvent('requestfailed', (request) => request.url().includes('/_ui/events'))
    await turn(true)
    await closed
    await sendMessage()
    await turn(false)
    await rowOf(page, 1).waitFor()
  })

  test('remembers language and theme', async (t) => {
    const { page, url } = await open(t)
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByLabel('Theme').selectOption('dark')
    await page.goto(url)
    await page.getByRole('heading', { name: 'No messages yet' }).waitFor()
    assert.equal(await page.locator('html').getAttribute('data-theme'), 'dark')
    assert.equal(await page.title(), 'WeChat simulator · Hongyan')
  })

  test('fits a phone: first the list, then the message, and back', async (t) => {
    const { page, sendMessage } = await open(t, { viewport: { width: 390, height: 844 } })
    await sendMessage()
    await rowOf(page, 1).click()
    await page.locator('.card').waitFor()
    assert.equal(await rowOf(page, 1).isVisible(), false)
    const wider = await page.locator('html').evaluate((html) => html.scrollWidth > html.clientWidth)
    assert.equal(wider, false)
    await page.getByRole('link', { name: '返回列表' }).click()
    await rowOf(page, 1).waitFor()
  })
})

suite('the page for everybody', () => {
  for (const lang of ['zh', 'en'])
    for (const colorScheme of ['light', 'dark'] as const)
      test(`axe finds nothing, ${lang} and ${colorScheme}`, async (t) => {
        const { page, sendMessage } = await open(t, { colorScheme, at: `/?lang=${lang}` })
        const check = async (what: string, within = 'html') => {
          const { violations } = await new AxeBuilder({ page }).include(within).analyze()
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
          assert.deepEqual(found, [], what)
        }
        await page.locator('.steps').waitFor()
        await check('empty')
        await sendMessage()
        await sendMessage({ data: { thing2: { value: '一'.repeat(30), color: '#f00' } }, url: 'a.example' })
        await rowOf(page, 2).click()
        for (const tab of ['phone', 'fields', 'request', 'reply', 'checks']) {
          await page.locator(`#tab-${tab}`).click()
          await check(tab, tab === 'phone' ? 'html' : '#detail')
        }
        await page.locator('#open-tools').click()
        await page.locator('[data-preset="busy"]').click()
        await page.locator('.rules li').waitFor()
        await check('tools', '#tools-dialog')
        await page.keyboard.press('Escape')
        await page.locator('#open-help').click()
        await check('help', '#help-dialog')
      })
})

/** A line to the simulator that can be cut, as a network does. */
const openLine = async (t: TestContext, url: string) => {
  const { port } = new URL(url)
  const sockets = new Set<Socket>()
  let whole = true
  const server = createServer((near) => {
    if (!whole) return near.destroy()
    const far = connect(Number(port), '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    near.pipe(far).pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    whole = false
    for (const socket of sockets) socket.destroy()
  }
  t.after(() => {
    cut()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the line has no port')
  return {
    cut,
    mend: () => {
      whole = true
    },
    openPage: async (test: TestContext) => {
      const context = await browser.newContext()
      test.after(() => context.close())
      const page = await context.newPage()
      await page.goto(`http://127.0.0.1:${address.port}/`)
      return page
    },
  }
}
