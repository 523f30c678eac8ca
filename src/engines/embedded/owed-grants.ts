import type { DatabaseSync } from 'node:sqlite'
import { type GrantChange, owedGrantMs } from '../../grants.ts'
import { kindAndName, templateOf, type Wanted } from './grants.ts'

/**
 * Messages that were sent without a grant in the books: WeChat had one that we had not been told of yet. When word of
 * it comes, it is used up already. Kept only for accounts that have books at all, and only for as long as such word
 * may take.
 */
export const createOwedGrants = (db: DatabaseSync) => {
  const add = db.prepare(`
    INSERT INTO owed_grants (account, touser, template_id, kind, name, count, at)
    VALUES (:account, :touser, :templateId, :kind, :name, 1, :now)
    ON CONFLICT DO UPDATE SET count = CASE WHEN at < :old THEN 1 ELSE count + 1 END, at = :now`)
  const find = db.prepare(`
    SELECT count FROM owed_grants
    WHERE account = ? AND touser = ? AND template_id = ? AND kind = ? AND name = ? AND at >= ?`)
  const pay = db.prepare(`
    UPDATE owed_grants SET count = count - ?
    WHERE account = ? AND touser = ? AND template_id = ? AND kind = ? AND name = ?`)
  // From one account to the next through the index, however many rows each has.
  const accounts = db.prepare(`
    WITH RECURSIVE each (account) AS (
      SELECT min(account) FROM grants
      UNION ALL SELECT (SELECT min(account) FROM grants WHERE account > each.account) FROM each WHERE account IS NOT NULL
    ) SELECT account FROM each WHERE account IS NOT NULL`)
  const withBooks = new Set((accounts.all() as { account: string }[]).map(({ account }) => account))

  return {
    /** The account has books from now on. */
    hasBooks: (account: string): void => void withBooks.add(account),

    /** A message was sent, or may have been, for which nothing was reserved. */
    owe({ key, account, touser, templateId }: Wanted, now: number): void {
      if (!withBooks.has(account)) return
      const { kind, name } = kindAndName(key)
      add.run({
        ...{ account, touser, templateId: templateOf(kind, templateId), kind, name: name ?? '' },
        ...{ now, old: now - owedGrantMs },
      })
    },

    /** How many of those that this change brings have been used already. What is entered as it stands settles all. */
    paidBy(change: GrantChange & { readonly count: number }, now: number): number {
      const { account, touser, templateId, kind, name, count } = change
      // A window is opened by whatever the person did, and a message may have been the first to use it.
      const holder = [account, touser, templateId, kind, kind === 'window' ? '' : (name ?? '')] as const
      const row = find.get(...holder, now - owedGrantMs) as { count: number } | undefined
      if (row === undefined || row.count === 0) return 0
      if (change.change === 'set' && kind === 'subscribe') {
        pay.run(row.count, ...holder)
        return 0
      }
      const paid = Math.min(row.count, count)
      pay.run(paid, ...holder)
      return paid
    },
  }
}
