import { suite, test } from 'node:test'
import type { Queue } from '../../src/queue.ts'
import { temporaryFolder } from '../support/folder.ts'
import { type Answer, aBody, openGateway, settleNext, theirShop } from '../support/gateway.ts'

const under = (key: string) => ({ headers: { 'Idempotency-Key': key } })
const codesOf = ({ json }: Answer): readonly string[] =>
  json.results.map(
    (result: { code?: string; duplicate?: boolean }) => result.code ?? `duplicate ${result.duplicate}`,
  )

suite('client_msg_id', () => {
  test('is one message, however many ask at the same moment', async (t) => {
    const { ask } = await openGateway(t)
    const body = aBody({ client_msg_id: 'order-1' })
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask({ body })))
    t.assert.equal(new Set(answers.map(({ json }) => json.id)).size, 1)
    t.assert.deepEqual(answers.map(({ status }) => status).toSorted(), [...Array(49).fill(200), 202])
    t.assert.equal((await ask({ method: 'GET', path: '/v1/messages' })).json.data.length, 1)
  })

  test('is one message within an array', async (t) => {
    const { ask } = await openGateway(t)
    const body = aBody({ client_msg_id: 'order-1' })
    const answer = await ask({ body: [body, body, { ...body, touser: 'oOther' }] })
    t.assert.deepEqual(codesOf(answer), ['duplicate false', 'duplicate true', 'idempotency-conflict'])
    t.assert.partialDeepStrictEqual(answer.json, { accepted: 2, rejected: 1 })
    t.assert.equal(answer.json.results[2].id, answer.json.results[0].id)
  })

  test('tells the state of the message that is there', async (t) => {
    const gateway = await openGateway(t)
    const body = aBody({ client_msg_id: 'order-1' })
    const first = await gateway.ask({ body })
    await settleNext(gateway, { kind: 'sent' })
    const second = await gateway.ask({ body })
    t.assert.deepEqual(second.json, { id: first.json.id, state: 'sent', duplicate: true })
    t.assert.equal(second.headers.location, first.headers.location)
  })

  test('is known over a restart', async (t) => {
    const folder = temporaryFolder(t)
    const body = aBody({ client_msg_id: 'order-1' })
    const first = await openGateway(t, { folder })
    const { id } = (await first.ask({ body })).json
    await first.close()
    const second = await openGateway(t, { folder })
    t.assert.deepEqual((await second.ask({ body })).json, { id, state: 'queued', duplicate: true })
  })

  test('stays apart between tenants', async (t) => {
    const { ask } = await openGateway(t)
    const ours = await ask({ body: aBody({ client_msg_id: 'order-1' }) })
    const theirs = await ask({
      as: 'rival',
      body: aBody({ client_msg_id: 'order-1', account: theirShop.name }),
    })
    t.assert.deepEqual([ours.status, theirs.status], [202, 202])
    t.assert.notEqual(ours.json.id, theirs.json.id)
  })

  test('ends the doubt: what was stored although its answer was lost is not taken twice', async (t) => {
    const lost = (queue: Queue): Queue => {
      let answers = 0
      return {
        ...queue,
        async publish(messages) {
          const publications = await queue.publish(messages)
          if (answers++ === 0) throw new Error('the answer was lost')
          return publications
        },
      }
    }
    const { ask } = await openGateway(t, { parts: ({ queue }) => ({ queue: lost(queue) }) })
    const body = aBody({ client_msg_id: 'order-1' })
    const first = await ask({ body })
    t.assert.deepEqual([first.status, first.json.code], [503, 'in-doubt'])
    const second = await ask({ body })
    t.assert.deepEqual([second.status, second.json.duplicate], [200, true])
    t.assert.equal((await ask({ method: 'GET', path: '/v1/messages' })).json.data.length, 1)
  })
})

suite('Idempotency-Key', () => {
  test('makes a single message one message', async (t) => {
    const { ask } = await openGateway(t)
    const first = await ask(under('"a-key"'))
    const second = await ask(under('a-key'))
    t.assert.deepEqual([first.status, second.status], [202, 200])
    t.assert.deepEqual(second.json, { id: first.json.id, state: 'queued', duplicate: true })
    const other = await ask({ body: aBody({ touser: 'oOther' }), ...under('a-key') })
    t.assert.deepEqual(
      [other.status, other.json.code, other.json.id],
      [409, 'idempotency-conflict', first.json.id],
    )
  })

  test('stands for a whole array, item by item', async (t) => {
    const { ask } = await openGateway(t)
    const body = [aBody(), aBody({ touser: ' ' }), aBody({ tags: ['third'] })]
    const first = await ask({ body, ...under('a-key') })
    t.assert.deepEqual(codesOf(first), ['duplicate false', 'openid-invalid', 'duplicate false'])
    const repaired = [body[0], aBody({ touser: 'oRepaired' }), aBody({ tags: ['changed'] })]
    const second = await ask({ body: repaired, ...under('a-key') })
    t.assert.deepEqual(codesOf(second), ['duplicate true', 'duplicate false', 'idempotency-conflict'])
    t.assert.equal(second.json.results[0].id, first.json.results[0].id)
  })

  test('of an array is not that of a single message that looks like its item', async (t) => {
    const { ask } = await openGateway(t)
    await ask({ body: [aBody(), aBody()], ...under('a') })
    for (const key of ['a', 'a/1', 'a1']) t.assert.equal((await ask(under(key))).status, 202)
  })

  test('gives way to client_msg_id', async (t) => {
    const { ask } = await openGateway(t)
    await ask({ body: aBody({ client_msg_id: 'order-1' }), ...under('a') })
    const { status } = await ask({
      body: aBody({ client_msg_id: 'order-2', touser: 'oOther' }),
      ...under('a'),
    })
    t.assert.equal(status, 202)
  })

  test('must be one', async (t) => {
    const { ask } = await openGateway(t)
    for (const key of ['', 'two words', '"', 'x'.repeat(129)]) {
      const { status, json } = await ask(under(key))
      t.assert.deepEqual([status, json.code], [400, 'value-invalid'], key)
    }
  })
})
