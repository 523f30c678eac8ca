/** What processes tell each other over the channel: where something is ready, and who shall take it at once. */
export interface Word {
  /** The process that says it; its own words come back to it, and it has heard them already. */
  readonly from: string
  /** Shards where something may be ready: for those who look after them. */
  readonly ready: readonly number[] | 'all'
  /** Shards with something urgent that the node `to` shall take, whoever looks after them. */
  readonly urgent?: readonly number[]
  readonly to?: string
}

export const wordText = (word: Word): string => JSON.stringify(word)

/** What cannot be understood comes from another version: something may be ready anywhere. */
export const wordIn = (text: string): Word => {
  try {
    const { from, ready, urgent, to } = JSON.parse(text) as Partial<Word>
    const known = { from: String(from), ready: shardsIn(ready) ?? 'all' } as const
    const some = shardsIn(urgent)
    return some && typeof to === 'string' ? { ...known, urgent: some, to } : known
  } catch {
    return { from: '', ready: 'all' }
  }
}

const shardsIn = (value: unknown): readonly number[] | undefined =>
  Array.isArray(value) && value.every(Number.isInteger) ? value : undefined
