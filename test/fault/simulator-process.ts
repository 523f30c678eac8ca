/** WeChat, simulated, in a process of its own that outlives every kill: it keeps the truth. */
import { join } from 'node:path'
import { request } from 'undici'
import { demoAccounts } from '../../src/simulator/simulator.ts'
import type { SeenEffect } from './checker.ts'
import { type Owner, startProcess } from './child-process.ts'

export interface SimulatorOptions {
  readonly home: string
  readonly seed: number
  /** Of every answer. */
  readonly latencyMs: number
}

export interface Call {
  readonly appid: string | null
  readonly path: string
  readonly key: string
  readonly clientMsgId: string | null
  readonly errcode: number | null
  readonly fault: string | null
}

export const [official, miniprogram] = demoAccounts as [(typeof demoAccounts)[0], (typeof demoAccounts)[0]]

export const templatePath = '/cgi-bin/message/template/send'
export const subscribePath = '/cgi-bin/message/subscribe/send'
export const tokenPath = '/cgi-bin/stable_token'

/** The field of the text in which the caller's key travels, by appid. */
export const keyFields: Readonly<Record<string, string>> = {
  [official.appid]: 'character_string1',
  [miniprogram.appid]: 'character_string2',
}

export const startSimulatorProcess = async (owner: Owner, options: SimulatorOptions) => {
  const { home, seed, latencyMs } = options
  const child = startProcess({
    args: ['simulate', '--memory', '--seed', String(seed), '--latency', String(latencyMs)],
    logFile: join(home, 'simulator.log'),
    env: { HONGYAN_HOME: home, HONGYAN_SIMULATOR: '127.0.0.1:0' },
  })
  owner.after(() => child.signal('SIGKILL'))
  const line = await Promise.race([child.firstLine, child.exited])
  if (typeof line !== 'string') throw new Error(`The simulator ended: ${child.lastWords()}`)
  const { simulator: url, simulator_admin: adminUrl } = JSON.parse(line) as Record<string, string>

  const admin = async (path: string, body?: object): Promise<Readonly<Record<string, unknown>>> => {
    const method = body === undefined ? 'GET' : 'POST'
    const response = await request(`${adminUrl}/_sim/${path}`, {
      method,
      ...(body && { body: JSON.stringify(body) }),
    })
    const answer = (await response.body.json()) as Readonly<Record<string, unknown>>
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`)
    return answer
  }

  /** A whole ledger, page by page. */
  const all = async (ledger: 'effects' | 'calls'): Promise<readonly Row[]> => {
    const rows: Row[] = []
    while (true) {
      const page = (await admin(`${ledger}?limit=${pageRows}&offset=${rows.length}`))[ledger] as Row[]
      rows.push(...page)
      if (page.length < pageRows) return rows
    }
  }

  // A long run makes more calls than a day allows.
  await admin('quotas', { appid: official.appid, path: templatePath })
  return {
    url: url!,
    admin,
    faults: (...rules: readonly object[]) => admin('faults', { rules }),
    /** How many there have been so far. */
    total: async (ledger: 'effects' | 'calls'): Promise<number> =>
      (await admin(`${ledger}?limit=0`)).total as number,
    effects: async (): Promise<readonly SeenEffect[]> =>
      (await all('effects')).map((row) => ({ key: keyOf(row), at: Date.parse(row.at) })),
    calls: async (): Promise<readonly Call[]> =>
      (await all('calls')).map((row) => ({
        appid: row.appid,
        path: row.path,
        key: keyOf(row),
        clientMsgId: row.client_msg_id,
        errcode: row.errcode,
        fault: row.fault,
      })),
  }
}

export type Simulator = Awaited<ReturnType<typeof startSimulatorProcess>>

const pageRows = 20_000

interface Row {
  readonly appid: string | null
  readonly client_msg_id: string | null
  readonly data: Readonly<Record<string, { readonly value: string }>> | null
  readonly at: string
  readonly path: string
  readonly errcode: number | null
  readonly fault: string | null
}

const keyOf = ({ appid, data }: Row): string => data?.[keyFields[appid ?? ''] ?? '']?.value ?? ''
