/** How long a search for one person's messages takes among very many. */
import { type Conditions, openPlace, placeOf, startContestant } from './contestants.ts'
import { monotonicMs } from './cpu.ts'
import type { Access } from './service.ts'
import { openidOf } from './workload.ts'

export interface SearchResult {
  readonly stored: number
  /** The first one starts the reading thread. */
  readonly firstMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const stored = 1_000_000
const searches = 20
const requestLimitMs = 30_000

/** People over the whole store, each far from the one before. */
const stride = 7919

export const measureSearch = async (scale: number, conditions: Conditions): Promise<SearchResult> => {
  const count = Math.round(stored * scale)
  await using place = await openPlace('hongyan')
  {
    await using storing = startContestant('hongyan', conditions)
    await storing.ask('preload', { ...placeOf(place), count })
  }
  await using service = startContestant('hongyan', conditions)
  const access = await service.ask('start', {
    ...placeOf(place),
    roles: ['gateway'],
    wechat: 'http://127.0.0.1',
    milestones: [],
  })
  const firstMs = await searchMs(access, openidOf(0))
  const times: number[] = []
  for (let n = 1; n <= searches; n++) times.push(await searchMs(access, openidOf((n * stride) % count)))
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.ceil(share * times.length) - 1]!
  return { stored: count, firstMs, p50Ms: at(0.5), p99Ms: at(0.99) }
}

const searchMs = async (access: Access, touser: string): Promise<number> => {
  const startedAt = monotonicMs()
  const response = await fetch(`${access.url}${access.singlePath}?touser=${touser}`, {
    headers: { authorization: `Bearer ${access.keyId}.${access.keySecret}` },
    signal: AbortSignal.timeout(requestLimitMs),
  })
  const { data } = (await response.json()) as { data?: readonly { touser: string }[] }
  const ms = monotonicMs() - startedAt
  if (!data?.length || data.some((message) => message.touser !== touser))
    throw new Error(`The search for ${touser} answered ${response.status} with ${data?.length} messages`)
  return ms
}
