import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { renderErrcodes } from '../scripts/docs-errcodes.ts'
import {
  type Errcode,
  type ErrcodeAction,
  type ErrcodeClass,
  type ErrcodeScope,
  errcodeOf,
  errcodes,
  unknownErrcode,
} from '../src/errcodes.ts'

const here = import.meta.dirname
const rows = [...errcodes.values()]
const minute = 60_000
const hour = 60 * minute

const codesWhere = (matches: (errcode: Errcode) => boolean): readonly number[] =>
  rows.filter(matches).map(({ code }) => code)

/** Fails with the codes that break a rule, so that the message names the rows to look at. */
const nobody = (breaks: (errcode: Errcode) => boolean): void => assert.deepEqual(codesWhere(breaks), [])

const textsOf = ({ cause, next }: Errcode) => ({ zh: [cause.zh, next.zh], en: [cause.en, next.en] })

suite('every row of the table', () => {
  test('has a code of its own', () => {
    // A Map keeps the last of two equal keys in silence, so the source is counted.
    const source = readFileSync(join(here, '../src/errcodes.ts'), 'utf8')
    const written = [...source.matchAll(/\brow\(\s*(-?\d+),/g)].map(([, code]) => Number(code))
    assert.equal(new Set(written).size, written.length)
    assert.deepEqual(written, [...errcodes.keys()])
  })

  test('is found under its code', () => {
    for (const [code, errcode] of errcodes) assert.equal(errcode.code, code)
  })

  test('speaks Chinese in zh and no Chinese in en, in whole sentences', () => {
    nobody((errcode) => textsOf(errcode).zh.some((text) => !/^\S.*\p{Script=Han}.*。$/u.test(text)))
    nobody((errcode) => textsOf(errcode).en.some((text) => !/^\w.*\.$/.test(text)))
    nobody((errcode) => textsOf(errcode).en.some((text) => /\p{Script=Han}/u.test(text)))
  })

  test('has texts without blanks at the ends or line breaks', () => {
    nobody((errcode) => {
      const { zh, en } = textsOf(errcode)
      return [errcode.errmsg, ...zh, ...en].some(
        (text) => text === '' || text.trim() !== text || /\n/.test(text),
      )
    })
  })

  test('explains itself in its own words', () => {
    const texts = rows.flatMap((errcode) => [...textsOf(errcode).zh, ...textsOf(errcode).en])
    assert.deepEqual(
      texts.filter((text, at) => texts.indexOf(text) !== at),
      [],
    )
  })

  test('carries the errmsg in plain ASCII and without a rid', () => {
    nobody(({ errmsg }) => !/^[\x20-\x7e]+$/.test(errmsg) || /\brid: |hint: \[/.test(errmsg))
  })
})

suite('what follows from the action', () => {
  test('a hold alerts, says when to probe, and concerns an account or one of its APIs', () => {
    nobody(({ action, alert }) => action === 'hold' && !alert)
    nobody(({ action, waitMs }) => action === 'hold' && !(waitMs !== undefined && waitMs >= 5 * minute))
    nobody(({ action, scope }) => action === 'hold' && scope !== 'account' && scope !== 'api')
  })

  test('a quota alerts, concerns an API and names no wait, since the reset is a matter of the calendar', () => {
    nobody(
      ({ action, alert, scope, waitMs }) =>
        action === 'quota' && !(alert && scope === 'api' && waitMs === undefined),
    )
  })

  test('slowing down concerns an API and says for how long', () => {
    nobody(
      ({ action, scope, waitMs }) =>
        action === 'slow' && !(scope === 'api' && waitMs !== undefined && waitMs >= minute),
    )
  })

  test('only actions that wait name a wait', () => {
    const waiting: readonly ErrcodeAction[] = ['backoff', 'slow', 'quota', 'hold']
    nobody(({ action, waitMs }) => waitMs !== undefined && !waiting.includes(action))
  })

  test('renewing a token concerns the account', () => {
    nobody(({ action, scope }) => action === 'token' && scope !== 'account')
  })

  test('a dropped template, a retired API and a malformed request alert', () => {
    nobody((errcode) => errcode.class === 'template' && !(errcode.scope === 'template' && errcode.alert))
    nobody((errcode) => errcode.class === 'retired' && !(errcode.scope === 'api' && errcode.alert))
    nobody((errcode) => errcode.class === 'protocol' && !(errcode.scope === 'message' && errcode.alert))
  })

  test('everyday traffic alerts nobody', () => {
    const everyday: readonly ErrcodeClass[] = ['ok', 'recipient', 'duplicate', 'content', 'parameter', 'rate']
    nobody((errcode) => everyday.includes(errcode.class) && errcode.alert)
  })

  test('a repeat can only be ambiguous where it is tried again', () => {
    nobody(({ ambiguous, action }) => ambiguous && action !== 'backoff')
  })
})

suite('what follows from the class', () => {
  const actionsByClass: Readonly<Record<ErrcodeClass, readonly ErrcodeAction[]>> = {
    ok: ['sent'],
    busy: ['backoff'],
    token: ['token', 'hold'],
    config: ['hold'],
    recipient: ['drop'],
    rate: ['slow', 'backoff'],
    quota: ['quota'],
    duplicate: ['duplicate'],
    template: ['drop'],
    content: ['drop'],
    parameter: ['drop'],
    permission: ['hold', 'drop'],
    punish: ['hold', 'slow'],
    retired: ['drop'],
    protocol: ['drop'],
    management: ['drop'],
  }

  for (const [name, actions] of Object.entries(actionsByClass)) {
    test(`${name} is answered by ${actions.join(' or ')}, and each of them occurs`, () => {
      const found = new Set(rows.filter((errcode) => errcode.class === name).map(({ action }) => action))
      assert.deepEqual([...found].sort(), [...actions].sort())
    })
  }
})

suite('single codes', () => {
  test('only -1 and its kin leave open whether the message was accepted', () => {
    assert.deepEqual(
      codesWhere(({ ambiguous }) => ambiguous).toSorted((a, b) => a - b),
      [-1, 61450, 268487001, 268487002],
    )
  })

  test('only these four APIs are retired', () => {
    assert.deepEqual(
      codesWhere((errcode) => errcode.class === 'retired').toSorted((a, b) => a - b),
      [45103, 45109, 46101, 48009],
    )
  })

  test('only these say that WeChat has the message already', () => {
    assert.deepEqual(
      codesWhere(({ action }) => action === 'duplicate').toSorted((a, b) => a - b),
      [40241, 44007, 45065],
    )
  })

  type Expected = readonly [number, ErrcodeClass, ErrcodeAction, ErrcodeScope, (number | undefined)?]

  const expectations: readonly Expected[] = [
    [0, 'ok', 'sent', 'message'],
    [-1, 'busy', 'backoff', 'message'],
    [40001, 'token', 'token', 'account'],
    [42001, 'token', 'token', 'account'],
    [41001, 'token', 'token', 'account'],
    [48012, 'token', 'token', 'account'],
    [42006, 'token', 'token', 'account'],
    [40125, 'config', 'hold', 'account', 5 * minute],
    [40164, 'config', 'hold', 'account', 5 * minute],
    [89503, 'config', 'hold', 'account', 5 * minute],
    [89506, 'config', 'hold', 'account', 24 * hour],
    [89507, 'config', 'hold', 'account', hour],
    [61004, 'config', 'hold', 'account', 5 * minute],
    [50007, 'punish', 'hold', 'account', 30 * minute],
    [45501, 'punish', 'hold', 'account', 30 * minute],
    [200011, 'punish', 'hold', 'account', 30 * minute],
    [45102, 'punish', 'slow', 'api', 5 * minute],
    [48001, 'permission', 'hold', 'api', 30 * minute],
    [61003, 'permission', 'hold', 'account', 30 * minute],
    [50001, 'permission', 'drop', 'message'],
    [40003, 'recipient', 'drop', 'recipient'],
    [43004, 'recipient', 'drop', 'recipient'],
    [43101, 'recipient', 'drop', 'recipient-template'],
    [45047, 'recipient', 'drop', 'recipient'],
    [45009, 'quota', 'quota', 'api'],
    [45011, 'rate', 'slow', 'api', minute],
    [43108, 'rate', 'backoff', 'recipient', 1000],
    [43117, 'rate', 'backoff', 'recipient', 3 * minute],
    [45066, 'rate', 'backoff', 'message', minute],
    [40241, 'duplicate', 'duplicate', 'message'],
    [40037, 'template', 'drop', 'template'],
    [43116, 'template', 'drop', 'template'],
    [45168, 'content', 'drop', 'message'],
    [47003, 'parameter', 'drop', 'message'],
    [49003, 'parameter', 'drop', 'message'],
    [46101, 'retired', 'drop', 'api'],
    [47001, 'protocol', 'drop', 'message'],
    [40221, 'protocol', 'drop', 'message'],
    [200012, 'management', 'drop', 'account'],
    [200020, 'management', 'drop', 'template'],
  ]

  for (const [code, family, action, scope, waitMs] of expectations) {
    test(`${code} is ${family}: ${action}, about the ${scope}`, () => {
      const errcode = errcodes.get(code)
      assert.ok(errcode, 'it is in the table')
      assert.deepEqual(
        { family: errcode.class, action: errcode.action, scope: errcode.scope, waitMs: errcode.waitMs },
        { family, action, scope, waitMs },
      )
    })
  }

  test('the errmsgs the simulator is recognised by are word for word those of WeChat', () => {
    assert.equal(errcodeOf(-1).errmsg, 'system error')
    assert.equal(errcodeOf(45011).errmsg, 'api minute-quota reach limit, must slower, retry next minute')
    assert.equal(errcodeOf(43101).errmsg, 'user refuse to accept the msg')
    assert.match(errcodeOf(40001).errmsg, /^invalid credential, access_token is invalid or not latest/)
    assert.match(errcodeOf(40164).errmsg, /^invalid ip [\d.]+ ipv6 ::ffff:[\d.]+, not in whitelist$/)
  })

  test('40001 says that it means something else on the token API', () => {
    assert.match(errcodeOf(40001).cause.zh, /AppSecret/)
    assert.match(errcodeOf(40001).cause.en, /token API .*AppSecret/)
  })
})

suite('a code that is not in the table', () => {
  const code = 987654

  test('is tried again a few times and shown to somebody', () => {
    const { errmsg, cause, next, ...verdict } = unknownErrcode(code)
    assert.deepEqual(verdict, {
      code,
      class: 'busy',
      action: 'backoff',
      scope: 'message',
      source: 'I',
      ambiguous: false,
      alert: true,
    })
    for (const text of [errmsg, cause.zh, cause.en, next.zh, next.en]) assert.match(text, /987654/)
    assert.match(cause.zh, /不在我们的表里/)
    assert.match(cause.en, /not in our table/)
  })

  test('is what errcodeOf falls back to, and only then', () => {
    assert.equal(errcodes.has(code), false)
    assert.deepEqual(errcodeOf(code), unknownErrcode(code))
    assert.equal(errcodeOf(45009), errcodes.get(45009))
  })
})

suite('docs/errcodes.md', () => {
  test('is what the table says today; run `node scripts/docs-errcodes.ts` after a change', () => {
    assert.equal(readFileSync(join(here, '../docs/errcodes.md'), 'utf8'), renderErrcodes())
  })

  test('lists every code once, in cells that no errmsg can break', () => {
    const lines = renderErrcodes()
      .split('\n')
      .filter((line) => line.startsWith('| **'))
    assert.equal(lines.length, errcodes.size)
    for (const line of lines) assert.equal(line.match(/(?<!\\)\|/g)?.length, 6, line)
    for (const code of errcodes.keys()) {
      assert.equal(lines.filter((line) => line.startsWith(`| **${code}** `)).length, 1, `${code}`)
    }
  })
})
