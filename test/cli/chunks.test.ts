import { type TestContext, test } from 'node:test'
import { type ChunkLimits, chunksOf } from '../../src/cli/chunks.ts'

const cut = async (blocks: readonly string[], limits?: ChunkLimits) => {
  async function* source() {
    for (const block of blocks) yield Buffer.from(block)
  }
  const result: unknown[] = []
  for await (const chunk of chunksOf(source(), limits))
    result.push('tooLong' in chunk ? chunk : [chunk.bytes.toString(), ...chunk.numbers])
  return result
}

test('lines stay whole wherever the blocks end, and empty ones are left out', async (t: TestContext) => {
  t.assert.deepEqual(await cut(['a\nb', 'b\n\n', '\r\nc']), [['a\nbb\nc\n', 1, 2, 5]])
  t.assert.deepEqual(await cut([]), [])
  t.assert.deepEqual(await cut(['\n\n']), [])
})

test('a chunk holds so many lines and bytes, and no more', async (t: TestContext) => {
  t.assert.deepEqual(await cut(['a\nb\nc\n'], { lines: 2, bytes: 100 }), [
    ['a\nb\n', 1, 2],
    ['c\n', 3],
  ])
  t.assert.deepEqual(await cut(['aaa\nbbb\ncc\n'], { lines: 9, bytes: 8 }), [
    ['aaa\nbbb\n', 1, 2],
    ['cc\n', 3],
  ])
})

test('a line that fits no request is told, and those around it are sent', async (t: TestContext) => {
  t.assert.deepEqual(await cut(['a\n', '0123', '4567', '89\nb\n'], { lines: 9, bytes: 8 }), [
    ['a\n', 1],
    { tooLong: 2 },
    ['b\n', 3],
  ])
})

test('a byte order mark at the beginning is left out', async (t: TestContext) => {
  t.assert.deepEqual(await cut(['\ufeff{}\n\ufeff{}\n']), [['{}\n\ufeff{}\n', 1, 2]])
})
