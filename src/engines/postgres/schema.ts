import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * The tables of the records. All three are partitioned by the day of acceptance, which the id of a message tells:
 * `moment` is the millisecond in it, so whoever has an id knows the partition.
 *
 * `messages`: what was accepted; written once, never changed. `seq` orders what was accepted in one millisecond.
 * `progress`: where each message stands; small rows, because they move. One may be there before its message is.
 * `steps`: the timelines; each step under the version of the event that told it, written once.
 *
 * Texts that are compared or searched for by their beginning are in the collation "C". Tags are JSON strings, because
 * they may hold what PostgreSQL's texts cannot.
 */
export interface Tables {
  readonly messages: MessagesTable
  readonly progress: ProgressTable
  readonly steps: StepsTable
}

interface MessagesTable {
  readonly moment: number
  readonly id: string
  readonly seq: number
  readonly tenant: string
  readonly account: string
  readonly channel: string
  readonly lane: number
  readonly touser: string
  readonly template_id: string
  readonly body: string
  readonly accepted_at: number
  readonly send_at: number
  readonly expires_at: number
  readonly tags: readonly string[] | null
  readonly key: string | null
  readonly extra: string | null
}

interface ProgressTable {
  readonly moment: number
  readonly id: string
  readonly tenant: string
  readonly version: number
  readonly state: string
  readonly reason: string | null
  readonly ready_at: number | null
  readonly deliveries: number
  readonly doubt_since: number | null
  readonly msgid: string | null
  readonly at: number
}

interface StepsTable {
  readonly moment: number
  readonly id: string
  readonly version: number
  readonly step: string
}

const firstTables: readonly string[] = [
  'CREATE SEQUENCE recorded',
  `CREATE TABLE messages (
    moment bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    seq bigint NOT NULL DEFAULT nextval('recorded'),
    tenant text COLLATE "C" NOT NULL,
    account text COLLATE "C" NOT NULL,
    channel text COLLATE "C" NOT NULL,
    lane smallint NOT NULL,
    touser text COLLATE "C" NOT NULL,
    template_id text COLLATE "C" NOT NULL,
    body text NOT NULL,
    accepted_at bigint NOT NULL,
    send_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    tags text[],
    key text COLLATE "C",
    extra text,
    PRIMARY KEY (moment, id)
  ) PARTITION BY RANGE (moment)`,
  'CREATE INDEX messages_time ON messages (tenant, moment)',
  'CREATE INDEX messages_touser ON messages (tenant, touser, moment)',
  'CREATE INDEX messages_account ON messages (tenant, account, moment)',
  'CREATE INDEX messages_template ON messages (tenant, template_id, moment)',
  'CREATE INDEX messages_tags ON messages USING gin (tags) WHERE tags IS NOT NULL',
  'CREATE INDEX messages_key ON messages (tenant, key) WHERE key IS NOT NULL',
  `CREATE TABLE progress (
    moment bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    tenant text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    state text COLLATE "C" NOT NULL,
    reason text,
    ready_at bigint,
    deliveries integer NOT NULL,
    doubt_since bigint,
    msgid text,
    at bigint NOT NULL,
    PRIMARY KEY (moment, id)
  ) PARTITION BY RANGE (moment)`,
  'CREATE INDEX progress_state ON progress (tenant, state, moment)',
  `CREATE TABLE steps (
    moment bigint NOT NULL,
    id text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    step text NOT NULL,
    PRIMARY KEY (moment, id, version)
  ) PARTITION BY RANGE (moment)`,
]

const migrationOf = (statements: readonly string[]): Migration => ({
  async up(db: Kysely<unknown>) {
    for (const statement of statements) await sql.raw(statement).execute(db)
  },
})

/**
 * Each brings the tables from the one before it. Never changed, only added to. The name tells what an older Hongyan
 * next to it may expect: after `expand` everything it knows is still there, after `contract` it must have gone.
 */
export const migrations: Readonly<Record<string, Migration>> = {
  '0001_expand_first_tables': migrationOf(firstTables),
}
