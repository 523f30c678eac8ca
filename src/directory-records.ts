/** Where the directory is kept: texts by kind and id. */
export interface DirectoryRecords {
  list(kind: string): Promise<readonly string[]>
  put(kind: string, id: string, value: string): Promise<void>
  remove(kind: string, id: string): Promise<void>
  /** Present where other processes write as well. */
  readonly shared?: SharedRecords
}

/** Every change of any record has a number, one more than the change before. */
export interface SharedRecords {
  /** The number of the latest change. */
  version(): Promise<number>
  /** Makes a change and answers its number; nothing, and changes nothing, when `seen` is not the latest any more. */
  write(change: RecordChange, seen: number): Promise<number | undefined>
  /** The records that have changed after `seen`, as they are now. Rejects when the records have been lost. */
  since(seen: number): Promise<{ readonly version: number; readonly changes: readonly RecordChange[] }>
  /** `hear` is called soon after a change, by whomever. Word of it may be lost. */
  watch(hear: () => void): Promise<void>
}

/** What a record is from now on; without a value it is gone. */
export interface RecordChange {
  readonly kind: string
  readonly id: string
  readonly value?: string
}

/** Seals secrets before they are stored. `context` binds a sealed text to its place: elsewhere it does not open. */
export interface Vault {
  seal(text: string, context: string): string
  /** Throws when the master key or the context is another one. */
  open(sealed: string, context: string): string
  /** Whether a text is sealed as this vault seals now, and not under a former key or in a former way. */
  isCurrent(sealed: string): boolean
}
