// @ts-check
import { h } from './dom.js'
import { t } from './language.js'

/** @typedef {import('./views.d.ts').FieldLine} FieldLine */

const columns = ['key', 'label', 'type', 'value', 'length', 'result']

/** @type {Record<string, string>} */
const signs = { ok: '✓', unchecked: '–', unknown: '!', dropped: '!' }

/**
 * @param {import('./views.d.ts').Detail} detail
 * @returns {Node[]}
 */
export const fieldsPane = ({ fields }) => {
  if (fields.length === 0) return [h('p', { class: 'muted' }, t('fields.none'))]
  return [
    h(
      'div',
      { class: 'table-scroll', tabindex: '0', role: 'region', 'aria-label': t('tab.fields') },
      h(
        'table',
        { class: 'fields' },
        h(
          'thead',
          {},
          h(
            'tr',
            {},
            columns.map((name) => h('th', { scope: 'col' }, t(`fields.${name}`))),
          ),
        ),
        h('tbody', {}, fields.map(line)),
      ),
    ),
  ]
}

/** @param {FieldLine} field */
const line = ({ key, label, type, value, length, limit, result }) =>
  h(
    'tr',
    { class: `result-${classOf(result)}` },
    h('th', { scope: 'row' }, h('code', {}, key)),
    h('td', {}, label || '—'),
    h('td', {}, type === null ? t('fields.history') : h('code', {}, type)),
    h('td', { class: 'value' }, value || '—'),
    h('td', { class: 'number' }, limit === null ? String(length) : `${length} / ${limit}`),
    h(
      'td',
      {},
      h(
        'span',
        { class: 'result' },
        h('span', { 'aria-hidden': 'true' }, signs[result] ?? '✕'),
        ' ',
        t(`result.${result}`),
      ),
    ),
  )

/** @param {string} result */
const classOf = (result) =>
  result === 'ok'
    ? 'good'
    : result === 'unchecked'
      ? 'plain'
      : result === 'unknown' || result === 'dropped'
        ? 'warn'
        : 'bad'
