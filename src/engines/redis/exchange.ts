/**
 * How a process hears that something is ready, and tells others. The word names the shards, so that only those who look
 * after them wake; for what is urgent it names the node that shall take it. A word may be lost: everybody looks at his
 * own shards once a second anyway.
 */
import { type Bell, createBell } from '../bell.ts'
import type { Attention } from './attention.ts'
import { type Word, wordIn, wordText } from './words.ts'

export interface Exchange {
  readonly bell: Bell
  /** Something has come from another process. */
  hear(text: string): void
  /** Something may be ready in these shards: here and elsewhere. */
  wake(ready: readonly number[] | 'all'): void
  /** The same of what was just taken in; what is urgent goes to the node that begins it soonest. */
  announce(taken: { readonly ready: readonly number[]; readonly urgent: readonly number[] }): void
  join(node: Member): void
}

/** This process as a node. */
export interface Member {
  readonly id: string
  readonly urgentTo: () => string | undefined
}

export interface ExchangeOptions {
  /** One name for each start of each process. */
  readonly process: string
  readonly shards: number
  readonly attention: Attention
  /** Tells all processes. */
  readonly tell: (text: string) => void
}

export const createExchange = ({ process, shards, attention, tell }: ExchangeOptions): Exchange => {
  const bell = createBell()
  const all = Array.from({ length: shards }, (_, shard) => shard)
  let self: Member | undefined

  const heed = ({ ready, urgent, to }: Word): void => {
    const mine = urgent !== undefined && to === self?.id
    if (mine) attention.markUrgent(urgent)
    if (attention.mark(ready === 'all' ? all : ready) || mine) bell.ring()
  }

  const say = (word: Word): void => {
    heed(word)
    tell(wordText(word))
  }

  return {
    bell,

    hear(text) {
      const word = wordIn(text)
      if (word.from !== process) heed(word)
    },

    wake: (ready) => say({ from: process, ready }),

    announce({ ready, urgent }) {
      const to = urgent.length > 0 ? self?.urgentTo() : undefined
      if (to === undefined) return say({ from: process, ready: [...new Set([...ready, ...urgent])] })
      const word: Word = { from: process, ready, urgent, to }
      // What only this node is to know need not be told to anybody.
      if (ready.length === 0 && to === self?.id) return heed(word)
      say(word)
    },

    join(node) {
      self = node
    },
  }
}
