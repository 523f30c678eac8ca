/** Sending with patience: repeating what is safe to repeat, and waiting for the end of the story. */
import { setTimeout as pause } from 'node:timers/promises'
import { isFinal } from '../message.ts'
import type { Api } from './api.ts'
import { ApiFailure, Unreachable } from './api-failure.ts'
import type { AcceptedView, MessageView } from './views.ts'

const maxTries = 3
const firstPauseMs = 300
/** However long the gateway asks us to stay away. */
const maxPauseMs = 5000

/** Repeats what failed for now (503, no answer). Only for requests that carry a key, so that a repeat is the same message. */
export const withRetries = async <T>(run: () => Promise<T>): Promise<T> => {
  for (let tried = 1; ; tried++) {
    try {
      return await run()
    } catch (error) {
      if (tried >= maxTries || !isPassing(error)) throw error
      await pause(pauseMs(error, tried))
    }
  }
}

const isPassing = (error: unknown): boolean =>
  error instanceof Unreachable || (error instanceof ApiFailure && error.status === 503)

/** Longer every time, and with chance in it, so that many callers do not come back at once. */
const pauseMs = (error: unknown, tried: number): number => {
  const asked = error instanceof ApiFailure ? (error.retryAfterMs ?? 0) : 0
  const own = firstPauseMs * 3 ** (tried - 1) * (0.5 + Math.random())
  return Math.min(maxPauseMs, Math.max(asked, own))
}

/** The longest that the gateway lets one request wait. */
const maxPreferSeconds = 60
const pollMs = 500

/** The `Prefer` header for a wait; what is longer than one request may take is waited for by asking again. */
export const preferWait = (seconds: number): string =>
  `wait=${Math.ceil(Math.min(seconds, maxPreferSeconds))}`

/** The message once it came to its end, or as it is at `deadline` (of `performance.now`). */
export const outcomeOf = async (api: Api, accepted: AcceptedView, deadline: number): Promise<MessageView> => {
  if (accepted.timeline !== undefined && isFinal(accepted.state)) return accepted as MessageView
  for (;;) {
    const message = (await api.get(`/v1/messages/${accepted.id}`)) as MessageView
    const leftMs = deadline - performance.now()
    if (isFinal(message.state) || leftMs <= 0) return message
    await pause(Math.min(pollMs, leftMs))
  }
}
