import type { Clock } from '../../clock.ts'
import type { Client } from './client.ts'
import { numberOf, type Shards } from './shards.ts'

/** What a migration needs of the shards. */
export type MigratingShards = Pick<Shards, 'count' | 'ofPerson' | 'ofName' | 'run' | 'runAll'>

/** The shards of these names as they are for whoever knows the epoch. */
export const shardsUnder = (
  epoch: string,
  {
    client,
    clock,
    names,
  }: { readonly client: Client; readonly clock: Clock; readonly names: readonly string[] },
): MigratingShards => {
  const run: Shards['run'] = (shard, script, args = []) =>
    client.run(script, names[shard]!, [epoch, clock.now(), ...args])
  return {
    count: names.length,
    ofPerson: ({ account, touser }) => numberOf(`${account} ${touser}`, names.length),
    ofName: (name) => numberOf(name, names.length),
    run,
    runAll: (script, args) => Promise.all(names.map((_, shard) => run(shard, script, args))),
  }
}
