import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { readConfig } from '../../src/config.ts'
import type { Account, Scope } from '../../src/directory.ts'
import { demoAccounts, newKey, startService, startSimulator } from '../../src/main.ts'
import { atEnd } from './at-end.ts'
import { type CliRun, type Environment, runCli } from './cli.ts'
import { temporaryFolder } from './folder.ts'

/** A gateway with its worker and a simulator, in this process, and the command line pointed at it. */
export interface Running {
  readonly url: string
  readonly simulator: { readonly url: string; readonly adminUrl: string }
  readonly home: string
  readonly env: Environment
  cli(args: readonly string[], input?: string): Promise<CliRun>
  /** The environment of a caller with a key of its own. */
  envWith(scopes: readonly Scope[]): Promise<Environment>
  /** What the simulator does wrong from now on. */
  faults(...rules: readonly object[]): Promise<void>
}

const tenant = 'default'
const anyPort = { host: '127.0.0.1', port: 0 }

export const startRunning = async (t: TestContext): Promise<Running> => {
  const home = temporaryFolder(t)
  const simulator = await startSimulator({ api: anyPort, admin: anyPort, latency: { fixedMs: 0 } })
  atEnd(t, simulator.close)
  const service = await startService(
    readConfig({
      HONGYAN_HOME: home,
      HONGYAN_HTTP: '127.0.0.1:0',
      HONGYAN_LOG: 'silent',
      HONGYAN_WECHAT: simulator.url,
      HONGYAN_DRAIN_MS: '1000',
    }),
    (error) => {
      throw error
    },
  )
  atEnd(t, service.stop)
  for (const account of demoAccounts) await service.directory.putAccount(accountOf(account))

  const keyWith = async (scopes: readonly Scope[]) => {
    const key = newKey({ tenant, name: scopes.join(), scopes, now: Date.now() })
    await service.directory.putKey(key)
    return { key_id: key.id, key_secret: key.secrets[0]! }
  }
  mkdirSync(home, { recursive: true })
  const admin = { gateway: service.url, ...(await keyWith(['send', 'read', 'admin'])) }
  writeFileSync(join(home, 'admin.json'), JSON.stringify(admin))
  const env = { HONGYAN_HOME: home }
  return {
    url: service.url,
    simulator,
    home,
    env,
    cli: (args, input) => runCli(args, env, input),
    async envWith(scopes) {
      const { key_id, key_secret } = await keyWith(scopes)
      return { ...env, HONGYAN_KEY_ID: key_id, HONGYAN_KEY_SECRET: key_secret }
    },
    async faults(...rules) {
      const response = await fetch(`${simulator.adminUrl}/_sim/faults`, {
        method: 'POST',
        body: JSON.stringify({ rules }),
      })
      if (!response.ok) throw new Error(await response.text())
    },
  }
}

const accountOf = ({ appid, name, kind, secret, templates }: (typeof demoAccounts)[number]): Account => ({
  appid,
  tenant,
  name,
  kind,
  secret,
  tokenApi: 'stable',
  templates: templates.map(({ template_id, alias }) => ({
    templateId: template_id,
    ...(alias && { alias }),
  })),
})

/** Flags of a message that arrives. */
export const goodMessage = [
  ...['--account', 'demo-official', '--to', 'oDemoUser0000000000000000001', '--template', 'payment-received'],
  ...['--data', 'character_string1=A1', 'amount2=¥1.50', 'phrase3=支付', 'time4=12:00'],
]

/** The same as the API takes it. */
export const goodBody = {
  account: 'demo-official',
  touser: 'oDemoUser0000000000000000001',
  template_id: 'payment-received',
  data: { character_string1: 'A1', amount2: '¥1.50', phrase3: '支付', time4: '12:00' },
}
