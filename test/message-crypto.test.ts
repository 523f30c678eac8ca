import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  callbackSignature,
  decryptMessage,
  encryptMessage,
  messageKeyOf,
  sameSignature,
} from '../src/message-crypto.ts'

/** Of the official page on message push: the key is 43 times `A`, 32 zero bytes. */
const official = {
  token: 'AAAAA',
  key: messageKeyOf('A'.repeat(43))!,
  appid: 'wxba5fad812f8e6fb9',
  encrypt:
    '+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=',
  message:
    '{"ToUserName":"gh_97417a04a28d","FromUserName":"o9AgO5Kd5ggOC-bXrbNODIiE3bGY","CreateTime":1714112445,"MsgType":"event","Event":"debug_demo","debug_str":"hello world"}',
}

const boundaryKey = messageKeyOf('SimKey0SimKey1SimKey2SimKey3SimKey4SimKey50')!
const boundaryAppid = 'wx0123456789abcdef'

suite('the crypto of callbacks', () => {
  const signatures: readonly (readonly [string, readonly string[], string])[] = [
    ['of the URL check', ['AAAAA', '1714036504', '1514711492'], 'f464b24fc39322e44b38aa78f5edd27bd1441696'],
    ['of a plain post', ['AAAAA', '1714037059', '486452656'], '899cf89e464efb63f54ddac96b0a0a235f53aa78'],
    ['of a safe post', ['AAAAA', '1714112445', '415670741'], '6c5c811b55cc85e0e1b54100749188c20beb3f5d'],
    [
      'of a safe post and its ciphertext',
      ['AAAAA', '1714112445', '415670741', official.encrypt],
      '046e02f8204d34f8ba5fa3b1db94908f3df2e9b3',
    ],
    [
      'of an encrypted echo (wechatpy)',
      [
        '123456',
        '1411443780',
        '437374425',
        '4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOchLF6p+Q==',
      ],
      'dd6b9c95b495b3f7e2901bfbc76c664930ffdb96',
    ],
    [
      'of literal words (node-webot)',
      ['RMNlACHlV5ThzfRlVS4D4', 'timestamp', 'nonce', 'encrypt'],
      '8edac0945683c119ee71c9f6256d76c48aa08a96',
    ],
    ['of our own', ['simtoken', '1700000000', '42'], 'c9e33ec4905b74485d91a45c246ecbe972c2491c'],
  ]
  for (const [what, parts, expected] of signatures)
    test(`knows the signature ${what}`, () => {
      const signature = callbackSignature(...parts)
      assert.equal(signature, expected)
      assert.ok(sameSignature(signature, expected.toUpperCase()))
      assert.ok(!sameSignature(signature, `${expected.slice(0, -1)}0`.replace(/.$/, 'g')))
      assert.ok(!sameSignature(signature, ''))
    })

  test('opens the official ciphertext and makes it again', () => {
    const { key, encrypt, message, appid } = official
    assert.deepEqual(decryptMessage(key, encrypt), { message, appid })
    assert.equal(encryptMessage(key, { message, appid }, Buffer.from('a8eedb185eb2fecf')), encrypt)
  })

  test('makes the official reply and its signature', () => {
    const reply = encryptMessage(
      official.key,
      { message: '{"demo_resp":"good luck"}', appid: official.appid },
      Buffer.from('707722b803182950'),
    )
    assert.equal(
      reply,
      'ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ==',
    )
    assert.equal(
      callbackSignature('AAAAA', '1713424427', '415670741', reply),
      '1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1',
    )
  })

  test('takes a key with trailing bits and text of several bytes (WxJava)', () => {
    const key = messageKeyOf('abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG')!
    const plain = { message: '我是中文abcd123', appid: 'wxb11529c136998cb6' }
    const encrypted =
      'jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=='
    assert.equal(encryptMessage(key, plain, Buffer.from('aaaabbbbccccdddd')), encrypted)
    assert.deepEqual(decryptMessage(key, encrypted), plain)
  })

  const boundaries: readonly (readonly [length: number, pad: number, text: string])[] = [
    [9, 17, 'z43zUxePpE+d4cJOAl3UP/8QWFVphg8dG0TMoRHQBt12AVtT+GInyMrvM/FZHkAHjOQ9KNfkTXG8d3S+iRJh2g=='],
    [10, 16, 'z43zUxePpE+d4cJOAl3UP/QALce23+pgw9ASQnH5rZasLvG5A9R0ZIpOdcq7wMa2DNtFjYmC6z0NO7oAeXew/g=='],
    [25, 1, 'z43zUxePpE+d4cJOAl3UP0hJ/Ochm2srh42BpVXBrhwfvZfNDbkR4YCvifh58lYQok1FSUEOZs/aqdhUYCvR0Q=='],
    [
      26,
      32,
      'z43zUxePpE+d4cJOAl3UP57IqStG5OnoBGSYIyGYwuqrm3dyk4P/o4OsPAUrvBY+pfcMaelM+Fq2Spe0lNpBEnvQLWBi7kvAB3aJtRPAG0gN6W6KGwGJqyh3iFDP6lKa',
    ],
  ]
  for (const [length, pad, text] of boundaries)
    test(`pads with ${pad}`, () => {
      const plain = { message: 'x'.repeat(length), appid: boundaryAppid }
      assert.equal(encryptMessage(boundaryKey, plain, Buffer.from('0123456789abcdef')), text)
      assert.deepEqual(decryptMessage(boundaryKey, text), plain)
    })

  test('opens what it closed, whatever the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 300 }),
        fc.string({ unit: 'grapheme-ascii', maxLength: 40 }),
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        (message, appid, random) => {
          const closed = encryptMessage(boundaryKey, { message, appid }, random)
          assert.deepEqual(decryptMessage(boundaryKey, closed), { message, appid })
        },
      ),
    )
  })

  test('opens nothing that is not a ciphertext, and never throws', () => {
    for (const text of [
      '',
      'AAAA',
      '====',
      'A'.repeat(43),
      official.encrypt.slice(4),
      '\u0000',
      '💥'.repeat(16),
    ])
      assert.equal(decryptMessage(boundaryKey, text), undefined)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        decryptMessage(boundaryKey, Buffer.from(bytes).toString('base64'))
      }),
    )
  })

  test('knows what is no key', () => {
    for (const text of ['', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}+`])
      assert.equal(messageKeyOf(text), undefined)
  })
})
