import { type Config, readConfig } from '../config.ts'
import type { Finding } from './doctor.ts'
import { masterKeyFinding } from './doctor-key.ts'
import { postgresFindings } from './doctor-postgres.ts'
import { redisFindings } from './doctor-redis.ts'

/** What the servers that the settings name are like; none for the embedded engine, which needs none. */
export const serverFindings = async (
  env: Readonly<Record<string, string | undefined>>,
): Promise<readonly Finding[]> => {
  let config: Config
  try {
    config = readConfig(env)
  } catch {
    // Whoever looks at the addresses says what is wrong with the settings.
    return []
  }
  const { engine } = config
  if (engine.kind === 'embedded') return []
  const main = await import('../main.ts')
  const now = Date.now
  const { facts, findings } = await redisFindings(engine, async () => {
    const { examineRedis } = await main.examiners.redis()
    return examineRedis({ url: engine.url, replicas: engine.replicas, now })
  })
  const { history } = config
  return [
    ...findings,
    ...(facts ? [masterKeyFinding(config, facts.sealed, main)] : []),
    ...(history === undefined
      ? []
      : await postgresFindings(history, async () => {
          const { examinePostgres } = await main.examiners.postgres()
          return examinePostgres({ url: history, now })
        })),
  ]
}
