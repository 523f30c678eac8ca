import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import type { CallReply } from '../../src/wechat/reply.ts'
import { createSender } from '../../src/wechat/sender.ts'
import { aMessage } from '../support/messages.ts'
import { openTokens, refusalJson, tokenJson } from './token-api.ts'

const taken: CallReply = { kind: 'answered', errcode: 0, errmsg: 'ok', msgid: '3248682510344192008' }
const rejected: CallReply = { kind: 'answered', errcode: 40001, errmsg: 'invalid credential', rid: 'r-1' }
const sendPath = '/cgi-bin/message/template/send?access_token='

/** A sender whose posts take 10 ms each and are answered by `reply`, by the path that was called. */
const openSender = (reply: (path: string, index: number) => CallReply) => {
  const tokens = openTokens()
  const { centre, clock, accountOf } = tokens
  const paths: string[] = []
  const client = {
    async send(path: string) {
      const startedAt = clock.now()
      const answer = reply(path, paths.push(path) - 1)
      return { reply: answer, startedAt, endedAt: startedAt + 10 }
    },
    close: async () => {},
  }
  return { ...tokens, paths, sender: createSender({ client, tokens: centre, accountOf, clock }) }
}

suite('a message', () => {
  test('goes to the path of its channel with the token of its account', async () => {
    const { sender, clock, paths } = openSender(() => taken)
    const startedAt = clock.now()
    assert.deepEqual(await sender.send(aMessage()), {
      reply: taken,
      attempts: [{ startedAt, endedAt: startedAt + 10, outcome: 'answered', errcode: 0 }],
    })
    await sender.send(aMessage({ channel: 'subscribe' }))
    assert.deepEqual(paths, [`${sendPath}T1`, '/cgi-bin/message/subscribe/send?access_token=T1'])
  })

  test('carries its token escaped', async () => {
    const { sender, answer, paths } = openSender(() => taken)
    answer(tokenJson('a b&c'))
    await sender.send(aMessage())
    assert.deepEqual(paths, [`${sendPath}a%20b%26c`])
  })

  test('that is refused is told with its errmsg and rid', async () => {
    const refused: CallReply = { kind: 'answered', errcode: 43101, errmsg: 'user refuse', rid: 'r-2' }
    const { sender } = openSender(() => refused)
    const { reply, attempts } = await sender.send(aMessage())
    assert.deepEqual(reply, refused)
    assert.partialDeepStrictEqual(attempts, [{ errcode: 43101, errmsg: 'user refuse', rid: 'r-2' }])
  })

  for (const reply of [
    { kind: 'in-doubt', error: 'timeout' },
    { kind: 'not-sent', error: 'connect' },
  ] as const)
    test(`that is ${reply.kind} is not repeated`, async () => {
      const { sender } = openSender(() => reply)
      const sending = await sender.send(aMessage())
      assert.deepEqual(sending.reply, reply)
      assert.equal(sending.attempts.length, 1)
      assert.partialDeepStrictEqual(sending.attempts, [{ outcome: reply.kind, error: reply.error }])
    })

  test('of an account that nobody knows is not sent', async () => {
    const { sender, clock, paths } = openSender(() => taken)
    const until = clock.now() + 60_000
    assert.deepEqual(await sender.send(aMessage({ account: 'wxffffffffffffffff' })), {
      reply: { kind: 'no-token', error: 'account-unknown', until },
      attempts: [],
    })
    assert.equal(paths.length, 0)
  })

  test('of an account that has been removed is not sent with the token we still have', async () => {
    const { sender, change, paths } = openSender(() => taken)
    await sender.send(aMessage())
    change(undefined)
    assert.partialDeepStrictEqual(await sender.send(aMessage()), { reply: { error: 'account-unknown' } })
    assert.equal(paths.length, 1)
  })

  test('without a token is not sent, and the errcode says why', async () => {
    const { sender, clock, answer, paths } = openSender(() => taken)
    answer(refusalJson(40164))
    const until = clock.now() + 300_000
    assert.deepEqual(await sender.send(aMessage()), {
      reply: { kind: 'no-token', error: 'errcode-40164', until, errcode: 40164 },
      attempts: [],
    })
    assert.equal(paths.length, 0)
  })
})

suite('a token that WeChat rejects', () => {
  test('is replaced, the message goes again at once, and both calls are told', async () => {
    const { sender, clock, get, answer, paths } = openSender((path) =>
      path.endsWith('T1') ? rejected : taken,
    )
    await get()
    clock.advance(60_000)
    answer(tokenJson('T2'))
    const { reply, attempts } = await sender.send(aMessage())
    assert.deepEqual(reply, taken)
    assert.partialDeepStrictEqual(attempts, [
      { errcode: 40001, errmsg: 'invalid credential', rid: 'r-1' },
      { errcode: 0 },
    ])
    assert.deepEqual(paths, [`${sendPath}T1`, `${sendPath}T2`])
  })

  test('twice is the reply: there is no third call', async () => {
    const { sender, clock, get, paths } = openSender(() => rejected)
    await get()
    clock.advance(60_000)
    assert.deepEqual((await sender.send(aMessage())).reply, rejected)
    assert.equal(paths.length, 2)
  })

  test('and cannot be replaced leaves the message unsent', async () => {
    const { sender, clock, get, answer } = openSender(() => rejected)
    await get()
    clock.advance(60_000)
    answer({ kind: 'not-sent', error: 'connect' })
    const { reply, attempts } = await sender.send(aMessage())
    assert.deepEqual(reply, { kind: 'no-token', error: 'connect', until: clock.now() + 5000 })
    assert.equal(attempts.length, 1)
  })

  for (const [what, next] of [
    ['by a passing fault', 'T1'],
    ['because it was changed', 'T2'],
  ] as const)
    test(`fifty times at once ${what}: one question, and every message goes`, async () => {
      const { sender, clock, get, answer, calls, forces } = openSender((_path, index) =>
        index < 50 ? rejected : taken,
      )
      await get()
      clock.advance(60_000)
      answer(tokenJson(next))
      const sendings = await Promise.all(Array.from({ length: 50 }, () => sender.send(aMessage())))
      assert.ok(sendings.every(({ reply, attempts }) => reply === taken && attempts.length === 2))
      assert.equal(calls.length, 2)
      assert.equal(forces(), 0)
    })

  const rejections: readonly [what: string, reply: (index: number) => CallReply][] = [
    ['now and then, among messages that go through,', (index) => (index % 10 === 9 ? rejected : taken)],
    ['every time, though the repeat goes through,', (index) => (index % 2 === 0 ? rejected : taken)],
    ['twice, and the next message goes through,', (index) => (index % 3 === 2 ? taken : rejected)],
  ]
  for (const [what, reply] of rejections)
    test(`${what} is never forced`, async () => {
      const { sender, clock, forces, calls } = openSender((_path, index) => reply(index))
      for (let i = 0; i < 150; i++) {
        await sender.send(aMessage())
        clock.advance(4000)
      }
      assert.equal(forces(), 0)
      assert.ok(calls.length > 1)
    })
})
