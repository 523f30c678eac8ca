/** The way of pushes to the outside: connections, time limits, and what counts as a good answer. */
import { Agent, request } from 'undici'
import type { PushRequest } from './push-request.ts'

/** `status` not 200 · `body` neither `success` nor empty · `timeout` · `connection` there was none, or it broke */
export type PushAnswer = 'taken' | 'status' | 'body' | 'timeout' | 'connection'

export interface Outlet {
  post(push: PushRequest, timeoutMs: number): Promise<PushAnswer>
  /** What the answer to a GET is, or why there is none. */
  get(url: string, timeoutMs: number): Promise<{ readonly text: string } | { readonly failed: PushAnswer }>
  close(): Promise<void>
}

const longestAnswer = 4096

export const createOutlet = (connections: number): Outlet => {
  const dispatcher = new Agent({ connections, pipelining: 1 })
  const underWay = new Set<AbortController>()

  const exchange = async (
    url: string,
    timeoutMs: number,
    message: { method: 'GET' | 'POST'; body?: string; headers?: Record<string, string> },
  ): Promise<{ readonly text: string } | { readonly failed: PushAnswer }> => {
    const controller = new AbortController()
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      controller.abort()
    }, timeoutMs)
    underWay.add(controller)
    try {
      const { signal } = controller
      const { statusCode, body } = await request(url, { ...message, dispatcher, signal })
      let text = ''
      for await (const chunk of body) {
        text += chunk
        // Leaving the loop early ends the response.
        if (text.length > longestAnswer) break
      }
      return statusCode === 200 ? { text } : { failed: 'status' }
    } catch {
      return { failed: isLate ? 'timeout' : 'connection' }
    } finally {
      clearTimeout(timer)
      underWay.delete(controller)
    }
  }

  return {
    post: async ({ url, body, contentType }, timeoutMs) => {
      const headers = { 'content-type': contentType }
      const answer = await exchange(url, timeoutMs, { method: 'POST', body, headers })
      if ('failed' in answer) return answer.failed
      return answer.text === 'success' || answer.text === '' ? 'taken' : 'body'
    },
    get: (url, timeoutMs) => exchange(url, timeoutMs, { method: 'GET' }),
    close: async () => {
      for (const controller of underWay) controller.abort()
      await dispatcher.destroy()
    },
  }
}
