// @ts-check
/** The keyboard: single letters do nothing while somebody types or a window is open. */
import { byId, dialogById, h, inputById } from './dom.js'
import { t } from './language.js'
import { move } from './list.js'

const keys = ['/', 'j', 'k', 'Enter', 'Esc', '?']

/** @type {[string, string][]} */
const syntax = [
  ['to:oDemo', 'to'],
  ['template:发货', 'template'],
  ['app:demo', 'app'],
  ['errcode:43101', 'errcode'],
  ['tag:ci', 'tag'],
  ['field.thing2:"红茶"', 'field'],
  ['before:2026-05-01T12:00', 'before'],
  ['is:unread', 'is'],
  ['-errcode:0', 'not'],
  ['红茶 "2026年5月"', 'words'],
]

export const startKeys = () => {
  byId('open-help').addEventListener('click', openHelp)
  byId('help-dialog').addEventListener('click', (event) => {
    if (event.target === event.currentTarget) dialogById('help-dialog').close()
  })
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null)
      return
    if (event.target instanceof Element && event.target.matches('input, select, textarea')) {
      if (event.key === 'Escape') /** @type {HTMLElement} */ (event.target).blur()
      return
    }
    const act = acts[event.key]
    if (act === undefined) return
    event.preventDefault()
    act()
  })
}

/** @type {Record<string, () => void>} */
const acts = {
  '/': () => inputById('search').focus(),
  j: () => move(1),
  k: () => move(-1),
  '?': () => openHelp(),
}

const openHelp = () => {
  const dialog = dialogById('help-dialog')
  dialog.replaceChildren(
    h(
      'div',
      { class: 'drawer-head' },
      h('h2', { id: 'help-title' }, t('help.title')),
      h(
        'button',
        { type: 'button', class: 'round', 'aria-label': t('tools.close'), onclick: () => dialog.close() },
        '×',
      ),
    ),
    h('h3', {}, t('help.keys')),
    h(
      'dl',
      { class: 'keys' },
      keys.map((key) => h('div', {}, h('dt', {}, h('kbd', {}, key)), h('dd', {}, t(`help.key.${key}`)))),
    ),
    h('h3', {}, t('help.search')),
    h(
      'dl',
      { class: 'keys' },
      syntax.map(([example, name]) =>
        h('div', {}, h('dt', {}, h('code', {}, example)), h('dd', {}, t(`help.q.${name}`))),
      ),
    ),
  )
  dialog.showModal()
}
