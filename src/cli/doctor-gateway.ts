import { type Api, createApi } from './api.ts'
import { ApiFailure } from './api-failure.ts'
import type { Finding } from './doctor.ts'
import { clockFinding } from './doctor-clock.ts'
import type { Profile } from './profile.ts'
import { say } from './say.ts'

const patienceMs = 5000

/** Whether the gateway answers, shares our time, and knows our key. */
export const gatewayFindings = async (profile: Profile | undefined): Promise<readonly Finding[]> => {
  if (!profile) return [skipped('gateway'), skipped('clock'), skipped('key')]
  const { url } = profile
  try {
    const response = await fetch(`${url}/readyz`, {
      signal: AbortSignal.timeout(patienceMs),
      redirect: 'manual',
    })
    const text = await response.text()
    if (!isReadiness(text)) return [notOurs(url), skipped('clock'), skipped('key')]
    return [
      readiness(url, response.status),
      gatewayClock(response.headers.get('Date')),
      await keyFinding(profile),
    ]
  } catch (error) {
    const { code, message } = ((error as Error).cause ?? error) as { code?: string; message: string }
    return [unreachable(url, code ?? message), skipped('clock'), skipped('key')]
  }
}

const isReadiness = (text: string): boolean => {
  try {
    return typeof (JSON.parse(text) as { status?: unknown }).status === 'string'
  } catch {
    return false
  }
}

const readiness = (url: string, status: number): Finding =>
  status === 200
    ? {
        check: 'gateway',
        status: 'ok',
        detail: say(`网关可以接收消息：${url}`, `The gateway takes messages: ${url}`),
      }
    : {
        check: 'gateway',
        status: 'failed',
        detail: say(
          `网关现在不接收消息（${status}）：${url}`,
          `The gateway takes no messages now (${status}): ${url}`,
        ),
        fix: say('看网关的日志；它可能正在启动或停止。', 'See its log; it may be starting or stopping.'),
      }

const notOurs = (url: string): Finding => ({
  check: 'gateway',
  status: 'failed',
  detail: say(`${url} 上应答的不是鸿雁网关`, `What answers at ${url} is not a Hongyan gateway`),
  fix: say('核对 HONGYAN_URL，或停止占用该端口的程序。', 'Check HONGYAN_URL, or stop what uses that port.'),
})

const unreachable = (url: string, why: string): Finding => ({
  check: 'gateway',
  status: 'failed',
  detail: say(`网关没有应答：${url}（${why}）`, `The gateway does not answer: ${url} (${why})`),
  fix: say(
    '用 npm start 启动它，或用 HONGYAN_URL 指明地址。',
    'Start it with npm start, or say where it is with HONGYAN_URL.',
  ),
})

/** The header tells whole seconds, cut off. */
const headerExactToMs = 1000

const gatewayClock = (date: string | null): Finding => {
  const aheadMs = date === null ? Number.NaN : Date.parse(date) + headerExactToMs / 2 - Date.now()
  if (Number.isNaN(aheadMs)) return skipped('clock')
  return clockFinding('clock', { zh: '网关', en: 'the gateway’s' }, aheadMs, headerExactToMs)
}

const keyFinding = async (profile: Profile): Promise<Finding> => {
  const api: Api = createApi({ ...profile, signal: AbortSignal.timeout(patienceMs) })
  try {
    const { data } = (await api.get('/v1/accounts')) as { data: readonly unknown[] }
    return {
      check: 'key',
      status: 'ok',
      detail: say(
        `密钥 ${profile.keyId} 有效，账号 ${data.length} 个`,
        `The key ${profile.keyId} is accepted; accounts: ${data.length}`,
      ),
    }
  } catch (error) {
    return {
      check: 'key',
      status: 'failed',
      detail: say(
        `密钥 ${profile.keyId} 未被接受：${reasonOf(error)}`,
        `The key ${profile.keyId} is not accepted: ${reasonOf(error)}`,
      ),
      fix: say(
        '核对 HONGYAN_KEY_ID 和 HONGYAN_KEY_SECRET；密钥要有 read 权限，并属于这个网关。',
        'Check HONGYAN_KEY_ID and HONGYAN_KEY_SECRET; the key needs the scope read and has to be this gateway’s.',
      ),
    }
  }
}

const reasonOf = (error: unknown): string =>
  error instanceof ApiFailure ? error.title : (error as Error).message

const names = (): Readonly<Record<'gateway' | 'clock' | 'key', string>> => ({
  gateway: say('网关', 'The gateway'),
  clock: say('时钟', 'The clock'),
  key: say('密钥', 'The key'),
})

const skipped = (check: 'gateway' | 'clock' | 'key'): Finding => ({
  check,
  status: 'skipped',
  detail: say(`${names()[check]}：没有检查`, `${names()[check]} was not checked`),
})
