/** Calls to WeChat the way the peer makes them: undici's dispatch, one pool, one token for all. */
import { type Dispatcher, Pool } from 'undici'

export interface Wechat {
  /** The body of a 200. Rejects when there is none. */
  post(path: string, body: string): Promise<string>
  token(): Promise<string>
}

const callLimitMs = 10_000
const headers = ['content-type', 'application/json']

export const createWechat = ({
  origin,
  connections,
  appid,
  secret,
}: {
  readonly origin: string
  readonly connections: number
  readonly appid: string
  readonly secret: string
}): Wechat => {
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    connectTimeout: 5_000,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 4_000,
    maxResponseSize: 64 * 1024,
    headersTimeout: callLimitMs,
    bodyTimeout: callLimitMs,
  })
  let cached: { readonly text: string; readonly renewAt: number } | undefined
  let asking: Promise<string> | undefined

  const post = (path: string, body: string): Promise<string> =>
    new Promise((resolve, reject) => {
      pool.dispatch({ method: 'POST', path, headers, body }, new Call(resolve, reject))
    })

  const ask = async (): Promise<string> => {
    const body = JSON.stringify({ grant_type: 'client_credential', appid, secret })
    const { access_token: text, expires_in: seconds } = JSON.parse(
      await post('/cgi-bin/stable_token', body),
    ) as {
      access_token: string
      expires_in: number
    }
    cached = { text, renewAt: Date.now() + (seconds - 300) * 1000 }
    asking = undefined
    return text
  }

  return {
    post,
    async token() {
      if (cached && Date.now() < cached.renewAt) return cached.text
      asking ??= ask()
      return asking
    },
  }
}

class Call implements Dispatcher.DispatchHandler {
  private readonly resolve: (body: string) => void
  private readonly reject: (error: Error) => void
  private readonly chunks: Buffer[] = []
  private status = 0

  constructor(resolve: (body: string) => void, reject: (error: Error) => void) {
    this.resolve = resolve
    this.reject = reject
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.status === 200) this.resolve(Buffer.concat(this.chunks).toString())
    else this.reject(new Error(`HTTP ${this.status}`))
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.reject(error)
  }
}
