import { suite, type TestContext, test } from 'node:test'
import { errcodes } from '../../src/errcodes.ts'
import { aMessage, aSubscribeMessage, miniprogram, official, openSimulator } from './open.ts'

/** One API of each family that has checks of its own. */
const calls: readonly [name: string, path: string, body: object | undefined][] = [
  ['template/send', '/cgi-bin/message/template/send', aMessage()],
  ['subscribe/send', '/cgi-bin/message/subscribe/send', aSubscribeMessage()],
  ['bizsend', '/cgi-bin/message/subscribe/bizsend', aMessage()],
  [
    'custom/send',
    '/cgi-bin/message/custom/send',
    { touser: official.openids[0], msgtype: 'text', text: { content: '好' } },
  ],
  ['get_all_private_template', '/cgi-bin/template/get_all_private_template', undefined],
]

suite('every errcode of the table', () => {
  test('can be played on every API with one rule, and nothing is accepted', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const { appid, secret } = official
    const claim = { grant_type: 'client_credential', appid, secret }
    const tokens = { own: await sim.tokenOf(official), mini: await sim.tokenOf(miniprogram) }
    for (const { code, errmsg } of errcodes.values()) {
      await sim.faults({ errcode: code })
      const stable = await sim.api('/cgi-bin/stable_token', claim)
      const plain = await sim.plainToken()
      const answers = [stable, plain]
      for (const [name, path, body] of calls) {
        const token = name === 'subscribe/send' ? tokens.mini : tokens.own
        answers.push(
          await sim.api(`${path}?access_token=${token}`, body, body === undefined ? 'GET' : 'POST'),
        )
      }
      for (const { json } of answers) {
        t.assert.equal(json.errcode, code)
        t.assert.ok(String(json.errmsg).startsWith(`${errmsg} rid: `), String(json.errmsg))
      }
    }
    t.assert.deepEqual(await sim.effects(), [])
    await sim.faults()
    t.assert.equal((await sim.send(tokens.own)).json.errcode, 0)
  })

  test('one the table does not have can be played too', async (t: TestContext) => {
    const sim = await openSimulator(t)
    const token = await sim.tokenOf()
    await sim.faults({ errcode: 987_654 })
    t.assert.equal((await sim.send(token)).json.errcode, 987_654)
  })
})
