import { join } from 'node:path'
import type { Command } from 'commander'
import { readConfig } from '../config.ts'
import { type AccessKey, type Directory, scopes } from '../directory.ts'
import type { Service } from '../main.ts'
import { examples } from './client.ts'
import { asOperator } from './operator-key.ts'
import { exitCodes } from './output.ts'
import { crashOnSurprise, startFailure, untilStopped } from './run.ts'
import { say } from './say.ts'

export const addServe = (program: Command): void => {
  program
    .command('serve')
    .description(say('运行服务：网关、工作进程与调度', 'run the service: gateway, worker and scheduler'))
    .option(
      '--roles <roles>',
      say(
        '这个进程做什么：gateway、worker、scheduler，用逗号隔开；默认 HONGYAN_ROLES',
        'what this process does: gateway, worker, scheduler, joined by commas; HONGYAN_ROLES by default',
      ),
    )
    .addHelpText(
      'after',
      examples(
        'HONGYAN_HTTP=0.0.0.0:8080 hongyan serve',
        'HONGYAN_HOME=/var/lib/hongyan hongyan serve',
        'HONGYAN_ENGINE=redis://10.0.0.5:6379 hongyan serve --roles worker',
      ),
    )
    .action(serve)
}

const serve = async ({ roles }: { readonly roles?: string }): Promise<void> => {
  crashOnSurprise()
  const config = readConfig({ ...process.env, ...(roles !== undefined && { HONGYAN_ROLES: roles }) })
  const main = await import('../main.ts')
  const fail = (error: unknown): never => {
    process.stderr.write(`${startFailure(error)}\n`)
    process.exit(exitCodes.failed)
  }
  const service = await main.startService(config, fail).catch(fail)
  await keepAdminFile(join(config.home, 'admin.json'), service, main).catch(fail)
  await untilStopped(service.stop)
}

/**
 * The file that lets whoever may read the home manage the gateway: with a key that works, and where it listens now. A
 * process without a gateway leaves it to one that has one.
 */
const keepAdminFile = async (
  file: string,
  { url: gateway, directory }: Service,
  main: typeof import('../main.ts'),
): Promise<void> => {
  if (gateway === '') return
  const present = adminFile(main.readPrivateFile(file))
  const key = await adminKey(directory, present?.key_id, main.newKey)
  const [secret] = key.secrets
  // The key may have got another secret since.
  if (present?.key_id === key.id && present.key_secret === secret && present.gateway === gateway) return
  const content = { gateway, key_id: key.id, key_secret: secret, bearer: main.bearerOf(key) }
  main.writePrivateFile(file, `${JSON.stringify(content, null, 2)}\n`)
  if (present?.key_id !== key.id)
    process.stderr.write(`${say('首个管理密钥已写入', 'The first admin key is in')} ${file}\n`)
}

/** The key of this home; else the one that another process on the same store has made; else a new one. */
const adminKey = (
  directory: Directory,
  keyId: string | undefined,
  newKey: typeof import('../main.ts').newKey,
): Promise<AccessKey> =>
  directory.putKey(() => {
    const own = keyId === undefined ? undefined : directory.key(keyId)
    const known = own ?? directory.keys(tenant).find(isAdmin)
    // It may come from a time before tenants.
    return known ? asOperator(known) : newKey({ tenant, name, scopes, now: Date.now() })
  })

const tenant = 'default'
const name = 'admin'
const isAdmin = (key: AccessKey): boolean => key.name === name && key.scopes.includes('operator')

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
