import type { PostgresFacts } from '../main.ts'
import type { Finding } from './doctor.ts'
import { clockFinding } from './doctor-clock.ts'
import { withoutPassword } from './doctor-redis.ts'
import { say } from './say.ts'

const oldestMajor = 14

/** Whether the PostgreSQL of the records is there and can keep them. Nothing is written to it. */
export const postgresFindings = async (
  url: string,
  examine: () => Promise<PostgresFacts>,
): Promise<readonly Finding[]> => {
  const place = withoutPassword(url)
  try {
    const facts = await examine()
    return [
      serverFinding(place, facts),
      tablesFinding(facts),
      durabilityFinding(facts),
      clockFinding('postgres-clock', { zh: ' PostgreSQL ', en: 'that of PostgreSQL' }, facts.aheadMs),
    ]
  } catch (error) {
    return [unreachable(place, (error as Error).message)]
  }
}

const unreachable = (place: string, why: string): Finding => ({
  check: 'postgres',
  status: 'failed',
  detail: say(`PostgreSQL 无法使用：${place}（${why}）`, `PostgreSQL cannot be used: ${place} (${why})`),
  fix: say(
    '启动它，或核对 HONGYAN_HISTORY 的地址、用户名、密码与数据库名，以及 pg_hba.conf。',
    'Start it, or check address, user, password and database in HONGYAN_HISTORY, and its pg_hba.conf.',
  ),
})

const serverFinding = (place: string, { version, major, latencyMs }: PostgresFacts): Finding => {
  const facts = { version, latency_ms: Number(latencyMs.toFixed(2)) }
  const detail = say(
    `PostgreSQL ${version} 已应答，${latencyMs.toFixed(1)} 毫秒：${place}`,
    `PostgreSQL ${version} answers in ${latencyMs.toFixed(1)} ms: ${place}`,
  )
  if (major >= oldestMajor) return { check: 'postgres', status: 'ok', detail, facts }
  return {
    check: 'postgres',
    status: 'failed',
    detail,
    fix: say(`需要 PostgreSQL ${oldestMajor} 或更新版本。`, `PostgreSQL ${oldestMajor} or newer is needed.`),
    facts,
  }
}

const tablesFinding = ({ schema, mayCreate, isStandby }: PostgresFacts): Finding => {
  const check = 'postgres-tables'
  if (isStandby)
    return {
      check,
      status: 'failed',
      detail: say('该 PostgreSQL 是备库，不接受写入', 'This PostgreSQL is a standby, which takes no writes'),
      fix: say('让 HONGYAN_HISTORY 指向主库。', 'Let HONGYAN_HISTORY name the primary.'),
    }
  if (schema !== undefined && mayCreate)
    return {
      check,
      status: 'ok',
      detail: say(`可以在模式 ${schema} 中建表`, `Tables can be made in the schema ${schema}`),
    }
  return {
    check,
    status: 'failed',
    detail:
      schema === undefined
        ? say('search_path 中没有存在的模式', 'The search path names no schema that exists')
        : say(`不能在模式 ${schema} 中建表`, `Tables cannot be made in the schema ${schema}`),
    fix: say(
      '让数据库归该用户所有（CREATE DATABASE … OWNER …），或授权：GRANT CREATE ON SCHEMA … TO …。每天都要建新的分区。',
      'Let the user own the database (CREATE DATABASE … OWNER …), or GRANT CREATE ON SCHEMA … TO …. Every day needs a new partition.',
    ),
  }
}

const durabilityFinding = ({ unsafe }: PostgresFacts): Finding =>
  unsafe.length === 0
    ? {
        check: 'postgres-settings',
        status: 'ok',
        detail: say(
          'PostgreSQL 的设置不会丢失已提交的记录',
          'The settings of PostgreSQL lose no record that was written',
        ),
      }
    : {
        check: 'postgres-settings',
        status: 'warning',
        detail: say(
          `崩溃可能丢失已提交的记录：${unsafe.join('，')}`,
          `A crash can lose records that were written: ${unsafe.join(', ')}`,
        ),
        fix: say(
          '在 postgresql.conf 中设为 on 并重新加载。',
          'Set them to on in postgresql.conf and reload.',
        ),
      }
