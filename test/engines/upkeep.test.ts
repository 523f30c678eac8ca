import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { suite, type TestContext, test } from 'node:test'
import { createGrants } from '../../src/engines/embedded/grants.ts'
import { createReceipts, maxStrays } from '../../src/engines/embedded/receipts.ts'
import { openWriter } from '../../src/engines/embedded/schema.ts'
import { createUpkeep } from '../../src/engines/embedded/upkeep.ts'
import type { Receipt } from '../../src/recipients.ts'
import { temporaryFolder } from '../support/folder.ts'

const now = 1_800_000_000_000
const before = now - 1000

const openStore = (t: TestContext): DatabaseSync => {
  const db = openWriter(join(temporaryFolder(t), 'hongyan.db'))
  t.after(() => db.close())
  return db
}

const aStray = (msgid: string): Receipt => ({
  ...{ touser: 'o-1', channel: 'template', msgid, at: now, authentic: true },
  result: { kind: 'delivered' },
})

/** Messages that were sent when they were accepted, in the order of these times. */
const addSent = (db: DatabaseSync, times: readonly number[]): void => {
  for (const [index, at] of times.entries()) {
    db.prepare(
      "INSERT INTO messages VALUES (?, ?, 'acme', 'wx1', 'template', 1, 'o-1', 'tpl', '{}', ?, ?, ?, NULL)",
    ).run(index + 1, `msg_${index}`, at, at, at)
    db.prepare("INSERT INTO outcomes VALUES (?, 'sent', NULL, 1, NULL, NULL, ?, '{}')").run(index + 1, at)
  }
}

const messagesIn = (db: DatabaseSync): readonly number[] =>
  db
    .prepare('SELECT seq FROM messages ORDER BY seq')
    .all()
    .map(({ seq }) => seq as number)

suite('what is past its time', () => {
  test('goes in rounds, and each says whether there is more', (t) => {
    const db = openStore(t)
    const { sweep } = createUpkeep(db, () => {})
    addSent(db, [1, 2, 3, 4, now])
    assert.equal(sweep({ now, before, max: 2 }), true)
    assert.deepEqual(messagesIn(db), [3, 4, 5])
    assert.equal(sweep({ now, before, max: 2 }), true)
    assert.equal(sweep({ now, before, max: 2 }), false)
    assert.deepEqual(messagesIn(db), [5])
  })

  test('is not looked for behind messages that are all too young: those may be very many', (t) => {
    const db = openStore(t)
    const { sweep } = createUpkeep(db, () => {})
    addSent(db, [now, now, now, 1])
    assert.equal(sweep({ now, before, max: 3 }), false)
    assert.equal(sweep({ now, before, max: 3 }), false)
    assert.deepEqual(messagesIn(db), [1, 2, 3, 4])
  })

  test('of notes goes on as well while there is more', (t) => {
    const db = openStore(t)
    const { sweep } = createUpkeep(db, () => {})
    const remember = db.prepare("INSERT INTO note_keys VALUES ('wx1', ?, ?)")
    for (let n = 0; n < 12; n++) remember.run(`key-${n}`, now - 1)
    assert.equal(sweep({ now, before, max: 2 }), true)
    assert.equal(sweep({ now, before, max: 2 }), false)
    assert.equal(db.prepare('SELECT count(*) AS n FROM note_keys').get()!.n, 0)
  })

  test('of nonces, what is still in its time stays', (t) => {
    const db = openStore(t)
    const { sweep } = createUpkeep(db, () => {})
    const remember = db.prepare('INSERT INTO nonces VALUES (?, ?)')
    for (let n = 0; n < 12; n++) remember.run(`nonce-${n}`, now - 1)
    remember.run('good', now + 1)
    assert.equal(sweep({ now, before, max: 2 }), true)
    assert.equal(sweep({ now, before, max: 2 }), false)
    assert.deepEqual(
      db
        .prepare('SELECT nonce FROM nonces')
        .all()
        .map(({ nonce }) => nonce),
      ['good'],
    )
  })
})

suite('receipts that wait for their message', () => {
  test('are known to have gone once they are forgotten', (t) => {
    const db = openStore(t)
    const receipts = createReceipts(db, createGrants(db))
    const { sweep } = createUpkeep(db, receipts.recount)
    receipts.take('wx1', aStray('7'), now)
    assert.equal(receipts.anyStray(), true)
    sweep({ now: now + 25 * 3_600_000, before, max: 10 })
    assert.equal(receipts.anyStray(), false)
  })

  test('give way to a later one when there are too many, the oldest first', (t) => {
    const db = openStore(t)
    const add = db.prepare("INSERT INTO stray_receipts VALUES ('wx-other', ?, 'o-2', '{}', ?)")
    db.exec('BEGIN')
    for (let n = 0; n < maxStrays; n++) add.run(String(n), now + n)
    db.exec('COMMIT')
    const receipts = createReceipts(db, createGrants(db))
    receipts.take('wx1', aStray('7'), now)
    const kept = (account: string, msgid: string) =>
      db.prepare('SELECT 1 FROM stray_receipts WHERE account = ? AND msgid = ?').get(account, msgid) !==
      undefined
    assert.deepEqual([kept('wx1', '7'), kept('wx-other', '0'), kept('wx-other', '1')], [true, false, true])
  })
})
