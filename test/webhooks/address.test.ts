import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { blockedAddress, createWebhookAddresses, isBlocked } from '../../src/webhooks/address.ts'

const { fault, lookup } = createWebhookAddresses([])

suite('the addresses of webhooks', () => {
  for (const url of [
    'https://sms.example.com/hook',
    'https://sms.example.com:443/hook?x=1',
    'https://8.8.8.8/hook',
    'https://[2606:4700::1111]/hook',
    'https://例子.com/hook',
  ])
    test(`may be ${url}`, () => assert.equal(fault(url), undefined))

  const refused: Readonly<Record<string, readonly string[]>> = {
    'no web address': [
      '',
      'hook',
      'https://',
      'https:// sms.example.com',
      'https:\\\\sms.example.com',
      '//sms.example.com',
    ],
    'another scheme': [
      'http://sms.example.com',
      'ftp://sms.example.com',
      'file:///etc/passwd',
      'javascript:alert(1)',
    ],
    'another port': [
      'https://sms.example.com:22',
      'https://sms.example.com:6379',
      'https://sms.example.com:25',
      'https://sms.example.com:8443',
    ],
    'a user name': [
      'https://user@sms.example.com',
      'https://user:pass@sms.example.com',
      'https://sms.example.com\\@127.0.0.1/',
      'https://sms.example.com@127.0.0.1/',
    ],
    'this machine': [
      ...[
        'https://127.0.0.1',
        'https://127.1',
        'https://2130706433',
        'https://0x7f000001',
        'https://0177.0.0.1',
        'https://0',
      ],
      ...[
        'https://0.0.0.0',
        'https://localhost',
        'https://localhost.',
        'https://a.localhost',
        'https://LOCALHOST',
        'https://[::1]',
      ],
      ...[
        'https://[::]',
        'https://[::ffff:127.0.0.1]',
        'https://[::ffff:7f00:1]',
        'https://[64:ff9b::7f00:1]',
        'https://[2002:7f00:1::]',
      ],
      ...['https://127。0。0。1', 'https://①②⑦.⓪.⓪.①'],
    ],
    'a private network': [
      ...[
        'https://10.0.0.1',
        'https://172.16.0.1',
        'https://172.31.255.255',
        'https://192.168.1.1',
        'https://169.254.169.254',
      ],
      ...[
        'https://169.254.0.23',
        'https://100.64.0.1',
        'https://100.100.100.200',
        'https://[fc00::1]',
        'https://[fd12::1]',
        'https://[fe80::1]',
      ],
      ...[
        'https://224.0.0.1',
        'https://[ff02::1]',
        'https://255.255.255.255',
        'https://intranet',
        'https://db.internal',
      ],
      ...['https://metadata.tencentyun.com', 'https://metadata.tencentyun.com./x', 'https://printer.local'],
    ],
  }
  for (const [what, urls] of Object.entries(refused))
    for (const url of urls)
      test(`may not be ${what}: ${url}`, () => assert.equal(typeof fault(url), 'string'))

  test('of the operator’s own network may be, where it says so, and only those', () => {
    const own = createWebhookAddresses(['10.0.0.7:8080', 'sms.internal'])
    assert.equal(own.fault('http://10.0.0.7:8080/hook'), undefined)
    assert.equal(own.fault('https://sms.internal/hook'), undefined)
    for (const url of ['http://10.0.0.7:8081/hook', 'http://10.0.0.8:8080/hook', 'https://db.internal/hook'])
      assert.equal(typeof own.fault(url), 'string')
  })

  test('are looked at again when they are dialled', async () => {
    const resolve = promisify(
      lookup as (name: string, options: object, done: (e: Error | null) => void) => void,
    )
    await assert.rejects(resolve('localhost', {}), { code: blockedAddress })
    await assert.rejects(resolve('localhost', { all: true }), { code: blockedAddress })
  })

  test('a name of the operator’s own may lead into the network', async () => {
    const own = createWebhookAddresses(['localhost:1'])
    const found = await new Promise((resolve, reject) =>
      own.lookup('localhost', { all: true }, (error, addresses) =>
        error ? reject(error) : resolve(addresses),
      ),
    )
    assert.ok(Array.isArray(found) && found.length > 0)
  })

  test('an IPv4 address out of bounds is so in every IPv6 dress', () => {
    fc.assert(
      fc.property(fc.constantFrom('127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.0.9'), (address) => {
        const hex = address
          .split('.')
          .map((part) => Number(part).toString(16).padStart(2, '0'))
          .join('')
        const [high, low] = [hex.slice(0, 4), hex.slice(4)]
        for (const dressed of [
          `::ffff:${address}`,
          `::${high}:${low}`,
          `64:ff9b::${high}:${low}`,
          `2002:${high}:${low}::1`,
        ])
          assert.ok(isBlocked(dressed), dressed)
      }),
    )
  })

  test('whatever the text, there is an answer', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.string().map((text) => `https://${text}`),
        ),
        (text) => {
          const found = fault(text)
          assert.ok(found === undefined || found.length > 0)
        },
      ),
    )
  })
})
