/**
 * Who sends this is answered that: the security table of the HTTP API, as data. A test sends every input to a
 * real gateway, and docs/security.md is written from it.
 */
import type { Bilingual } from '../../src/errcodes.ts'
import type { ProblemCode } from '../../src/gateway/problems.ts'
import {
  type Ask,
  aBody,
  type Bytes,
  type Caller,
  carelessSignature,
  keyIdOf,
  newNonce,
  olderSecret,
  secretOf,
  theirShop,
  type Wire,
} from '../support/gateway.ts'

export interface Refusal {
  /** The row of the table that the input belongs to. */
  readonly row: Bilingual
  /** This input, in a few words. */
  readonly name: string
  readonly request: Ask | Bytes
  /** What was asked before it. */
  readonly first?: Ask
  readonly status: number
  /** Absent where the input is harmless and is not refused. */
  readonly code?: ProblemCode
  /** More of what the answer holds. */
  readonly answer?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, RegExp>>
  /** Whether the gateway lets go of the connection. */
  readonly closes?: boolean
  /** The state in which the gateway is asked. */
  readonly when?: Circumstance
}

/** `impatient`: its limits of time are short, so that a test need not wait. The others are what they say. */
export type Circumstance =
  | 'usual'
  | 'impatient'
  | 'without bearer'
  | 'nonce store down'
  | 'store failed'
  | 'store full'
  | 'history away'
  | 'store at fault'
  | 'overloaded'
  | 'under siege'

export interface Section {
  readonly title: Bilingual
  readonly refusals: readonly Refusal[]
}

type Inputs = Readonly<Record<string, Ask | Bytes>>
type More = Omit<Refusal, 'row' | 'name' | 'request' | 'status' | 'code'>

const row = (
  zh: string,
  en: string,
  [status, code]: readonly [status: number, code?: ProblemCode],
  inputs: Inputs,
  more: More = {},
): readonly Refusal[] =>
  Object.entries(inputs).map(([name, request]) => ({
    row: { zh, en },
    name,
    request,
    status,
    ...(code && { code }),
    ...more,
  }))

const get = (path: string, rest: Ask = {}): Ask => ({ method: 'GET', path, ...rest })
const post = (path: string, body: unknown, rest: Ask = {}): Ask => ({ path, body, ...rest })
const message = (overrides: Readonly<Record<string, unknown>>, rest: Ask = {}): Ask => ({
  body: aBody(overrides),
  ...rest,
})
const patch = (path: string, body: unknown): Ask => ({ method: 'PATCH', path, body })
const operator = (ask: Ask): Ask => ({ ...ask, as: 'operator' })
const ndjson = (lines: readonly unknown[]): Ask => ({
  body: lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  headers: { 'Content-Type': 'application/x-ndjson' },
})

/** A good message with something written at the end of its object. */
const messageWith = (members: string): Ask => ({
  body: `${JSON.stringify(aBody()).slice(0, -1)},${members}}`,
})
/** A good message but for the data, which is written out. */
const dataOf = (json: string): Ask => ({
  body: JSON.stringify(aBody({ data: 0 })).replace('"data":0', `"data":${json}`),
})

const someId = 'msg_0123456789abcdef0123456789abcdef'
const newKey = { name: 'one more', scopes: ['read'] }
const newAccount = { name: 'another', appid: 'wx00000000000000ff', secret: 'not-shown', kind: 'official' }

/** What is done to a request on its way. */
const asPath = (change: (path: string) => string) => ({
  tamper: (wire: Wire): Wire => ({ ...wire, path: change(wire.path) }),
})
const asMethod = (method: string) => ({ tamper: (wire: Wire): Wire => ({ ...wire, method }) })
const asBody = (change: (body: Buffer) => Buffer) => ({
  tamper: (wire: Wire): Wire => ({ ...wire, body: change(wire.body ?? Buffer.alloc(0)) }),
})
const asHeader = (change: (authorization: string) => string) => ({
  tamper: (wire: Wire): Wire => ({
    ...wire,
    headers: { ...wire.headers, Authorization: change(wire.headers.Authorization ?? '') },
  }),
})
const withAuthorization = (Authorization: string): Ask => ({ scheme: 'none', headers: { Authorization } })

/** The signature in the header, changed. */
const asSignature = (change: (signature: string) => string): Ask =>
  asHeader((header) => header.replace(/signature="([^"]*)"/, (_, each) => `signature="${change(each)}"`))
/** The signature in the query, changed. */
const asQuerySignature = (change: (signature: string) => string): Ask => ({
  scheme: 'params',
  ...asPath((path) => path.replace(/signature=(\w*)$/, (_, each) => `signature=${change(each)}`)),
})

const flipBit = (body: Buffer): Buffer => {
  const copy = Buffer.from(body)
  copy[copy.length - 3]! ^= 1
  return copy
}
const otherDigit = (signature: string): string => (signature[0] === '0' ? '1' : '0') + signature.slice(1)
const otherLetter = (signature: string): string => (signature[0] === 'A' ? 'B' : 'A') + signature.slice(1)

/** A query signed by somebody who did not look at what the values hold. */
const carelessly = (query: Readonly<Record<string, string>>): Ask => ({
  method: 'GET',
  scheme: 'none',
  tamper: (wire) => {
    const timestamp = String(Math.floor(Date.now() / 1000))
    const params = { ...query, key_id: keyIdOf('acme'), timestamp, nonce: newNonce() }
    const signature = carelessSignature(secretOf('acme'), { ...params, method: 'GET', path: '/v1/messages' })
    return { ...wire, path: `/v1/messages?${new URLSearchParams({ ...params, signature })}` }
  },
})

const eachScheme = (as: Caller): Inputs => ({
  'in the header': { as },
  'in the query': { as, scheme: 'params' },
  'as Bearer': { as, scheme: 'bearer' },
})

const authentication = [
  row('没有身份信息', 'no auth headers', [401, 'auth-required'], {
    'a message': { scheme: 'none' },
    'a list': get('/v1/messages', { scheme: 'none' }),
    'a key id without a signature': get(`/v1/messages?key_id=${keyIdOf('acme')}`, { scheme: 'none' }),
  }),
  row('未知的密钥', 'unknown key id', [401, 'auth-invalid'], eachScheme('nobody')),
  row('已停用或已轮换掉的密钥', 'disabled or rotated-out key', [401, 'auth-invalid'], {
    ...eachScheme('removed'),
    'a secret that is no longer live, in the header': { secret: olderSecret },
    'a secret that is no longer live, in the query': { secret: olderSecret, scheme: 'params' },
    'a secret that is no longer live, as Bearer': { secret: olderSecret, scheme: 'bearer' },
  }),
  row('已到期的密钥', 'a key that has run out', [401, 'auth-invalid'], eachScheme('expired')),
  row('已停用租户的密钥', 'a key of a disabled tenant', [401, 'auth-invalid'], eachScheme('disabled')),
  row(
    '签名错误、长度不对、不是十六进制、为空',
    'wrong signature, wrong length, not hex, empty',
    [401, 'auth-invalid'],
    {
      'header: another signature': asSignature(otherLetter),
      'header: empty': asSignature(() => ''),
      'header: one character short': asSignature((each) => each.slice(1)),
      'header: without its padding': asSignature((each) => each.replace('=', '')),
      'header: more behind it': asSignature((each) => `${each}AAAA`),
      'header: characters that decoders skip': asSignature((each) => `!${each}`),
      'header: hex instead of base64': asSignature((each) => Buffer.from(each, 'base64').toString('hex')),
      'header: 32 zero bytes': asSignature(() => Buffer.alloc(32).toString('base64')),
      'header: no signature': asHeader((header) => header.replace(/,signature="[^"]*"/, '')),
      'header: no nonce': asHeader((header) => header.replace(/,nonce="[^"]*"/, '')),
      'header: no key id': asHeader((header) => header.replace(/key_id="[^"]*",/, '')),
      'query: another signature': asQuerySignature(otherDigit),
      'query: empty': asQuerySignature(() => ''),
      'query: one digit short': asQuerySignature((each) => each.slice(1)),
      'query: more behind it': asQuerySignature((each) => `${each}00`),
      'query: not hex behind it': asQuerySignature((each) => `${each}zz`),
      'query: not hex': asQuerySignature((each) => `g${each.slice(1)}`),
      'query: 32 zero bytes': asQuerySignature(() => '0'.repeat(64)),
      'query: no nonce': { scheme: 'params', ...asPath((path) => path.replace(/&nonce=[^&]*/, '')) },
      'query: no key id': { scheme: 'params', ...asPath((path) => path.replace(/&key_id=[^&]*/, '')) },
      'Bearer: another secret': { scheme: 'bearer', secret: 'another-secret' },
      'Bearer: half a secret': { scheme: 'bearer', secret: secretOf('acme').slice(0, -1) },
      'Bearer: no secret': withAuthorization(`Bearer ${keyIdOf('acme')}`),
      'Bearer: empty secret': { scheme: 'bearer', secret: '' },
      'Bearer: nothing': withAuthorization('Bearer'),
    },
  ),
  row('签名正确，但请求体被改动一位', 'signature good, body changed by one bit', [401, 'auth-invalid'], {
    'header: one bit': asBody(flipBit),
    'header: a blank more': asBody((body) => Buffer.concat([body, Buffer.from(' ')])),
    'header: nothing left': asBody(() => Buffer.alloc(0)),
    'query: one bit': { scheme: 'params', ...asBody(flipBit) },
    'query: a body whose digest is not signed': {
      scheme: 'params',
      body: undefined,
      headers: { 'Content-Type': 'application/json' },
      ...asBody(() => Buffer.from(JSON.stringify(aBody()))),
    },
    'header: NDJSON, one bit': { ...ndjson([aBody()]), ...asBody(flipBit) },
  }),
  row(
    '路径、查询、方法被改动，或重复的查询参数',
    'path, query, method, duplicate query key changed',
    [401, 'auth-invalid'],
    {
      'header: path': { ...get(`/v1/messages/${someId}`), ...asPath((path) => path.replace('0123', '3210')) },
      'header: path spelled another way': {
        ...get('/v1/messages'),
        ...asPath((path) => path.replace('m', '%6d')),
      },
      'header: query added': asPath((path) => `${path}?dry=1`),
      'header: query changed': {
        ...get('/v1/messages?limit=1'),
        ...asPath((path) => path.replace('=1', '=2')),
      },
      'header: query in another order': {
        ...get('/v1/messages?limit=1&state=sent'),
        ...asPath(() => '/v1/messages?state=sent&limit=1'),
      },
      'header: query key twice': { ...get('/v1/messages?limit=1'), ...asPath((path) => `${path}&limit=1`) },
      'header: query removed': { path: '/v1/messages?dry=1', ...asPath(() => '/v1/messages') },
      'header: method': { ...get(`/v1/messages/${someId}/cancel`), ...asMethod('POST') },
      'query: path': {
        ...get(`/v1/messages/${someId}`, { scheme: 'params' }),
        ...asPath((path) => path.replace('0123', '3210')),
      },
      'query: parameter added': { scheme: 'params', ...asPath((path) => `${path}&dry=1`) },
      'query: empty parameter added': { scheme: 'params', ...asPath((path) => `${path}&dry=`) },
      'query: parameter named path added': { scheme: 'params', ...asPath((path) => `${path}&path=x`) },
      'query: parameter named method added': { scheme: 'params', ...asPath((path) => `${path}&method=POST`) },
      'query: parameter changed': {
        ...get('/v1/messages?limit=1', { scheme: 'params' }),
        ...asPath((path) => path.replace('limit=1', 'limit=2')),
      },
      'query: key twice': {
        ...get('/v1/messages?limit=1', { scheme: 'params' }),
        ...asPath((path) => `${path}&limit=1`),
      },
      'query: parameter moved into the path': {
        ...get(`/v1/messages/${someId}?tag=1`, { scheme: 'params' }),
        ...asPath((path) => path.replace('?tag=1&', '&tag=1?')),
      },
      'query: method': {
        ...get(`/v1/messages/${someId}/cancel`, { scheme: 'params' }),
        ...asMethod('POST'),
      },
    },
  ),
  row('一个值里藏着两个参数', '{a:"1&b=2"} vs {a:"1",b:"2"}', [401, 'auth-invalid'], {
    'one value, signed carelessly': carelessly({ tag: '1&touser=2' }),
    'signed as two, sent as one': {
      ...get('/v1/messages?tag=1&touser=2', { scheme: 'params' }),
      ...asPath((path) => path.replace('tag=1&touser=2', 'tag=1%26touser%3D2')),
    },
    'an equals sign': carelessly({ tag: 'a=b' }),
  }),
  row('时间戳早或晚 301 秒', 'timestamp −301 s / +301 s', [401, 'timestamp-out-of-range'], {
    'header: −301 s': { secondsOff: -301 },
    'header: +301 s': { secondsOff: 301 },
    'query: −301 s': { secondsOff: -301, scheme: 'params' },
    'query: +301 s': { secondsOff: 301, scheme: 'params' },
  }),
  row(
    '时间戳为负、带小数、20 位、毫秒',
    'timestamp negative, float, 20 digits, ms instead of s',
    [400, 'timestamp-malformed'],
    {
      negative: { timestamp: '-1767225600' },
      float: { timestamp: '1767225600.5' },
      exponent: { timestamp: '1.7672256e9' },
      '20 digits': { timestamp: '17672256001767225600' },
      milliseconds: { timestamp: '1767225600000' },
      'leading zero': { timestamp: '0767225600' },
      'plus sign': { timestamp: '+767225600' },
      hexadecimal: { timestamp: '0x69574a00' },
      'a blank behind': { timestamp: '176722560 ' },
      empty: { timestamp: '' },
      'a date': { timestamp: '2026-01-01T00:00:00Z' },
      'milliseconds, in the query': { timestamp: '1767225600000', scheme: 'params' },
    },
  ),
  row(
    '窗口内重放 nonce',
    'nonce replayed in the window',
    [409, 'replayed'],
    {
      'the same request': { nonce: 'nonce-seen-before' },
      'another body, newly signed': message({ tags: ['other'] }, { nonce: 'nonce-seen-before' }),
      'another route': get('/v1/messages', { nonce: 'nonce-seen-before' }),
      'in the query': { nonce: 'nonce-seen-before', scheme: 'params' },
    },
    { first: { nonce: 'nonce-seen-before' } },
  ),
  row('nonce 过长、过短、含非法字符', 'nonce > 64 chars, < 16, odd characters', [400, 'nonce-malformed'], {
    '65 characters': { nonce: 'n'.repeat(65) },
    '15 characters': { nonce: 'n'.repeat(15) },
    empty: { nonce: '' },
    'a dot': { nonce: '0123456789abcde.' },
    'a blank': { nonce: '0123456789 abcdef' },
    'base64 signs': { nonce: '0123456789abcde+/=' },
    'an escape': { nonce: '0123456789abcde%20' },
    '15 characters, in the query': { nonce: 'n'.repeat(15), scheme: 'params' },
    'a dot, in the query': { nonce: '0123456789abcde.', scheme: 'params' },
  }),
  row(
    'nonce 存储不可用',
    'nonce store down',
    [503, 'try-later'],
    {
      'a message': {},
      'an admin route': get('/v1/keys'),
      'in the query': get('/v1/messages', { scheme: 'params' }),
    },
    { when: 'nonce store down' },
  ),
  row('其他验证方式', 'another scheme of authorization', [401, 'auth-invalid'], {
    Basic: withAuthorization(`Basic ${Buffer.from('key_acme:secret').toString('base64')}`),
    'another algorithm': asHeader((header) => header.replace('SHA256', 'SHA1')),
    'the scheme without fields': withAuthorization('HONGYAN-HMAC-SHA256'),
    'a word': withAuthorization('secret'),
  }),
  row(
    '已关闭 Bearer',
    'Bearer while it is switched off',
    [401, 'auth-invalid'],
    { 'a good key': { scheme: 'bearer' }, 'another secret': { scheme: 'bearer', secret: 'another-secret' } },
    { when: 'without bearer' },
  ),
  row(
    '同一地址 1000 次错误签名之后',
    '1,000 wrong signatures from one address',
    [429, 'rate-limited'],
    {
      'from that address, rightly signed': {},
      'from that address, wrongly signed': asSignature(otherLetter),
      'from that address, as Bearer': { scheme: 'bearer' },
      'from that address, X-Forwarded-For forged': { headers: { 'X-Forwarded-For': '203.0.113.9' } },
    },
    { when: 'under siege', headers: { 'retry-after': /^\d+$/ } },
  ),
  row(
    '同一密钥从另一地址使用',
    'the same key from another address',
    [202],
    {
      'rightly signed': { from: '127.0.0.2' },
      'X-Forwarded-For naming the bad address': {
        from: '127.0.0.2',
        headers: { 'X-Forwarded-For': '127.0.0.1', Forwarded: 'for=127.0.0.1' },
      },
    },
    { when: 'under siege' },
  ),
]

const authorization = [
  row(
    '用甲的密钥签名，请求体里写乙的账号',
    "signed with tenant A's key, body names tenant B",
    [403, 'forbidden'],
    {
      'a message for its account': message({ account: theirShop.appid }),
      'its account changed': post('/v1/accounts', { ...newAccount, appid: theirShop.appid }),
    },
  ),
  row('别人账号的名字，等于不存在', "another tenant's name for an account", [400, 'account-unknown'], {
    'a message': message({ account: theirShop.name }),
  }),
  row('读取、取消别人的消息', "read/cancel another tenant's id", [404, 'not-found'], {
    read: get('/v1/messages/{theirs}'),
    cancel: post('/v1/messages/{theirs}/cancel', undefined),
    'their key': { method: 'DELETE', path: `/v1/keys/${keyIdOf('rival')}` },
    'their key, to rotate': post(`/v1/keys/${keyIdOf('rival')}/rotate`, undefined),
    'read, an id that nobody has': get(`/v1/messages/${someId}`),
    'cancel, an id that nobody has': post(`/v1/messages/${someId}/cancel`, undefined),
    'an id of another shape': get('/v1/messages/17'),
  }),
  row(
    '在列表里找别人的消息',
    "search for another tenant's id",
    [200],
    { 'by its id': get('/v1/messages?q={theirs}') },
    { answer: { data: [], next_cursor: null, has_more: false } },
  ),
  row('密钥缺少所需的权限', 'a key without the scope', [403, 'forbidden'], {
    'a reader sends': { as: 'reader' },
    'a reader sends, as Bearer': { as: 'reader', scheme: 'bearer' },
    'a reader cancels': post(`/v1/messages/${someId}/cancel`, undefined, { as: 'reader' }),
    'a sender reads one': get(`/v1/messages/${someId}`, { as: 'sender' }),
    'a sender lists': get('/v1/messages', { as: 'sender' }),
    'a sender lists accounts': get('/v1/accounts', { as: 'sender' }),
  }),
  row('发送密钥访问管理接口', 'sender key on an admin route', [403, 'forbidden'], {
    'lists keys': get('/v1/keys', { as: 'sender' }),
    'makes a key': post('/v1/keys', newKey, { as: 'sender' }),
    'removes a key': { method: 'DELETE', path: `/v1/keys/${keyIdOf('reader')}`, as: 'sender' },
    'adds an account': post('/v1/accounts', newAccount, { as: 'sender' }),
    'a reader makes a key': post('/v1/keys', newKey, { as: 'reader' }),
    'rotates a key': post(`/v1/keys/${keyIdOf('sender')}/rotate`, undefined, { as: 'sender' }),
  }),
  row('管理密钥访问租户接口', 'admin key on a tenant route', [403, 'forbidden'], {
    'lists tenants': get('/v1/tenants'),
    'looks at its own': get('/v1/tenants/acme'),
    'looks at one that is not': get('/v1/tenants/nobody'),
    'makes one': post('/v1/tenants', { id: 'third' }),
    'changes its own': patch('/v1/tenants/acme', { limits: { keys: null } }),
    'disables another': patch('/v1/tenants/rival', { disabled: true }),
    'makes a key of another': post('/v1/tenants/rival/keys', newKey),
    'a sender lists tenants': get('/v1/tenants', { as: 'sender' }),
  }),
  row(
    '管理密钥给出或接管 operator 权限',
    'an admin gives or takes over the scope operator',
    [403, 'forbidden'],
    {
      'gives it': post('/v1/keys', { name: 'n', scopes: ['operator'] }),
      'an operator gives it to another tenant': operator(
        post('/v1/tenants/rival/keys', { name: 'n', scopes: ['operator'] }),
      ),
    },
  ),
  row('operator 密钥访问租户的内容', 'operator key on what belongs to a tenant', [403, 'forbidden'], {
    sends: operator({ body: aBody() }),
    'lists messages': operator(get('/v1/messages')),
    'reads one': operator(get('/v1/messages/{theirs}')),
    'lists keys': operator(get('/v1/keys')),
    'lists accounts': operator(get('/v1/accounts')),
    'disables its own tenant': operator(patch('/v1/tenants/default', { disabled: true })),
  }),
  row('不存在的租户', 'a tenant that is not there', [404, 'not-found'], {
    'looked at': operator(get('/v1/tenants/nobody')),
    changed: operator(patch('/v1/tenants/nobody', { name: 'x' })),
    'given a key': operator(post('/v1/tenants/nobody/keys', newKey)),
    'with an encoded slash': operator(get('/v1/tenants/acme%2f..')),
  }),
  row('已存在的租户', 'a tenant that is there already', [409, 'already-exists'], {
    'on record': operator(post('/v1/tenants', { id: 'small' })),
    'known by its keys': operator(post('/v1/tenants', { id: 'acme' })),
  }),
  row(
    '租户的编号、限制或重叠期写法不对',
    'an id, a limit or an overlap that is none',
    [400, 'value-invalid'],
    {
      'a slash in an id': operator(post('/v1/tenants', { id: 'a/b' })),
      'capital letters in an id': operator(post('/v1/tenants', { id: 'Acme' })),
      'an id of 41 characters': operator(post('/v1/tenants', { id: 'a'.repeat(41) })),
      'no messages a second': operator(patch('/v1/tenants/small', { limits: { messages_per_second: 0 } })),
      'a burst without a rate': operator(
        patch('/v1/tenants/small', { limits: { burst: 5, messages_per_second: null } }),
      ),
      'fewer than no keys': operator(patch('/v1/tenants/small', { limits: { keys: -1 } })),
      'no change at all': operator(patch('/v1/tenants/small', {})),
      'an overlap of 31 days': post(`/v1/keys/${keyIdOf('sender')}/rotate`, { overlap_seconds: 2_678_400 }),
      'an overlap before now': post(`/v1/keys/${keyIdOf('sender')}/rotate`, { overlap_seconds: -1 }),
      'a key that has run out already': post('/v1/keys', { ...newKey, expires_at: '2020-01-01T00:00:00Z' }),
      'a key that runs out at no time': post('/v1/keys', { ...newKey, expires_at: 'tomorrow' }),
      'an unknown scope': post('/v1/keys', { name: 'n', scopes: ['root'] }),
    },
  ),
  row(
    '超出租户的速率',
    'over tenant rate',
    [429, 'rate-limited'],
    {
      'a message': { as: 'limited' },
      'a list': { as: 'limited', body: [aBody()] },
      'what is no message': { as: 'limited', body: '{' },
    },
    {
      first: { as: 'limited', body: '{' },
      headers: {
        'retry-after': /^[1-9]\d*$/,
        ratelimit: /^"messages";r=0;t=\d+$/,
        'ratelimit-policy': /^"messages";q=1;w=1$/,
      },
    },
  ),
  row('超出租户的数量上限', 'over what a tenant may have', [409, 'limit-reached'], {
    'one more key': post('/v1/keys', newKey, { as: 'limited' }),
    'one more account': post('/v1/accounts', newAccount, { as: 'limited' }),
    'one more key, by an operator': operator(post('/v1/tenants/small/keys', newKey)),
  }),
  row('密钥删除自己', 'a key removes itself', [403, 'forbidden'], {
    'the key that asks': { method: 'DELETE', path: `/v1/keys/${keyIdOf('acme')}` },
  }),
]

const padded = (bytes: number): string => JSON.stringify(aBody()).padEnd(bytes)
const head = (...lines: readonly string[]): string =>
  `${['POST /v1/messages HTTP/1.1', 'Host: hongyan', ...lines].join('\r\n')}\r\n`
const jsonHead = (...lines: readonly string[]): string => head('Content-Type: application/json', ...lines)
const chunked = 'Transfer-Encoding: chunked'

const framing = [
  row(
    '单条超过 64 KB，批量超过 1 MB',
    'body > 64 KB (single), > 1 MB (batch)',
    [413, 'too-large'],
    {
      'one message of 64 KB and a byte': { body: padded(65_537) },
      'the same, in pieces': { body: padded(65_537), chunked: true },
      'a list of 1 MB and a byte': { body: `[${padded(1_048_575)}]` },
      'the same, in pieces, without a length': { body: `[${padded(1_048_575)}]`, chunked: true },
      'NDJSON of 1 MB and a byte': { ...ndjson([]), body: padded(1_048_577) },
      'unsigned, 1 MB and a byte': { body: padded(1_048_577), scheme: 'none' },
      'a length alone': { bytes: `${jsonHead('Content-Length: 99999999')}\r\n` },
    },
    { closes: true },
  ),
  row(
    '请求体迟迟不结束（15 秒内）',
    'chunked body without end (within 15 s)',
    [408, 'timeout'],
    {
      'nothing more comes': { bytes: `${jsonHead(chunked)}\r\n5\r\nhello\r\n`, drip: '' },
      'a byte now and then': { bytes: `${jsonHead(chunked)}\r\n`, drip: '1\r\na\r\n' },
      'less than its length': { bytes: `${jsonHead('Content-Length: 500')}\r\nhello`, drip: '' },
    },
    { when: 'impatient', closes: true },
  ),
  row(
    '请求头一点一点地来（10 秒内）',
    'headers dripping (within 10 s)',
    [408, 'timeout'],
    {
      'a header now and then': { bytes: head(), drip: 'X-More: x\r\n' },
      'a request line that does not end': { bytes: 'GET /', drip: 'a' },
      'nothing at all': { bytes: '', drip: '' },
    },
    { when: 'impatient', closes: true },
  ),
  row(
    '请求头超过 16 KB',
    'header block > 16 KB',
    [431, 'headers-too-large'],
    {
      'one header': { bytes: `${head(`X-Long: ${'x'.repeat(16_400)}`)}\r\n` },
      'many headers': {
        bytes: `${head(...Array.from({ length: 900 }, (_, n) => `X-Header-${n}: xxxxxxx`))}\r\n`,
      },
      'a path': { bytes: `GET /${'x'.repeat(16_400)} HTTP/1.1\r\nHost: hongyan\r\n\r\n` },
    },
    { closes: true },
  ),
  row(
    'Content-Length 与 Transfer-Encoding 并存、两个长度、坏的分块',
    'Content-Length and Transfer-Encoding together, two lengths, bad chunk',
    [400, 'request-malformed'],
    {
      'both, length first': { bytes: `${jsonHead('Content-Length: 5', chunked)}\r\n0\r\n\r\n` },
      'both, length last': { bytes: `${jsonHead(chunked, 'Content-Length: 5')}\r\n0\r\n\r\n` },
      'two lengths': { bytes: `${jsonHead('Content-Length: 5', 'Content-Length: 6')}\r\nhello` },
      'the same length twice': { bytes: `${jsonHead('Content-Length: 5', 'Content-Length: 5')}\r\nhello` },
      'a list of lengths': { bytes: `${jsonHead('Content-Length: 5, 5')}\r\nhello` },
      'a length with a sign': { bytes: `${jsonHead('Content-Length: +5')}\r\nhello` },
      'a negative length': { bytes: `${jsonHead('Content-Length: -5')}\r\nhello` },
      'a blank before the colon': { bytes: `${jsonHead('Transfer-Encoding : chunked')}\r\n0\r\n\r\n` },
      'chunked in disguise': { bytes: `${jsonHead('Transfer-Encoding: \vchunked')}\r\n0\r\n\r\n` },
      'chunked twice': { bytes: `${jsonHead('Transfer-Encoding: chunked, chunked')}\r\n0\r\n\r\n` },
      'not chunked at the end': { bytes: `${jsonHead('Transfer-Encoding: chunked, gzip')}\r\n0\r\n\r\n` },
      'a chunk that is no number': { bytes: `${jsonHead(chunked)}\r\nzz\r\nhello\r\n` },
      'a bad chunk after a good one': { bytes: `${jsonHead(chunked)}\r\n5\r\nhello\r\n-1\r\n` },
      'a chunk longer than it says': { bytes: `${jsonHead(chunked)}\r\n2\r\nhello\r\n0\r\n\r\n` },
    },
    { closes: true },
  ),
  row(
    '根本不是 HTTP 请求',
    'what is no HTTP request',
    [400, 'request-malformed'],
    {
      'a TLS greeting': { bytes: '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' },
      'line feeds alone': { bytes: 'GET /livez HTTP/1.1\nHost: hongyan\n\n' },
      'a header over two lines': { bytes: 'GET /livez HTTP/1.1\r\nHost: hongyan\r\nX-Two: a\r\n b\r\n\r\n' },
      'a NUL in a header': { bytes: 'GET /livez HTTP/1.1\r\nHost: hongyan\r\nX-Nul: a\x00b\r\n\r\n' },
      'an unknown method': { bytes: 'FETCH /livez HTTP/1.1\r\nHost: hongyan\r\n\r\n' },
      'another protocol': { bytes: 'GET /livez SPDY/3\r\nHost: hongyan\r\n\r\n' },
    },
    { closes: true },
  ),
  row('压缩的请求体', 'gzip bomb / unsupported Content-Encoding', [415, 'encoding-unsupported'], {
    gzip: { headers: { 'Content-Encoding': 'gzip' } },
    br: { headers: { 'Content-Encoding': 'br' } },
    'identity and gzip': { headers: { 'Content-Encoding': 'identity, gzip' } },
    'gzip, unsigned': { headers: { 'Content-Encoding': 'gzip' }, scheme: 'none' },
    'gzip, to make a key': post('/v1/keys', newKey, { headers: { 'Content-Encoding': 'gzip' } }),
  }),
  row('错误的 Content-Type', 'wrong Content-Type', [415, 'media-type-unsupported'], {
    text: { headers: { 'Content-Type': 'text/plain' } },
    'a form': { body: 'account=shop', headers: { 'Content-Type': 'application/x-www-form-urlencoded' } },
    multipart: { headers: { 'Content-Type': 'multipart/form-data; boundary=x' } },
    'a relative of JSON': { headers: { 'Content-Type': 'application/json-patch+json' } },
    'JSON with something behind': { headers: { 'Content-Type': 'application/jsonp' } },
    'no type at all': { headers: { 'Content-Type': 'nothing' } },
    empty: { headers: { 'Content-Type': '' } },
    'no body and no type, a message': { body: undefined },
    'no body and no type, a key': post('/v1/keys', undefined),
    'no body and no type, an account': post('/v1/accounts', undefined),
    'text, to make a key': post('/v1/keys', newKey, { headers: { 'Content-Type': 'text/plain' } }),
  }),
]

const bytes = (...parts: readonly (string | readonly number[])[]): Buffer =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))))
/** A good message whose text holds these bytes. */
const textOf = (...raw: readonly number[]): Ask => ({
  body: bytes('{"account":"shop","touser":"oA","template_id":"shipped","data":{"first":"', raw, '"}}'),
})
const written = (json: string): Ask => dataOf(`{"first":"${json}"}`)
const nested = (depth: number): Ask => ({ body: '['.repeat(depth) + ']'.repeat(depth) })

const json = [
  row('坏的 JSON', 'malformed JSON', [400, 'json-malformed'], {
    'cut off': { body: '{"account":"shop"' },
    empty: { body: '' },
    'blanks only': { body: ' \n ' },
    'a comma too many': { body: '{"account":"shop",}' },
    'single quotes': { body: "{'account':'shop'}" },
    'a comment': { body: '{"account":"shop"/* here */}' },
    NaN: dataOf('{"first":NaN}'),
    'a leading zero': dataOf('{"first":01}'),
    'two documents': { body: '{} {}' },
    'a line break in a text': written('a\nb'),
    'an escape that is none': written('\\x41'),
    'half an escape': written('\\u12'),
    'to make a key': post('/v1/keys', '{"name":'),
    'for an account': post('/v1/accounts', 'account'),
  }),
  row('不是合法的 UTF-8', 'invalid UTF-8', [400, 'utf8-invalid'], {
    'a byte that cannot be': textOf(0xff),
    'cut off': textOf(0xe4, 0xb8),
    'a slash in two bytes': textOf(0xc0, 0xaf),
    'half a surrogate pair': textOf(0xed, 0xa0, 0x80),
    'beyond Unicode': textOf(0xf4, 0x90, 0x80, 0x80),
    GBK: textOf(0xc4, 0xe3, 0xba, 0xc3),
    'UTF-16': { body: Buffer.from(`\ufeff${JSON.stringify(aBody())}`, 'utf16le') },
    'to make a key': post('/v1/keys', bytes('{"name":"', [0xff], '","scopes":["read"]}')),
  }),
  row(
    'BOM、半个代理对、NUL、其他控制字符',
    'BOM, lone surrogate, NUL, other control chars in values',
    [400, 'text-invalid'],
    {
      'BOM before the body': { body: bytes([0xef, 0xbb, 0xbf], JSON.stringify(aBody())) },
      'BOM in a text': written('a\ufeff'),
      'high surrogate': written('\\ud83d'),
      'low surrogate': written('\\ude00'),
      'surrogates in the wrong order': written('\\ude00\\ud83d'),
      NUL: written('a\\u0000b'),
      bell: written('\\u0007'),
      escape: written('\\u001b[31m'),
      delete: written('\\u007f'),
      'a control character of the second set': written('\\u009b31m'),
      'NUL in a key': dataOf('{"fi\\u0000rst":"x"}'),
      'NUL in a tag': messageWith('"tags":["\\u0000"]'),
      'NUL in the name of a key': post('/v1/keys', { ...newKey, name: 'a\u0000' }),
    },
  ),
  row('嵌套超过 8 层', 'nesting > 8', [400, 'json-too-deep'], {
    '9 levels': nested(9),
    '9 levels of objects': { body: `${'{"a":'.repeat(9)}1${'}'.repeat(9)}` },
    '30,000 levels': nested(30_000),
    '500,000 levels, not closed': { body: '['.repeat(500_000) },
    'in a message': dataOf('{"first":[[[[[[[[0]]]]]]]]}'),
  }),
  row('危险的键名', '__proto__, constructor keys', [400, 'unknown-field'], {
    __proto__: messageWith('"__proto__":{"tenant":"rival"}'),
    constructor: messageWith('"constructor":{"prototype":{}}'),
    prototype: messageWith('"prototype":1'),
    '__proto__ in the data': dataOf('{"__proto__":"x"}'),
    'constructor in the data': dataOf('{"constructor":"x"}'),
    '__proto__ with an escape': messageWith('"\\u005f_proto__":{}'),
    '__proto__ in the query': { path: '/v1/messages?__proto__=x' },
    '__proto__ in a key': post('/v1/keys', '{"name":"n","scopes":["read"],"__proto__":{"scopes":["admin"]}}'),
  }),
  row('重复的键', 'duplicate JSON keys', [400, 'json-duplicate-key'], {
    'at the top': messageWith('"touser":"oOther"'),
    'with the same value': messageWith('"account":"shop"'),
    'in the data': dataOf('{"first":"a","first":"b"}'),
    'two levels down': dataOf('{"first":{"value":"a","value":"b"}}'),
    'one of them with an escape': messageWith('"\\u0074ouser":"oOther"'),
    'both with escapes': dataOf('{"\\u0066irst":"a","f\\u0069rst":"b"}'),
    'a text and an object': dataOf('{"first":"a","first":{"value":"b"}}'),
    'in a list': { body: `[${JSON.stringify(aBody())},{"touser":"a","touser":"b"}]` },
    'empty keys': messageWith('"":1,"":2'),
    'to make a key': post('/v1/keys', '{"name":"n","scopes":["read"],"scopes":["admin"]}'),
  }),
  row(
    '请求体里多出 state、attempts、tenantId 等字段',
    'extra fields state, attempts, tenantId in body',
    [400, 'unknown-field'],
    {
      state: message({ state: 'sent' }),
      attempts: message({ attempts: 0 }),
      tenantId: message({ tenantId: 'rival' }),
      tenant: message({ tenant: 'rival' }),
      id: message({ id: someId }),
      access_token: message({ access_token: 'x' }),
      'a field of another channel': message({ page: 'pages/index' }),
      'in the query': { path: '/v1/messages?tenant=rival' },
      'in the query of a list': get('/v1/messages?tenant=rival'),
      'in a key': post('/v1/keys', { ...newKey, tenant: 'rival' }),
      'in an account': post('/v1/accounts', { ...newAccount, tenant: 'rival' }),
      'in a tenant': operator(post('/v1/tenants', { id: 'third', disabled: false })),
      'in the limits of a tenant': operator(patch('/v1/tenants/small', { limits: { messages: 1 } })),
      'in a rotation': post(`/v1/keys/${keyIdOf('sender')}/rotate`, { secret: 'mine' }),
    },
  ),
  row('需要标识处给了数字', 'integer > 2^53 where an id is expected', [400, 'type'], {
    tags: messageWith('"tags":[9007199254740993]'),
    touser: message({ touser: 17 }),
    client_msg_id: messageWith('"client_msg_id":9007199254740993'),
    template_id: { body: JSON.stringify(aBody()).replace('"shipped"', '9007199254740993') },
    'a number in the data that has lost digits': dataOf('{"first":12345678901234567890}'),
    'the same in {"value"}': dataOf('{"first":{"value":9007199254740993}}'),
    'a number without end': dataOf('{"first":1e400}'),
    'the limit of a list': get('/v1/messages?limit=9007199254740993'),
  }),
  row('字段类型不对', 'another type than the one of the field', [400, 'type'], {
    'a text for a message': { body: '"text"' },
    'a number for a message': { body: '17' },
    'null for a message': { body: 'null' },
    'a list for the data': message({ data: [] }),
    'null for an openid': message({ touser: null }),
    'true in the data': message({ data: { first: true } }),
    'a value with more than it has': message({ data: { first: { value: 'x', state: 'sent' } } }),
    'a list for a limit': get('/v1/messages?limit=1&limit=2'),
    'a text for scopes': post('/v1/keys', { name: 'n', scopes: 'admin' }),
  }),
]

const listOf = (count: number): readonly unknown[] => Array.from({ length: count }, () => 0)
const inTenYears = `${new Date().getUTCFullYear() + 10}-01-01T00:00:00Z`
const inTwoDays = new Date(Date.now() + 2 * 86_400_000).toISOString()
const tomorrow = new Date(Date.now() + 86_400_000).toISOString()

const messages = [
  row('一批超过 1000 条', '10,001 items in a batch', [400, 'batch-too-many'], {
    '1,001 items': { body: listOf(1001) },
    '10,001 items': { body: listOf(10_001) },
    '1,001 lines': ndjson(listOf(1001)),
    '10,001 lines': ndjson(listOf(10_001)),
  }),
  row('空的一批', 'an empty batch', [400, 'batch-empty'], {
    'an empty list': { body: [] },
    'no lines': { ...ndjson([]), body: '' },
    'empty lines': { ...ndjson([]), body: '\r\n\n\n' },
  }),
  row(
    '一批中有一条不对',
    'one bad item of a batch',
    [202],
    {
      'in a list': { body: [aBody(), aBody({ touser: 'not an openid' }), aBody()] },
      'in NDJSON': ndjson([aBody(), aBody({ touser: 'not an openid' }), aBody()]),
    },
    {
      answer: {
        accepted: 2,
        rejected: 1,
        results: [{ duplicate: false }, { status: 400, code: 'openid-invalid' }, { duplicate: false }],
      },
    },
  ),
  row(
    '一行不是 JSON',
    'one line that is no JSON',
    [202],
    {
      'cut off': {
        ...ndjson([]),
        body: `${JSON.stringify(aBody())}\n{"account":\n${JSON.stringify(aBody())}`,
      },
    },
    { answer: { accepted: 2, rejected: 1, results: [{ duplicate: false }, { code: 'json-malformed' }, {}] } },
  ),
  row('openid 含空格、500 字符等', 'openid with spaces, 500 chars', [400, 'openid-invalid'], {
    'a blank': message({ touser: 'oABC DEF' }),
    'a blank behind': message({ touser: 'oABC ' }),
    'a line break behind': message({ touser: 'oABC\n' }),
    '65 characters': message({ touser: 'o'.repeat(65) }),
    '500 characters': message({ touser: 'o'.repeat(500) }),
    '5,000 characters': message({ touser: 'o'.repeat(5000) }),
    empty: message({ touser: '' }),
    Chinese: message({ touser: 'o鸿雁' }),
    'an address': message({ touser: 'someone@example.com' }),
    'a path': message({ touser: '../etc' }),
  }),
  row(
    '模板字段不符合类型',
    'template field breaks its type',
    [400, 'template-field'],
    {
      'a thing of 21 characters': message({ data: { thing1: '字'.repeat(21) } }),
      'a thing over two lines': message({ data: { thing1: 'a\nb' } }),
      'a thing of 21 characters in {"value"}': message({ data: { thing1: { value: '字'.repeat(21) } } }),
    },
    { answer: { errors: [{ pointer: '/data/thing1', code: 'template-field' }] } },
  ),
  row(
    '模板数字字段不是数字',
    'template number that is none',
    [400, 'template-field'],
    { letters: message({ data: { first: 'x', number2: 'seven' } }) },
    { answer: { errors: [{ pointer: '/data/number2', code: 'template-field' }] } },
  ),
  row('链接为 javascript: 或 data:', 'template url javascript:, data:', [400, 'url-not-allowed'], {
    javascript: message({ url: 'javascript:alert(1)' }),
    'javascript in capitals, behind a blank': message({ url: ' JavaScript:alert(1)' }),
    'javascript with a line break': message({ url: 'java\nscript:alert(1)' }),
    data: message({ url: 'data:text/html,<script>alert(1)</script>' }),
    file: message({ url: 'file:///etc/passwd' }),
    vbscript: message({ url: 'vbscript:x' }),
    'no scheme': message({ url: '//example.com' }),
    'no host': message({ url: 'https://' }),
    empty: message({ url: '' }),
  }),
  row('失效时间已过，或在十年后', 'expiresAt in the past / 10 years on', [400, 'expires-range'], {
    'in the past': message({ expires_at: '2020-01-01T00:00:00Z' }),
    'in ten years': message({ expires_at: inTenYears }),
    'before it is sent': message({ send_at: inTwoDays, expires_at: tomorrow }),
  }),
  row('定时超过一年', 'send_at more than a year on', [400, 'send-at-range'], {
    'in ten years': message({ send_at: inTenYears }),
  }),
  row('时间写法不对', 'a time that is none', [400, 'value-invalid'], {
    'a number': message({ expires_at: '1767225600' }),
    'no offset': message({ expires_at: '2030-01-01T00:00:00' }),
    'a day that is not': message({ expires_at: '2030-13-41T00:00:00Z' }),
    'in a list': get('/v1/messages?from=yesterday'),
  }),
  row(
    '相同的 client_msg_id，相同的内容',
    'same client id, same body',
    [200],
    {
      'the same bytes': message({ client_msg_id: 'order-1' }),
      'other blanks': { body: JSON.stringify(aBody({ client_msg_id: 'order-1' }), null, 2) },
      'another signature scheme': message({ client_msg_id: 'order-1' }, { scheme: 'params' }),
    },
    { first: message({ client_msg_id: 'order-1' }), answer: { duplicate: true } },
  ),
  row(
    '相同的 client_msg_id，不同的内容',
    'same client id, other body',
    [409, 'idempotency-conflict'],
    {
      'another openid': message({ client_msg_id: 'order-2', touser: 'oOther' }),
      'other data': message({ client_msg_id: 'order-2', data: { thing1: 'other' } }),
    },
    { first: message({ client_msg_id: 'order-2' }) },
  ),
  row(
    '两个租户用同一个 client_msg_id',
    'same client id in two tenants',
    [202],
    {
      'two messages': message({ client_msg_id: 'order-3', account: theirShop.name }, { as: 'rival' }),
    },
    { first: message({ client_msg_id: 'order-3' }), answer: { duplicate: false } },
  ),
  row(
    '超出整体容量',
    'over global capacity',
    [503, 'overloaded'],
    { 'a message': {}, 'a batch': { body: [aBody()] }, 'what is no message': { body: '{' } },
    { when: 'overloaded', headers: { 'retry-after': /^[1-9]\d*$/ } },
  ),
  row(
    '引擎无法确认',
    'engine cannot confirm',
    [503, 'in-doubt'],
    {
      'a message': message({ client_msg_id: 'order-4' }),
      'a batch': { body: [aBody()] },
      NDJSON: ndjson([aBody()]),
      'a message that waits': { headers: { Prefer: 'wait=5' } },
    },
    { when: 'store failed' },
  ),
  row(
    '引擎失效时读取或取消',
    'the engine fails while reading or cancelling',
    [503, 'try-later'],
    {
      'read one': get(`/v1/messages/${someId}`),
      cancel: post(`/v1/messages/${someId}/cancel`, undefined),
      'make a key': post('/v1/keys', newKey),
    },
    { when: 'store failed' },
  ),
  row(
    '存储已满',
    'storage full',
    [503, 'storage-full'],
    { 'a message': {}, 'a batch': { body: [aBody()] } },
    { when: 'store full' },
  ),
  row(
    '历史记录无法查询',
    'the history is away',
    [503, 'history-away'],
    { 'read one': get(`/v1/messages/${someId}`), list: get('/v1/messages') },
    { when: 'history away' },
  ),
  row(
    '我们自己的错误',
    'a fault of ours',
    [500, 'internal'],
    { 'read one': get(`/v1/messages/${someId}`), list: get('/v1/messages') },
    { when: 'store at fault' },
  ),
]

const http = [
  row(
    'POST 地址用 GET，以及 TRACE、OPTIONS、PUT',
    'GET on POST route, TRACE, OPTIONS, PUT',
    [405, 'method-not-allowed'],
    {
      'GET to cancel': get(`/v1/messages/${someId}/cancel`),
      TRACE: { method: 'TRACE' },
      OPTIONS: { method: 'OPTIONS' },
      PUT: { method: 'PUT', body: aBody() },
      PATCH: { method: 'PATCH', body: aBody() },
      DELETE: { method: 'DELETE', path: `/v1/messages/${someId}` },
      'POST to a message': post(`/v1/messages/${someId}`, {}),
      'POST to health': post('/livez', {}),
      'PUT to a key': { method: 'PUT', path: '/v1/keys/x', body: {} },
      'DELETE the document': { method: 'DELETE', path: '/openapi.json' },
      'POST to the pages': post('/docs', {}),
    },
    { headers: { allow: /^[A-Z]+(, [A-Z]+)*$/ } },
  ),
  row('路径里的花招，找不到', '../, %2e%2e, //, encoded slash, NUL in path', [404, 'not-found'], {
    'dots to keys': get('/v1/messages/../keys'),
    'encoded dots to keys': get('/v1/messages/%2e%2e/keys'),
    'encoded dots': get('/v1/messages/%2e%2e'),
    'two slashes in front': get('//v1/messages'),
    'two slashes within': get('/v1//messages'),
    'a slash behind': get('/v1/messages/'),
    'an encoded slash': get(`/v1/messages/${someId}%2fcancel`),
    'an encoded slash to keys': get('/v1/messages/..%2fkeys'),
    'an encoded backslash': get('/v1/messages/..%5ckeys'),
    'an encoded NUL': get(`/v1/messages/${someId}%00`),
    'a NUL behind the route': get('/v1/messages%00'),
    'a semicolon': get('/v1/messages;tenant=rival'),
    'capital letters': get('/V1/Messages'),
    'files of the viewer': get('/docs/../package.json'),
    'files of the viewer, encoded': get('/docs/..%2f..%2fpackage.json'),
    'an id of 1,000 characters': get(`/v1/messages/${'a'.repeat(1000)}`),
  }),
  row('路径里的花招，格式不对', '../, %2e%2e, //, encoded slash, NUL in path', [400, 'path-invalid'], {
    'an escape that is none': get('/v1/messages/%zz'),
    'half an escape': get('/v1/messages/%'),
    'an escape that is no UTF-8': get('/v1/messages/%ff'),
    'a slash in two bytes': get('/v1/messages/..%c0%afkeys'),
  }),
  row(
    '路径里的花招，原样字节',
    '../, %2e%2e, //, encoded slash, NUL in path',
    [400, 'request-malformed'],
    {
      NUL: { bytes: 'GET /v1/messages\x00 HTTP/1.1\r\nHost: hongyan\r\n\r\n' },
      'a blank': { bytes: 'GET /v1/mess ages HTTP/1.1\r\nHost: hongyan\r\n\r\n' },
      'a byte that is no ASCII': { bytes: 'GET /v1/messages/\xe9\xb8\xbf HTTP/1.1\r\nHost: hongyan\r\n\r\n' },
    },
    { closes: true },
  ),
  row('不存在的旧地址与调试地址', 'old /v0 route, /debug, /metrics open', [404, 'not-found'], {
    '/v0/messages': get('/v0/messages'),
    '/debug': get('/debug'),
    '/metrics': get('/metrics'),
    '/.env': get('/.env'),
    'an unknown address with a body': post('/v1/nothing', {}),
  }),
  row(
    '伪造 Host',
    'Host header forged',
    [202],
    {
      'another name': { headers: { Host: 'evil.example' } },
      'another name, forwarded': {
        headers: { 'X-Forwarded-Host': 'evil.example', Forwarded: 'host=evil.example' },
      },
    },
    { headers: { location: /^\/v1\/messages\/msg_[0-9a-f]{32}$/ } },
  ),
]

export const sections: readonly Section[] = [
  { title: { zh: '身份验证', en: 'Authentication' }, refusals: authentication.flat() },
  { title: { zh: '权限', en: 'Authorization' }, refusals: authorization.flat() },
  { title: { zh: '大小、时间与 HTTP 格式', en: 'Size, time and framing' }, refusals: framing.flat() },
  { title: { zh: 'JSON', en: 'JSON' }, refusals: json.flat() },
  { title: { zh: '消息', en: 'Messages' }, refusals: messages.flat() },
  { title: { zh: '方法与路径', en: 'Methods and paths' }, refusals: http.flat() },
]
