/**
 * WeChat's own API, as far as sending goes: a service that knows WeChat's changes one host name and has its messages
 * kept, repeated and explained by us. Below `/cgi-bin` everything is answered as WeChat answers it, refusals included.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { channelTraits } from '../channels.ts'
import { refusalOf } from './facade-errcodes.ts'
import { createAnswers, Refusal } from './facade-reply.ts'
import { sendSchema, stableTokenSchema, tokenSchema, withdrawnSchema } from './facade-schemas.ts'
import { createRecentMsgids, type FacadeParts, facadeSend } from './facade-send.ts'
import { createFacadeTokens } from './facade-token.ts'
import { stableTokenHandler, tokenHandler } from './facade-token-api.ts'
import { problemOf } from './failures.ts'
import type { RouteParts } from './gateway.ts'
import { Problem } from './problems.ts'

const prefix = '/cgi-bin'

/** The address as it is meant: a client whose host is set with a slash at its end writes two of them. */
export const facadeUrl = (url: string): string => (url.startsWith(`/${prefix}/`) ? url.slice(1) : url)

/** As much as a single message may have elsewhere. */
const maxBodyBytes = 64 * 1024

/** Channels that send through an API of WeChat's which is still alive. */
const sendingChannels = ['template', 'subscribe', 'oa_subscribe', 'oa_once', 'customer'] as const

/** APIs that WeChat has withdrawn, and what it has answered since. */
const withdrawn: Readonly<Record<string, number>> = {
  [channelTraits.form.path]: 46101,
  '/cgi-bin/message/wxopen/template/uniform_send': 45109,
}

export const facadeRoutes = (app: FastifyInstance, parts: RouteParts): void => {
  const tokens = createFacadeTokens(parts.facadeKeys, (appid) => parts.directory.account(appid))
  const answers = createAnswers(parts.clock)
  const own: FacadeParts = { ...parts, tokens, answers, isNewMsgid: createRecentMsgids() }

  app.register(
    async (routes) => {
      takeAnyBody(routes)
      routes.setErrorHandler((error, request, reply) => {
        if (error instanceof Refusal) return answers.refuse(reply, error)
        const problem = problemOf(error)
        parts.reportFault(problem, request)
        // The rest of such a body is not read, so the connection cannot serve another request.
        if (problem.code === 'too-large') reply.header('Connection', 'close')
        return answers.refuse(reply, refusalOf(problem))
      })
      const methods = new Map<string, Method>()
      routes.setNotFoundHandler((request, reply) => {
        const method = methods.get((request.raw.url ?? '').split('?', 1)[0]!)
        return answers.refuse(reply, new Refusal(method === undefined ? 40066 : wrongMethod[method]))
      })
      const add = (method: Method, path: string, schema: FastifySchema, handler: Handler) => {
        methods.set(path, method)
        const url = path.slice(prefix.length)
        routes.route({ method, url, schema, bodyLimit: maxBodyBytes, handler })
      }

      add('GET', '/cgi-bin/token', tokenSchema, tokenHandler(own))
      add('POST', '/cgi-bin/stable_token', stableTokenSchema, stableTokenHandler(own))
      for (const channel of sendingChannels)
        add('POST', channelTraits[channel].path, sendSchema, facadeSend(own, channel))
      for (const [path, errcode] of Object.entries(withdrawn))
        add('POST', path, withdrawnSchema, () => {
          throw new Refusal(errcode)
        })
    },
    { prefix },
  )
}

type Method = 'GET' | 'POST'

/** What WeChat answers to every other method. */
const wrongMethod: Readonly<Record<Method, number>> = { GET: 43001, POST: 43002 }

type Handler = (request: FastifyRequest, reply: FastifyReply) => FastifyReply | Promise<FastifyReply>

/** WeChat's clients name any content type, a wrong one or none, and mean JSON: theirs is not looked at. */
const takeAnyBody = (routes: FastifyInstance): void => {
  routes.addHook('onRequest', async ({ raw: { headers } }) => {
    headers['content-type'] = 'application/octet-stream'
  })
  routes.removeAllContentTypeParsers()
  routes.addContentTypeParser(
    '*',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done: (error: Error | null, body?: Buffer) => void) => {
      const encoding = request.headers['content-encoding']
      if (encoding !== undefined && encoding !== 'identity') done(new Problem('encoding-unsupported'))
      else done(null, body)
    },
  )
}
