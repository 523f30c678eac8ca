/** Every setting, as data: its name in the environment, its default, how it is read, and what it does. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { balances, roles } from './nodes.ts'
import {
  type Address,
  address,
  type EngineChoice,
  engine,
  fallbacks,
  hostList,
  nodeName,
  oneOf,
  onOff,
  origin,
  postgres,
  roleList,
  whole,
} from './setting-values.ts'

export type { Address, EngineChoice } from './setting-values.ts'

/** A setting that cannot be understood. Nothing is started with it. */
export class ConfigError extends Error {
  constructor(name: string, fault: string) {
    super(`${name}: ${fault}`)
    this.name = 'ConfigError'
  }
}

interface Setting<Value> {
  readonly env: string
  /** As it would be written in the environment. */
  readonly fallback: string
  readonly read: (text: string) => Value
  readonly about: string
}

const setting = <Value>(
  env: string,
  fallback: string,
  read: (text: string) => Value,
  about: string,
): Setting<Value> => ({
  env,
  fallback,
  read,
  about,
})

const days = 24 * 3_600_000

export const settings = {
  home: setting('HONGYAN_HOME', '.hongyan', (text) => resolve(text), 'Folder of everything that is kept.'),
  http: setting('HONGYAN_HTTP', '127.0.0.1:8080', address, 'Where the gateway listens.'),
  engine: setting(
    'HONGYAN_ENGINE',
    '',
    (text) => (text === '' ? undefined : engine(text)),
    'Queue and records: `embedded:<folder>` for one process; for several `redis://<user>:<password>@<host>:<port>`, `rediss://` with TLS, or `redis-cluster://<host>:<port>,<host>:<port>`, and behind it perhaps `?shards=64&replicas=1`: the number of shards, by default 16, is fixed with the data (64 for more than four workers), and so many replicas must confirm what is accepted. By default in `data` below the home.',
  ),
  history: setting(
    'HONGYAN_HISTORY',
    '',
    postgres,
    'With Redis, where records are kept for good: `postgres://<user>:<password>@<host>:<port>/<database>`, PostgreSQL 14 or newer; the tables are made by themselves. Redis then forgets messages an hour after their end and their idempotency keys a week after it, so that it need not hold more than what is on its way. The same for all processes.',
  ),
  wechat: setting('HONGYAN_WECHAT', 'https://api.weixin.qq.com', origin, 'Base address of WeChat’s API.'),
  wechatFallbacks: setting(
    'HONGYAN_WECHAT_FALLBACKS',
    '',
    fallbacks,
    'Base addresses, with commas between, that take the place of `HONGYAN_WECHAT` while it is not well, or `off`. By default WeChat’s other four (api2, sh.api, sz.api, hk.api) when that is `https://api.weixin.qq.com`, otherwise none.',
  ),
  simulator: setting(
    'HONGYAN_SIMULATOR',
    '127.0.0.1:8077',
    address,
    'Where the simulator listens (`dev`, `simulate`).',
  ),
  simulatorAdmin: setting(
    'HONGYAN_SIMULATOR_ADMIN',
    '',
    (text) => (text === '' ? undefined : address(text)),
    'Where the simulator is controlled. By default the port after the simulator’s.',
  ),
  roles: setting(
    'HONGYAN_ROLES',
    roles.join(),
    roleList,
    'What this process does, with commas between: `gateway` (the HTTP API), `worker` (sends), `scheduler` (looks after the engine; one does at a time, others wait to take over).',
  ),
  node: setting(
    'HONGYAN_NODE',
    '',
    nodeName,
    'Name of this process among several on one Redis. By default the host’s name and the number of the process.',
  ),
  balance: setting(
    'HONGYAN_BALANCE',
    'weighted',
    oneOf(balances),
    'How the work is shared out among several workers: `weighted` by how fast each is, `least-loaded` evenly, and who has nothing to do helps where messages wait, `round-robin` evenly, whatever happens. The same everywhere.',
  ),
  concurrency: setting('HONGYAN_CONCURRENCY', '128', whole(1, 4096), 'Calls to WeChat at once.'),
  callTimeoutMs: setting(
    'HONGYAN_CALL_TIMEOUT_MS',
    '10000',
    whole(100, 60_000),
    'How long one call to WeChat may take.',
  ),
  leaseMs: setting(
    'HONGYAN_LEASE_MS',
    '60000',
    whole(5000, 3_600_000),
    'How long a worker holds a message before another may take it.',
  ),
  receiptWaitMs: setting(
    'HONGYAN_RECEIPT_WAIT_SECONDS',
    '120',
    (text) => whole(1, 86_400)(text) * 1000,
    'How long a message that must not be repeated waits for a receipt before it becomes `unknown`.',
  ),
  lifeMs: setting(
    'HONGYAN_MESSAGE_LIFE_HOURS',
    '72',
    (text) => whole(1, 8760)(text) * 3_600_000,
    'How long a message is worth sending when it has no expires_at.',
  ),
  retentionMs: setting(
    'HONGYAN_RETENTION_DAYS',
    '30',
    (text) => whole(1, 3650)(text) * days,
    'How long messages are kept after they came to their end.',
  ),
  webhookHosts: setting(
    'HONGYAN_WEBHOOK_HOSTS',
    '',
    hostList,
    'Hosts of your own network that webhooks may post to although they are private: `host` or `host:port`, with commas between.',
  ),
  bearer: setting('HONGYAN_BEARER', 'on', onOff, 'Whether `Authorization: Bearer` is taken.'),
  templateSync: setting(
    'HONGYAN_TEMPLATE_SYNC',
    'on',
    onOff,
    'Whether WeChat is asked for the templates of every account once a day.',
  ),
  drainMs: setting(
    'HONGYAN_DRAIN_MS',
    '25000',
    whole(0, 600_000),
    'How long stopping waits for calls under way.',
  ),
  masterKey: setting(
    'HONGYAN_MASTER_KEY',
    '',
    (text) => (text === '' ? undefined : text),
    'Seals stored secrets: 32 bytes in base64. By default made once and kept in `master.key` below the home. Processes on one Redis need the same.',
  ),
  formerMasterKey: setting(
    'HONGYAN_MASTER_KEY_OLD',
    '',
    (text) => (text === '' ? undefined : text),
    'The master key before this one, while it is being replaced: a start seals anew what is under it, and it can go then.',
  ),
  logLevel: setting(
    'HONGYAN_LOG',
    'info',
    oneOf(['debug', 'info', 'warn', 'error', 'silent']),
    'How much is written to standard error.',
  ),
} as const

type Settings = typeof settings
type Values = { readonly [Name in keyof Settings]: ReturnType<Settings[Name]['read']> }

export interface Config extends Omit<Values, 'engine' | 'simulatorAdmin'> {
  readonly engine: EngineChoice
  readonly simulatorAdmin: Address
}

/**
 * How long sending one message can take at worst: a token is asked for, the call is made, the token is healed, the
 * call is made again; each of the four has the time of one call. Healing may wait a second for its turn, twice; the
 * rest is a margin for our own delays.
 */
export const longestSendMs = (callTimeoutMs: number): number => 4 * callTimeoutMs + 4000

/** A lease in which a message is always begun: a worker hands back what it has no longer the time to send. */
const leastLeaseMs = (callTimeoutMs: number): number => longestSendMs(callTimeoutMs) + 1000

/** How long a post to a webhook may take: tenants' servers are slower than WeChat's, but a lease must outlast it as well. */
export const longestPostMs = (callTimeoutMs: number): number =>
  Math.min(15_000, longestSendMs(callTimeoutMs) - 1000)

/**
 * Reads the settings from an environment. A secret may also come from a file, named by the setting with
 * `_FILE` behind it. Throws `ConfigError` for a value that cannot be understood and for an unknown name.
 */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): Config => {
  refuseUnknown(env)
  const entries = Object.entries(settings).map(([name, each]) => [
    name,
    readSetting(each as Setting<unknown>, env),
  ])
  const values = Object.fromEntries(entries) as Values
  if (values.leaseMs < leastLeaseMs(values.callTimeoutMs))
    throw new ConfigError(
      settings.leaseMs.env,
      `a lease must outlast a message's sending: at least ${leastLeaseMs(values.callTimeoutMs)} with this call timeout`,
    )
  if (values.history !== undefined && values.engine?.kind !== 'redis')
    throw new ConfigError(
      settings.history.env,
      'the embedded engine keeps its records itself; a history goes with HONGYAN_ENGINE=redis://…',
    )
  return {
    ...values,
    engine: values.engine ?? { kind: 'embedded', folder: join(values.home, 'data') },
    simulatorAdmin: values.simulatorAdmin ?? portAfter(values.simulator),
  }
}

/** Port 0 stands for any free one, and so does its neighbour; the last port has none. */
const portAfter = ({ host, port }: Address): Address => ({
  host,
  port: port === 0 || port === 65_535 ? 0 : port + 1,
})

const readSetting = (
  { env: name, fallback, read }: Setting<unknown>,
  env: Readonly<Record<string, string | undefined>>,
): unknown => {
  const file = env[`${name}_FILE`]
  try {
    return read(file === undefined ? (env[name] ?? fallback) : readFileSync(file, 'utf8').trim())
  } catch (error) {
    throw new ConfigError(file === undefined ? name : `${name}_FILE`, (error as Error).message)
  }
}

/** Names that are ours but no settings of the service: the CLI and the tests read them. */
const otherNames = [
  'HONGYAN_URL',
  'HONGYAN_KEY_ID',
  'HONGYAN_KEY_SECRET',
  'HONGYAN_KEY_SECRET_FILE',
  'HONGYAN_ACCOUNT_SECRET',
  'HONGYAN_TOKEN_AUTHORIZATION',
  'HONGYAN_REFRESH_TOKEN',
]

const refuseUnknown = (env: Readonly<Record<string, string | undefined>>): void => {
  const known = new Set([
    ...Object.values(settings).flatMap(({ env: name }) => [name, `${name}_FILE`]),
    ...otherNames,
  ])
  const unknown = Object.keys(env).find(
    (name) => name.startsWith('HONGYAN_') && !name.startsWith('HONGYAN_TEST_') && !known.has(name),
  )
  if (unknown === undefined) return
  const nearest = [...known]
    .map((name) => [distance(unknown, name), name] as const)
    .sort(([a], [b]) => a - b)[0]!
  throw new ConfigError(unknown, `there is no such setting; did you mean ${nearest[1]}?`)
}

/** How many single-letter changes make one name from the other. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}
