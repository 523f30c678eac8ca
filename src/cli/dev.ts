import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { styleText } from 'node:util'
import type { Command } from 'commander'
import { type Config, readConfig } from '../config.ts'
import { type AccessKey, type Account, type Directory, scopes } from '../directory.ts'
import type { Service, SimulatedAccount } from '../main.ts'
import { createApi } from './api.ts'
import { examples } from './client.ts'
import { connectCallbacks } from './dev-callbacks.ts'
import { asOperator } from './operator-key.ts'
import { outcomeOf, preferWait } from './outcome.ts'
import { exitCodes } from './output.ts'
import { crashOnSurprise, startFailure, untilStopped } from './run.ts'
import { say } from './say.ts'
import { timelineText } from './timeline.ts'
import type { AcceptedView } from './views.ts'

const tenant = 'default'

export const addDev = (program: Command): void => {
  program
    .command('dev')
    .description(
      say('在一个进程里运行一切，连接模拟器', 'run everything in one process, against the simulator'),
    )
    .addHelpText('after', examples('hongyan dev', 'HONGYAN_HTTP=127.0.0.1:9080 hongyan dev'))
    .action(dev)
}

/** What `dev.json` holds, for scripts and tests. */
export interface DevFile {
  readonly gateway: string
  readonly simulator: string
  readonly simulator_admin: string
  readonly key_id: string
  readonly key_secret: string
  readonly bearer: string
  readonly accounts: readonly SimulatedAccountView[]
}

type SimulatedAccountView = Pick<SimulatedAccount, 'name' | 'appid' | 'secret' | 'kind' | 'openids'> & {
  readonly templates: readonly {
    template_id: string
    alias: string
    example: Readonly<Record<string, string>>
  }[]
}

const dev = async (): Promise<void> => {
  crashOnSurprise()
  const config = readConfig(process.env)
  const started = await start(config).catch((error) => {
    process.stderr.write(`${startFailure(error)}\n`)
    process.exit(exitCodes.failed)
  })
  process.stderr.write(banner(started.file))
  await sendWelcome(started.file)
  await untilStopped(started.stop)
}

const start = async (config: Config): Promise<{ file: DevFile; stop(): Promise<void> }> => {
  const main = await import('../main.ts')
  mkdirSync(config.home, { recursive: true, mode: 0o700 })
  // Of two reasons not to start, a folder in use says more than a taken port, so it is looked at first.
  if (config.engine.kind === 'embedded') main.assertFolderFree(config.engine.folder)
  const simulator = await main.startSimulator({
    api: config.simulator,
    admin: config.simulatorAdmin,
    home: join(config.home, 'simulator'),
  })
  const service = await main
    .startService({ ...config, wechat: simulator.url, wechatFallbacks: [] }, (error) => {
      process.stderr.write(`${error.message}\n`)
      process.exit(exitCodes.failed)
    })
    .catch(async (error) => {
      await simulator.close()
      throw error
    })
  const file = await furnish({
    service,
    simulator,
    accounts: main.demoAccounts,
    newKey: main.newKey,
    bearerOf: main.bearerOf,
  })
  await connectCallbacks({
    directory: service.directory,
    appids: file.accounts.map(({ appid }) => appid),
    gateway: service.url,
    simulatorAdmin: simulator.adminUrl,
    // Late enough to be seen coming: first the message is sent, then it is delivered.
    conduct: { delay_ms: 2000, jitter_ms: 1000 },
  })
  await syncTemplates(file)
  main.writePrivateFile(join(config.home, 'dev.json'), `${JSON.stringify(file, null, 2)}\n`)
  return {
    file,
    async stop() {
      await service.stop()
      await simulator.close()
    },
  }
}

/** Puts the demo accounts and one key into the directory, unless an earlier run did. */
const furnish = async ({
  service,
  simulator,
  accounts,
  newKey,
  bearerOf,
}: {
  readonly service: Service
  readonly simulator: { readonly url: string; readonly adminUrl: string }
  readonly accounts: readonly SimulatedAccount[]
  readonly newKey: typeof import('../main.ts').newKey
  readonly bearerOf: (key: AccessKey) => string
}): Promise<DevFile> => {
  const { directory } = service
  for (const account of accounts)
    if (!directory.account(account.appid)) await directory.putAccount(accountOf(account))
  const key = await devKey(directory, newKey)
  return {
    gateway: service.url,
    simulator: simulator.url,
    simulator_admin: simulator.adminUrl,
    key_id: key.id,
    key_secret: key.secrets[0]!,
    bearer: bearerOf(key),
    accounts: accounts.map(({ name, appid, secret, kind, templates, openids }) => ({
      name,
      appid,
      secret,
      kind,
      templates: templates.map(({ template_id, alias = '', example = {} }) => ({
        template_id,
        alias,
        example,
      })),
      openids,
    })),
  }
}

const accountOf = ({ appid, name, kind, secret, templates }: SimulatedAccount): Account => ({
  appid,
  tenant,
  name,
  kind,
  secret,
  tokenApi: 'stable',
  templates: templates.map(({ template_id, alias, title }) => ({
    templateId: template_id,
    title,
    ...(alias !== undefined && { alias }),
  })),
})

const devKey = (directory: Directory, newKey: typeof import('../main.ts').newKey): Promise<AccessKey> =>
  directory.putKey(() => {
    const present = directory.keys(tenant).find(({ name }) => name === 'dev')
    return present ? asOperator(present) : newKey({ tenant, name: 'dev', scopes, now: Date.now() })
  })

/** The service looks for new accounts once a minute; here they were added a moment ago. */
const syncTemplates = async ({
  gateway,
  key_id: keyId,
  key_secret: keySecret,
  accounts,
}: DevFile): Promise<void> => {
  const api = createApi({ url: gateway, keyId, keySecret })
  await Promise.all(accounts.map(({ name: account }) => api.post('/v1/templates/sync', { account })))
}

const welcomeSeconds = 10

/** A message that says that everything works, over the same way as any other, with its timeline shown. */
const sendWelcome = async (file: DevFile): Promise<void> => {
  const api = createApi({ url: file.gateway, keyId: file.key_id, keySecret: file.key_secret })
  const deadline = performance.now() + welcomeSeconds * 1000
  const accepted = await api.post('/v1/messages', sampleMessage(file), { Prefer: preferWait(welcomeSeconds) })
  const message = await outcomeOf(api, accepted as AcceptedView, deadline)
  process.stderr.write(`${timelineText(message, { stream: process.stderr })}\n`)
}

const sampleMessage = ({ accounts }: DevFile) => {
  const { name, openids, templates } = accounts[0]!
  return { account: name, touser: openids[0], template_id: templates[0]!.alias, data: templates[0]!.example }
}

const banner = (file: DevFile): string => {
  const { account, touser, template_id, data } = sampleMessage(file)
  const body = JSON.stringify({ account, touser, template_id, data })
  const pairs = Object.entries(data!).map(([key, value]) => `--data ${key}='${value}'`)
  const bold = (text: string) => styleText('bold', text, { stream: process.stderr })
  return [
    '',
    bold(`  ${say('鸿雁已就绪', 'Hongyan is ready')}`),
    '',
    `  ${say('网关', 'gateway')}      ${file.gateway}   (${file.gateway}/docs)`,
    `  ${say('模拟器', 'simulator')}    ${file.simulator}   (${say('控制', 'control')} ${file.simulator_admin})`,
    `  ${say('密钥', 'key')}          ${file.key_id}   (${say('见', 'in')} dev.json)`,
    '',
    bold(`  ${say('用 curl 发一条', 'Send one with curl')}`),
    `  curl -s ${file.gateway}/v1/messages -H 'Authorization: Bearer ${file.bearer}' -H 'Content-Type: application/json' -H 'Prefer: wait=5' -d '${body}'`,
    '',
    bold(`  ${say('用命令行发一条', 'Send one with the command line')}`),
    `  npm run -s hongyan -- send --account ${account} --to ${touser} --template ${template_id} ${pairs.join(' ')} --wait`,
    '',
    '',
  ].join('\n')
}
