/** A migration that ends itself at a certain moment, as a power switch would. */
import { migrate } from '../../src/migration.ts'
import { withEnds } from './migration.ts'
import { withMoments } from './migration-moments.ts'

const [folder = '', url = '', prefix = '', now = '', last = ''] = process.argv.slice(2)

const clock = { now: () => Number(now), sleep: () => Promise.reject(new Error('Nobody sleeps here')) }
await withEnds({ folder, url, prefix, clock }, (ends) =>
  migrate(
    withMoments(ends, (moment) => {
      if (moment === Number(last)) process.kill(process.pid, 'SIGKILL')
    }),
    { id: crypto.randomUUID(), now: clock.now(), progress: () => {} },
  ),
)
