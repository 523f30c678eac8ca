/**
 * Tokens from the tenant's own endpoint: `GET url` answers `{"access_token", "expires_in"}` as WeChat does, or
 * WeChat's `{"errcode", "errmsg"}`. Somebody else keeps that token; we look it up and never have it changed.
 *
 * An administrator configures the address, which as a rule lies in an inner network. All the same it gets
 * connections of its own, little time, no redirects, and 64 KB of answer.
 */
import type { Clock } from '../clock.ts'
import { createWechatClient, type WechatClient } from './client.ts'
import { parseTokenAnswer } from './token-answer.ts'
import type { AskForToken } from './token-centre.ts'

export interface TokenEndpoints {
  readonly ask: AskForToken
  close(): Promise<void>
}

/** How long a token lives whose answer does not say so, in seconds. */
const unstatedLife = 60
/** Endpoints whose connections are kept; the one not asked for longest goes first. */
const originsKept = 64
const connections = 2
const maxReplyBytes = 64 * 1024

export const createTokenEndpoints = ({
  clock,
  timeoutMs = 5000,
}: {
  readonly clock: Clock
  readonly timeoutMs?: number
}): TokenEndpoints => {
  const clients = new Map<string, WechatClient>()

  const clientOf = (origin: string): WechatClient => {
    const client =
      clients.get(origin) ?? createWechatClient({ origin, connections, timeoutMs, maxReplyBytes, clock })
    clients.delete(origin)
    clients.set(origin, client)
    for (const [oldest, old] of clients) {
      if (clients.size <= originsKept) break
      clients.delete(oldest)
      void old.close()
    }
    return client
  }

  return {
    async ask({ tokenEndpoint }) {
      const url = tokenEndpoint && endpointUrl(tokenEndpoint.url)
      if (url === undefined)
        return { kind: 'lacking', error: 'token-endpoint-invalid', until: clock.now() + 60_000 }
      const { authorization } = tokenEndpoint!
      const answer = await clientOf(url.origin).call({
        method: 'GET',
        path: `${url.pathname}${url.search}`,
        ...(authorization !== undefined && { authorization }),
      })
      const result = parseTokenAnswer(answer, { unstatedLife })
      // The bare reasons stand for WeChat everywhere else.
      return result.kind === 'failed'
        ? { kind: 'failed', error: 'token-endpoint-failed', detail: result.error }
        : result
    },

    async close() {
      await Promise.all([...clients.values()].map((client) => client.close()))
    },
  }
}

/** The address, if it is one that we ask: http or https, without a name and password in it. */
export const endpointUrl = (text: string): URL | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const known = url?.protocol === 'http:' || url?.protocol === 'https:'
  return known && url.username === '' && url.password === '' ? url : undefined
}
