// @ts-check
/** The bytes of request and reply, indented. Numbers are never parsed: a msgid does not fit into one. */
import { copyButton } from './copy.js'
import { sendCommand, tokenCommand } from './curl.js'
import { h } from './dom.js'
import { t } from './language.js'
import { stateNow } from './world.js'

/** @typedef {import('./views.d.ts').Detail} Detail */

/**
 * @param {Detail} detail
 * @returns {Node[]}
 */
export const requestPane = ({ path, request, appid }) => [
  h(
    'div',
    { class: 'pane-tools' },
    h('code', { class: 'request-line' }, `POST ${path}`),
    copyButton(t('copy.curl'), () => `${tokenCommand(callerOf(appid))}\n${sendCommand(path, request)}`),
    copyButton(t('copy.json'), () => indented(request)),
  ),
  code(request, t('tab.request')),
  h('p', { class: 'note' }, t('request.token')),
]

/** @param {string | null} appid */
const callerOf = (appid) => ({
  appid: appid ?? 'APPID',
  secret: stateNow().accounts.find((account) => account.appid === appid)?.secret ?? null,
})

/**
 * @param {Detail} detail
 * @returns {Node[]}
 */
export const replyPane = ({ reply, fault }) => {
  if (reply === null)
    return [h('h3', {}, t('reply.none')), h('p', {}, t('reply.none.text', { name: fault ?? '' }))]
  return [
    h(
      'div',
      { class: 'pane-tools' },
      h('span', {}, `${t('reply.status')} ${reply.status}`),
      copyButton(t('copy'), () => reply.body),
    ),
    code(reply.body, t('tab.reply')),
  ]
}

/**
 * @param {string} text
 * @param {string} label
 */
const code = (text, label) => {
  const pre = h('pre', { class: 'code', tabindex: '0', role: 'region', 'aria-label': label })
  pre.append(...coloured(indented(text)))
  return pre
}

/** A text, or anything that is not one. */
const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g

/**
 * JSON with a line for everything; what is no JSON stays as it is.
 * @param {string} text
 */
export const indented = (text) => {
  try {
    JSON.parse(text)
  } catch {
    return text
  }
  let depth = 0
  let out = ''
  let before = ''
  for (const [part] of text.matchAll(token)) {
    const closes = part === '}' || part === ']'
    if (closes) depth--
    const empty = closes && (before === '{' || before === '[')
    const breaks = (closes && !empty) || before === ',' || (!closes && (before === '{' || before === '['))
    if (breaks) out += `\n${'  '.repeat(depth)}`
    out += part === ':' ? ': ' : part
    if (part === '{' || part === '[') depth++
    before = part
  }
  return out
}

const piece = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|true|false|null/g

/** @param {string} text */
const coloured = (text) => {
  /** @type {(Node | string)[]} */
  const parts = []
  let from = 0
  for (const match of text.matchAll(piece)) {
    const [whole, quotedText, colon] = match
    parts.push(text.slice(from, match.index))
    if (quotedText === undefined) parts.push(h('span', { class: 'json-word' }, whole))
    else parts.push(h('span', { class: colon ? 'json-key' : 'json-text' }, quotedText), colon ?? '')
    from = match.index + whole.length
  }
  parts.push(text.slice(from))
  return parts
}
