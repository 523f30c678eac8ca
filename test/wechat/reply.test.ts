import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { parseReply } from '../../src/wechat/reply.ts'

const read = (body: string, status = 200) => parseReply(status, Buffer.from(body))
const junk = { kind: 'in-doubt', error: 'junk-reply' }
const ok = { kind: 'answered', errcode: 0, errmsg: 'ok' }

suite('a reply to a send', () => {
  const cases: readonly [what: string, body: string, reply: object][] = [
    [
      'taken, with a msgid beyond 2^53',
      '{"errcode":0,"errmsg":"ok","msgid":3248682510344192008}',
      { ...ok, msgid: '3248682510344192008' },
    ],
    [
      'taken, with spaces',
      '{ "errcode" : 0, "errmsg" : "ok", "msgid" : 3248682510344192008 }',
      { ...ok, msgid: '3248682510344192008' },
    ],
    [
      'taken, msgid first',
      '{"msgid":3557254367693750277,"errcode":0,"errmsg":"ok"}',
      { ...ok, msgid: '3557254367693750277' },
    ],
    [
      'taken, msgid in quotes',
      '{"errcode":0,"errmsg":"ok","msgid":"271781022721654784"}',
      { ...ok, msgid: '271781022721654784' },
    ],
    [
      'taken, msgid of the old, short kind',
      '{"errcode":0,"errmsg":"ok","msgid":200228332}',
      { ...ok, msgid: '200228332' },
    ],
    ['taken, without a msgid', '{"errcode":0,"errmsg":"ok"}', ok],
    ['taken, msgid 0 as for a repeat', '{"errcode":0,"errmsg":"ok","msgid":0}', ok],
    ['taken, msgid no number', '{"errcode":0,"errmsg":"ok","msgid":null}', ok],
    ['taken, errcode as text', '{"errcode":"0","errmsg":"ok"}', ok],
    ['taken, errcode spelt -0', '{"errcode":-0,"errmsg":"ok"}', ok],
    [
      'taken, no errcode but a msgid',
      '{"msgid":1700827132819554304}',
      { ...ok, errmsg: '', msgid: '1700827132819554304' },
    ],
    ['taken, after a byte order mark', '\ufeff{"errcode":0,"errmsg":"ok"}\n', ok],
    ['taken, no errmsg', '{"errcode":0}', { ...ok, errmsg: '' }],
    [
      'another msgid further in',
      '{"data":{"msgid":5},"errcode":0,"errmsg":"ok","msgid":6}',
      { ...ok, msgid: '6' },
    ],
    ['a msgid in the errmsg', '{"errcode":0,"errmsg":"\\"msgid\\":7"}', { ...ok, errmsg: '"msgid":7' }],
    [
      'busy',
      '{"errcode":-1,"errmsg":"system error"}',
      { kind: 'answered', errcode: -1, errmsg: 'system error' },
    ],
    [
      'refused, with a rid',
      '{"errcode":40003,"errmsg":"invalid openid rid: 65f0c1a2-0b3c4d5e-6f708192"}',
      { kind: 'answered', errcode: 40003, errmsg: 'invalid openid', rid: '65f0c1a2-0b3c4d5e-6f708192' },
    ],
    [
      'refused, in Chinese',
      '{"errcode":"47003","errmsg":"参数错误, rid: 65f0c1a2-0b3c4d5e-6f708192"}',
      { kind: 'answered', errcode: 47003, errmsg: '参数错误', rid: '65f0c1a2-0b3c4d5e-6f708192' },
    ],
    [
      'refused, with the address in the errmsg',
      '{"errcode":40066,"errmsg":"invalid url /cgi-bin/x?access_token=77_secret"}',
      { kind: 'answered', errcode: 40066, errmsg: 'invalid url /cgi-bin/x?access_token=…' },
    ],
    ['errmsg no text', '{"errcode":40003,"errmsg":{}}', { kind: 'answered', errcode: 40003, errmsg: '' }],
    ['nothing', '', junk],
    ['cut short', '{"errcode":0,"errmsg":"o', junk],
    ['a page', '<html>502 Bad Gateway</html>', junk],
    ['a list', '[{"errcode":0}]', junk],
    ['null', 'null', junk],
    ['a number', '0', junk],
    ['an empty object', '{}', junk],
    ['no errcode and msgid 0', '{"errmsg":"ok","msgid":0}', junk],
    ['an errcode with a fraction', '{"errcode":0.5,"errmsg":"ok","msgid":1}', junk],
    ['an errcode that is a word', '{"errcode":"ok","errmsg":"ok"}', junk],
    ['an errcode that is null', '{"errcode":null,"msgid":1}', junk],
    ['an errcode that is true', '{"errcode":true}', junk],
  ]
  for (const [what, body, reply] of cases) test(what, () => assert.deepEqual(read(body), reply))
})

suite('a status other than 200 says nothing about the message', () => {
  const cases: readonly [status: number, error: string][] = [
    [201, 'http-201'],
    [204, 'http-204'],
    [301, 'redirect'],
    [302, 'redirect'],
    [404, 'http-404'],
    [500, 'http-500'],
    [502, 'http-502'],
  ]
  for (const [status, error] of cases)
    test(`${status} is ${error}`, () =>
      assert.deepEqual(read('{"errcode":0,"errmsg":"ok"}', status), { kind: 'in-doubt', error }))
})

test('an errmsg is kept to 300 characters, after its rid was taken', () => {
  const rid = '65f0c1a2-0b3c4d5e-6f708192'
  const reply = read(JSON.stringify({ errcode: 40003, errmsg: `${'长'.repeat(1000)} rid: ${rid}` }))
  assert.deepEqual(reply, { kind: 'answered', errcode: 40003, errmsg: '长'.repeat(300), rid })
})

test('any bytes and any status are one of the kinds', () => {
  const bytes = fc.oneof(
    fc.uint8Array().map((array) => Buffer.from(array)),
    fc.json().map((text) => Buffer.from(text)),
    fc
      .record(
        { errcode: fc.jsonValue(), errmsg: fc.jsonValue(), msgid: fc.jsonValue() },
        { requiredKeys: [] },
      )
      .map((value) => Buffer.from(JSON.stringify(value))),
    fc.string().map((text) => Buffer.from(`{"errcode":0,"errmsg":"ok","msgid":${text}}`)),
  )
  const kindOf = (status: number, body: Buffer) => parseReply(status, body).kind
  fc.assert(
    fc.property(fc.oneof(fc.constant(200), fc.nat(999)), bytes, (status, body) =>
      status === 200
        ? ['answered', 'in-doubt'].includes(kindOf(status, body))
        : kindOf(status, body) === 'in-doubt',
    ),
    { numRuns: 2000 },
  )
})

test('a msgid comes through digit by digit, however the reply is written', () => {
  const spaces = fc.constantFrom('', ' ', '\n\t')
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 63n - 1n }), spaces, fc.boolean(), (msgid, space, quoted) => {
      const digits = quoted ? `"${msgid}"` : `${msgid}`
      const reply = read(`{"errcode":0,"errmsg":"ok",${space}"msgid":${space}${digits}${space}}`)
      return reply.kind === 'answered' && reply.msgid === `${msgid}`
    }),
  )
})
