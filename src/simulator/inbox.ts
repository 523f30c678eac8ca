/**
 * What the page shows: every call that tried to send something, with its bytes and its end, whether it was
 * accepted or not. The ledgers are for tests and keep far more calls of far fewer words.
 *
 * Bounded twice, by number and by length of texts: what is oldest goes first.
 */

export interface SendingCall {
  /** Milliseconds since 1970, simulated. */
  readonly at: number
  readonly path: string
  readonly appid: string | null
  readonly touser: string | null
  readonly templateId: string | null
  readonly clientMsgId: string | null
  /** Of the message that was accepted, whether the caller was told or not. */
  readonly msgid: string | null
  readonly tags: readonly string[]
  /** The body as it came. */
  readonly request: string
  /** `null`: the caller got no answer. */
  readonly reply: { readonly status: number; readonly body: string } | null
  readonly errcode: number | null
  readonly fault: string | null
  /** The user takes no messages of the account: what is accepted is not shown, and only the receipt says so (D). */
  readonly blocked: boolean
}

export interface Captured extends SendingCall {
  /** Grows by one; never comes again while the process lives. */
  readonly id: number
  /** An earlier call was given the same msgid: the user sees nothing new. */
  readonly repeats: boolean
  unread: boolean
}

export interface Inbox {
  record(call: SendingCall): void
  /** Those still kept with an id above this one, oldest first. */
  after(id: number): readonly Captured[]
  find(id: number): Captured | undefined
  markRead(which: (row: Captured) => boolean): void
  counts(): InboxCounts
  /** Changes whenever everything is forgotten, and from process to process. */
  epoch(): string
  clear(): void
  /** Calls back after every change until the returned function is called. */
  watch(changed: () => void): () => void
}

export interface InboxCounts {
  readonly kept: number
  readonly unread: number
  /** How many there were since the last clearing. */
  readonly total: number
}

export interface InboxOptions {
  /** 0: nothing is kept at all. */
  readonly capacity: number
  /** Tells this process from others. */
  readonly start: number
  /** Of request and reply together, in UTF-16 units. Default 32 million. */
  readonly textLimit?: number
}

export const sendingPaths = '/cgi-bin/message/'

/** The front of the list is cut off once so many rows of it are gone, so that a step forward costs little. */
const deadFront = 1_000
/** Of one call: what a fault may put there (8 MB of junk) says no more in full. */
const longestText = 64_000

export const createInbox = ({ capacity, start, textLimit = 32_000_000 }: InboxOptions): Inbox => {
  let rows: Captured[] = []
  let gone = 0
  let lastId = 0
  let total = 0
  let unread = 0
  let text = 0
  let clearings = 0
  const firstOf = new Map<string, number>()
  const watchers = new Set<() => void>()

  const changed = (): void => {
    for (const watcher of watchers) watcher()
  }

  const dropOldest = (): void => {
    const oldest = rows[gone++]
    if (oldest === undefined) return
    text -= lengthOf(oldest)
    if (oldest.unread) unread--
    if (oldest.msgid !== null && firstOf.get(oldest.msgid) === oldest.id) firstOf.delete(oldest.msgid)
    if (gone < deadFront) return
    rows = rows.slice(gone)
    gone = 0
  }

  const record = (call: SendingCall): void => {
    if (capacity === 0) return
    const id = ++lastId
    const repeats = call.msgid !== null && firstOf.has(call.msgid)
    if (call.msgid !== null && !repeats) firstOf.set(call.msgid, id)
    const row: Captured = { ...shortened(call), id, repeats, unread: true }
    rows.push(row)
    total++
    unread++
    text += lengthOf(row)
    while (rows.length - gone > capacity || (text > textLimit && rows.length - gone > 1)) dropOldest()
    changed()
  }

  const indexOf = (id: number): number => rows.length - 1 - (lastId - id)

  return {
    record,
    after: (id) => rows.slice(Math.max(gone, indexOf(id) + 1)),
    find: (id) => (indexOf(id) < gone ? undefined : rows[indexOf(id)]),
    markRead: (which) => {
      const before = unread
      for (let i = gone; i < rows.length; i++) {
        const row = rows[i]
        if (row === undefined || !row.unread || !which(row)) continue
        row.unread = false
        unread--
      }
      if (unread !== before) changed()
    },
    counts: () => ({ kept: rows.length - gone, unread, total }),
    epoch: () => `${start.toString(36)}.${clearings}`,
    clear: () => {
      rows = []
      gone = total = unread = text = 0
      firstOf.clear()
      clearings++
      changed()
    },
    watch: (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
  }
}

const shortened = (call: SendingCall): SendingCall => ({
  ...call,
  request: call.request.slice(0, longestText),
  reply: call.reply && { ...call.reply, body: call.reply.body.slice(0, longestText) },
})

const lengthOf = ({ request, reply }: SendingCall): number => request.length + (reply?.body.length ?? 0)
