/** What WeChat tells a third-party platform about itself and the accounts that it looks after. */
import type { CallbackEvent } from '../callback-event.ts'
import type { Account } from '../directory.ts'
import type { Observe } from '../observe.ts'
import type { Platforms } from './platform.ts'

export interface PlatformEventParts {
  readonly platforms: Pick<Platforms, 'putTicket' | 'authorize' | 'withdraw'>
  readonly observe: Observe
}

/**
 * Resolves once what the event says is stored, and rejects when that fails, so that WeChat pushes it again. The code
 * of an authorisation is exchanged afterwards: WeChat waits five seconds for its answer, and the exchange may take longer.
 */
export const createPlatformEvents = ({ platforms, observe }: PlatformEventParts) => {
  const exchange = async (platform: string, appid: string, code: string): Promise<void> => {
    const result = await platforms
      .authorize(platform, code)
      .catch((error: unknown) => ({ kind: 'failed', error: String(error) }) as const)
    if (result.kind === 'authorized') return
    const detail =
      result.kind === 'failed'
        ? `its authorisation could not be exchanged for a refresh token: ${result.error}; have it authorise again`
        : `it has authorised the platform ${platform}, but no account here gets its tokens from there`
    observe({ kind: 'alert', code: 'authorization-failed', account: appid, detail })
  }

  /** WeChat pushes an event up to three times, and a code is good for one exchange. */
  const exchanged = new Set<string>()
  const isNew = (code: string): boolean => {
    if (exchanged.has(code)) return false
    if (exchanged.size >= codesKept) exchanged.clear()
    exchanged.add(code)
    return true
  }

  return async (
    { appid: platform, kind }: Account,
    event: CallbackEvent & { readonly at: number },
  ): Promise<void> => {
    if (kind !== 'component') return
    if (event.kind === 'component-ticket') await platforms.putTicket(platform, event.ticket, event.at)
    if (event.kind === 'authorized' && isNew(event.code)) void exchange(platform, event.appid, event.code)
    if (event.kind === 'unauthorized') await platforms.withdraw(platform, event.appid)
  }
}

const codesKept = 1000
