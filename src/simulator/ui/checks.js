// @ts-check
import { h } from './dom.js'
import { said, t } from './language.js'

/** @type {Record<string, string>} */
const signs = { error: '✕', warning: '!', hint: 'i' }

/**
 * @param {import('./views.d.ts').Detail} detail
 * @returns {Node[]}
 */
export const checksPane = ({ findings, sandbox }) => {
  const note = sandbox ? [h('p', { class: 'note' }, t('checks.sandbox'))] : []
  if (findings.length === 0)
    return [
      h(
        'div',
        { class: 'clean' },
        h('span', { class: 'sign', 'aria-hidden': 'true' }, '✓'),
        h('h3', {}, t('checks.clean')),
        h('p', {}, t('checks.clean.text')),
      ),
      ...note,
    ]
  return [
    h(
      'ul',
      { class: 'findings' },
      findings.map(({ level, where, text }) =>
        h(
          'li',
          { class: `finding ${level}` },
          h('span', { class: 'sign', 'aria-hidden': 'true' }, signs[level] ?? ''),
          h('div', {}, h('b', {}, t(`level.${level}`)), ' ', h('code', {}, where), h('p', {}, said(text))),
        ),
      ),
    ),
    ...note,
  ]
}
