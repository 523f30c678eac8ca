// @ts-check
/** The list of messages on the left: newest first, live, in pages of a hundred. */
import { avatar, shortId, stateChip, tagChips } from './chip.js'
import { announce, byId, h, inputById } from './dom.js'
import { showEmpty } from './empty.js'
import { t, timeElement } from './language.js'
import { get, listen, post } from './net.js'
import { addressOf, placeNow } from './place.js'

/** @typedef {import('./views.d.ts').Row} Row */
/** @typedef {import('./views.d.ts').Listing} Listing */
/** @typedef {import('./views.d.ts').Counts} Counts */

/** The page gets slow before it gets more useful. */
const rowsAtMost = 1_000

/** @type {Row[]} */
let rows = []
/** New ones that wait, because the reader is further down or has paused. */
/** @type {Row[]} */
let waiting = []
let skipped = 0
let paused = false
let connected = true
let more = false
/** @type {Counts} */
let counts = { kept: 0, unread: 0, total: 0 }
let stop = () => {}
/** Where the events go on from. */
let place = ''
/** @type {(() => void)[]} */
const onNews = []

/**
 * @param {() => void} act
 */
export const whenNews = (act) => void onNews.push(act)

export const startList = () => {
  byId('news').addEventListener('click', showWaiting)
  byId('more').addEventListener('click', () => void loadMore())
  byId('read-all').addEventListener('click', () => void post('read', { q: placeNow().q }).then(load))
  byId('clear').addEventListener('click', () => {
    if (confirm(t('list.clear.ask'))) void post('clear', {})
  })
  byId('list-scroll').addEventListener('scroll', () => {
    if (atTop() && !paused && waiting.length > 0) showWaiting()
  })
  document.addEventListener('visibilitychange', follow)
  byId('pause').addEventListener('click', () => {
    paused = !paused
    if (!paused) showWaiting()
    drawLive()
  })
}

let loading = 0

/** Loads the list anew and listens from there on. */
export const load = async () => {
  const { q } = placeNow()
  const turn = ++loading
  /** @type {Listing} */
  const listing = await get(`messages?${new URLSearchParams({ q })}`)
  // A later search was quicker.
  if (turn !== loading) return
  rows = listing.rows
  more = listing.more
  waiting = []
  skipped = 0
  counts = listing
  drawUnreadable(listing.unreadable)
  draw()
  place = listing.after
  follow()
}

/**
 * A page that nobody sees lets go of its connection: a browser has only six for one address, and a seventh tab
 * would wait for ever.
 */
const follow = () => {
  stop()
  stop = () => {}
  if (document.hidden) return
  stop = listen(placeNow().q, place, {
    messages: arrived,
    counts: counted,
    reset: () => void load(),
    connection,
    place: (now) => {
      place = now
    },
  })
}

const loadMore = async () => {
  const last = rows.at(-1)
  if (last === undefined) return
  /** @type {Listing} */
  const listing = await get(`messages?${new URLSearchParams({ q: placeNow().q, before: String(last.id) })}`)
  rows = [...rows, ...listing.rows]
  more = listing.more && rows.length < rowsAtMost
  draw()
  focusRow(listing.rows[0]?.id)
}

/**
 * @param {Row[]} news newest first
 * @param {number} missed
 */
const arrived = (news, missed) => {
  waiting = [...news, ...waiting]
  skipped += missed
  if (waiting.length > rowsAtMost) {
    skipped += waiting.length - rowsAtMost
    waiting = waiting.slice(0, rowsAtMost)
  }
  announce(t('news.one', { n: news.length + missed }))
  if (!paused && atTop()) showWaiting()
  else drawNews()
  for (const act of onNews) act()
}

const showWaiting = () => {
  byId('list-scroll').scrollTop = 0
  // Rows are missing between these and those on the page, so they are all fetched.
  if (skipped > 0) return void load()
  const { m } = placeNow()
  const list = byId('rows')
  list.prepend(...waiting.map((row) => rowElement(row, row.id === m)))
  rows = [...waiting, ...rows].slice(0, rowsAtMost)
  waiting = []
  while (list.children.length > rows.length) list.lastElementChild?.remove()
  showEmpty(rows.length === 0, placeNow().q)
  drawNews()
}

/** @param {Counts} now */
const counted = (now) => {
  counts = now
  drawCounts()
}

/** @param {boolean} is */
const connection = (is) => {
  connected = is
  drawLive()
}

const atTop = () => byId('list-scroll').scrollTop < 8

/**
 * The row is read now, here and for everybody.
 * @param {number} id
 */
export const readRow = (id) => {
  const row = [...rows, ...waiting].find((each) => each.id === id)
  if (row?.unread === false) return
  if (row !== undefined) row.unread = false
  void post('read', { id })
  draw()
}

/** Draws the list as it is, for instance in another language. */
export const draw = () => {
  const focused = document.activeElement?.closest('[data-id]')?.getAttribute('data-id')
  const { m, q } = placeNow()
  byId('rows').replaceChildren(...rows.map((row) => rowElement(row, row.id === m)))
  if (focused) focusRow(Number(focused))
  byId('more').hidden = !more
  showEmpty(rows.length === 0, q)
  drawCounts()
  drawNews()
  drawLive()
}

const drawCounts = () => {
  byId('list-count').textContent = t('list.count', { kept: counts.kept, unread: counts.unread })
  byId('read-all').hidden = counts.unread === 0
  byId('clear').hidden = counts.kept === 0
}

const drawNews = () => {
  const n = waiting.length + skipped
  const pill = byId('news')
  pill.hidden = n === 0
  pill.textContent = `↑ ${t('news.one', { n })}`
}

const drawLive = () => {
  const state = paused ? 'paused' : connected ? 'live' : 'offline'
  const button = byId('pause')
  button.dataset.state = state
  button.setAttribute('aria-pressed', String(paused))
  button.title = t(paused ? 'live.resume' : 'live.pause')
  byId('live-text').textContent = t(state)
}

/** @param {string[]} unreadable */
const drawUnreadable = (unreadable) => {
  const note = byId('search-note')
  note.hidden = unreadable.length === 0
  note.textContent = t('search.unreadable', { terms: unreadable.join('  ') })
  inputById('search').setAttribute('aria-invalid', String(unreadable.length > 0))
}

/**
 * @param {Row} row
 * @param {boolean} open
 */
const rowElement = (row, open) =>
  h(
    'li',
    {},
    h(
      'a',
      {
        class: `row ${row.unread ? 'unread' : ''}`,
        href: addressOf({ m: row.id }),
        'data-id': row.id,
        'aria-current': open ? 'true' : undefined,
      },
      avatar(row.account),
      h(
        'span',
        { class: 'row-body' },
        h(
          'span',
          { class: 'row-top' },
          row.unread && h('span', { class: 'dot' }, h('span', { class: 'unseen' }, t('unread'))),
          h('strong', { class: 'row-title' }, titleOf(row)),
          timeElement(row.at),
        ),
        h(
          'span',
          { class: 'row-line' },
          h('span', { class: 'row-who' }, row.account, ' → ', h('code', {}, shortId(row.touser))),
          tagChips(row.tags),
        ),
        h(
          'span',
          { class: 'row-line' },
          stateChip(row),
          row.fault !== null && h('span', { class: 'tag' }, t('fault', { name: row.fault })),
          h('span', { class: 'row-text' }, row.summary),
        ),
      ),
    ),
  )

/**
 * @param {Row} row
 */
export const titleOf = ({ title, path, touser }) => {
  if (title !== '') return title
  if (path.includes('/custom/')) return t('kind.custom')
  return touser === null ? t('kind.unreadable') : t('untitled')
}

/** @param {number | undefined} id */
const focusRow = (id) => {
  const row = document.querySelector(`[data-id="${id}"]`)
  if (row instanceof HTMLElement) row.focus()
}

/**
 * Moves the focus through the list, starting at the message that is open.
 * @param {1 | -1} step
 */
export const move = (step) => {
  const focused = document.activeElement?.closest('[data-id]')?.getAttribute('data-id')
  const here = rows.findIndex(({ id }) => id === (focused ? Number(focused) : placeNow().m))
  const next = here < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, here + step))
  focusRow(rows[next]?.id)
}
