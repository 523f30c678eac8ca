// @ts-check
/** The phone: the conversation up to this message, drawn from its fields. An approximation, and labelled so. */
import { avatar } from './chip.js'
import { h } from './dom.js'
import { clockText, hasWords, t } from './language.js'
import { recipientPanel } from './recipient.js'

/** @typedef {import('./views.d.ts').Detail} Detail */
/** @typedef {import('./views.d.ts').Bubble} Bubble */

/**
 * @param {Detail} detail
 * @returns {Node[]}
 */
export const phonePane = (detail) => [
  h('div', { class: 'phone-side' }, phone(detail), h('p', { class: 'note' }, t('phone.note'))),
  h('div', { class: 'user-side' }, detail.touser !== null && detail.appid !== null && recipientPanel(detail)),
]

/** @param {Detail} detail */
const phone = (detail) => {
  const official = detail.kind === 'official'
  const shape = h(
    'div',
    { class: 'phone', role: 'group', 'aria-label': t('phone.label') },
    h(
      'div',
      { class: 'phone-status', 'aria-hidden': 'true' },
      h('span', {}, clockText(detail.at).slice(0, 5)),
      h('span', { class: 'battery' }),
    ),
    h(
      'div',
      { class: 'phone-bar' },
      h('span', { 'aria-hidden': 'true' }, '‹'),
      h('strong', {}, official ? detail.account || '—' : t('phone.service')),
      h('span', { 'aria-hidden': 'true' }, '···'),
    ),
    h(
      'div',
      { class: 'chat', tabindex: '0', role: 'region', 'aria-label': t('phone.label') },
      detail.conversation.map(({ id, at, bubble }) =>
        message(detail, { at, bubble, current: id === detail.id }),
      ),
    ),
  )
  // The message itself stands last; scrolling is possible only once the phone is on the page.
  requestAnimationFrame(() => {
    const chat = shape.querySelector('.chat')
    if (chat !== null) chat.scrollTop = chat.scrollHeight
  })
  return shape
}

/**
 * @param {Detail} detail
 * @param {{ at: number, bubble: Bubble, current: boolean }} shown
 */
const message = (detail, { at, bubble, current }) => {
  const unseen = current && !['accepted', 'hidden'].includes(detail.state)
  return h(
    'div',
    { class: `message ${unseen ? 'unseen-by-user' : ''} ${current ? 'current' : ''}` },
    h('div', { class: 'chat-time' }, clockText(at).slice(0, 5)),
    unseen && h('div', { class: 'stamp' }, t('phone.unseen'), detail.errcode ? ` · ${detail.errcode}` : ''),
    bubble.kind === 'card' ? card(detail, bubble) : speech(detail, bubble),
  )
}

/**
 * @param {Detail} detail
 * @param {Bubble} bubble
 */
const card = ({ account }, { title, rows, footer }) =>
  h(
    'div',
    { class: 'card' },
    h('div', { class: 'card-from' }, avatar(account), h('span', {}, account || '—')),
    h('h3', { class: 'card-title' }, title || t('untitled')),
    h(
      'dl',
      { class: 'card-rows' },
      rows.map(({ label, value }) =>
        h(
          'div',
          {},
          h('dt', { class: label === '' ? 'unseen' : '' }, label || t('fields.value')),
          h('dd', {}, value || '\u00a0'),
        ),
      ),
    ),
    cardFooter(footer),
  )

/** @param {Bubble['footer']} footer */
const cardFooter = ({ kind, target }) =>
  kind === 'none'
    ? h('div', { class: 'card-foot inert', title: t('phone.inert') })
    : h(
        'div',
        { class: 'card-foot', title: t('phone.target', { target }) },
        h(
          'span',
          {},
          kind === 'miniprogram' && h('span', { class: 'program', 'aria-hidden': 'true' }, '◇'),
          t(kind === 'miniprogram' ? 'phone.program' : 'phone.details'),
        ),
        h('span', { 'aria-hidden': 'true' }, '›'),
        h('span', { class: 'unseen' }, t('phone.target', { target })),
      )

/**
 * @param {Detail} detail
 * @param {Bubble} bubble
 */
const speech = ({ account }, bubble) =>
  h('div', { class: 'speech' }, avatar(account), h('div', { class: `bubble ${bubble.kind}` }, words(bubble)))

/**
 * @param {Bubble} bubble
 * @returns {(Node | string)[]}
 */
const words = (bubble) => {
  if (bubble.kind === 'text') return [bubble.text]
  if (bubble.kind === 'menu')
    return [
      h('p', {}, bubble.text),
      h(
        'ul',
        {},
        bubble.items.map((item) => h('li', {}, item)),
      ),
      h('p', {}, bubble.tail),
    ]
  const key = `phone.media.${bubble.media}`
  return [
    h(
      'span',
      { class: 'media-kind' },
      hasWords(key) ? t(key) : t('phone.media.other', { name: bubble.media }),
    ),
    h('strong', {}, bubble.title),
    h('span', { class: 'media-text' }, bubble.text),
  ]
}
