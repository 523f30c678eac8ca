/** `POST /v1/check`: could this be sent now? Nobody is called and nothing is kept. */
import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import { type Answer, canSend } from '../check.ts'
import { templateIdOf } from '../directory.ts'
import { grantHolderOf } from '../grants.ts'
import { channels } from '../message.ts'
import { accountFor, channelFor, checkOpenid } from './accept.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { finding } from './problems.ts'
import { closed, oneOf, problemAnswers, security } from './schemas.ts'
import { validator } from './validate.ts'

const CheckInput = Type.Object(
  {
    account: Type.String({ minLength: 1, maxLength: 64, description: 'Name or appid.' }),
    channel: Type.Optional(oneOf(channels)),
    touser: Type.String(),
    template_id: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: 'Id or alias.' })),
    scene: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
  },
  { ...closed, title: 'CheckInput' },
)

const Sentence = Type.Object({ zh: Type.String(), en: Type.String() })

const CheckAnswer = Type.Object(
  {
    answer: oneOf(['yes', 'no', 'unknown']),
    reasons: Type.Array(
      Type.Object({
        code: Type.String(),
        answer: oneOf(['yes', 'no', 'unknown']),
        why: Sentence,
        next_step: Sentence,
      }),
      { description: 'What the answer rests on, the gravest first.' },
    ),
  },
  { title: 'CheckAnswer' },
)

const validate = validator(CheckInput)

export const checkRoute = (app: FastifyInstance, parts: RouteParts): void => {
  const { directory, recipients, clock, holdOver } = parts
  app.post(
    '/v1/check',
    {
      preValidation: requires(parts, 'read'),
      schema: {
        tags: ['messages'],
        security,
        summary: 'Could this be sent now? Yes, no or unknown, and why',
        body: CheckInput,
        response: { 200: CheckAnswer, ...problemAnswers },
      },
    },
    async (request) => {
      const input = validate(parseStrictJson(rawBody(request)))
      const account = accountFor(directory, request.caller.tenant, input.account)
      const channel = channelFor({ channel: input.channel }, account)
      checkOpenid(input.touser)
      const templateId = templateOf(input.template_id, channel)
      const message = {
        account: account.appid,
        touser: input.touser,
        channel,
        templateId: templateId === '' ? '' : templateIdOf(account, templateId),
      }
      const [grants, contact] = await Promise.all([
        recipients.grants(grantHolderOf(message)),
        recipients.contact(message),
      ])
      const hold = holdOver(message, clock.now())
      const grantName = input.scene === undefined ? {} : { grantName: String(input.scene) }
      return answerView(
        canSend({ ...message, account, grants, contact, hold, now: clock.now(), ...grantName }),
      )
    },
  )
}

const templateOf = (given: string | undefined, channel: (typeof channels)[number]): string => {
  if (channel === 'customer') return ''
  if (given === undefined) throw finding('missing-field', '/template_id', 'This field is required')
  return given
}

const answerView = ({ answer, reasons }: Answer) => ({
  answer,
  reasons: reasons.map(({ next, ...rest }) => ({ ...rest, next_step: next })),
})
