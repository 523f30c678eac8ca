/** A simulator, a service that has two accounts and has been ready once, and a caller with its key. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { SimulatedAccount } from '../../src/simulator/simulator.ts'
import { until } from '../support/waiting.ts'
import { type Caller, createCaller } from './caller.ts'
import type { Owner } from './child-process.ts'
import { createService, freePort, type Life, type Service } from './service-process.ts'
import { miniprogram, official, type Simulator, startSimulatorProcess } from './simulator-process.ts'

export interface Stage {
  readonly simulator: Simulator
  readonly service: Service
  readonly caller: Caller
  /** The life in which the accounts were added; it goes on. */
  readonly first: Life
}

export interface StageOptions {
  readonly seed?: number
  /** Of WeChat's answers. */
  readonly latencyMs?: number
  /** Settings of the service, `HONGYAN_…`. */
  readonly settings?: Readonly<Record<string, string>>
}

export const openStage = async (
  owner: Owner,
  { seed = 1, latencyMs = 30, settings = {} }: StageOptions = {},
): Promise<Stage> => {
  const home = mkdtempSync(join(tmpdir(), 'hongyan-fault-'))
  owner.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
  const simulator = await startSimulatorProcess(owner, { home, seed, latencyMs })
  const port = await freePort()
  const service = createService(owner, { home, port, wechat: simulator.url, settings })
  const first = service.spawn()
  await first.ready
  const { url } = service
  const caller = createCaller(owner, { url, ...(await adminKey(home)) })
  for (const account of [official, miniprogram]) await addAccount(caller, account)
  return { simulator, service, caller, first }
}

const addAccount = async (caller: Caller, account: SimulatedAccount): Promise<void> => {
  const { name, appid, secret, kind, templates } = account
  const known = templates.map(({ template_id, alias, title }) => ({ template_id, alias, title }))
  const reply = await caller.post('/v1/accounts', { name, appid, secret, kind, templates: known })
  if (reply.kind !== 'answered' || reply.status !== 201)
    throw new Error(`No account: ${JSON.stringify(reply)}`)
}

const keyFileLimitMs = 10_000

/** The service may answer before it has written the file. */
const adminKey = async (home: string): Promise<{ keyId: string; keySecret: string }> => {
  let key: { key_id: string; key_secret: string } | undefined
  await until(() => {
    key = parsed(join(home, 'admin.json'))
    return key !== undefined
  }, keyFileLimitMs)
  return { keyId: key!.key_id, keySecret: key!.key_secret }
}

const parsed = (file: string) => {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
