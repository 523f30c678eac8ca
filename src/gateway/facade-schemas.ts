/** The facade in the API's document. Nothing is checked with these: WeChat's callers are answered in its own way. */
import Type from 'typebox'

const tags = ['wechat']
const open = { additionalProperties: true } as const

const Refused = Type.Object({ errcode: Type.Integer(), errmsg: Type.String() })
const Token = Type.Object({ access_token: Type.String(), expires_in: Type.Integer() })
const Sent = Type.Object({
  errcode: Type.Literal(0),
  errmsg: Type.String(),
  msgid: Type.Integer({ description: 'Ours, of 64 bits; `GET /v1/messages?q=` finds the message by it.' }),
})

const answers = (answer: typeof Token | typeof Sent) => ({
  200: Type.Union([answer, Refused], { description: 'Whatever happens; `errcode` tells.' }),
})

const credentials = {
  grant_type: Type.String({ examples: ['client_credential'] }),
  appid: Type.String(),
  secret: Type.String(),
}

export const tokenSchema = {
  tags,
  summary: 'WeChat’s token API: a token for the paths below',
  querystring: Type.Object(credentials, open),
  response: answers(Token),
}

export const stableTokenSchema = {
  tags,
  summary: 'WeChat’s stable token API',
  body: Type.Object({ ...credentials, force_refresh: Type.Optional(Type.Boolean()) }, open),
  response: answers(Token),
}

const accessToken = Type.Object({ access_token: Type.String() }, open)

export const sendSchema = {
  tags,
  summary: 'WeChat’s API for sending, with its body and its answers',
  querystring: accessToken,
  body: Type.Object({ touser: Type.String(), client_msg_id: Type.Optional(Type.String()) }, open),
  response: answers(Sent),
}

export const withdrawnSchema = {
  tags,
  summary: 'Withdrawn by WeChat; answered as WeChat answers it',
  response: { 200: Refused },
}
