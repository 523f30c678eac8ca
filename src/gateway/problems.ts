import type { Bilingual } from '../errcodes.ts'

interface ProblemRow {
  readonly status: number
  readonly title: Bilingual
}

const row = (status: number, zh: string, en: string): ProblemRow => ({ status, title: { zh, en } })

/** Every refusal of the gateway: its stable code, its status, and a sentence in both languages. */
export const problems = {
  'auth-required': row(
    401,
    '请求没有签名，也没有 Bearer 密钥',
    'The request carries neither a signature nor a Bearer key',
  ),
  'auth-invalid': row(401, '密钥或签名不正确', 'The key or the signature is not right'),
  'timestamp-out-of-range': row(
    401,
    '时间戳与服务器时间相差超过 300 秒；请对照响应的 Date 头校准时钟',
    'The timestamp is more than 300 seconds away from our time; the Date header tells ours',
  ),
  'timestamp-malformed': row(
    400,
    '时间戳必须是 10 位 Unix 秒',
    'The timestamp must be Unix seconds, ten digits',
  ),
  'nonce-malformed': row(
    400,
    'nonce 必须是 16 到 64 个字符，只能包含字母、数字、下划线和连字符',
    'The nonce must be 16 to 64 characters of letters, digits, underscore and hyphen',
  ),
  replayed: row(409, '这个 nonce 已经用过', 'This nonce has been used before'),
  forbidden: row(403, '这个密钥没有做这件事的权限', 'This key may not do that'),
  'not-found': row(404, '没有找到', 'There is no such thing here'),
  'method-not-allowed': row(405, '这个地址不支持该方法', 'This address does not take that method'),
  timeout: row(408, '请求没有在规定时间内发送完', 'The request did not arrive in time'),
  'idempotency-conflict': row(
    409,
    '这个幂等键已用于另一条内容不同的消息',
    'This idempotency key belongs to a message with another content',
  ),
  'not-cancellable': row(
    409,
    '消息已有最终结果，无法取消',
    'The message has come to its end and cannot be cancelled',
  ),
  'in-flight': row(
    409,
    '消息正在发送，结果很快就会确定',
    'The message is being sent at this moment; what WeChat answers will decide',
  ),
  'already-exists': row(409, '已经存在', 'It exists already'),
  'limit-reached': row(
    409,
    '已达到这个租户的数量上限',
    'This tenant may not have more of these; whoever operates the installation can raise the limit',
  ),
  'too-large': row(413, '请求体过大', 'The body is too large'),
  'media-type-unsupported': row(415, '不支持的 Content-Type', 'The Content-Type is not supported'),
  'encoding-unsupported': row(
    415,
    '不支持的 Content-Encoding，请直接发送原文',
    'The Content-Encoding is not supported; send it plain',
  ),
  'headers-too-large': row(431, '请求头过大', 'The headers are too large'),
  'request-malformed': row(400, 'HTTP 请求格式错误', 'The HTTP request is malformed'),
  'path-invalid': row(400, '请求路径不合法', 'The path is not valid'),
  'utf8-invalid': row(400, '请求体不是合法的 UTF-8', 'The body is not valid UTF-8'),
  'json-malformed': row(400, '请求体不是合法的 JSON', 'The body is not valid JSON'),
  'json-too-deep': row(400, 'JSON 嵌套过深', 'The JSON is nested too deeply'),
  'json-duplicate-key': row(400, 'JSON 对象中有重复的键', 'An object in the JSON has the same key twice'),
  'text-invalid': row(400, '文本包含不允许的字符', 'A text holds a character that is not allowed'),
  'unknown-field': row(400, '有不认识的字段', 'There is a field that we do not know'),
  'missing-field': row(400, '缺少必填字段', 'A required field is missing'),
  type: row(400, '字段类型不对', 'A field has the wrong type'),
  'value-invalid': row(400, '字段的值不合法', 'A field has a value that is not valid'),
  'batch-empty': row(400, '列表是空的', 'The list is empty'),
  'batch-too-many': row(400, '一次最多 1000 条', 'There may be at most 1,000 at a time'),
  'account-unknown': row(400, '没有这个公众号或小程序', 'There is no such account'),
  'channel-mismatch': row(
    400,
    '该账号类型不能使用这个通道',
    'An account of this kind cannot use this channel',
  ),
  'openid-invalid': row(400, 'openid 格式不对', 'The openid does not have the shape of one'),
  'template-field': row(400, '模板字段不符合它的类型', 'A template field does not keep to its type'),
  'url-not-allowed': row(
    400,
    '链接必须以 https:// 或 http:// 开头',
    'The link must begin with https:// or http://',
  ),
  'expires-range': row(
    400,
    '失效时间必须在现在（及定时时间）之后、一年之内',
    'The expiry must lie after now and after send_at, and within a year',
  ),
  'send-at-range': row(400, '定时时间必须在一年之内', 'The time to send must lie within a year'),
  'rate-limited': row(429, '请求过于频繁', 'There are too many requests'),
  overloaded: row(503, '服务暂时过载，请稍后重试', 'We have too much to do at the moment; try again shortly'),
  'try-later': row(503, '暂时无法处理，请稍后重试', 'We cannot do this right now; try again shortly'),
  'history-away': row(
    503,
    '暂时无法查询较早的消息记录；消息的接受和发送不受影响',
    'Records of earlier messages cannot be read right now; accepting and sending go on',
  ),
  'storage-full': row(
    503,
    '存储空间已满，消息没有被接受',
    'The storage is full; the message was not accepted',
  ),
  'wechat-refused': row(502, '微信拒绝了这次调用', 'WeChat refused the call'),
  'in-doubt': row(
    503,
    '无法确认消息是否已被接受；请用同一个 client_msg_id 重试，不会重复发送',
    'We cannot tell whether the message was accepted; send it again with the same client_msg_id, it will not be sent twice',
  ),
  internal: row(500, '服务器内部错误', 'Something failed on our side'),
} satisfies Record<string, ProblemRow>

export type ProblemCode = keyof typeof problems

/** One finding in a body: where (JSON pointer), which code, and a sentence. */
export interface ProblemDetail {
  readonly pointer: string
  readonly code: ProblemCode
  readonly message: string
}

export interface ProblemExtras {
  /** What is particular to this case; shown as it is, so never a secret. */
  readonly detail?: string
  readonly errors?: readonly ProblemDetail[]
  readonly retryAfterSeconds?: number
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, unknown>>
  /** What was thrown; for those who look after us, never shown. */
  readonly cause?: unknown
}

/** A refusal, thrown anywhere in the gateway and answered in one place. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly extras: ProblemExtras
  constructor(code: ProblemCode, extras: ProblemExtras = {}) {
    super(extras.detail ?? problems[code].title.en, { cause: extras.cause })
    this.name = 'Problem'
    this.code = code
    this.extras = extras
  }
}

export type Language = keyof Bilingual

/** English unless the caller prefers Chinese. */
export const languageOf = (acceptLanguage: string | undefined): Language =>
  acceptLanguage !== undefined && /^\s*zh\b/i.test(acceptLanguage) ? 'zh' : 'en'

/** The RFC 9457 body of a refusal. */
export const problemBody = (
  problem: Problem,
  requestId: string,
  language: Language,
): Record<string, unknown> => {
  const { status, title } = problems[problem.code]
  const { detail, errors, members } = problem.extras
  return {
    type: `urn:hongyan:problem:${problem.code}`,
    title: title[language],
    status,
    code: problem.code,
    ...(detail !== undefined && { detail }),
    request_id: requestId,
    ...(errors !== undefined && { errors }),
    ...members,
  }
}

/** A refusal for one finding in a body. */
export const finding = (code: ProblemCode, pointer: string, message: string): Problem =>
  new Problem(code, { detail: `${pointer}: ${message}`, errors: [{ pointer, code, message }] })
