/** What can be seen of a PostgreSQL without changing anything in it. The service may run meanwhile. */
import pg from 'pg'

export interface PostgresFacts {
  /** As it says itself, such as `15.14 (Debian 15.14-0+deb12u1)`. */
  readonly version: string
  readonly major: number
  /** Of one question and its answer; the median of a few. */
  readonly latencyMs: number
  /** How far its clock is ahead of ours; below 0, behind. */
  readonly aheadMs: number
  /** The schema in which the tables are made; nothing: the search path names none that exists. */
  readonly schema: string | undefined
  readonly mayCreate: boolean
  /** It follows another server, and takes no writes. */
  readonly isStandby: boolean
  /** Settings under which a commit can be lost that was answered, as `name = value`. */
  readonly unsafe: readonly string[]
}

export interface ExamineOptions {
  readonly url: string
  readonly now: () => number
  readonly timeoutMs?: number
}

const questions = 9

/** Rejects when it cannot be reached or does not answer in time. */
export const examinePostgres = async (options: ExamineOptions): Promise<PostgresFacts> => {
  const { url, now, timeoutMs = 5000 } = options
  const client = new pg.Client({
    connectionString: url,
    application_name: 'hongyan doctor',
    connectionTimeoutMillis: timeoutMs,
    query_timeout: timeoutMs,
  })
  // What breaks is told by the question that it breaks.
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{
      version: string
      number: string
      schema: string | null
      may_create: boolean | null
      standby: boolean
      fsync: string
      commit: string
    }>(`
      SELECT current_setting('server_version') AS version, current_setting('server_version_num') AS number,
        current_schema() AS schema, has_schema_privilege(current_schema(), 'CREATE') AS may_create,
        pg_is_in_recovery() AS standby, current_setting('fsync') AS fsync,
        current_setting('synchronous_commit') AS commit`)
    const found = rows[0]!
    return {
      version: found.version,
      major: Math.floor(Number(found.number) / 10_000),
      ...(await timesOf(client, now)),
      schema: found.schema ?? undefined,
      mayCreate: found.may_create === true,
      isStandby: found.standby,
      unsafe: [
        ...(found.fsync === 'on' ? [] : [`fsync = ${found.fsync}`]),
        ...(found.commit === 'off' ? ['synchronous_commit = off'] : []),
      ],
    }
  } finally {
    await client.end().catch(() => {})
  }
}

/** The server tells its time somewhere between our question and its answer. */
const timesOf = async (
  client: pg.Client,
  now: () => number,
): Promise<Pick<PostgresFacts, 'latencyMs' | 'aheadMs'>> => {
  const rounds: { readonly tookMs: number; readonly aheadMs: number }[] = []
  for (let round = 0; round < questions; round++) {
    const askedAt = now()
    const startedAt = performance.now()
    const { rows } = await client.query<{ ms: number }>(
      'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS ms',
    )
    const tookMs = performance.now() - startedAt
    rounds.push({ tookMs, aheadMs: rows[0]!.ms - askedAt - tookMs / 2 })
  }
  const { tookMs, aheadMs } = rounds.sort((a, b) => a.tookMs - b.tookMs)[questions >> 1]!
  return { latencyMs: tookMs, aheadMs }
}
