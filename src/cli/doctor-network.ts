import { connect, createServer } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { type Address, readConfig } from '../config.ts'
import type { Finding } from './doctor.ts'
import type { Profile } from './profile.ts'
import { say } from './say.ts'

type Environment = Readonly<Record<string, string | undefined>>

const patienceMs = 5000

/** Whether WeChat's address takes a connection: the real one, or the simulator when that is what runs. */
export const wechatFinding = async (env: Environment, profile: Profile | undefined): Promise<Finding> => {
  try {
    const origin =
      env.HONGYAN_WECHAT === undefined
        ? (profile?.simulators[0] ?? readConfig(env).wechat)
        : readConfig(env).wechat
    const fault = await connectionFault(new URL(origin))
    if (fault === undefined)
      return {
        check: 'wechat',
        status: 'ok',
        detail: say(`微信接口可以连接：${origin}`, `WeChat’s address takes connections: ${origin}`),
      }
    return {
      check: 'wechat',
      status: 'failed',
      detail: say(
        `微信接口无法连接：${origin}（${fault}）`,
        `WeChat’s address cannot be reached: ${origin} (${fault})`,
      ),
      fix: say(
        '检查出口网络、DNS 和 HONGYAN_WECHAT。',
        'Check the outgoing network, DNS and HONGYAN_WECHAT.',
      ),
    }
  } catch (error) {
    return { check: 'wechat', status: 'failed', detail: (error as Error).message }
  }
}

/** Why no connection (with TLS where the address has it) came about, if none did. */
const connectionFault = ({ protocol, hostname, port }: URL): Promise<string | undefined> => {
  const host = hostname.replace(/^\[|\]$/g, '')
  const secure = protocol === 'https:'
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const done = () => resolve(undefined)
  const target = { host, port: Number(port) || (secure ? 443 : 80) }
  const socket = secure ? connectSecurely({ ...target, servername: host }, done) : connect(target, done)
  socket.setTimeout(patienceMs, () => resolve(say('超时', 'it took too long')))
  socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  return promise.finally(() => socket.destroy())
}

/** Whether our addresses are free, or taken by ourselves. */
export const portFindings = async (
  env: Environment,
  profile: Profile | undefined,
  gatewayRuns: boolean,
): Promise<readonly Finding[]> => {
  let addresses: readonly (readonly [name: string, address: Address])[]
  try {
    const { http, simulator, simulatorAdmin } = readConfig(env)
    addresses = [
      ['HONGYAN_HTTP', http],
      ['HONGYAN_SIMULATOR', simulator],
      ['HONGYAN_SIMULATOR_ADMIN', simulatorAdmin],
    ]
  } catch (error) {
    return [{ check: 'config', status: 'failed', detail: (error as Error).message }]
  }
  const ours = new Set(gatewayRuns && profile ? [profile.url, ...profile.simulators].map(portOf) : [])
  return Promise.all(addresses.map(([name, address]) => portFinding(name, address, ours, gatewayRuns)))
}

const portOf = (origin: string): number => {
  const { port, protocol } = new URL(origin)
  return Number(port) || (protocol === 'https:' ? 443 : 80)
}

const portFinding = async (
  name: string,
  address: Address,
  ours: ReadonlySet<number>,
  gatewayRuns: boolean,
): Promise<Finding> => {
  const place = `${name} ${address.host}:${address.port}`
  const check = `port:${name}`
  if (address.port !== 0 && ours.has(address.port))
    return {
      check,
      status: 'ok',
      detail: say(`${place} 由正在运行的鸿雁使用`, `${place} is in use by Hongyan itself`),
    }
  const fault = await listenFault(address)
  if (fault === undefined) return { check, status: 'ok', detail: say(`${place} 空闲`, `${place} is free`) }
  const detail = say(`${place} 不可用（${fault}）`, `${place} cannot be used (${fault})`)
  // Whoever talks to a gateway that runs does not need these addresses.
  if (gatewayRuns) return { check, status: 'skipped', detail }
  return {
    check,
    status: 'failed',
    detail,
    fix: say(`停止占用它的程序，或换一个 ${name}。`, `Stop what uses it, or choose another ${name}.`),
  }
}

const listenFault = ({ host, port }: Address): Promise<string | undefined> => {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const server = createServer()
  server.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
  server.listen({ host, port }, () => server.close(() => resolve(undefined)))
  return promise
}
