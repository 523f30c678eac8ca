/** Many processes, one Redis, one simulated WeChat: who asks for a token, and who is told. */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import type { TokenResult } from '../../src/wechat/token.ts'
import type { AskForToken } from '../../src/wechat/token-centre.ts'
import { official } from '../simulator/open.ts'
import { atEnd } from '../support/at-end.ts'
import { soon, until } from '../support/waiting.ts'
import { appid, type Node, openNetwork } from './nodes.ts'

const seconds = 1000
const minutes = 60 * seconds
const hours = 60 * minutes
const limitMs = 30_000

const tokenIn = (result: TokenResult): string => {
  assert.equal(result.kind, 'token', JSON.stringify(result))
  return result.kind === 'token' ? result.token : ''
}

/** The one token that all of these results are. */
const oneToken = (results: readonly TokenResult[]): string => {
  const tokens = new Set(results.map(tokenIn))
  assert.equal(tokens.size, 1)
  return [...tokens][0]!
}

const getAll = (nodes: readonly Node[]) => Promise.all(nodes.map(({ get }) => get()))

/** A source that answers when the test lets it, or is over. */
const withheld = (t: TestContext) => {
  const gate = Promise.withResolvers<void>()
  atEnd(t, gate.resolve)
  const asked = Promise.withResolvers<void>()
  const around =
    (ask: AskForToken): AskForToken =>
    async (account, how) => {
      const answer = await ask(account, how)
      asked.resolve()
      await gate.promise
      return answer
    }
  return { around, asked: () => soon(asked.promise, 'the question is asked'), release: gate.resolve }
}

suite('fifty processes', () => {
  test('that begin without a token ask once, and once more when it comes to its end', async (t: TestContext) => {
    const { openNodes, tokenCalls, pass } = await openNetwork(t)
    const nodes = await openNodes(50)
    let token = oneToken(await getAll(nodes))
    assert.equal(await tokenCalls(), 1)
    for (let expiry = 1; expiry <= 2; expiry++) {
      await pass(2 * hours - 4 * minutes)
      assert.equal(oneToken(await getAll(nodes)), token)
      await until(() => nodes.every(({ current }) => ![undefined, token].includes(current())), limitMs)
      token = oneToken(await getAll(nodes))
      assert.equal(await tokenCalls(), 1 + expiry)
    }
    assert.equal(nodes.flatMap(({ events }) => events()).filter((event) => event === 'refreshed').length, 3)
  })

  test('whose token another system has changed ask once, and nobody replaces it by force', async (t: TestContext) => {
    const { openNodes, tokenCalls, simulator, pass } = await openNetwork(t)
    const nodes = await openNodes(50)
    for (let change = 1; change <= 4; change++) {
      const dead = oneToken(await getAll(nodes))
      await simulator.admin('tokens/rotate', { appid, world: 'stable' })
      await pass(minutes)
      const healed = oneToken(await Promise.all(nodes.map(({ heal }) => heal(dead))))
      assert.notEqual(healed, dead)
      assert.equal(await tokenCalls(), 1 + change)
    }
    const told = nodes.flatMap(({ alerts }) => alerts())
    // Whoever found a change out tells of it, once there have been three.
    assert.ok(told.length >= 1 && told.length <= 2, String(told))
    assert.ok(told.every((code) => code === 'token-rival'))
    for (const { centre } of nodes) assert.equal(centre.notes(appid).rivalry?.changes, 4)
  })

  test('whose token is rejected by a passing fault ask once, and go on with it', async (t: TestContext) => {
    const { openNodes, tokenCalls, pass } = await openNetwork(t)
    const nodes = await openNodes(50)
    const token = oneToken(await getAll(nodes))
    await pass(minutes)
    assert.equal(oneToken(await Promise.all(nodes.map(({ heal }) => heal(token)))), token)
    assert.equal(await tokenCalls(), 2)
  })

  test('with a wrong secret ask once; a person who tries again does ask', async (t: TestContext) => {
    const { openNodes, tokenCalls, pass } = await openNetwork(t)
    const nodes = await openNodes(50, { account: { secret: 'wrong' } })
    const results = await getAll(nodes)
    assert.ok(results.every((result) => result.kind === 'unavailable' && result.errcode === 40125))
    assert.equal(await tokenCalls(), 1)
    assert.equal(nodes.flatMap(({ alerts }) => alerts()).length, 1)
    await pass(3 * seconds)
    await nodes[0]!.centre.retry(appid)
    assert.equal(await tokenCalls(), 2)
  })
})

suite('a refusal', () => {
  test('of the address of one process holds up another for a moment only', async (t: TestContext) => {
    const { openNode, tokenCalls, pass } = await openNetwork(t)
    const unlisted = (): AskForToken => async () => ({
      kind: 'refused',
      errcode: 40164,
      errmsg: 'invalid ip',
    })
    const [one, other] = [await openNode({ around: unlisted }), await openNode()]
    assert.partialDeepStrictEqual(await one.get(), { errcode: 40164 })
    assert.partialDeepStrictEqual(await other.get(), { errcode: 40164 })
    assert.equal(await tokenCalls(), 0)
    await pass(15 * seconds)
    tokenIn(await other.get())
    await pass(5 * minutes)
    assert.equal(tokenIn(await one.get()), other.current())
  })

  test('leaves others the token that is there', async (t: TestContext) => {
    const { openNode, pass, clock } = await openNetwork(t)
    let answers = 0
    const around =
      (ask: AskForToken): AskForToken =>
      (account, how) =>
        answers++ === 0 ? ask(account, how) : Promise.resolve({ kind: 'failed', error: 'timeout' })
    const one = await openNode({ around })
    const token = tokenIn(await one.get())
    await pass(2 * hours - 4 * minutes)
    await one.get()
    await until(() => one.events().includes('refused'), limitMs)
    assert.equal(tokenIn(await one.get()), token)
    clock.advance(seconds)
    assert.equal(tokenIn(await (await openNode()).get()), token)
  })
})

suite('the token that processes share', () => {
  test('is nowhere in Redis as it is, nor is the secret', async (t: TestContext) => {
    const { openNode, server } = await openNetwork(t)
    const { get } = await openNode()
    const token = tokenIn(await get())
    const keys = (await server.command('KEYS', '*')) as readonly string[]
    const texts = await Promise.all(keys.map((key) => everythingIn(server, key)))
    assert.ok(
      texts.some((text) => text.includes('sealed')),
      'The shelf has been looked at',
    )
    for (const text of texts)
      for (const secret of [token, token.slice(10, 40), official.secret]) assert.ok(!text.includes(secret))
  })

  test('is no answer to a process that has other settings of the account', async (t: TestContext) => {
    const { openNode, tokenCalls } = await openNetwork(t)
    const [one, other] = [await openNode(), await openNode()]
    await one.get()
    other.change({ secret: 'another' })
    assert.partialDeepStrictEqual(await other.get(), { kind: 'unavailable', errcode: 40125 })
    other.change({ secret: official.secret, tokenApi: 'plain' })
    const plain = tokenIn(await other.get())
    assert.notEqual(plain, one.current())
    assert.equal(await tokenCalls(), 3)
  })

  test('is found by a process that starts later, with the life that is left of it', async (t: TestContext) => {
    const { openNode, tokenCalls, pass } = await openNetwork(t)
    const token = tokenIn(await (await openNode()).get())
    await pass(hours)
    const late = await openNode()
    assert.equal(tokenIn(await late.get()), token)
    assert.deepEqual(late.events(), ['shared'])
    await pass(hours - 5 * minutes - 1)
    assert.equal(late.current(), token)
    assert.equal(await tokenCalls(), 1)
    await pass(minutes)
    await late.get()
    await until(() => late.current() !== token, limitMs)
    assert.equal(await tokenCalls(), 2)
  })

  test('that has come to its end on the shelf is asked for', async (t: TestContext) => {
    const { openNode, tokenCalls, pass } = await openNetwork(t)
    const token = tokenIn(await (await openNode()).get())
    await pass(3 * hours)
    assert.notEqual(tokenIn(await (await openNode()).get()), token)
    assert.equal(await tokenCalls(), 2)
  })

  test('is asked for anew when it is not on the shelf any more', async (t: TestContext) => {
    const { openNode, tokenCalls, server, pass } = await openNetwork(t)
    const { get, heal } = await openNode()
    const token = tokenIn(await get())
    const shelves = (await server.command('KEYS', '*:shelf:*')) as readonly string[]
    assert.equal(await server.command('DEL', ...shelves), 1)
    await pass(minutes)
    assert.equal(tokenIn(await heal(token)), token)
    assert.equal(await tokenCalls(), 2)
  })
})

suite('the right to ask', () => {
  for (const aheadMs of [-hours, -5 * minutes, 5 * minutes, hours])
    test(`is not taken from a process by one whose clock is ${aheadMs / minutes} minutes ahead`, async (t: TestContext) => {
      const { openNode, tokenCalls } = await openNetwork(t)
      const { around, asked, release } = withheld(t)
      const slow = await openNode({ around })
      const first = slow.get()
      await asked()
      const other = await openNode({ aheadMs })
      const second = other.get()
      // However often the other looks, it finds the right taken.
      await until(() => other.looks() >= 3, limitMs)
      release()
      oneToken([await first, await second])
      assert.equal(await tokenCalls(), 1)
    })

  test('of a process that died over its question goes to another one', async (t: TestContext) => {
    const { openNode, tokenCalls } = await openNetwork(t)
    const { around, asked } = withheld(t)
    const dead = await openNode({ around })
    void dead.get()
    await asked()
    dead.engine.cut()
    // One is in haste, so that there is one who loses patience.
    const others = await Promise.all([1, 1, 100].map((haste) => openNode({ haste })))
    oneToken(await getAll(others))
    // That of the dead one, and one more.
    assert.equal(await tokenCalls(), 2)
  })

  test('that a process has lost makes its answer count for nothing, itself included', async (t: TestContext) => {
    const { openNode } = await openNetwork(t)
    const { around, asked, release } = withheld(t)
    const account = { tokenApi: 'plain' } as const
    const slow = await openNode({ around, account })
    const late = slow.get()
    await asked()
    const other = await openNode({ haste: 100, account })
    const token = tokenIn(await other.get())
    release()
    assert.equal(tokenIn(await late), token)
    assert.equal(tokenIn(await (await openNode({ account })).get()), token)
  })
})

suite('force', () => {
  /** A source that stands by one token, whatever WeChat thinks of it. */
  const standing =
    (forcedAt: number[], now: () => number) =>
    (): AskForToken =>
    async (_account, { forced }) => {
      if (forced) forcedAt.push(now())
      return { kind: 'token', token: 'T1', lifeMs: 2 * hours }
    }

  test('is used by all processes together at most once in thirty seconds and fifteen times a day', async (t: TestContext) => {
    const { openNodes, clock } = await openNetwork(t)
    const forcedAt: number[] = []
    const nodes = await openNodes(5, { around: standing(forcedAt, clock.now) })
    const how = { forced: true, rejected: true, insisting: false, centre: nodes[0]!.centre }
    const details = new Set<string | undefined>()
    for (let step = 0; step < 24 * 6; step++) {
      for (const { ask, accountNow } of nodes) {
        const answer = await ask(accountNow(), how)
        if (answer.kind === 'lacking') details.add(`${answer.error}: ${answer.detail}`)
      }
      clock.advance(step < 20 ? 10 * seconds : 10 * minutes)
    }
    const gaps = forcedAt.slice(1).map((at, index) => at - forcedAt[index]!)
    assert.ok(Math.min(...gaps) >= 30 * seconds, String(gaps))
    assert.equal(forcedAt.length, 15)
    assert.equal(details.size, 1)
    assert.match([...details][0]!, /^token-rejected: .*no further forced refresh is allowed yet/)
    clock.advance(4 * hours)
    for (const { ask, accountNow } of nodes) await ask(accountNow(), how)
    assert.equal(forcedAt.length, 16)
  })

  test('is on the shelf before it is used, so that a process that dies over it has used it', async (t: TestContext) => {
    const { openNode } = await openNetwork(t)
    const { around, asked } = withheld(t)
    const dead = await openNode({ around })
    const how = { forced: true, rejected: true, insisting: false, centre: dead.centre }
    void dead.ask(dead.accountNow(), how)
    await asked()
    dead.engine.cut()
    const other = await openNode({ haste: 100 })
    assert.partialDeepStrictEqual(await other.ask(other.accountNow(), how), {
      kind: 'lacking',
      error: 'token-rejected',
    })
  })
})

suite('quick questions', () => {
  test('about a plain token that dies again and again are as many for all processes as for one', async (t: TestContext) => {
    const { openNode, clock } = await openNetwork(t)
    let asked = 0
    const around = (): AskForToken => async () => ({ kind: 'token', token: `T${++asked}`, lifeMs: 2 * hours })
    // Each comes late, with a budget of its own that is still whole.
    for (let n = 0; n < 3; n++) {
      const { ask, accountNow, centre } = await openNode({ around, account: { tokenApi: 'plain' } })
      const how = { forced: false, rejected: true, insisting: false, centre }
      for (let question = 0; question < 70; question++) await ask(accountNow(), how)
    }
    assert.equal(asked, 100)
    clock.advance(10 * minutes)
    const { ask, accountNow, centre } = await openNode({ around, account: { tokenApi: 'plain' } })
    for (let question = 0; question < 20; question++)
      await ask(accountNow(), { forced: false, rejected: true, insisting: false, centre })
    assert.equal(asked, 110)
  })
})

suite('while Redis is away', () => {
  test('a process goes on with the token it has', async (t: TestContext) => {
    const { openNode, server, tokenCalls } = await openNetwork(t)
    const { get, current } = await openNode({ account: { tokenApi: 'plain' } })
    const token = tokenIn(await get())
    await server.kill()
    assert.equal(tokenIn(await get()), token)
    assert.equal(current(), token)
    assert.equal(await tokenCalls(), 1)
  })

  test('a process without one asks the stable API alone, which answers the same to all', async (t: TestContext) => {
    const { openNodes, server } = await openNetwork(t)
    const nodes = await openNodes(3)
    await server.kill()
    oneToken(await getAll(nodes))
  })

  test('nobody asks the plain API, whose every answer ends the token of the others', async (t: TestContext) => {
    const { openNode, server, tokenCalls, clock } = await openNetwork(t)
    const { get } = await openNode({ account: { tokenApi: 'plain' } })
    await server.kill()
    assert.partialDeepStrictEqual(await get(), { kind: 'unavailable', error: 'token-shelf-away' })
    assert.equal(await tokenCalls(), 0)
    await server.start()
    await until(async () => {
      clock.advance(2 * seconds)
      return (await get()).kind === 'token'
    }, limitMs)
  })
})

/** The content of a key, of whatever type, as one text. */
const everythingIn = async (
  { command }: { command(name: string, ...args: readonly string[]): Promise<unknown> },
  key: string,
): Promise<string> => {
  const type = String(await command('TYPE', key))
  const content = await command(...readAll[type as keyof typeof readAll](key))
  return `${key} ${JSON.stringify(content)}`
}

type Command = readonly [name: string, ...args: readonly string[]]

const readAll: Readonly<
  Record<'string' | 'hash' | 'list' | 'set' | 'zset' | 'stream', (key: string) => Command>
> = {
  string: (key) => ['GET', key],
  hash: (key) => ['HGETALL', key],
  list: (key) => ['LRANGE', key, '0', '-1'],
  set: (key) => ['SMEMBERS', key],
  zset: (key) => ['ZRANGE', key, '0', '-1'],
  stream: (key) => ['XRANGE', key, '-', '+'],
}
