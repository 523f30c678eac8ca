/**
 * What can be seen of a Redis without changing anything in it: for whoever wants to know whether it would do, or why it
 * does not. The service may run meanwhile.
 */
import { type Audit, auditServers, parseInfo } from './audit.ts'
import { type Client, openClient } from './client.ts'

export interface RedisFacts {
  readonly version: string
  /** Of one question and its answer; the median of a few. */
  readonly latencyMs: number
  /** How far its clock is ahead of ours; below 0, behind. Of a cluster the one that is furthest off. */
  readonly aheadMs: number
  readonly audit: Audit
  /** Of the fullest server: what it uses, and what it may use; 0: as much as there is. */
  readonly usedBytes: number
  readonly maxBytes: number
  /** What keeps it from writing its log or its snapshots, as it names that itself; empty when all is well. */
  readonly persistenceFaults: readonly string[]
  /** Replicas that follow each primary; of a cluster the fewest. */
  readonly replicas: number
  /** The number of shards that the data was made with; nothing: there is none yet. */
  readonly shards: number | undefined
  /** A secret as it is stored, sealed; nothing: there is none yet. */
  readonly sealed: string | undefined
}

export interface ExamineOptions {
  readonly url: string
  /** How many replicas have to confirm what is accepted. */
  readonly replicas: number
  readonly now: () => number
  readonly prefix?: string
  readonly callMs?: number
}

const questions = 9

/** Rejects when it cannot be reached or does not answer in time. */
export const examineRedis = async (options: ExamineOptions): Promise<RedisFacts> => {
  const { url, replicas, now, prefix = 'hongyan:', callMs = 5000 } = options
  const client = await openClient({ url, callMs })
  try {
    const infos = (await client.everyPrimary('INFO')).map((text) => parseInfo(String(text)))
    const numbers = (name: string) => infos.map((info) => Number(info.get(name) ?? 0))
    const fullest = infos.reduce((a, b) => (shareOf(a) >= shareOf(b) ? a : b))
    const shards = await client.command('GET', `${prefix}{s0}:shards`)
    return {
      version: infos[0]!.get('redis_version') ?? '',
      ...(await timesOf(client, now)),
      audit: await auditServers(client, replicas),
      usedBytes: Number(fullest.get('used_memory')),
      maxBytes: Number(fullest.get('maxmemory')),
      persistenceFaults: [...new Set(infos.flatMap(faultsOf))],
      replicas: Math.min(...numbers('connected_slaves')),
      shards: shards === null ? undefined : Number(shards),
      sealed: await sealedOf(client, prefix),
    }
  } finally {
    client.close()
  }
}

const shareOf = (info: ReadonlyMap<string, string>): number => {
  const [used, max] = [Number(info.get('used_memory')), Number(info.get('maxmemory'))]
  return max === 0 ? 0 : used / max
}

/** The server tells its time somewhere between our question and its answer. */
const timesOf = async (
  client: Client,
  now: () => number,
): Promise<Pick<RedisFacts, 'latencyMs' | 'aheadMs'>> => {
  const rounds: { readonly tookMs: number; readonly aheadMs: number }[] = []
  for (let round = 0; round < questions; round++) {
    const askedAt = now()
    const startedAt = performance.now()
    const answers = (await client.everyPrimary('TIME')) as readonly (readonly string[])[]
    const tookMs = performance.now() - startedAt
    const ahead = answers.map(
      ([seconds, micros]) => Number(seconds) * 1000 + Number(micros) / 1000 - askedAt - tookMs / 2,
    )
    rounds.push({ tookMs, aheadMs: ahead.reduce((a, b) => (Math.abs(a) >= Math.abs(b) ? a : b)) })
  }
  const { tookMs, aheadMs } = rounds.sort((a, b) => a.tookMs - b.tookMs)[questions >> 1]!
  return { latencyMs: tookMs, aheadMs }
}

/** What its own report says of the log and of snapshots that have failed. */
const faultsOf = (info: ReadonlyMap<string, string>): readonly string[] =>
  ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status']
    .filter((name) => (info.get(name) ?? 'ok') !== 'ok')
    .map((name) => `${name}: ${info.get(name)}`)

/** Any stored key has a sealed secret. */
const sealedOf = async (client: Client, prefix: string): Promise<string | undefined> => {
  const answer = await client.command('HRANDFIELD', `${prefix}{s0}:d:key`, 1, 'WITHVALUES')
  return /"(v2\.[^"]+)"/.exec(String((answer as readonly string[] | null)?.[1] ?? ''))?.[1]
}
