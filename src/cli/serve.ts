import { join } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { type AccessKey, scopes } from '../directory.ts'
import type { Service } from '../main.ts'
import { examples } from './client.ts'
import { asOperator } from './operator-key.ts'
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
  const main = await import('../main.ts')
  const fail = (error: unknown): never => {
    process.stderr.write(`${startFailure(error)}\n`)
    process.exit(exitCodes.failed)
  }
  const service = await main.startService(config, fail).catch(fail)
  await keepAdminFile(join(config.home, 'admin.json'), service, main).catch(fail)
  await untilStopped(service.stop)
}

/** The file that lets whoever may read the home manage the gateway: with a key that works, and where it listens now. */
const keepAdminFile = async (
  file: string,
  { url: gateway, directory }: Service,
  main: typeof import('../main.ts'),
): Promise<void> => {
  const write = (content: object) => main.writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`)
  const contentOf = (key: AccessKey) => ({
    gateway,
    key_id: key.id,
    key_secret: key.secrets[0]!,
    bearer: main.bearerOf(key),
  })
  const present = adminFile(main.readPrivateFile(file))
  const known = present && directory.key(present.key_id)
  if (known) {
    // The key may come from a time before tenants, and may have got another secret meanwhile.
    const key = await asOperator(known, directory)
    if (present.gateway !== gateway || present.key_secret !== key.secrets[0]) write(contentOf(key))
    return
  }
  const key = main.newKey({ tenant: 'default', name: 'admin', scopes, now: Date.now() })
  await directory.putKey(key)
  write(contentOf(key))
  process.stderr.write(`${say('首个管理密钥已写入', 'The first admin key is in')} ${file}\n`)
}

/** What the file says; one that cannot be read as such is as good as none, and is written anew. */
const adminFile = (
  text: string | undefined,
): { readonly key_id: string; readonly key_secret: string; readonly gateway: string } | undefined => {
  try {
    return text === undefined ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
