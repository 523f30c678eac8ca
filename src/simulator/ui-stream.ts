/**
 * Tells open pages about new messages, by server-sent events.
 *
 * A page is a place in the inbox, not a queue of its own: whoever is slow gets more in one event later, and
 * what is too much for one event is only counted, so that a burst costs no memory here. Events:
 *
 * - `messages` `{rows, skipped, kept, unread, total}` rows newest first; `skipped` matched too but are not in it
 * - `counts`   `{kept, unread, total}` something was read
 * - `reset`    everything was forgotten, or this is another process: load anew
 *
 * The id of an event is `epoch:id of the last message looked at`, so a page that comes back goes on where it was.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Captured, Inbox } from './inbox.ts'

export interface Stream {
  /** Answers with events until the page goes away. `after` is an event id. */
  open(req: IncomingMessage, res: ServerResponse, wishes: Wishes): void
}

export interface Wishes {
  readonly after: string
  readonly wanted: (row: Captured) => boolean
}

export interface StreamOptions {
  readonly inbox: Inbox
  readonly view: (row: Captured) => unknown
}

interface Page {
  readonly res: ServerResponse
  readonly wanted: Wishes['wanted']
  epoch: string
  last: number
  unread: number
  /** Heartbeats since its socket took no more; `undefined`: it takes more. */
  stuckFor: number | undefined
}

const pagesAtMost = 50
const rowsInOneEvent = 100
/** What comes within this time travels in one event. */
const gatherMs = 50
const heartbeatMs = 15_000
/** A page that reads nothing for so many heartbeats is cut off; its browser comes back by itself. */
const patience = 2

export const createStream = ({ inbox, view }: StreamOptions): Stream => {
  const pages = new Set<Page>()
  let gathering: NodeJS.Timeout | undefined
  let heartbeat: NodeJS.Timeout | undefined
  let unwatch: (() => void) | undefined

  const flush = (): void => {
    gathering = undefined
    for (const page of pages) tell(page)
  }

  const gather = (): void => {
    gathering ??= setTimeout(flush, gatherMs)
  }

  const beat = (): void => {
    for (const page of pages) {
      if (page.stuckFor === undefined) write(page, ': still here\n\n')
      else if (++page.stuckFor > patience) page.res.destroy()
    }
  }

  const tell = (page: Page): void => {
    if (page.stuckFor !== undefined) return
    if (page.epoch === inbox.epoch()) tellNews(page)
    else tellReset(page)
  }

  const tellNews = (page: Page): void => {
    const news = inbox.after(page.last)
    page.last = news.at(-1)?.id ?? page.last
    const wanted = news.filter(page.wanted)
    const counts = inbox.counts()
    if (wanted.length > 0) {
      const rows = wanted.slice(-rowsInOneEvent).reverse().map(view)
      send(page, 'messages', { rows, skipped: wanted.length - rows.length, ...counts })
    } else if (news.length > 0 || counts.unread !== page.unread) send(page, 'counts', counts)
    page.unread = counts.unread
  }

  const tellReset = (page: Page): void => {
    page.epoch = inbox.epoch()
    page.last = inbox.after(0).at(-1)?.id ?? 0
    page.unread = inbox.counts().unread
    send(page, 'reset', inbox.counts())
  }

  const send = (page: Page, event: string, data: unknown): void =>
    write(page, `id: ${page.epoch}:${page.last}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`)

  const write = (page: Page, text: string): void => {
    if (page.res.write(text)) return
    page.stuckFor = 0
    page.res.once('drain', () => {
      page.stuckFor = undefined
      tell(page)
    })
  }

  const leave = (page: Page): void => {
    pages.delete(page)
    if (pages.size > 0) return
    clearTimeout(gathering)
    clearInterval(heartbeat)
    gathering = undefined
    unwatch?.()
  }

  return {
    open: (req, res, { after, wanted }) => {
      if (pages.size >= pagesAtMost) {
        res.writeHead(503, { 'Retry-After': '10' }).end()
        return
      }
      if (pages.size === 0) {
        unwatch = inbox.watch(gather)
        heartbeat = setInterval(beat, heartbeatMs)
      }
      const [epoch = '', last = ''] = after.split(':')
      const page: Page = { res, wanted, epoch, last: Number(last) || 0, unread: -1, stuckFor: undefined }
      pages.add(page)
      res.once('close', () => leave(page))
      req.socket.setNoDelay(true)
      res.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' })
      write(page, 'retry: 1000\n\n')
      tell(page)
    },
  }
}
