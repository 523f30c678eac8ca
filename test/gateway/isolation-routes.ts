/**
 * What a stranger asks of every route: the table of the isolation sweep. Each route of the gateway has its line
 * here, and a test fails for one that has none. Somebody who adds a route adds a line:
 *
 * - a route that takes an id, a name or a filter gets a probe for each of them, with what belongs to the other tenant;
 * - a route that lists gets a probe that expects `200`: the sweep itself looks whether anything of theirs is in it;
 * - a route that changes something gets a probe that tries to change what is theirs;
 * - a route that knows no caller is `open`, with the reason why it can hold nothing of a tenant.
 *
 * What a route shows of new kinds of data must be planted in `plant` of isolation.test.ts, or the sweep cannot see it.
 */
import type { Scope } from '../../src/directory.ts'
import type { Ask } from '../support/gateway.ts'

/** What belongs to the other tenant, and how it is called. */
export interface Theirs {
  readonly tenant: string
  readonly messageId: string
  readonly clientMsgId: string
  readonly keyId: string
  readonly appid: string
  readonly accountName: string
  readonly templateId: string
  readonly touser: string
  readonly tag: string
  readonly formId: string
}

export interface Probe {
  readonly name: string
  /** Signed by the stranger, rightly, unless it says otherwise. */
  readonly ask: (theirs: Theirs) => Ask
  readonly status: number
  /** What the answer holds, where that can be said. */
  readonly answer?: Readonly<Record<string, unknown>>
}

export type Line =
  | { readonly open: string }
  | {
      /** The scope that it takes; without one, the route has a way of its own to know its caller. */
      readonly scope?: Scope
      readonly probes: readonly Probe[]
    }

const probe = (
  name: string,
  status: number,
  ask: Probe['ask'],
  answer?: Readonly<Record<string, unknown>>,
): Probe => ({ name, status, ask, ...(answer && { answer }) })

const get = (path: string): Ask => ({ method: 'GET', path })
const post = (path: string, body?: unknown): Ask => ({ method: 'POST', path, body })

const nothing = { data: [], next_cursor: null, has_more: false }
const found = (query: string) => get(`/v1/messages?${query}`)
const message = (overrides: Readonly<Record<string, unknown>>): Ask =>
  post('/v1/messages', {
    account: 'their-shop',
    touser: 'oStranger',
    template_id: 'shipped',
    data: { thing1: 'x' },
    ...overrides,
  })
const check = (overrides: Readonly<Record<string, unknown>>): Ask =>
  post('/v1/check', { account: 'their-shop', touser: 'oStranger', template_id: 'shipped', ...overrides })
const grant = (body: Readonly<Record<string, unknown>>): Ask => post('/v1/grants', body)
const theirGrant = ({ touser, templateId }: Theirs) => ({ touser, template_id: templateId, withdraw: true })
const forged = 'signature=0123456789abcdef&timestamp=1767225600&nonce=1&echostr=x'
const anAccount = { name: 'mine', appid: 'wx00000000000000fe', secret: 'not-shown', kind: 'official' }

const changeTemplate = (method: 'PUT' | 'PATCH'): Probe =>
  probe('theirs', 404, ({ appid, templateId }) => ({
    method,
    path: `/v1/templates/${appid}/${templateId}`,
    body: { alias: 'mine' },
  }))

/** A token of nobody's that names their account; without their secret nobody can make a better one. */
const forgedToken = ({ appid }: Theirs): string =>
  `1_${Buffer.concat([Buffer.from([1, 255, 255, 255, 255]), Buffer.from(appid.padEnd(32, '\0')), Buffer.alloc(64)]).toString('base64url')}`

const facadeSend = (path: string): Line => ({
  probes: [
    probe(
      'from their account, with a forged token',
      200,
      (theirs) => ({
        ...post(`${path}?access_token=${forgedToken(theirs)}`, {
          touser: theirs.touser,
          template_id: 'shipped',
          data: {},
        }),
        scheme: 'none',
      }),
      { errcode: 40001 },
    ),
  ],
})

const page = { open: 'a page for people, the same for everybody' }
const health = { open: 'says how the process is, and knows no tenant' }

export const lines: Readonly<Record<string, Line>> = {
  'GET /': page,
  'GET /docs': page,
  'GET /docs/start.js': page,
  'GET /docs/swagger-ui.css': page,
  'GET /docs/swagger-ui-bundle.js': page,
  'GET /openapi.json': { open: 'made from the schemas, the same for everybody' },
  'GET /livez': health,
  'GET /readyz': health,
  'GET /startupz': health,

  'POST /v1/messages': {
    scope: 'send',
    probes: [
      probe('from their account', 403, ({ appid: account }) => message({ account }), { code: 'forbidden' }),
      probe('from their account, by name', 400, ({ accountName: account }) => message({ account })),
      probe('many from their account', 202, ({ appid }) => ({
        ...message({}),
        body: [{ account: appid, touser: 'oStranger', template_id: 'shipped', data: { thing1: 'x' } }],
      })),
      probe(
        'under their key of idempotency',
        202,
        (theirs) => message({ client_msg_id: theirs.clientMsgId }),
        {
          duplicate: false,
        },
      ),
      probe('with their template, from an account of mine', 202, (theirs) =>
        message({ template_id: theirs.templateId }),
      ),
      probe('checked only, with their template', 200, (theirs) => ({
        ...message({ template_id: theirs.templateId }),
        path: '/v1/messages?dry=1',
      })),
    ],
  },
  'GET /v1/messages': {
    scope: 'read',
    probes: [
      probe('all', 200, () => get('/v1/messages')),
      probe('by their id', 200, (theirs) => found(`q=${theirs.messageId}`), nothing),
      probe('by their openid', 200, (theirs) => found(`q=${theirs.touser}`), nothing),
      probe('by their key of idempotency', 200, (theirs) => found(`q=${theirs.clientMsgId}`)),
      probe('by their recipient', 200, (theirs) => found(`touser=${theirs.touser}`), nothing),
      probe('by their account', 200, (theirs) => found(`account=${theirs.appid}`), nothing),
      probe('by the name of their account', 200, (theirs) => found(`account=${theirs.accountName}`), nothing),
      probe('by their tag', 200, (theirs) => found(`tag=${theirs.tag}`), nothing),
      probe('by their template', 200, (theirs) => found(`template_id=${theirs.templateId}`)),
      probe('by their state', 200, () => found('state=queued')),
    ],
  },
  'GET /v1/messages/:id': {
    scope: 'read',
    probes: [probe('theirs', 404, (theirs) => get(`/v1/messages/${theirs.messageId}`))],
  },
  'POST /v1/messages/:id/cancel': {
    scope: 'send',
    probes: [probe('theirs', 404, (theirs) => post(`/v1/messages/${theirs.messageId}/cancel`))],
  },
  'POST /v1/check': {
    scope: 'read',
    probes: [
      probe('from their account', 403, (theirs) => check({ account: theirs.appid })),
      probe('from their account, by name', 400, (theirs) => check({ account: theirs.accountName })),
      probe('to their recipient, from mine', 200, (theirs) => check({ touser: theirs.touser })),
    ],
  },

  'GET /v1/grants': {
    scope: 'read',
    probes: [
      probe('of their account', 403, ({ appid, touser }) =>
        get(`/v1/grants?account=${appid}&touser=${touser}`),
      ),
      probe('of their account, by name', 400, ({ accountName, touser }) =>
        get(`/v1/grants?account=${accountName}&touser=${touser}`),
      ),
      probe(
        'of their recipient, in mine',
        200,
        ({ touser }) => get(`/v1/grants?account=their-shop&touser=${touser}`),
        { data: [] },
      ),
    ],
  },
  'POST /v1/grants': {
    scope: 'send',
    probes: [
      probe('withdrawn from their account', 403, (theirs) =>
        grant({ account: theirs.appid, ...theirGrant(theirs) }),
      ),
      probe('withdrawn by its name', 400, (theirs) =>
        grant({ account: theirs.accountName, ...theirGrant(theirs) }),
      ),
      probe('their form id, in mine', 200, (theirs) =>
        grant({ account: 'their-shop', touser: theirs.touser, form_id: theirs.formId }),
      ),
    ],
  },

  'GET /callbacks/:account': {
    probes: [
      probe('of theirs', 403, (theirs) => ({
        ...get(`/callbacks/${theirs.appid}?${forged}`),
        scheme: 'none',
      })),
      probe('of theirs, by name', 403, (theirs) => ({
        ...get(`/callbacks/${theirs.accountName}?${forged}`),
        scheme: 'none',
      })),
    ],
  },
  'POST /callbacks/:account': {
    probes: [
      probe('to theirs, forged', 403, (theirs) => ({
        ...post(`/callbacks/${theirs.appid}?${forged}`, '<xml><Event>unsubscribe</Event></xml>'),
        headers: { 'Content-Type': 'text/xml' },
        scheme: 'none',
      })),
    ],
  },

  'GET /cgi-bin/token': {
    probes: [
      probe(
        'of their account, with a wrong secret',
        200,
        ({ appid }) => get(`/cgi-bin/token?grant_type=client_credential&appid=${appid}&secret=wrong`),
        { errcode: 40125 },
      ),
    ],
  },
  'POST /cgi-bin/stable_token': {
    probes: [
      probe(
        'of their account, with a wrong secret',
        200,
        ({ appid }) =>
          post('/cgi-bin/stable_token', { grant_type: 'client_credential', appid, secret: 'wrong' }),
        { errcode: 40125 },
      ),
    ],
  },
  'POST /cgi-bin/message/template/send': facadeSend('/cgi-bin/message/template/send'),
  'POST /cgi-bin/message/subscribe/send': facadeSend('/cgi-bin/message/subscribe/send'),
  'POST /cgi-bin/message/subscribe/bizsend': facadeSend('/cgi-bin/message/subscribe/bizsend'),
  'POST /cgi-bin/message/template/subscribe': facadeSend('/cgi-bin/message/template/subscribe'),
  'POST /cgi-bin/message/custom/send': facadeSend('/cgi-bin/message/custom/send'),
  'POST /cgi-bin/message/wxopen/template/send': { open: 'answered the same to everybody: withdrawn' },
  'POST /cgi-bin/message/wxopen/template/uniform_send': { open: 'answered the same to everybody: withdrawn' },

  'GET /v1/keys': { scope: 'admin', probes: [probe('all', 200, () => get('/v1/keys'))] },
  'POST /v1/keys': {
    scope: 'admin',
    probes: [
      probe('for their tenant', 400, ({ tenant }) =>
        post('/v1/keys', { name: 'n', scopes: ['read'], tenant }),
      ),
      probe('that could look after them', 403, () => post('/v1/keys', { name: 'n', scopes: ['operator'] })),
    ],
  },
  'POST /v1/keys/:id/rotate': {
    scope: 'admin',
    probes: [
      probe('theirs', 404, (theirs) => post(`/v1/keys/${theirs.keyId}/rotate`, { overlap_seconds: 0 })),
    ],
  },
  'DELETE /v1/keys/:id': {
    scope: 'admin',
    probes: [probe('theirs', 404, (theirs) => ({ method: 'DELETE', path: `/v1/keys/${theirs.keyId}` }))],
  },

  'GET /v1/tenants': { scope: 'operator', probes: [probe('all', 403, () => get('/v1/tenants'))] },
  'POST /v1/tenants': {
    scope: 'operator',
    probes: [probe('theirs anew', 403, ({ tenant: id }) => post('/v1/tenants', { id }))],
  },
  'GET /v1/tenants/:id': {
    scope: 'operator',
    probes: [
      probe('theirs', 403, (theirs) => get(`/v1/tenants/${theirs.tenant}`)),
      probe('my own', 403, () => get('/v1/tenants/rival')),
    ],
  },
  'PATCH /v1/tenants/:id': {
    scope: 'operator',
    probes: [
      probe('theirs', 403, (theirs) => ({
        method: 'PATCH',
        path: `/v1/tenants/${theirs.tenant}`,
        body: { disabled: true },
      })),
      probe('my own', 403, () => ({
        method: 'PATCH',
        path: '/v1/tenants/rival',
        body: { limits: { keys: null } },
      })),
    ],
  },
  'POST /v1/tenants/:id/keys': {
    scope: 'operator',
    probes: [
      probe('theirs', 403, (theirs) =>
        post(`/v1/tenants/${theirs.tenant}/keys`, { name: 'n', scopes: ['admin'] }),
      ),
    ],
  },

  'GET /v1/quota': {
    scope: 'read',
    probes: [
      probe('all', 200, () => get('/v1/quota')),
      probe('of their account by its name', 404, ({ accountName }) =>
        get(`/v1/quota?account=${accountName}`),
      ),
      probe('of their account by its appid', 404, ({ appid }) => get(`/v1/quota?account=${appid}`)),
    ],
  },

  'GET /v1/accounts': { scope: 'read', probes: [probe('all', 200, () => get('/v1/accounts'))] },
  'POST /v1/accounts': {
    scope: 'admin',
    probes: [
      probe('theirs', 403, ({ appid }) => post('/v1/accounts', { ...anAccount, appid })),
      probe('one with the name of theirs', 201, ({ accountName: name }) =>
        post('/v1/accounts', { ...anAccount, name }),
      ),
      probe('one that gets its token from theirs', 400, ({ accountName: component }) =>
        post('/v1/accounts', { ...anAccount, name: 'x', token_api: 'component', component }),
      ),
    ],
  },
  'PATCH /v1/accounts/:name': {
    scope: 'admin',
    probes: [
      probe('theirs', 404, ({ appid }) => ({
        method: 'PATCH',
        path: `/v1/accounts/${appid}`,
        body: { name: 'mine' },
      })),
    ],
  },
  'POST /v1/accounts/:name/check': {
    scope: 'admin',
    probes: [probe('theirs', 404, ({ appid }) => post(`/v1/accounts/${appid}/check`))],
  },

  'GET /v1/templates': {
    scope: 'read',
    probes: [
      probe('all', 200, () => get('/v1/templates')),
      probe('of their account', 403, ({ appid }) => get(`/v1/templates?account=${appid}`)),
      probe('of their account, by name', 400, ({ accountName }) =>
        get(`/v1/templates?account=${accountName}`),
      ),
    ],
  },
  'GET /v1/templates/:account/:id': {
    scope: 'read',
    probes: [
      probe('theirs', 404, (theirs) => get(`/v1/templates/${theirs.appid}/${theirs.templateId}`)),
      probe('theirs, by name', 404, (theirs) =>
        get(`/v1/templates/${theirs.accountName}/${theirs.templateId}`),
      ),
      probe('theirs, in mine', 404, (theirs) => get(`/v1/templates/their-shop/${theirs.templateId}`)),
    ],
  },
  'PUT /v1/templates/:account/:id': { scope: 'admin', probes: [changeTemplate('PUT')] },
  'PATCH /v1/templates/:account/:id': { scope: 'admin', probes: [changeTemplate('PATCH')] },
  'POST /v1/templates/sync': {
    scope: 'admin',
    probes: [probe('of their account', 403, ({ appid: account }) => post('/v1/templates/sync', { account }))],
  },
  'POST /v1/templates/preview': {
    scope: 'read',
    probes: [
      probe('of theirs', 403, ({ appid: account, templateId: template_id }) =>
        post('/v1/templates/preview', { account, template_id, data: {} }),
      ),
      probe('of theirs, in mine', 200, ({ templateId: template_id }) =>
        post('/v1/templates/preview', { account: 'their-shop', template_id, data: {} }),
      ),
    ],
  },
  'POST /v1/templates/lint': {
    scope: 'read',
    probes: [
      probe('of their account', 403, ({ appid: account }) => post('/v1/templates/lint', { account })),
      probe('all', 200, () => post('/v1/templates/lint', {})),
    ],
  },
  'GET /v1/nodes': {
    scope: 'operator',
    probes: [probe('all', 403, () => get('/v1/nodes'), { code: 'forbidden' })],
  },
  'POST /v1/nodes/:id/drain': {
    scope: 'operator',
    probes: [probe('any', 403, () => post('/v1/nodes/any/drain'), { code: 'forbidden' })],
  },
  'DELETE /v1/nodes/:id/drain': {
    scope: 'operator',
    probes: [
      probe('any', 403, () => ({ method: 'DELETE', path: '/v1/nodes/any/drain' }), { code: 'forbidden' }),
    ],
  },
}
