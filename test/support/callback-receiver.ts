/** What a service behind a callback address is made of: a server, and the reader. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { CallbackAccount, CallbackEvent, CallbackReading } from '../../src/callback-event.ts'
import { checkUrl, readCallback } from '../../src/wechat/callback.ts'
import { until } from './waiting.ts'

export interface Owner {
  after(end: () => unknown): void
}

export interface ReceiverOptions {
  account: CallbackAccount
  /** How the next event is answered. `hang`: not at all. */
  answer?: () => { readonly status: number; readonly body: string } | 'hang'
}

export const openReceiver = async (t: Owner, options: ReceiverOptions) => {
  const readings: CallbackReading[] = []

  const respond = (res: ServerResponse, { status, body }: { status: number; body: string }) => {
    res.writeHead(status, { 'content-type': 'text/plain' }).end(body)
  }

  const onCheck = (res: ServerResponse, query: Record<string, string>): void => {
    const check = checkUrl({ settings: options.account.callback, query })
    respond(res, check.kind === 'echo' ? { status: 200, body: check.echostr } : { status: 403, body: '' })
  }

  const onPush = async (req: IncomingMessage, res: ServerResponse, query: Record<string, string>) => {
    const chunks: Buffer[] = []
    for await (const chunk of req) chunks.push(chunk)
    const reading = readCallback({
      account: options.account,
      query,
      body: Buffer.concat(chunks),
      now: Date.now(),
    })
    readings.push(reading)
    if (reading.kind === 'refused') return respond(res, { status: reading.status, body: '' })
    const answer = options.answer?.() ?? { status: 200, body: 'success' }
    if (answer !== 'hang') respond(res, answer)
  }

  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', 'http://receiver')
    const query = Object.fromEntries(url.searchParams)
    if (req.method === 'GET') onCheck(res, query)
    else onPush(req, res, query).catch(() => res.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })

  const events = (): readonly CallbackEvent[] =>
    readings.flatMap((reading) => (reading.kind === 'event' ? [reading.event] : []))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/callbacks/demo`,
    readings,
    events,
    /** The events, once there are so many. */
    received: async (count: number): Promise<readonly CallbackEvent[]> => {
      await until(() => events().length >= count, 5000)
      return events()
    },
  }
}
