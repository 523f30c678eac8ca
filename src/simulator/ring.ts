/** A list that keeps its last `capacity` items, so that a ledger of any length fits into memory. */
export interface Ring<T> {
  push(item: T): void
  /** How many items were ever pushed. */
  total(): number
  /** The items still kept, oldest first. */
  items(): IterableIterator<T>
  clear(): void
}

export const createRing = <T>(capacity: number): Ring<T> => {
  let kept: T[] = []
  let total = 0
  return {
    push: (item) => {
      if (kept.length < capacity) kept.push(item)
      else if (capacity > 0) kept[total % capacity] = item
      total++
    },
    total: () => total,
    *items() {
      const oldest = kept.length < capacity ? 0 : total % capacity
      for (let i = oldest; i < kept.length; i++) yield kept[i]!
      for (let i = 0; i < oldest; i++) yield kept[i]!
    },
    clear: () => {
      kept = []
      total = 0
    },
  }
}
