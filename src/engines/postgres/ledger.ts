import { type Kysely, sql } from 'kysely'
import type pg from 'pg'
import type { Clock } from '../../clock.ts'
import type { Ledger } from '../../ledger.ts'
import { momentOf, type State, states } from '../../message.ts'
import { storable } from './connection.ts'
import { recordOf, recordsOf } from './rows.ts'
import type { Tables } from './schema.ts'
import { searchMessages } from './search.ts'

/** There are more searches than can be answered soon. */
export class StorageBusy extends Error {
  constructor() {
    super('Too many searches are waiting')
    this.name = 'StorageBusy'
  }
}

/** PostgreSQL is away, or took too long over a search. */
export class StorageFailed extends Error {
  constructor(operation: string, cause: unknown) {
    super(`The records in PostgreSQL could not be read (${operation})`, { cause })
    this.name = 'StorageFailed'
  }
}

/** Searches that wait for a connection; more are refused. */
const maxWaiting = 100

export interface LedgerParts {
  readonly db: Kysely<Tables>
  /** That of `db`. */
  readonly pool: Pick<pg.Pool, 'waitingCount'>
  readonly clock: Clock
}

export const createPostgresLedger = ({ db, pool, clock }: LedgerParts): Ledger => {
  const ask = async <T>(operation: string, question: () => Promise<T>): Promise<T> => {
    if (pool.waitingCount >= maxWaiting) throw new StorageBusy()
    return question().catch((error) => {
      throw new StorageFailed(operation, error)
    })
  }
  return {
    async find({ tenant, id }) {
      const [row] = await ask('find', () => recordsOf(db, [{ moment: momentOf(id), id }]))
      return row?.tenant === storable(tenant) ? recordOf(row) : undefined
    },

    async search(query) {
      const { rows, nextCursor } = await ask('search', () => searchMessages({ db, clock }, query))
      const records = rows.map(recordOf)
      return nextCursor === undefined ? { records } : { records, nextCursor }
    },

    async counts(tenant) {
      const rows = await ask('counts', () =>
        db
          .selectFrom('progress')
          .select(['state', sql<number>`count(*)`.as('n')])
          .where('tenant', '=', storable(tenant))
          .groupBy('state')
          .execute(),
      )
      const counted = new Map(rows.map(({ state, n }) => [state, n]))
      return Object.fromEntries(states.map((state) => [state, counted.get(state) ?? 0])) as Record<
        State,
        number
      >
    },
  }
}
