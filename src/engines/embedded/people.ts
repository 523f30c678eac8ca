import type { Clock } from '../../clock.ts'
import type { Note, Noted, Recipients } from '../../recipients.ts'
import { createGathering } from '../gathering.ts'
import type { GroupCommit } from './group-commit.ts'

const maxRows = 500

export const createEmbeddedRecipients = ({
  store,
  clock,
  wake,
}: {
  readonly store: GroupCommit
  readonly clock: Clock
  /** Messages have become ready. */
  readonly wake: () => void
}): Recipients => {
  const notes = createGathering<Note, Noted>({
    maxRows,
    waitMs: 0,
    // A transaction is done whole or not at all.
    mayBeOneRow: () => true,
    perform: (rows) => store.run('note', { notes: rows, now: clock.now() }),
  })
  return {
    async note(note) {
      const [noted] = await notes.add([note])
      if (noted!.kind === 'taken' && noted!.released > 0) wake()
      return noted!
    },
    grants: ({ account, touser, templateId = null }) => store.run('grants', { account, touser, templateId }),
    contact: (who) => store.run('contact', who),
  }
}
