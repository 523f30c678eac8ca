import { type TestContext, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type Ask, aBody, openGateway } from '../support/gateway.ts'
import { openApp, routesOf } from '../support/routes.ts'

type Json = Readonly<Record<string, unknown>>

interface Operation {
  readonly responses?: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: object }>> }>
  >
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: object }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> }
  readonly security?: readonly Json[]
  readonly tags?: readonly string[]
}

interface OpenApi {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly securitySchemes: Json }
}

const documentOf = async (t: TestContext): Promise<OpenApi> =>
  (await openApp(t)).swagger() as unknown as OpenApi

const operationsOf = ({ paths }: OpenApi) =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )

const schemasOf = ({ requestBody, parameters = [], responses = {} }: Operation): readonly object[] => [
  ...Object.values(requestBody?.content ?? {}).map(({ schema }) => schema),
  ...parameters.map(({ schema }) => schema),
  ...Object.values(responses).flatMap(({ content = {} }) =>
    Object.values(content).map(({ schema }) => schema),
  ),
]

/** Every `$ref` below a value. */
const refsIn = (value: unknown): readonly string[] =>
  typeof value !== 'object' || value === null
    ? []
    : Object.entries(value).flatMap(([key, child]) => (key === '$ref' ? [String(child)] : refsIn(child)))

test('the document is OpenAPI 3.1 and is served', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const { status, json, headers } = await ask({ method: 'GET', path: '/openapi.json', scheme: 'none' })
  t.assert.equal(status, 200)
  t.assert.match(String(headers['content-type']), /^application\/json/)
  t.assert.match(json.openapi, /^3\.1\./)
  t.assert.equal(json.servers, undefined)
})

test('every operation says how it answers, and its schemas hold together', async (t: TestContext) => {
  const document = await documentOf(t)
  const ajv = new Ajv2020({ strict: false })
  for (const { path, method, operation } of operationsOf(document))
    await t.test(`${method} ${path}`, (t: TestContext) => {
      t.assert.ok(operation.tags?.length)
      t.assert.ok(Object.keys(operation.responses ?? {}).some((status) => status.startsWith('2')))
      for (const schema of schemasOf(operation)) ajv.compile(schema)
      t.assert.deepEqual(refsIn(operation), [])
      for (const name of (operation.security ?? []).flatMap(Object.keys))
        t.assert.ok(name in document.components.securitySchemes, name)
      for (const [, name] of path.matchAll(/\{(\w+)\}/g))
        t.assert.ok(
          operation.parameters?.some((each) => each.in === 'path' && each.name === name),
          name,
        )
      if (!path.startsWith('/v1/')) return
      t.assert.ok(operation.security?.length)
      for (const status of ['4XX', '5XX'])
        t.assert.deepEqual(Object.keys(operation.responses?.[status]?.content ?? {}), [
          'application/problem+json',
        ])
    })
})

/** For people and browsers; not part of the API. */
const pages = [
  '/',
  '/docs',
  '/docs/start.js',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
  '/openapi.json',
]

test('what is documented exists, and what exists is documented', async (t: TestContext) => {
  const app = await openApp(t)
  const documented = operationsOf(app.swagger() as unknown as OpenApi).map(
    ({ method, path }) => `${method} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`,
  )
  for (const each of documented) {
    const [method = '', url = ''] = each.split(' ')
    t.assert.ok(app.hasRoute({ method: method as 'GET', url }), each)
  }
  t.assert.deepEqual(
    routesOf(app).toSorted(),
    [...documented, ...pages.map((path) => `GET ${path}`)].toSorted(),
  )
})

test('answers have the shapes of the document', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  const document = await documentOf(t)
  const { id } = (await ask()).json
  const ajv = new Ajv2020({ strict: false })

  const cases: readonly (readonly [path: string, request: Ask])[] = [
    ['/v1/messages', {}],
    ['/v1/messages', { body: [aBody(), aBody({ touser: ' ' })] }],
    ['/v1/messages', { path: '/v1/messages?dry=1' }],
    ['/v1/messages', { body: '{' }],
    ['/v1/messages', { scheme: 'none' }],
    ['/v1/messages', { method: 'GET' }],
    ['/v1/messages/{id}', { method: 'GET', path: `/v1/messages/${id}` }],
    ['/v1/messages/{id}', { method: 'GET', path: '/v1/messages/none' }],
    ['/v1/messages/{id}/cancel', { path: `/v1/messages/${id}/cancel`, body: undefined }],
    ['/v1/keys', { method: 'GET', path: '/v1/keys' }],
    ['/v1/keys', { path: '/v1/keys', body: { name: 'n', scopes: ['read'] } }],
    ['/v1/keys/{id}/rotate', { path: '/v1/keys/key_reader/rotate', body: { overlap_seconds: 60 } }],
    ['/v1/tenants', { method: 'GET', path: '/v1/tenants', as: 'operator' }],
    ['/v1/tenants', { path: '/v1/tenants', as: 'operator', body: { id: 'third', limits: { keys: 1 } } }],
    ['/v1/tenants/{id}', { method: 'GET', path: '/v1/tenants/third', as: 'operator' }],
    ['/v1/tenants/{id}', { method: 'PATCH', path: '/v1/tenants/third', as: 'operator', body: { name: 'T' } }],
    [
      '/v1/tenants/{id}/keys',
      { path: '/v1/tenants/third/keys', as: 'operator', body: { name: 'n', scopes: ['admin'] } },
    ],
    ['/v1/accounts', { method: 'GET', path: '/v1/accounts' }],
    [
      '/v1/accounts',
      {
        path: '/v1/accounts',
        body: { name: 'n', appid: `wx${'0'.repeat(16)}`, secret: 's', kind: 'official' },
      },
    ],
  ]
  for (const [path, request] of cases) {
    const { status, json, headers, text } = await ask(request)
    const { responses = {} } = document.paths[path]![(request.method ?? 'POST').toLowerCase()]!
    const content = (responses[status] ?? responses[`${String(status)[0]}XX`])?.content
    const type = String(headers['content-type']).split(';')[0]!
    t.assert.ok(content?.[type], `${path} ${status} ${type}`)
    const validate = ajv.compile(content[type]!.schema)
    t.assert.ok(validate(json), `${path} ${status} ${JSON.stringify(validate.errors)} ${text}`)
  }
})

test('the pages need nothing from elsewhere and cannot be framed', async (t: TestContext) => {
  const { ask } = await openGateway(t)
  for (const path of pages) {
    const { status, headers, text } = await ask({ method: 'GET', path, scheme: 'none' })
    t.assert.equal(status, 200, path)
    if (!String(headers['content-type']).startsWith('text/html')) continue
    t.assert.match(String(headers['content-security-policy']), /default-src 'self'.*frame-ancestors 'none'/)
    t.assert.equal(headers['x-content-type-options'], 'nosniff')
    t.assert.doesNotMatch(text, /(src|href)="https?:/)
  }
})

test('health says what this process can do now', async (t: TestContext) => {
  const readiness = { started: false, draining: false }
  const { ask } = await openGateway(t, { parts: () => ({ readiness }) })
  const statuses = () =>
    Promise.all(
      ['/livez', '/readyz', '/startupz'].map(
        async (path) => (await ask({ method: 'GET', path, scheme: 'none' })).status,
      ),
    )
  t.assert.deepEqual(await statuses(), [200, 503, 503])
  readiness.started = true
  t.assert.deepEqual(await statuses(), [200, 200, 200])
  readiness.draining = true
  t.assert.deepEqual(await statuses(), [200, 503, 200])
})
