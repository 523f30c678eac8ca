import { type Dispatcher, Pool } from 'undici'
import { messageOf } from './accepted.ts'
import { concurrency } from './workload.ts'

/** The same options as Hongyan's client has. */
const poolOptions: Pool.Options = {
  connections: concurrency,
  pipelining: 1,
  allowH2: false,
  connectTimeout: 5_000,
  keepAliveTimeout: 4_000,
  keepAliveMaxTimeout: 4_000,
  maxResponseSize: 64 * 1024,
  headersTimeout: 0,
  bodyTimeout: 0,
}

/** As long as the sink's, so that as many bytes travel. */
const path = `/cgi-bin/message/template/send?access_token=${'T0ken_-'.repeat(22)}`
const headers = ['content-type', 'application/json']
const bodies = Array.from({ length: 1000 }, (_, n) => messageOf(n).body)

/**
 * The least that sending with undici can be: `dispatch` in a loop, so many at once, the reply collected and
 * not looked at. Nothing is kept, nothing is retried, a failure ends the process.
 */
export const createBareDispatch = (wechat: string, onSent: () => void) => {
  const pool = new Pool(wechat, poolOptions)
  let waiting = 0
  let inFlight = 0
  let sent = 0

  const done = () => {
    inFlight--
    onSent()
    begin()
  }

  const begin = () => {
    while (inFlight < concurrency && waiting > 0) {
      waiting--
      inFlight++
      const body = bodies[sent++ % bodies.length]!
      pool.dispatch({ method: 'POST', path, headers, body }, new BareCall(done))
    }
  }

  return {
    /** So many more are to be sent. */
    add(count: number): void {
      waiting += count
      begin()
    },
  }
}

class BareCall implements Dispatcher.DispatchHandler {
  private readonly done: () => void
  private readonly chunks: Buffer[] = []

  constructor(done: () => void) {
    this.done = done
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    if (status !== 200) throw new Error(`The sink answered with status ${status}`)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.chunks.length > 0) this.done()
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    throw error
  }
}
