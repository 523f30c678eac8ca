// @ts-check
/** One message on the right: who, when, what became of it, and five views of it. */
import { checksPane } from './checks.js'
import { stateChip, tagChips } from './chip.js'
import { byId, h } from './dom.js'
import { fieldsPane } from './fields.js'
import { momentText, said, t } from './language.js'
import { readRow, titleOf } from './list.js'
import { get } from './net.js'
import { phonePane } from './phone.js'
import { addressOf, go, placeNow, tabs } from './place.js'
import { replyPane, requestPane } from './raw.js'

/** @typedef {import('./views.d.ts').Detail} Detail */

/** @type {Record<string, (detail: Detail) => Node[]>} */
const panes = {
  phone: phonePane,
  fields: fieldsPane,
  request: requestPane,
  reply: replyPane,
  checks: checksPane,
}

/** @type {Detail | undefined} */
let shown

/** Shows the message that the address names. */
export const openDetail = async () => {
  const { m } = placeNow()
  document.body.dataset.open = m === null ? 'list' : 'detail'
  for (const row of document.querySelectorAll('[data-id]')) {
    if (row.getAttribute('data-id') === String(m)) row.setAttribute('aria-current', 'true')
    else row.removeAttribute('aria-current')
  }
  if (m === null) return nothing('detail.none', 'detail.none.text')
  if (shown?.id !== m) {
    /** @type {Detail | undefined} */
    const detail = await get(`message?id=${m}`).catch(() => undefined)
    // Another one was opened meanwhile.
    if (placeNow().m !== m) return
    if (detail === undefined) return nothing('detail.gone', 'detail.gone.text')
    shown = detail
  }
  drawDetail()
  readRow(m)
}

/**
 * @param {string} title
 * @param {string} text
 */
const nothing = (title, text) => {
  shown = undefined
  byId('detail').replaceChildren(
    h('div', { class: 'nothing' }, h('h2', { id: 'detail-title' }, t(title)), h('p', {}, t(text))),
  )
}

/** Draws what is shown, for instance in another language. */
export const drawDetail = () => {
  if (shown === undefined) return
  const { tab } = placeNow()
  const focused = document.activeElement?.id
  byId('detail').replaceChildren(
    head(shown),
    ...explanation(shown),
    tabList(shown, tab),
    h(
      'div',
      { class: 'pane', id: 'pane', role: 'tabpanel', 'aria-labelledby': `tab-${tab}`, tabindex: '0' },
      panes[tab]?.(shown) ?? [],
    ),
  )
  if (focused?.startsWith('tab-')) document.getElementById(`tab-${tab}`)?.focus()
}

/** @param {Detail} detail */
const head = (detail) =>
  h(
    'div',
    { class: 'detail-head' },
    h('a', { class: 'back', href: addressOf({ m: null }), 'data-link': 'list' }, `‹ ${t('detail.back')}`),
    h('div', { class: 'detail-title' }, h('h2', { id: 'detail-title' }, titleOf(detail)), stateChip(detail)),
    h(
      'dl',
      { class: 'meta' },
      fact('meta.account', detail.account || '—'),
      fact('meta.to', h('code', {}, detail.touser ?? '—')),
      fact('meta.time', h('time', { datetime: new Date(detail.at).toISOString() }, momentText(detail.at))),
      detail.msgid !== null && fact('msgid', h('code', {}, detail.msgid)),
      detail.client_msg_id !== null && fact('client_msg_id', h('code', {}, detail.client_msg_id)),
      detail.template_id !== null &&
        fact('meta.template', h('code', {}, detail.template?.alias ?? detail.template_id)),
      detail.tags.length > 0 && fact('meta.tags', ...tagChips(detail.tags)),
    ),
  )

/**
 * @param {string} name
 * @param {...(Node | string)} value
 */
const fact = (name, ...value) => h('div', {}, h('dt', {}, t(name)), h('dd', {}, ...value))

/**
 * Why, and what to do, where the answer was not a plain yes.
 * @param {Detail} detail
 */
const explanation = ({ explain, state }) => {
  const own = ['repeat', 'hidden', 'lost', 'unshown'].includes(state) ? t(`explain.${state}`) : undefined
  if (own === undefined && explain === null) return []
  return [
    h(
      'div',
      { class: `why ${state}` },
      own !== undefined && h('p', {}, own),
      explain !== null && h('p', {}, h('b', {}, t('cause')), ' ', said(explain.cause)),
      explain !== null && h('p', {}, h('b', {}, t('next')), ' ', said(explain.next)),
    ),
  ]
}

/**
 * @param {Detail} detail
 * @param {string} current
 */
const tabList = (detail, current) =>
  h(
    'div',
    { role: 'tablist', class: 'tabs', 'aria-label': t('tabs'), onkeydown: moveTab },
    tabs.map((tab) =>
      h(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: `tab-${tab}`,
          'aria-selected': String(tab === current),
          'aria-controls': 'pane',
          tabindex: tab === current ? '0' : '-1',
          onclick: () => chooseTab(tab),
        },
        t(`tab.${tab}`),
        tab === 'checks' && troubles(detail) > 0 && h('span', { class: 'count' }, String(troubles(detail))),
      ),
    ),
  )

/** @param {Detail} detail */
const troubles = ({ findings }) => findings.filter(({ level }) => level !== 'hint').length

/** @param {string} tab */
const chooseTab = (tab) => {
  go({ tab: tab === 'phone' ? '' : tab }, { quietly: true })
  drawDetail()
  document.getElementById(`tab-${tab}`)?.focus()
}

/** @param {KeyboardEvent} event */
const moveTab = (event) => {
  const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
  if (step === 0) return
  event.preventDefault()
  const here = tabs.indexOf(placeNow().tab)
  chooseTab(tabs[(here + step + tabs.length) % tabs.length] ?? 'phone')
}
