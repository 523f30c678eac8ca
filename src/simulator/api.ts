/**
 * The simulated api.weixin.qq.com: HTTP status 200 whatever happens, the outcome in the JSON (D).
 * The path of a call: read it, let a fault rule claim it or the route answer it, write it into the
 * ledger, wait the delay, answer.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Call, parseBody, queryValue, textField } from './call.ts'
import { contentOf } from './content.ts'
import { type Ending, type EndingType, faultyOutcome, type Outcome, plainOutcome } from './ending.ts'
import { type FaultRule, faultName } from './faults.ts'
import { sendingPaths } from './inbox.ts'
import { createDelays } from './latency.ts'
import type { ResolvedOptions } from './options.ts'
import { readBody } from './read-body.ts'
import type { Reply } from './reply.ts'
import { routesOf } from './routes.ts'
import { subscribeSendPath } from './send.ts'
import type { World } from './world.ts'

export interface ApiParts {
  readonly world: World
  readonly options: ResolvedOptions
  /** The page for people; `false`: the request is not for it. */
  readonly ui: (req: IncomingMessage, res: ServerResponse) => boolean
}

export type Listener = (req: IncomingMessage, res: ServerResponse) => void

export const createApi = ({ world, options, ui }: ApiParts): Listener => {
  const answer = createAnswer(world)
  const write = createWriter(options)
  const nextDelayMs = createDelays(options.latency, world.random)

  const onCall = (res: ServerResponse, call: Call): void => {
    const fault = world.faults.pick(call)
    const outcome = fault === undefined ? plainOutcome(answer(call)) : faultyOutcome(fault, stageOf(call))
    record(world, call, { outcome, fault })
    const delayMs = fault?.latencyMs ?? nextDelayMs()
    const release = call.path === subscribeSendPath ? occupy(res, call, { delayMs, outcome }) : undefined
    const answerLater = () =>
      later(res, delayMs, () => {
        if (outcome.ending.kind === 'answer') release?.()
        write(res, outcome.ending)
      })
    const first = world.beforeReply(outcome.msgid)
    if (first === undefined) answerLater()
    else void first.then(answerLater)
  }

  /** A message that was accepted keeps other calls from its recipient until its own has been answered (43108). */
  const occupy = (res: ServerResponse, { appid, touser }: Call, { delayMs, outcome }: Occupation) => {
    if (outcome.msgid === null || appid === undefined || touser === undefined) return undefined
    if (res.destroyed || (delayMs <= 0 && outcome.ending.kind === 'answer')) return undefined
    const release = world.pace.begin({ appid, touser, exclusive: true })
    res.once('close', release)
    return release
  }

  const stageOf = (call: Call) => ({
    act: () => answer(call),
    refuse: world.refuse,
    busyDelivers: () => world.switches.ambiguousBusyDelivers && world.random.next() < 0.5,
  })

  return (req, res) => {
    if (ui(req, res)) return
    readBody(req, (body) => {
      try {
        if (body === undefined) return write(res, plainOutcome(world.refuse(45002)).ending)
        onCall(res, understand(world, req, body))
      } catch (cause) {
        // A fault of the simulator itself, such as a full disk, must not pass for one of WeChat's.
        process.emitWarning(cause instanceof Error ? cause : String(cause))
        write(res, { kind: 'answer', status: 500, type: 'html', body: `simulator: ${cause}` })
      }
    })
  }
}

interface Occupation {
  readonly delayMs: number
  readonly outcome: Outcome
}

const createAnswer = (world: World): ((call: Call) => Reply) => {
  const routes = routesOf(world)
  const answer = (call: Call): Reply => {
    const route = routes.get(call.path)
    if (route === undefined) return world.refuse(40066)
    if (route.method !== call.method) return world.refuse(route.method === 'GET' ? 43001 : 43002)
    return route.handle(call)
  }
  return (call) => {
    const reply = answer(call)
    if (reply.errcode !== 0 && world.keepsBodies) {
      const { appid, at, body } = call
      world.ridLog.record({
        appid,
        at,
        url: `${call.path}?${call.search}`,
        body,
        response: reply.body,
        clientIp: call.clientIp(),
      })
    }
    return reply
  }
}

const understand = (world: World, req: IncomingMessage, body: string): Call => {
  const url = req.url ?? '/'
  const mark = url.indexOf('?')
  const search = mark < 0 ? '' : url.slice(mark + 1)
  const json = parseBody(body)
  const tokenText = queryValue(search, 'access_token')
  const token = tokenText ? world.tokens.check(tokenText) : undefined
  return {
    method: req.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    search,
    clientIp: () => clientIpOf(req),
    body,
    at: world.clock.now(),
    json,
    token,
    appid:
      token?.appid ??
      queryValue(search, 'appid') ??
      textField(json, 'appid') ??
      textField(json, 'component_appid'),
    touser: textField(json, 'touser'),
    templateId: textField(json, 'template_id'),
    tags: world.keepsBodies ? tagsOf(req) : undefined,
  }
}

const mostTags = 20

/** The X-Tags header: `order, night`. */
const tagsOf = ({ headers }: IncomingMessage): readonly string[] | undefined => {
  const given = headers['x-tags']
  if (given === undefined) return undefined
  const tags = String(given).split(',', mostTags)
  return tags.map((tag) => tag.trim()).filter(Boolean)
}

/** IPv4 as it is written, even when it came in through an IPv6 socket. */
const clientIpOf = ({ socket }: IncomingMessage): string =>
  (socket.remoteAddress ?? '').replace(/^::ffff:/, '')

interface Happened {
  readonly outcome: Outcome
  readonly fault: FaultRule | undefined
}

const record = (world: World, call: Call, happened: Happened): void => {
  recordCall(world, call, happened)
  if (world.keepsBodies && call.path.startsWith(sendingPaths)) capture(world, call, happened)
}

const capture = (world: World, call: Call, { outcome, fault }: Happened): void => {
  const { ending } = outcome
  const { appid = '', touser = '' } = call
  world.inbox.record({
    at: call.at,
    path: call.path,
    appid: call.appid ?? null,
    touser: call.touser ?? null,
    templateId: call.templateId ?? null,
    clientMsgId: textField(call.json, 'client_msg_id') ?? null,
    msgid: outcome.msgid,
    tags: call.tags ?? [],
    request: call.body,
    reply: ending.kind === 'answer' ? { status: ending.status, body: ending.body } : null,
    errcode: outcome.errcode,
    fault: fault === undefined ? null : faultName(fault),
    blocked: world.recipients.stateOf(appid, touser).blocksMessages,
  })
}

const recordCall = (world: World, call: Call, { outcome, fault }: Happened): void =>
  world.calls.record({
    appid: call.appid ?? null,
    touser: call.touser ?? null,
    template_id: call.templateId ?? null,
    client_msg_id: textField(call.json, 'client_msg_id') ?? null,
    msgid: outcome.msgid,
    data: world.keepsBodies ? contentOf(call.json) : null,
    at: call.at,
    path: call.path,
    errcode: outcome.errcode,
    fault: fault === undefined ? null : faultName(fault),
    ...(call.tags && { tags: call.tags }),
  })

const later = (res: ServerResponse, delayMs: number, act: () => void): void => {
  if (delayMs > 0) {
    const timer = setTimeout(act, delayMs)
    res.once('close', () => clearTimeout(timer))
  } else act()
}

const createWriter = ({ contentType, hangMs }: ResolvedOptions) => {
  const types: Record<EndingType, readonly string[]> = {
    api: ['Content-Type', contentType],
    html: ['Content-Type', 'text/html; charset=utf-8'],
    redirect: ['Content-Type', 'text/html; charset=utf-8', 'Location', '/moved'],
  }
  return (res: ServerResponse, ending: Ending): void => {
    switch (ending.kind) {
      case 'answer': {
        const { status, type, body } = ending
        // With a Connection header of ours, Node does not announce when it will cut an idle socket: nor does WeChat.
        const length = String(Buffer.byteLength(body))
        res.writeHead(status, [...types[type], 'Content-Length', length, 'Connection', 'keep-alive'])
        res.end(body)
        break
      }
      case 'hang':
        later(res, hangMs, () => res.destroy())
        break
      case 'reset':
        res.socket?.resetAndDestroy()
        break
    }
  }
}
