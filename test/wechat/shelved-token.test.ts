import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { createVault, newMasterKey } from '../../src/vault.ts'
import {
  leaveToAsk,
  lifeLeftMs,
  openAnswer,
  readShelved,
  sealAnswer,
  writeShelved,
} from '../../src/wechat/shelved-token.ts'
import type { SourceAnswer } from '../../src/wechat/token-answer.ts'
import { testStart as now } from '../support/clock.ts'
import { anAccount } from './token-api.ts'

const hour = 3_600_000
const vault = createVault(newMasterKey())
const token: SourceAnswer = { kind: 'token', token: 'T1', lifeMs: 2 * hour }
const brought = (sealed: string) => ({ id: 'question-1', at: now, forced: false, sealed })
const nothing = { forcedAt: [] }

suite('what stands on the shelf', () => {
  test('is read as it was written', () => {
    const shelved = {
      ...{ asking: 'question-2', token: brought('x'), refusal: brought('y') },
      ...{ forcedAt: [now], budget: { left: 7, at: now } },
    }
    assert.deepEqual(readShelved(writeShelved(shelved)), shelved)
  })

  for (const text of [undefined, '', 'junk', '[]', '7', 'null', '{"token":7,"forcedAt":"x","asking":1}'])
    test(`is as good as nothing when it is ${text}`, () => assert.deepEqual(readShelved(text), nothing))

  for (const answer of [
    token,
    { kind: 'refused', errcode: 40125, errmsg: 'no' },
    { kind: 'failed', error: 'timeout' },
    { kind: 'failed', error: 'token-endpoint-failed', detail: 'http-502' },
  ] as const)
    test(`opens as it was sealed: ${JSON.stringify(answer)}`, () => {
      const account = anAccount()
      assert.deepEqual(openAnswer(brought(sealAnswer(answer, account, vault)), account, vault), answer)
    })

  for (const [what, change] of Object.entries({
    'another appid': { appid: 'wx00000000000000aa' },
    'another tenant': { tenant: 'other' },
    'another secret': { secret: 'another' },
    'the other token API': { tokenApi: 'plain' },
    'an endpoint': { tokenEndpoint: { url: 'https://tokens.internal/' } },
    'a platform': { authorizedBy: { component: 'wx00000000000000f1', refreshToken: 'R1' } },
  } as const))
    test(`does not open for an account with ${what}`, () => {
      const sealed = sealAnswer(token, anAccount(), vault)
      assert.equal(openAnswer(brought(sealed), anAccount(change), vault), undefined)
    })

  test('opens whatever the refresh token is, as long as there is one', () => {
    const authorized = (refreshToken: string) =>
      anAccount({ tokenApi: 'component', authorizedBy: { component: 'wx00000000000000f1', refreshToken } })
    const sealed = brought(sealAnswer(token, authorized('R1'), vault))
    assert.deepEqual(openAnswer(sealed, authorized('R2'), vault), token)
    assert.equal(openAnswer(sealed, authorized(''), vault), undefined)
  })

  test('gives a token no longer life to whoever has a clock that is behind', () => {
    assert.equal(lifeLeftMs(brought(''), 2 * hour, now + hour), hour)
    assert.equal(lifeLeftMs(brought(''), 2 * hour, now - hour), 2 * hour)
  })

  test('holds up no force because of a clock that was far ahead', () => {
    const how = { forced: true, rejected: true }
    const at = (aheadMs: number) => leaveToAsk({ forcedAt: [now + aheadMs] }, anAccount(), how, now)
    assert.equal(at(60_000).kind, 'denied')
    assert.equal(at(24 * hour).kind, 'granted')
  })
})
