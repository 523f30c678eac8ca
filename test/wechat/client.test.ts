import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite, type TestContext, test } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { createWechatClient, type WechatClient } from '../../src/wechat/client.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { answer, type OnRequest, okBody, serve } from './raw-server.ts'

const timeoutMs = 1000
/** How late a deadline may be noticed on a busy machine. */
const graceMs = 700
const token = '77_canary-token'
const path = `/cgi-bin/message/template/send?access_token=${token}`
const taken = { kind: 'answered', errcode: 0, errmsg: 'ok', msgid: '3248682510344192008' }

const openClient = (
  t: TestContext,
  origin: string,
  connections = 1,
  clock = createTestClock(),
): WechatClient => {
  const client = createWechatClient({ origin, connections, timeoutMs, clock })
  t.after(() => client.close())
  return client
}

const open = async (t: TestContext, onRequest: OnRequest, connections = 1) => {
  const server = await serve(t, onRequest)
  return { server, client: openClient(t, server.origin, connections) }
}

suite('a send that is answered', () => {
  test('posts the body as JSON, reads the reply and tells how long it took', async (t) => {
    const clock: TestClock = createTestClock()
    const server = await serve(t, (socket) => {
      clock.advance(25)
      socket.write(answer(okBody))
    })
    const client = openClient(t, server.origin, 1, clock)
    const { reply, startedAt, endedAt } = await client.send(path, '{"touser":"o1"}')
    assert.deepEqual(reply, taken)
    assert.equal(endedAt - startedAt, 25)
    const [request = ''] = server.requests
    assert.match(request, /^POST \/cgi-bin\/message\/template\/send\?access_token=77_canary-token HTTP/)
    assert.match(request, /\r\ncontent-type: application\/json\r\n/)
    assert.equal(bodyOf(request), '{"touser":"o1"}')
  })

  test('may come in pieces, even within a character', async (t) => {
    const bytes = answer('{"errcode":40003,"errmsg":"不合法的用户"}')
    const { client } = await open(t, (socket) => {
      socket.setNoDelay(true).write(bytes.subarray(0, bytes.length - 6))
      setTimeout(() => socket.write(bytes.subarray(bytes.length - 6)), 20)
    })
    const { reply } = await client.send(path, '{}')
    assert.deepEqual(reply, { kind: 'answered', errcode: 40003, errmsg: '不合法的用户' })
  })

  test('may be preceded by an early hint', async (t) => {
    const { client } = await open(t, (socket) =>
      socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${answer(okBody)}`),
    )
    assert.deepEqual((await client.send(path, '{}')).reply, taken)
  })

  test('shares a few connections among many', async (t) => {
    const { server, client } = await open(t, (socket) => setTimeout(() => socket.write(answer(okBody)), 5), 2)
    const sends = await Promise.all(Array.from({ length: 20 }, () => client.send(path, '{}')))
    assert.ok(sends.every(({ reply }) => reply.kind === 'answered'))
    assert.equal(server.requests.length, 20)
    assert.equal(server.peak(), 2)
  })

  test('finds another connection when the idle one was closed', async (t) => {
    const { server, client } = await open(t, (socket) => {
      socket.write(answer(okBody))
      setTimeout(() => socket.destroy(), 10)
    })
    for (let i = 0; i < 3; i++) {
      assert.deepEqual((await client.send(path, '{}')).reply, taken)
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
    assert.equal(server.requests.length, 3)
  })
})

suite('a send that was certainly not sent', () => {
  test('because nobody listens', async (t) => {
    const client = openClient(t, await closedOrigin())
    assert.deepEqual((await client.send(path, '{}')).reply, { kind: 'not-sent', error: 'connect' })
  })

  test('because it waited for a connection until its time was over', async (t) => {
    const held = Promise.withResolvers<void>()
    const { server, client } = await open(t, (socket, _request, index) => {
      if (index > 0) socket.write(answer(okBody))
      else held.resolve()
    })
    const sends = [client.send(path, '"first"'), client.send(path, '"second"')]
    await held.promise
    // Both run out while nothing else can happen, or the second might find the place of the first in time.
    block(timeoutMs)
    const [first, second] = await Promise.all(sends)
    assert.deepEqual(first!.reply, { kind: 'in-doubt', error: 'timeout' })
    assert.deepEqual(second!.reply, { kind: 'not-sent', error: 'timeout' })
    assert.deepEqual((await client.send(path, '"third"')).reply, taken)
    assert.deepEqual(server.requests.map(bodyOf), ['"first"', '"third"'])
  })

  test('because the connection was not made in time', async (t) => {
    const server = await serve(t, () => {})
    const client = openClient(t, server.origin.replace('http:', 'https:'))
    assert.deepEqual((await client.send(path, '{}')).reply, { kind: 'not-sent', error: 'timeout' })
  })

  test('because the certificate is not to be trusted', {
    skip: certificate() === undefined && 'no openssl',
  }, async (t) => {
    const server = createTlsServer(certificate()!, () => assert.fail('a connection was accepted'))
    const port = await listen(server)
    t.after(() => server.close())
    const client = openClient(t, `https://127.0.0.1:${port}`)
    assert.deepEqual((await client.send(path, '{}')).reply, { kind: 'not-sent', error: 'connect' })
  })

  test('because the client is closed', async (t) => {
    const { server, client } = await open(t, (socket) => socket.write(answer(okBody)))
    await client.close()
    assert.equal((await client.send(path, '{}')).reply.kind, 'not-sent')
    assert.equal(server.requests.length, 0)
  })
})

suite('a send in doubt', () => {
  const cases: readonly [what: string, error: string, onRequest: OnRequest][] = [
    ['when the connection is reset', 'connection-lost', (socket) => socket.resetAndDestroy()],
    ['when the connection is closed', 'connection-lost', (socket) => socket.end()],
    ['when the reply breaks off', 'connection-lost', (socket) => socket.end(answer(okBody).subarray(0, -9))],
    ['when the reply is no HTTP', 'connection-lost', (socket) => socket.write('SSH-2.0-OpenSSH_9.6\r\n')],
    [
      'when the reply is cut and says nothing of it',
      'junk-reply',
      (socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n{"errcode":0,'),
    ],
    ['when no answer comes', 'timeout', () => {}],
    [
      'when the head alone comes',
      'timeout',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n'),
    ],
    ['when the reply drips', 'timeout', (socket) => drip(socket)],
    [
      'when the reply is huge',
      'reply-too-large',
      (socket) => socket.write(answer(Buffer.alloc(10_000_000, 32))),
    ],
    [
      'when the API is behind a broken gateway',
      'http-502',
      (socket) => socket.write(answer('<html>', '502 Bad Gateway')),
    ],
    [
      'when it is sent elsewhere',
      'redirect',
      (socket) => socket.write(answer('', '302 Found', 'location: /elsewhere\r\n')),
    ],
  ]
  for (const [what, error, onRequest] of cases)
    test(`${what}: ${error}, in time, and it is not repeated`, async (t) => {
      const { server, client } = await open(t, onRequest)
      const start = performance.now()
      const sent = await client.send(path, '{}')
      assert.deepEqual(sent.reply, { kind: 'in-doubt', error })
      assert.ok(performance.now() - start < timeoutMs + graceMs)
      assert.ok(!JSON.stringify(sent).includes(token))
      // Once it is closed nothing more can come of it.
      await client.close()
      assert.equal(server.requests.length, 1)
    })

  test('leaves its place to the next', async (t) => {
    const { client } = await open(t, (socket, _request, index) => {
      if (index > 0) socket.write(answer(okBody))
    })
    assert.equal((await client.send(path, '{}')).reply.kind, 'in-doubt')
    assert.deepEqual((await client.send(path, '{}')).reply, taken)
  })

  test('when a kept connection breaks under it', async (t) => {
    const { server, client } = await open(t, (socket, _request, index) =>
      index === 0 ? socket.write(answer(okBody)) : socket.resetAndDestroy(),
    )
    assert.deepEqual((await client.send(path, '{}')).reply, taken)
    assert.deepEqual((await client.send(path, '{}')).reply, { kind: 'in-doubt', error: 'connection-lost' })
    assert.equal(server.requests.length, 2)
  })
})

suite('any other call', () => {
  test('gives back status and body', async (t) => {
    const { server, client } = await open(t, (socket) => socket.write(answer('{"a":1}', '404 Not Found')))
    const result = await client.call({ method: 'GET', path: '/cgi-bin/token?secret=s' })
    assert.deepEqual(result, { kind: 'answered', status: 404, body: Buffer.from('{"a":1}') })
    assert.match(server.requests[0]!, /^GET \/cgi-bin\/token\?secret=s HTTP/)
  })

  test('fails like a send', async (t) => {
    const client = openClient(t, await closedOrigin())
    const result = await client.call({ method: 'POST', path: '/cgi-bin/stable_token', body: '{}' })
    assert.deepEqual(result, { kind: 'not-sent', error: 'connect' })
  })
})

test('closing waits for a call that hangs no longer than a call may take', async (t) => {
  const { client } = await open(t, () => {})
  const send = client.send(path, '{}')
  const start = performance.now()
  await client.close()
  assert.ok(performance.now() - start < timeoutMs + graceMs)
  assert.equal((await send).reply.kind, 'in-doubt')
})

/** Stops this thread for so long: nothing is read or written, and no timer fires. */
const block = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}

const bodyOf = (request: string): string => request.slice(request.indexOf('\r\n\r\n') + 4)

const drip = (socket: Socket): void => {
  socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n')
  const timer = setInterval(() => socket.write(' '), 20)
  socket.on('close', () => clearInterval(timer))
}

const listen = (server: ReturnType<typeof createServer>): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })

/** An address where somebody has just stopped listening. */
const closedOrigin = async (): Promise<string> => {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

/** One that vouches for itself, if there is a tool to make it. */
function certificate(): { readonly key: Buffer; readonly cert: Buffer } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const options = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-subj',
    '/CN=localhost',
  ]
  try {
    execFileSync('openssl', ['req', '-x509', ...options, '-keyout', key, '-out', cert], { stdio: 'ignore' })
    return { key: readFileSync(key), cert: readFileSync(cert) }
  } catch {
    return undefined
  } finally {
    rmSync(folder, { recursive: true })
  }
}
