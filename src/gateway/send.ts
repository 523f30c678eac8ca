/** `POST /v1/messages`: takes one message, or many. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Message, MessageId, State } from '../message.ts'
import type { Publication } from '../queue.ts'
import { type Acceptance, type AcceptOptions, acceptWithWarnings } from './accept.ts'
import { problemOf, unconfirmed } from './failures.ts'
import { type RouteParts, rawBody, requires } from './gateway.ts'
import { parseStrictJson } from './json.ts'
import { type Language, languageOf, Problem, problemBody } from './problems.ts'
import { queryOf } from './query.ts'
import { Accepted, BulkAccepted, MessageInput, MessageView, problemAnswers, security } from './schemas.ts'
import { warningView } from './template-data.ts'
import { queryValidator } from './validate.ts'
import { viewOf } from './view.ts'
import { preferredWaitMs } from './waiters.ts'

const maxSingleBytes = 64 * 1024
const maxItems = 1000
const ndjsonType = 'application/x-ndjson'
/** Operations waiting for the disk, beyond which nothing new is taken. */
const maxPending = 20_000

const sendQuery = queryValidator(
  Type.Object({ dry: Type.Optional(Type.String()) }, { additionalProperties: false }),
)

export const sendRoute = (app: FastifyInstance, parts: RouteParts): void => {
  app.post(
    '/v1/messages',
    {
      schema: sendSchema,
      preValidation: requires(parts, 'send'),
    },
    (request, reply) => send(request, reply, parts),
  )
}

/** Nothing new is taken while too much waits for the disk. */
export const refuseOverload = ({ pending }: RouteParts): void => {
  if (pending() > maxPending) throw new Problem('overloaded', { retryAfterSeconds: 1 })
}

/** Takes one message, or many: each of many has its own result, and good ones do not suffer for bad ones. */
const send = async (request: FastifyRequest, reply: FastifyReply, parts: RouteParts): Promise<unknown> => {
  refuseOverload(parts)
  const admission = parts.acceptRate.admit(request.caller.tenant, reply)
  const dry = sendQuery(queryOf(request)).dry !== undefined
  const body = rawBody(request)
  const value = request.mediaType === ndjsonType ? linesOf(body) : parseStrictJson(body)
  const options: AcceptOptions = {
    directory: parts.directory,
    tenant: request.caller.tenant,
    now: parts.clock.now(),
    defaultLifeMs: parts.defaultLifeMs,
    idempotencyKey: idempotencyKeyOf(request),
  }
  if (Array.isArray(value)) {
    checkCount(value)
    admission.more(value.length - 1)
    return sendMany(value, options, dry, request, reply, parts)
  }
  if (body.length > maxSingleBytes)
    throw new Problem('too-large', { detail: 'A single message has at most 64 KB' })
  return sendOne(value, options, dry, request, reply, parts)
}

const sendOne = async (
  value: unknown,
  options: AcceptOptions,
  dry: boolean,
  request: FastifyRequest,
  reply: FastifyReply,
  { queue, observer, ledger, directory, waiters }: RouteParts,
): Promise<unknown> => {
  const acceptance = acceptWithWarnings(value, options)
  const { message } = acceptance
  const language = languageOf(request.headers['accept-language'])
  if (dry) return { dry: true, request: JSON.parse(message.body), ...dryView(acceptance, language) }
  const waitMs = preferredWaitMs(request.headers.prefer)
  const waiter = waitMs === undefined ? undefined : waiters.expect(message.id)
  const [publication] = await queue.publish([message]).catch((error) => {
    waiter?.forget()
    throw unconfirmed(error)
  })
  if (publication!.kind === 'conflict') {
    waiter?.forget()
    throw conflict(publication!.id)
  }
  const answer = { ...acceptedView(message, publication!), ...warningsView(acceptance, language) }
  reply.code(answer.duplicate ? 200 : 202).header('Location', `/v1/messages/${answer.id}`)
  if (!answer.duplicate) observer.observe({ kind: 'accepted', ids: [message.id] })
  if (!waiter) return answer
  if (answer.duplicate) waiter.forget()
  else if (!(await waiter.within(waitMs!))) return answer
  reply.header('Preference-Applied', `wait=${waitMs! / 1000}`)
  const record = await ledger.find({ tenant: options.tenant, id: answer.id })
  return record
    ? {
        ...viewOf(record, directory),
        duplicate: answer.duplicate,
        ...warningsView(acceptance, language),
      }
    : answer
}

const sendMany = async (
  values: readonly unknown[],
  options: AcceptOptions,
  dry: boolean,
  request: FastifyRequest,
  reply: FastifyReply,
  { queue, observer, reportFault }: RouteParts,
): Promise<unknown> => {
  const language = languageOf(request.headers['accept-language'])
  const refusal = (error: unknown) => {
    const problem = problemOf(error)
    reportFault(problem, request)
    return problemBody(problem, request.id, language)
  }

  const results: unknown[] = new Array(values.length)
  const acceptances: Acceptance[] = []
  const places: number[] = []
  for (let index = 0; index < values.length; index++) {
    try {
      const value = values[index]
      if (value instanceof Problem) throw value
      acceptances.push(acceptWithWarnings(value, itemOptions(options, index)))
      places.push(index)
    } catch (error) {
      results[index] = refusal(error)
    }
  }
  const messages = acceptances.map(({ message }) => message)
  const publications = dry
    ? messages.map(() => ({ kind: 'accepted' }) as const)
    : await queue.publish(messages).catch((error) => {
        throw unconfirmed(error)
      })
  const accepted: MessageId[] = []
  let rejected = values.length - messages.length
  for (const [index, publication] of publications.entries()) {
    const message = messages[index]!
    if (publication.kind === 'conflict') rejected++
    else if (publication.kind === 'accepted') accepted.push(message.id)
    results[places[index]!] =
      publication.kind === 'conflict'
        ? refusal(conflict(publication.id))
        : {
            ...acceptedView(message, publication),
            ...(dry ? dryView : warningsView)(acceptances[index]!, language),
          }
  }
  if (!dry && accepted.length > 0) observer.observe({ kind: 'accepted', ids: accepted })
  return reply
    .code(dry ? 200 : 202)
    .send({ accepted: values.length - rejected, rejected, results, ...(dry && { dry }) })
}

const checkCount = ({ length }: readonly unknown[]): void => {
  if (length === 0) throw new Problem('batch-empty')
  if (length > maxItems) throw new Problem('batch-too-many', { detail: `There are ${length}` })
}

/** The header's key stands for the whole request, so each item has a key of its own under it: no header holds a blank. */
const itemOptions = (options: AcceptOptions, index: number): AcceptOptions =>
  options.idempotencyKey === undefined
    ? options
    : { ...options, idempotencyKey: `${options.idempotencyKey} ${index}` }

const acceptedView = (message: Message, publication: Exclude<Publication, { kind: 'conflict' }>) =>
  publication.kind === 'duplicate'
    ? { id: publication.id, state: publication.state, duplicate: true }
    : {
        id: message.id,
        state: (message.sendAt > message.acceptedAt ? 'scheduled' : 'queued') as State,
        duplicate: false,
      }

/** Most messages have none, and their answer says nothing of it. */
const warningsView = ({ warnings }: Acceptance, language: Language) =>
  warnings.length === 0 ? undefined : { warnings: warnings.map((each) => warningView(each, language)) }

const dryView = (acceptance: Acceptance, language: Language) => {
  const preview = acceptance.preview()
  return { ...(preview && { preview }), ...warningsView(acceptance, language) }
}

const conflict = (id: MessageId): Problem => new Problem('idempotency-conflict', { members: { id } })

const lineFeed = 10

/** The values of NDJSON; a line that is none becomes its own problem. */
const linesOf = (body: Buffer): readonly unknown[] => {
  const values: unknown[] = []
  for (let start = 0; start < body.length; ) {
    const found = body.indexOf(lineFeed, start)
    const end = found < 0 ? body.length : found
    const line = body.subarray(start, end)
    start = end + 1
    if (line.length === 0 || (line.length === 1 && line[0] === 13)) continue
    if (values.length > maxItems) break
    values.push(lineValue(line))
  }
  return values
}

const lineValue = (line: Buffer): unknown => {
  try {
    return parseStrictJson(line)
  } catch (error) {
    return error
  }
}

const idempotencyKeyOf = (request: FastifyRequest): string | undefined => {
  const header = request.headers['idempotency-key']
  if (header === undefined) return undefined
  const key = /^"?([\x21\x23-\x7e]{1,128})"?$/.exec(String(header))?.[1]
  if (key === undefined)
    throw new Problem('value-invalid', {
      detail: 'Idempotency-Key must be 1 to 128 visible ASCII characters',
    })
  return key
}

const sendSchema = {
  tags: ['messages'],
  consumes: ['application/json', ndjsonType],
  security,
  summary: 'Send a message, or up to 1,000 as an array or NDJSON',
  description:
    'Answers once the message is on stable storage. Give each message a `client_msg_id` and repeat after any 5xx or timeout: it will not be sent twice.',
  headers: Type.Object({
    prefer: Type.Optional(
      Type.String({ description: '`wait=5`: answer with the outcome if it comes within 5 seconds.' }),
    ),
    'idempotency-key': Type.Optional(Type.String()),
  }),
  querystring: Type.Object({
    dry: Type.Optional(Type.String({ description: 'Check only; nothing is sent.' })),
  }),
  body: Type.Union([MessageInput, Type.Array(MessageInput, { minItems: 1, maxItems })]),
  response: {
    200: Type.Object(
      {},
      { additionalProperties: true, description: 'Accepted before under the same key, or a dry run.' },
    ),
    202: Type.Union([Accepted, BulkAccepted, MessageView]),
    ...problemAnswers,
  },
}
