// @ts-check
/** The state of a message, told by a sign, a word and a colour. */
import { h } from './dom.js'
import { t } from './language.js'

/** @type {Record<string, string>} */
const signs = { accepted: '✓', repeat: '↺', refused: '✕', hidden: '!', lost: '–', unshown: '!' }

/**
 * @param {import('./views.d.ts').Row} row
 * @returns {HTMLElement}
 */
export const stateChip = ({ state, errcode }) =>
  h(
    'span',
    { class: `chip ${state}` },
    h('span', { 'aria-hidden': 'true', class: 'sign' }, signs[state] ?? ''),
    t(`state.${state}`, { code: errcode }),
  )

/**
 * @param {string[]} tags
 * @returns {HTMLElement[]}
 */
export const tagChips = (tags) => tags.map((tag) => h('span', { class: 'tag' }, tag))

/**
 * A round picture of the first character, coloured by the name.
 * @param {string} name
 */
export const avatar = (name) => {
  const [first = '?'] = name.replace(/^demo-/, '')
  let sum = 0
  for (const character of name) sum = (sum * 7 + (character.codePointAt(0) ?? 0)) % 997
  return h('span', { class: `avatar hue-${sum % 6}`, 'aria-hidden': 'true' }, first.toUpperCase())
}

/**
 * `oDemo…00001`: an openid whose ends can be told apart.
 * @param {string | null} openid
 */
export const shortId = (openid) =>
  openid === null ? '—' : openid.length > 16 ? `${openid.slice(0, 9)}…${openid.slice(-4)}` : openid
