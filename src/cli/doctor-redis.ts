import type { EngineChoice } from '../config.ts'
import type { RedisFacts } from '../main.ts'
import type { Finding } from './doctor.ts'
import { clockFinding } from './doctor-clock.ts'
import { say } from './say.ts'

export type RedisChoice = Extract<EngineChoice, { readonly kind: 'redis' }>

/** From this share of its memory on, nothing more is taken in; well before, somebody should look. */
const fullShare = 0.8
const noticedShare = 0.6

/** Whether the Redis that was chosen is there and guarantees what it should. Nothing is written to it. */
export const redisFindings = async (
  choice: RedisChoice,
  examine: () => Promise<RedisFacts>,
): Promise<{ readonly findings: readonly Finding[]; readonly facts?: RedisFacts }> => {
  const place = withoutPassword(choice.url)
  try {
    const facts = await examine()
    return { facts, findings: findingsOf(choice, place, facts) }
  } catch (error) {
    return { findings: [unreachable(place, (error as Error).message)] }
  }
}

const findingsOf = (choice: RedisChoice, place: string, facts: RedisFacts): readonly Finding[] => [
  {
    check: 'redis',
    status: 'ok',
    detail: say(
      `Redis ${facts.version} 已应答，${facts.latencyMs.toFixed(1)} 毫秒：${place}`,
      `Redis ${facts.version} answers in ${facts.latencyMs.toFixed(1)} ms: ${place}`,
    ),
    facts: { version: facts.version, latency_ms: Number(facts.latencyMs.toFixed(2)) },
  },
  ...settingFindings(facts),
  memoryFinding(facts),
  persistenceFinding(facts),
  replicaFinding(choice, facts),
  shardFinding(choice, facts),
  clockFinding('redis-clock', { zh: ' Redis ', en: 'that of Redis' }, facts.aheadMs),
]

/** For people's eyes: passwords stay out of terminals and tickets. */
export const withoutPassword = (url: string): string => url.replace(/\/\/[^@/]*@/, '//')

const unreachable = (place: string, why: string): Finding => ({
  check: 'redis',
  status: 'failed',
  detail: say(`Redis 无法使用：${place}（${why}）`, `Redis cannot be used: ${place} (${why})`),
  fix: say(
    '启动它，或核对 HONGYAN_ENGINE 的地址、用户名与密码，以及两者之间的防火墙。',
    'Start it, or check the address, user and password in HONGYAN_ENGINE, and the firewall between.',
  ),
})

/** What the engine itself would say at its start, or refuse to start with. */
const settingFindings = ({ audit }: RedisFacts): readonly Finding[] => {
  const { durability, findings, refusals } = audit
  const told = (status: 'failed' | 'warning') => (finding: RedisFacts['audit']['findings'][number]) => ({
    check: finding.code,
    status,
    detail: say(finding.zh, finding.en),
    fix: say(
      '写入 redis.conf 后重启 Redis，或用 CONFIG SET 加 CONFIG REWRITE 立即生效。',
      'Write it into redis.conf and restart Redis, or use CONFIG SET and CONFIG REWRITE for it to hold at once.',
    ),
  })
  const all = [...refusals.map(told('failed')), ...findings.map(told('warning'))]
  if (all.length > 0) return all
  return [
    {
      check: 'redis-settings',
      status: 'ok',
      detail: say('Redis 的设置不会丢失已接受的消息', 'The settings of Redis lose nothing that was accepted'),
      facts: { durability },
    },
  ]
}

const memoryFinding = ({ usedBytes, maxBytes }: RedisFacts): Finding => {
  const facts = { used_bytes: usedBytes, max_bytes: maxBytes }
  const used = `${(usedBytes / 1024 ** 2).toFixed(0)} MB`
  const share = maxBytes === 0 ? 0 : usedBytes / maxBytes
  const percent = Math.round(100 * share)
  const detail =
    maxBytes === 0
      ? say(`Redis 使用内存 ${used}，未设上限`, `Redis uses ${used} of memory, without a limit`)
      : say(
          `Redis 使用内存 ${used}，为上限的 ${percent}%`,
          `Redis uses ${used} of memory, ${percent} % of its limit`,
        )
  if (share < noticedShare) return { check: 'redis-memory', status: 'ok', detail, facts }
  return {
    check: 'redis-memory',
    status: share < fullShare ? 'warning' : 'failed',
    detail,
    fix: say(
      '达到 80% 时停止接收：调高 maxmemory、缩短 HONGYAN_RETENTION_DAYS，或增加工作节点消化积压。',
      'At 80 % nothing more is taken in: raise maxmemory, shorten HONGYAN_RETENTION_DAYS, or add workers to a long backlog.',
    ),
    facts,
  }
}

const persistenceFinding = ({ persistenceFaults: faults }: RedisFacts): Finding =>
  faults.length === 0
    ? {
        check: 'redis-persistence',
        status: 'ok',
        detail: say('Redis 的持久化写入正常', 'Redis writes to its disk without faults'),
      }
    : {
        check: 'redis-persistence',
        status: 'failed',
        detail: say(
          `Redis 最近一次持久化失败：${faults.join('，')}`,
          `Redis has failed to write to its disk: ${faults.join(', ')}`,
        ),
        fix: say(
          '查看 Redis 日志；多半是磁盘已满或目录权限不对。',
          'See its log; mostly the disk is full or its folder not writable.',
        ),
      }

const replicaFinding = ({ replicas: wanted }: RedisChoice, { replicas }: RedisFacts): Finding => {
  const facts = { replicas, wanted }
  if (replicas >= wanted)
    return {
      check: 'redis-replicas',
      status: 'ok',
      detail: say(`从节点 ${replicas} 个，要求 ${wanted} 个`, `Replicas: ${replicas}; asked for: ${wanted}`),
      facts,
    }
  return {
    check: 'redis-replicas',
    status: 'failed',
    detail: say(
      `从节点只有 ${replicas} 个，接收消息需要 ${wanted} 个确认`,
      `There are ${replicas} replicas, and ${wanted} have to confirm what is accepted`,
    ),
    fix: say(
      '启动从节点，或减小 HONGYAN_ENGINE 中的 replicas；在此之前不接收消息。',
      'Start them, or lower replicas in HONGYAN_ENGINE; nothing is accepted before.',
    ),
    facts,
  }
}

const shardFinding = (choice: RedisChoice, { shards }: RedisFacts): Finding => {
  const check = 'redis-shards'
  const chosen: number | undefined = choice.shards
  if (shards === undefined)
    return {
      check,
      status: 'ok',
      detail: say(
        '还没有数据；首次启动会定下分片数',
        'There is no data yet; the first start fixes the number of shards',
      ),
    }
  const facts = { shards }
  if (chosen === undefined || shards === chosen)
    return { check, status: 'ok', detail: say(`分片 ${shards} 个`, `Shards: ${shards}`), facts }
  return {
    check,
    status: 'failed',
    detail: say(
      `数据有 ${shards} 个分片，设置要求 ${chosen} 个`,
      `The data has ${shards} shards, and the setting asks for ${chosen}`,
    ),
    fix: say(
      `分片数随数据固定：在 HONGYAN_ENGINE 末尾写 ?shards=${shards}。`,
      `The number is fixed with the data: write ?shards=${shards} at the end of HONGYAN_ENGINE.`,
    ),
    facts,
  }
}
