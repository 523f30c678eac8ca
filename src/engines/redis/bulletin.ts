import { type Bulletin, type Notice, noticeName } from '../../bulletin.ts'
import { type Client, scriptOf } from './client.ts'
import { newsScript, postScript } from './scripts/bulletin.ts'
import type { Shards } from './shards.ts'

const post = scriptOf('tell the other processes', postScript)
const news = scriptOf('read what others tell', newsScript)

export interface BulletinOptions {
  readonly client: Client
  readonly shards: Shards
  /** What all keys begin with. */
  readonly prefix: string
  /** One name for each start of each process. */
  readonly process: string
}

interface Posted {
  readonly from: string
  readonly notice: Notice
}

/** All notices lie in one shard. */
const home = 0
/** A word that there is something may be lost, so everybody looks again after this. */
const lookEveryMs = 1000
const readAtOnce = 500
/** While Redis is away, so many notices wait to be told; beyond, the oldest is dropped. */
const maxUntold = 1000

export const createRedisBulletin = (options: BulletinOptions): Bulletin & { stop(): void } => {
  const { client, shards, prefix, process } = options
  const channel = `${prefix}news`
  const untold = new Map<string, Notice>()
  let known = 0
  let hear: ((notice: Notice) => void) | undefined

  const tellAll = oneAtATime(async () => {
    while (untold.size > 0) {
      const some = [...untold]
      const rows = some.flatMap(([name, notice]) => [name, notice.until, textOf({ from: process, notice })])
      await shards.run(home, post, [channel, ...rows])
      for (const [name, notice] of some) if (untold.get(name) === notice) untold.delete(name)
    }
  })

  const readSome = async (): Promise<boolean> => {
    const answer = (await shards.run(home, news, [known, readAtOnce])) as readonly [number, ...string[]]
    const [last, ...texts] = answer
    // The numbers begin anew with new data.
    const isNew = last >= known
    known = isNew ? last : 0
    for (const text of texts) {
      const { from, notice } = JSON.parse(text) as Posted
      if (from !== process) hear?.(notice)
    }
    return !isNew || texts.length === readAtOnce
  }

  const readAll = oneAtATime(async () => {
    while (await readSome());
  })

  const timer = setInterval(() => {
    if (untold.size > 0) tellAll().catch(() => {})
    if (hear) readAll().catch(() => {})
  }, lookEveryMs).unref()

  return {
    tell(notice) {
      const name = noticeName(notice)
      untold.delete(name)
      untold.set(name, notice)
      if (untold.size > maxUntold) untold.delete(untold.keys().next().value!)
      // What fails is told when it is next looked at.
      tellAll().catch(() => {})
    },
    async listen(listener) {
      hear = listener
      await client.listen(channel, () => readAll().catch(() => {}))
      await readAll()
    },
    stop: () => clearInterval(timer),
  }
}

const textOf = (posted: Posted): string => JSON.stringify(posted)

/** What is asked for while it is being done is done once more afterwards; resolves when nothing is left to do. */
const oneAtATime = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined
  let again = false
  const run = async () => {
    try {
      do {
        again = false
        await work()
      } while (again)
    } finally {
      running = undefined
    }
  }
  return () => {
    again = true
    running ??= run()
    return running
  }
}
