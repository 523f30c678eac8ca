/**
 * Every return code of the table, answered by the simulator to a message of an account of its own, and what the whole
 * system makes of it: the message, the books, the account, the token, the alert.
 */
import assert from 'node:assert/strict'
import { suite, type TestContext, test } from 'node:test'
import { type Errcode, errcodes } from '../../src/errcodes.ts'
import { noGrantErrcodes } from '../../src/grants.ts'
import type { MessageId } from '../../src/message.ts'
import { anAccount, openSystem, type System } from '../support/system.ts'

const rows = [...errcodes.values()].filter(({ code }) => code !== 0)
const touser = 'oABCDEFGHIJKLMNOPQRSTUVWXYZ0'
const template_id = 'T'.repeat(43)
const path = '/cgi-bin/message/subscribe/send'
const appidOf = (index: number): string => `wx${String(index).padStart(16, '0')}`

/** What the first call comes to. A subscribe message, because it has books and must not be repeated in doubt. */
const expectedState = ({ action, ambiguous }: Errcode): string => {
  if (ambiguous) return 'parked in doubt'
  switch (action) {
    case 'sent':
    case 'token':
      return 'sent'
    case 'drop':
    case 'duplicate':
      return 'dead'
    case 'backoff':
    case 'slow':
      return 'retry'
    case 'quota':
    case 'hold':
      return 'parked'
  }
}

/** left, reserved, used */
const expectedBooks = ({ code }: Errcode, state: string): readonly number[] => {
  if (state === 'sent') return [0, 0, 1]
  if (state === 'parked in doubt') return [0, 1, 0]
  return state === 'dead' && noGrantErrcodes.has(code) ? [0, 0, 0] : [1, 0, 0]
}

const holds = ({ action, ambiguous }: Errcode): boolean =>
  !ambiguous && ['hold', 'quota', 'slow'].includes(action)

interface Met {
  readonly state: string
  readonly reason: string | undefined
  readonly books: readonly number[]
  readonly held: boolean
  readonly calls: number
  readonly tokenCalls: number
  readonly alerted: boolean
}

const meet = async (system: System, index: number, { code }: Errcode): Promise<Met> => {
  const { api, sim, settled, seen } = system
  const account = appidOf(index)
  await api.post('/v1/grants', { account, touser, template_id, add: 1 })
  const body = { account, touser, template_id, data: { thing1: 'x' } }
  const { id } = (await api.post('/v1/messages', body)) as { id: MessageId }
  const { settlement } = await settled(id)
  const inDoubt = 'inDoubt' in settlement && settlement.inDoubt
  const query = new URLSearchParams({ account, touser })
  const { data } = (await api.get(`/v1/grants?${query}`)) as {
    data: readonly { left: number; reserved: number; used: number }[]
  }
  const { left, reserved, used } = data[0]!
  const check = (await api.post('/v1/check', { account, touser, template_id })) as {
    reasons: readonly { code: string }[]
  }
  const { calls } = await sim<{ calls: readonly { path: string }[] }>(`/_sim/calls?appid=${account}`)
  return {
    state: inDoubt ? `${settlement.kind} in doubt` : settlement.kind,
    reason: 'reason' in settlement ? settlement.reason : undefined,
    books: [left, reserved, used],
    held: check.reasons.some((reason) => reason.code === `errcode-${code}`),
    calls: calls.filter((call) => call.path === path).length,
    tokenCalls: calls.filter((call) => call.path === '/cgi-bin/stable_token').length,
    alerted: seen.some(
      (each) => each.kind === 'alert' && each.account === account && each.code === `errcode-${code}`,
    ),
  }
}

const open = async (t: TestContext): Promise<System> => {
  // Chance decides for the longest backoff: what is to be tried again is looked at before it is.
  t.mock.method(Math, 'random', () => 0.999)
  const system = await openSystem(t, { simulator: { anyAccount: true, accounts: [] } })
  for (const index of rows.keys())
    await system.service.directory.putAccount(anAccount(appidOf(index), { kind: 'miniprogram' }))
  const rules = rows.map(({ code }, index) => ({ appid: appidOf(index), path, errcode: code, count: 1 }))
  await system.sim('/_sim/faults', { rules })
  return system
}

suite('every errcode, met in the whole system', () => {
  test('comes to what the table says of it', async (t) => {
    const system = await open(t)
    const wrong: string[] = []
    const expectEqual = (code: number, what: string, actual: unknown, expected: unknown) => {
      if (JSON.stringify(actual) !== JSON.stringify(expected))
        wrong.push(`${code} ${what}: ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`)
    }
    for (const [index, row] of rows.entries()) {
      const met = await meet(system, index, row)
      const state = expectedState(row)
      const reason = state === 'sent' ? undefined : row.ambiguous ? 'awaiting-receipt' : `errcode-${row.code}`
      expectEqual(row.code, 'state', met.state, state)
      expectEqual(row.code, 'reason', met.reason, reason)
      expectEqual(row.code, 'books', met.books, expectedBooks(row, state))
      expectEqual(row.code, 'held', met.held, holds(row))
      expectEqual(row.code, 'calls', met.calls, row.action === 'token' ? 2 : 1)
      expectEqual(row.code, 'alerted', met.alerted, row.alert && !['token', 'duplicate'].includes(row.action))
      // Only a code about the token makes us ask for one again, and then at most once.
      expectEqual(row.code, 'token calls', met.tokenCalls <= (row.action === 'token' ? 2 : 1), true)
    }
    assert.deepEqual(wrong, [])
    assert.ok(rows.length > 150)
  })
})
