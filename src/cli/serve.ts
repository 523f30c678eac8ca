import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import type { AccessKey } from '../directory.ts'
import type { Service } from '../main.ts'
import { examples } from './client.ts'
import { exitCodes } from './output.ts'
import { crashOnSurprise, startFailure, untilStopped } from './run.ts'
import { say } from './say.ts'

export const addServe = (program: Command): void => {
  program
    .command('serve')
    .description(say('运行服务：网关与工作进程', 'run the service: gateway and worker'))
    .addHelpText(
      'after',
      examples('HONGYAN_HTTP=0.0.0.0:8080 hongyan serve', 'HONGYAN_HOME=/var/lib/hongyan hongyan serve'),
    )
    .action(serve)
}

const serve = async (): Promise<void> => {
  crashOnSurprise()
  const config = readConfig(process.env)
  const { bearerOf, newKey, startService } = await import('../main.ts')
  const service = await startService(config, (error) => {
    process.stderr.write(`${error.message}\n`)
    process.exit(exitCodes.failed)
  }).catch((error) => {
    process.stderr.write(`${startFailure(error)}\n`)
    process.exit(exitCodes.failed)
  })

  await keepAdminFile(join(config.home, 'admin.json'), service, () => {
    const key = newKey({
      tenant: 'default',
      name: 'admin',
      scopes: ['send', 'read', 'admin'],
      now: Date.now(),
    })
    return { key, bearer: bearerOf(key) }
  })
  await untilStopped(service.stop)
}

/** The file that lets whoever may read the home manage the gateway: with a key that works, and where it listens now. */
const keepAdminFile = async (
  file: string,
  { url: gateway, directory }: Service,
  makeKey: () => { readonly key: AccessKey; readonly bearer: string },
): Promise<void> => {
  const write = (content: object) =>
    writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 })
  const present = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
  if (present && directory.key(present.key_id)) {
    if (present.gateway !== gateway) write({ ...present, gateway })
    return
  }
  const { key, bearer } = makeKey()
  await directory.putKey(key)
  write({ gateway, key_id: key.id, key_secret: key.secrets[0], bearer })
  process.stderr.write(`${say('首个管理密钥已写入', 'The first admin key is in')} ${file}\n`)
}
