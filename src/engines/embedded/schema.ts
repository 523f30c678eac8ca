import { DatabaseSync } from 'node:sqlite'

/**
 * The tables of the embedded engine. One file holds queue, records, idempotency keys, nonces and the
 * directory. Rows that grow or move are what makes a B-tree slow, so each kind of fact has a table of its own:
 *
 * `messages`: what was accepted; written once, never changed.
 * `queue`: the messages on the way, small rows. `ready_at` is the moment from which one may be leased; a lease
 *   moves it to its own end, so a lease that runs out needs no reclaimer: the row is simply ready again.
 *   `deliveries` counts the leases and is their fence. Losing the lease of a `careful` message leaves a doubt only
 *   once its call has `begun`.
 * `steps`: what a delivery came to that was not the end.
 * `outcomes`: the end of each message; written once.
 * `recipients`: which openids appear in which stretch of messages (`recipients.ts`).
 * `receipts`: what WeChat's events say of messages that had ended; written once. `stray_receipts`: those whose
 *   message is not known, or not yet.
 * `grants`, `owed_grants`, `contacts`: the books on permissions and people. `note_keys`: which notes have been taken.
 */
const firstTables = `
CREATE TABLE messages (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  account TEXT NOT NULL,
  channel TEXT NOT NULL,
  lane INTEGER NOT NULL,
  touser TEXT NOT NULL,
  template_id TEXT NOT NULL,
  body TEXT NOT NULL,
  accepted_at INTEGER NOT NULL,
  send_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  extra TEXT
) STRICT;

CREATE TABLE queue (
  seq INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL,
  ready_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  deliveries INTEGER NOT NULL DEFAULT 0,
  tries INTEGER NOT NULL DEFAULT 0,
  leased_at INTEGER,
  doubt_since INTEGER,
  careful INTEGER NOT NULL,
  begun INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX queue_ready ON queue (lane, ready_at);

CREATE TABLE steps (
  seq INTEGER NOT NULL,
  delivery INTEGER NOT NULL,
  step TEXT NOT NULL,
  PRIMARY KEY (seq, delivery)
) STRICT, WITHOUT ROWID;

CREATE TABLE outcomes (
  seq INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  reason TEXT,
  deliveries INTEGER NOT NULL,
  doubt_since INTEGER,
  msgid TEXT,
  at INTEGER NOT NULL,
  step TEXT NOT NULL
) STRICT;
CREATE INDEX outcomes_unsent ON outcomes (state) WHERE state <> 'sent';

CREATE TABLE recipients (
  stretch INTEGER PRIMARY KEY,
  entries BLOB NOT NULL
) STRICT;

CREATE TABLE idempotency (
  tenant TEXT NOT NULL,
  key TEXT NOT NULL,
  id TEXT NOT NULL,
  fingerprint TEXT NOT NULL,
  PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE nonces (
  nonce TEXT NOT NULL PRIMARY KEY,
  until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE directory (
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
`

/** Receipts, grants, contacts, and what messages are parked for. */
const notesTables = `
ALTER TABLE queue ADD COLUMN condition TEXT;
ALTER TABLE queue ADD COLUMN grant_key TEXT;
ALTER TABLE queue ADD COLUMN grant_handle TEXT;
CREATE INDEX queue_condition ON queue (condition) WHERE condition IS NOT NULL;
CREATE INDEX queue_doubt ON queue (doubt_since) WHERE doubt_since IS NOT NULL;
CREATE INDEX outcomes_msgid ON outcomes (msgid) WHERE msgid IS NOT NULL;

CREATE TABLE receipts (
  seq INTEGER PRIMARY KEY,
  state TEXT NOT NULL,
  reason TEXT,
  at INTEGER NOT NULL,
  step TEXT NOT NULL
) STRICT;
CREATE INDEX receipts_undelivered ON receipts (state) WHERE state <> 'delivered';

CREATE TABLE stray_receipts (
  account TEXT NOT NULL,
  msgid TEXT NOT NULL,
  touser TEXT NOT NULL,
  receipt TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (account, msgid)
) STRICT, WITHOUT ROWID;
CREATE INDEX stray_receipts_touser ON stray_receipts (account, touser);
CREATE INDEX stray_receipts_until ON stray_receipts (until);

CREATE TABLE grants (
  id INTEGER PRIMARY KEY,
  account TEXT NOT NULL,
  touser TEXT NOT NULL,
  template_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  available INTEGER,
  reserved INTEGER NOT NULL DEFAULT 0,
  used INTEGER NOT NULL DEFAULT 0,
  expires_at INTEGER,
  generation INTEGER NOT NULL DEFAULT 0,
  updated_at INTEGER NOT NULL,
  UNIQUE (account, touser, template_id, kind, name)
) STRICT;

CREATE TABLE owed_grants (
  account TEXT NOT NULL,
  touser TEXT NOT NULL,
  template_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  count INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (account, touser, template_id, kind, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX owed_grants_at ON owed_grants (at);

CREATE TABLE contacts (
  account TEXT NOT NULL,
  touser TEXT NOT NULL,
  following INTEGER,
  following_at INTEGER,
  interacted_at INTEGER,
  PRIMARY KEY (account, touser)
) STRICT, WITHOUT ROWID;

CREATE TABLE note_keys (
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  until INTEGER NOT NULL,
  PRIMARY KEY (account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX note_keys_until ON note_keys (until);
`

/** What is past its time is found without reading the rest. */
const nonceIndex = 'CREATE INDEX nonces_until ON nonces (until);'

/** Each brings a store from the version before it, the first from nothing. Never changed, only added to. */
const migrations = [firstTables, notesTables, nonceIndex]

/** `FULL`: a commit is on the disk when it is answered. `NORMAL` would lose the last ones in a power cut. */
const writerPragmas = `
PRAGMA page_size = 8192;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA wal_autocheckpoint = 2000;
PRAGMA cache_size = -16384;
PRAGMA busy_timeout = 5000;
PRAGMA temp_store = MEMORY;
`

/** The WAL-reset bug of earlier versions can lose a committed transaction. */
const oldestSqlite = '3.51.3'

/** Opens the one connection that writes, and makes the tables on first use. */
export const openWriter = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file)
  refuseOldSqlite(db)
  db.exec(writerPragmas)
  migrate(db)
  return db
}

/** Opens a connection that only reads. It sees what has been committed. */
export const openReader = (file: string): DatabaseSync => {
  const db = new DatabaseSync(file, { readOnly: true })
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA cache_size = -16384; PRAGMA query_only = ON;')
  return db
}

const refuseOldSqlite = (db: DatabaseSync): void => {
  const { version } = db.prepare('SELECT sqlite_version() AS version').get() as { version: string }
  const number = (text: string) => text.split('.').reduce((sum, part) => sum * 1000 + Number(part), 0)
  if (number(version) < number(oldestSqlite))
    throw new Error(
      `SQLite ${version} is too old: Hongyan needs ${oldestSqlite} or newer, which Node 24 brings`,
    )
}

const migrate = (db: DatabaseSync): void => {
  const { user_version: version } = db.prepare('PRAGMA user_version').get() as { user_version: number }
  if (version > migrations.length)
    throw new Error(
      `This data folder was written by a newer Hongyan (schema ${version}, this one knows ${migrations.length})`,
    )
  for (const [index, statements] of migrations.entries())
    if (index >= version)
      db.exec(`BEGIN IMMEDIATE; ${statements} PRAGMA user_version = ${index + 1}; COMMIT;`)
}
