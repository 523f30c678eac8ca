// @ts-check
/** What an empty list says: how to fill it, or why nothing is found. */
import { copyButton } from './copy.js'
import { faultCommand, sendCommand, tokenCommand } from './curl.js'
import { byId, h, inputById } from './dom.js'
import { t } from './language.js'
import { placeNow } from './place.js'
import { stateNow } from './world.js'

/**
 * @param {boolean} isEmpty
 * @param {string} query
 */
export const showEmpty = (isEmpty, query) => {
  const box = byId('empty')
  box.hidden = !isEmpty
  const nothingYet = isEmpty && query === '' && placeNow().m === null
  document.body.toggleAttribute('data-empty', nothingYet)
  if (isEmpty) box.replaceChildren(...(query === '' ? lesson() : nothingFound()))
}

const nothingFound = () => [
  h('h3', {}, t('list.none')),
  h(
    'p',
    {},
    t('list.none.help'),
    ' ',
    h('button', { type: 'button', class: 'plain', onclick: clearSearch }, t('list.none.clear')),
  ),
]

const clearSearch = () => {
  const search = inputById('search')
  search.value = ''
  search.dispatchEvent(new Event('input', { bubbles: true }))
  search.focus()
}

const lesson = () => {
  const { keeps, demo, admin } = stateNow()
  if (!keeps) return [h('h2', {}, t('empty.title')), h('p', {}, t('empty.benchmark'))]
  const steps =
    demo === null
      ? []
      : [
          step('empty.token', tokenCommand(demo)),
          step('empty.send', sendCommand('/cgi-bin/message/template/send', JSON.stringify(demo.message))),
          step('empty.fault', faultCommand(admin)),
        ]
  return [
    h('h2', {}, t('empty.title')),
    h('p', {}, t('empty.text', { url: location.origin })),
    h('ol', { class: 'steps' }, steps),
    h(
      'p',
      {},
      h(
        'a',
        {
          href: 'https://developers.weixin.qq.com/doc/service/api/notify/template/api_sendtemplatemessage.html',
          rel: 'noreferrer',
          target: '_blank',
        },
        t('empty.docs'),
      ),
    ),
  ]
}

/**
 * @param {string} label
 * @param {string} command
 */
const step = (label, command) =>
  h(
    'li',
    {},
    h(
      'span',
      { class: 'step-label' },
      t(label),
      copyButton(t('copy'), () => command),
    ),
    h('pre', { tabindex: '0', 'aria-label': t(label) }, command),
  )
