/** The example for mini programs, run with a stand-in for the platform it runs on, against a real gateway. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { suite, type TestContext, test } from 'node:test'
import { runInNewContext } from 'node:vm'
import { keyIdOf, mini, openGateway, secretOf } from '../support/gateway.ts'

const folder = new URL('../../examples/mini-program/', import.meta.url)
const touser = 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0'

interface Page {
  /** What the user answers in the popup, by template. */
  readonly answers: Readonly<Record<string, string>>
  /** Takes a report; answers the status, or nothing for a lost connection. */
  readonly backend: (data: { readonly grants: readonly object[] }) => Promise<number | undefined>
}

interface RequestOptions {
  readonly data: { readonly grants: readonly object[] }
  success(answer: { readonly statusCode: number }): void
  fail(error: Error): void
}

/** Loads the file as a mini program does, and asks for grants. */
const ask = ({ answers, backend }: Page): Promise<{ readonly accepted: readonly string[] }> => {
  const module = {
    exports: {} as { requestGrants(options: object): Promise<{ accepted: readonly string[] }> },
  }
  const wx = {
    requestSubscribeMessage: ({ success }: { success(answer: object): void }) =>
      success({ ...answers, errMsg: 'requestSubscribeMessage:ok' }),
    request: ({ data, success, fail }: RequestOptions) =>
      void backend(data).then((status) =>
        status === undefined ? fail(new Error('lost')) : success({ statusCode: status }),
      ),
  }
  const setTimeout = (act: () => void) => setImmediate(act)
  runInNewContext(readFileSync(new URL('hongyan.js', folder), 'utf8'), { wx, module, setTimeout })
  return module.exports.requestGrants({
    report: 'https://shop.example.com/grants',
    templates: Object.keys(answers),
  })
}

const open = async (t: TestContext) => {
  const gateway = await openGateway(t)
  const { forwardGrants } = await import(new URL('forward.js', folder).href)
  const forward = (grants: readonly object[]) =>
    forwardGrants({
      ...{ url: gateway.url, keyId: keyIdOf('acme'), secret: secretOf('acme') },
      ...{ account: 'mini', openid: touser, grants },
    })
  const left = async () =>
    (await gateway.recipients.grants({ account: mini.appid, touser })).map(({ templateId, left }) => [
      templateId,
      left,
    ])
  return { forward, left }
}

suite('the example for mini programs', () => {
  test('reports what was accepted, and the books count it', async (t) => {
    const { forward, left } = await open(t)
    const { accepted } = await ask({
      answers: { 'tpl-shipped': 'accept', 'tpl-other': 'reject' },
      backend: async ({ grants }) => {
        await forward(grants)
        return 200
      },
    })
    assert.deepEqual([...accepted], ['tpl-shipped'])
    assert.deepEqual(await left(), [['tpl-shipped', 1]])
  })

  test('reports again when the answer is lost, and it counts once', async (t) => {
    const { forward, left } = await open(t)
    let times = 0
    await ask({
      answers: { 'tpl-shipped': 'accept' },
      backend: async ({ grants }) => {
        await forward(grants)
        return ++times < 3 ? undefined : 200
      },
    })
    assert.equal(times, 3)
    assert.deepEqual(await left(), [['tpl-shipped', 1]])
  })

  test('gives up after three times, and tells the page all the same', async () => {
    let times = 0
    const { accepted } = await ask({
      answers: { a: 'accept' },
      backend: async () => {
        times++
        return 503
      },
    })
    assert.deepEqual([times, [...accepted]], [3, ['a']])
  })

  test('the backend’s part says what was refused', async (t) => {
    const { forward } = await open(t)
    const { results } = (await forward([{ template_id: 'x', result: 'nonsense', report_id: 'r' }])) as {
      results: readonly { code: string }[]
    }
    assert.equal(results[0]?.code, 'value-invalid')
  })
})
