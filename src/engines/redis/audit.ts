/**
 * What the server's settings really guarantee. Redis can be set up to forget what it has answered for; the engine says so
 * at the start, and refuses where the queue itself would be thrown away.
 */
import type { Client } from './client.ts'

/**
 * What of an accepted message survives. `machine`: the crash of Redis and of its machine. `second`: the same, but for the
 * last second. `nothing`: not even a restart of Redis. `unknown`: the server does not show its settings.
 */
export type Durability = 'machine' | 'second' | 'nothing' | 'unknown'

export interface Finding {
  readonly code: string
  readonly en: string
  readonly zh: string
}

export interface Audit {
  readonly durability: Durability
  /** Settings that weaken what is promised. */
  readonly findings: readonly Finding[]
  /** Settings with which the engine does not start. */
  readonly refusals: readonly Finding[]
}

/** The settings of a server; nothing: it does not show them. */
export interface Settings {
  readonly version: string
  readonly role: string
  readonly config: ReadonlyMap<string, string> | undefined
}

const oldestMajor = 7

/** Pure, so that every combination can be looked at. `replicas`: how many have to confirm what is accepted. */
export const audit = ({ version, role, config }: Settings, replicas: number): Audit => {
  const refusals: Finding[] = []
  const findings: Finding[] = []
  const major = Number.parseInt(version, 10)
  if (!(major >= oldestMajor)) refusals.push(tooOld(version))
  if (role !== 'master') refusals.push(notPrimary(role))
  if (config === undefined) return { durability: 'unknown', findings: [hidden], refusals }

  const policy = config.get('maxmemory-policy') ?? ''
  if (policy !== 'noeviction') refusals.push(evicts(policy))
  const appendonly = config.get('appendonly') === 'yes'
  const fsync = config.get('appendfsync') ?? ''
  if (!appendonly) findings.push(noLog)
  else if (fsync !== 'always') findings.push(seldomSynced(fsync))
  else if (config.get('no-appendfsync-on-rewrite') === 'yes') findings.push(unsyncedRewrites)
  if (Number(config.get('maxmemory') ?? 0) === 0) findings.push(unbounded)
  const most = Number(config.get('min-replicas-to-write') ?? 0)
  if (replicas > 0 && most < replicas) findings.push(writesAlone(replicas))
  return { durability: durabilityOf(appendonly, fsync), findings, refusals }
}

const durabilityOf = (appendonly: boolean, fsync: string): Durability => {
  if (!appendonly) return 'nothing'
  if (fsync === 'always') return 'machine'
  return fsync === 'everysec' ? 'second' : 'unknown'
}

const tooOld = (version: string): Finding => ({
  code: 'redis-too-old',
  en: `Redis ${version} is too old: Hongyan needs ${oldestMajor} or newer.`,
  zh: `Redis ${version} 版本过旧：鸿雁需要 ${oldestMajor} 或更高版本。`,
})
const notPrimary = (role: string): Finding => ({
  code: 'redis-not-primary',
  en: `This Redis is a ${role}, which takes no writes: name the primary.`,
  zh: `该 Redis 的角色是 ${role}，不接受写入：请填写主节点地址。`,
})
const evicts = (policy: string): Finding => ({
  code: 'redis-evicts',
  en: `maxmemory-policy is ${policy}: when memory runs out, Redis would throw accepted messages away. Set it to noeviction.`,
  zh: `maxmemory-policy 为 ${policy}：内存不足时 Redis 会丢弃已接受的消息。请设为 noeviction。`,
})
const hidden: Finding = {
  code: 'redis-settings-hidden',
  en: 'This Redis does not show its settings, so what it guarantees is not known: ask who runs it for noeviction and appendfsync always.',
  zh: '该 Redis 不允许查看配置，无法得知其持久性保证：请向运维确认 noeviction 与 appendfsync always。',
}
const noLog: Finding = {
  code: 'redis-not-durable',
  en: 'appendonly is off: a restart of Redis loses every message that waits. Set appendonly yes and appendfsync always.',
  zh: 'appendonly 未开启：Redis 重启会丢失所有等待中的消息。请设置 appendonly yes 与 appendfsync always。',
}
const seldomSynced = (fsync: string): Finding => ({
  code: 'redis-last-second',
  en: `appendfsync is ${fsync}: a crash of the machine loses what was accepted last. Only "always" syncs before the answer.`,
  zh: `appendfsync 为 ${fsync}：机器崩溃会丢失最近接受的消息。只有 always 会在应答前落盘。`,
})
const unsyncedRewrites: Finding = {
  code: 'redis-unsynced-rewrites',
  en: 'no-appendfsync-on-rewrite is yes: while the log is rewritten, nothing is synced. Set it to no.',
  zh: 'no-appendfsync-on-rewrite 为 yes：重写日志期间不落盘。请设为 no。',
}
const unbounded: Finding = {
  code: 'redis-unbounded',
  en: 'maxmemory is not set: a long backlog can take all memory of the machine. Set it, and Hongyan stops accepting at 80 %.',
  zh: '未设置 maxmemory：积压过多时可能耗尽机器内存。设置后，鸿雁在达到 80% 时停止接收。',
}
const writesAlone = (replicas: number): Finding => ({
  code: 'redis-writes-alone',
  en: `min-replicas-to-write is below ${replicas}: a primary that is cut off goes on writing, and its messages are lost with it.`,
  zh: `min-replicas-to-write 小于 ${replicas}：被隔离的主节点仍会写入，故障切换时这些消息会丢失。`,
})

/** Asks the server, or every primary of a cluster; what one of them does not guarantee, nobody does. */
export const auditServers = async (client: Client, replicas: number): Promise<Audit> => {
  const infos = (await client.everyPrimary('INFO')).map((text) => parseInfo(String(text)))
  const configs = await client.everyPrimary('CONFIG', 'GET', '*').catch(() => undefined)
  const audits = infos.map((info, index) =>
    audit(
      {
        version: info.get('redis_version') ?? '',
        role: info.get('role') ?? '',
        config: configs && parseConfig(configs[index] as readonly string[]),
      },
      replicas,
    ),
  )
  const once = (all: readonly Finding[]) => [...new Map(all.map((each) => [each.code, each])).values()]
  return {
    durability: weakest.find((each) => audits.some(({ durability }) => durability === each)) ?? 'unknown',
    findings: once(audits.flatMap(({ findings }) => findings)),
    refusals: once(audits.flatMap(({ refusals }) => refusals)),
  }
}

const weakest: readonly Durability[] = ['nothing', 'unknown', 'second', 'machine']

export const parseInfo = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )

const parseConfig = (flat: readonly string[]): ReadonlyMap<string, string> => {
  const pairs: (readonly [string, string])[] = []
  for (let at = 0; at < flat.length; at += 2) pairs.push([flat[at]!, flat[at + 1]!])
  return new Map(pairs)
}
