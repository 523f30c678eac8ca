// @ts-check
/** The drawer: faults that are played from now on, and the clock. */
import { announce, byId, dialogById, h } from './dom.js'
import { momentText, t } from './language.js'
import { get, post } from './net.js'
import { stateNow } from './world.js'

/** @typedef {import('./views.d.ts').Rule} Rule */

const sendPaths = [
  '/cgi-bin/message/template/send',
  '/cgi-bin/message/subscribe/send',
  '/cgi-bin/message/subscribe/bizsend',
  '/cgi-bin/message/template/subscribe',
  '/cgi-bin/message/custom/send',
  '/cgi-bin/stable_token',
]

/** @type {Record<string, { sign: string, rule: Record<string, unknown> }>} */
const presets = {
  busy: { sign: '-1', rule: { errcode: -1 } },
  token: { sign: '40001', rule: { errcode: 40001 } },
  expired: { sign: '42001', rule: { errcode: 42001 } },
  quota: { sign: '45009', rule: { errcode: 45009 } },
  rate: { sign: '45011', rule: { errcode: 45011 } },
  refuse: { sign: '43101', rule: { errcode: 43101 } },
  stranger: { sign: '43004', rule: { errcode: 43004 } },
  data: { sign: '47003', rule: { errcode: 47003 } },
  gateway: { sign: '502', rule: { junk: 'html-502' } },
  slow: { sign: '3 s', rule: { latency_ms: 3_000 } },
  'hang-before': { sign: '…', rule: { hang: 'before' } },
  'hang-after': { sign: '…', rule: { hang: 'after' } },
  'reset-before': { sign: 'RST', rule: { reset: 'before' } },
  'reset-after': { sign: 'RST', rule: { reset: 'after' } },
  junk: { sign: '200', rule: { junk: 'html-200' } },
  cut: { sign: '{"', rule: { junk: 'cut-json' } },
}

/** @type {Rule[]} */
let rules = []

export const startTools = () => {
  byId('open-tools').addEventListener('click', openTools)
  byId('tools-dialog').addEventListener('click', (event) => {
    if (event.target === event.currentTarget) dialogById('tools-dialog').close()
  })
}

const openTools = () => {
  drawTools()
  dialogById('tools-dialog').showModal()
  void loadFaults()
  void loadClock()
}

/** Draws the drawer anew, for instance in another language. */
export const drawTools = () =>
  dialogById('tools-dialog').replaceChildren(
    h(
      'div',
      { class: 'drawer-head' },
      h('h2', { id: 'tools-title' }, t('tools')),
      h(
        'button',
        {
          type: 'button',
          class: 'round',
          'aria-label': t('tools.close'),
          onclick: () => dialogById('tools-dialog').close(),
        },
        '×',
      ),
    ),
    h(
      'section',
      { 'aria-labelledby': 'faults-title' },
      h('h3', { id: 'faults-title' }, t('faults')),
      h('p', { class: 'note' }, t('faults.note')),
      options(),
      h('div', { class: 'presets' }, Object.keys(presets).map(presetButton)),
      h('p', { class: 'failure', role: 'alert', id: 'faults-failure' }),
      h('div', { id: 'fault-rules' }),
    ),
    h(
      'section',
      { 'aria-labelledby': 'clock-title' },
      h('h3', { id: 'clock-title' }, t('clock')),
      h(
        'p',
        { class: 'clock-line' },
        h('span', { class: 'muted' }, t('clock.now')),
        ' ',
        h('output', { id: 'clock-now' }),
      ),
      h(
        'div',
        { class: 'buttons' },
        clockButton('clock.hour', 3_600_000),
        clockButton('clock.day', 86_400_000),
      ),
      h('p', { class: 'note' }, t('clock.note')),
    ),
    h(
      'section',
      { 'aria-labelledby': 'admin-title' },
      h('h3', { id: 'admin-title' }, t('admin')),
      h('p', { class: 'note' }, t('admin.note')),
      h('ul', { class: 'addresses' }, ledgers.map(ledgerLink)),
    ),
  )

const ledgers = ['effects', 'calls', 'faults', 'accounts', 'clock']

/** @param {string} name */
const ledgerLink = (name) => {
  const address = `${stateNow().admin}/_sim/${name}`
  return h('li', {}, h('a', { href: address, target: '_blank', rel: 'noreferrer' }, address))
}

const options = () =>
  h(
    'form',
    {
      class: 'fault-options',
      id: 'fault-options',
      onsubmit: (/** @type {Event} */ event) => event.preventDefault(),
    },
    labelled(
      'faults.path',
      h(
        'select',
        { name: 'path' },
        sendPaths.map((path) => h('option', { value: path }, path.replace('/cgi-bin/', ''))),
        h('option', { value: '' }, t('faults.path.any')),
      ),
    ),
    labelled(
      'faults.count',
      h('input', { name: 'count', type: 'number', min: '1', value: '1', inputmode: 'numeric' }),
    ),
    labelled(
      'faults.probability',
      h('input', {
        name: 'probability',
        type: 'number',
        min: '1',
        max: '100',
        value: '100',
        inputmode: 'numeric',
      }),
    ),
    labelled('faults.openid', h('input', { name: 'touser', spellcheck: 'false', autocomplete: 'off' })),
  )

/**
 * @param {string} key
 * @param {HTMLElement} control
 */
const labelled = (key, control) => h('label', {}, h('span', {}, t(key)), control)

/** @param {string} name */
const presetButton = (name) =>
  h(
    'button',
    {
      type: 'button',
      class: 'preset',
      'data-preset': name,
      onclick: () => void change({ add: { ...presets[name]?.rule, ...chosen() } }),
    },
    h('code', {}, presets[name]?.sign ?? ''),
    t(`preset.${name}`),
  )

/** What the options say, as part of a rule; what is empty is left out. */
const chosen = () => {
  const form = new FormData(/** @type {HTMLFormElement} */ (byId('fault-options')))
  const text = (/** @type {string} */ name) => String(form.get(name) ?? '').trim()
  return {
    ...(text('path') && { path: text('path') }),
    ...(text('touser') && { touser: text('touser') }),
    ...(text('count') && { count: Number(text('count')) }),
    ...(text('probability') && { probability: Number(text('probability')) / 100 }),
  }
}

/** @param {Record<string, unknown>} what */
const change = async (what) => {
  const failure = byId('faults-failure')
  failure.textContent = ''
  try {
    /** @type {{ rules: Rule[] }} */
    const answer = await post('faults', what)
    rules = answer.rules
  } catch (error) {
    failure.textContent = t('tools.failed', { error: error instanceof Error ? error.message : '' })
  }
  drawRules()
}

/** Fetches the rules: their hits grow with every message. */
export const loadFaults = async () => {
  /** @type {{ rules: Rule[] }} */
  const answer = await get('faults')
  rules = answer.rules
  drawRules()
}

const drawRules = () => {
  const active = rules.filter(({ spent }) => !spent).length
  byId('fault-count').hidden = active === 0
  byId('fault-count').textContent = String(active)
  const box = document.getElementById('fault-rules')
  if (box === null) return
  const list = h('ul', { class: 'rules', 'aria-label': t('faults.rules') }, rules.map(ruleLine))
  const clear = h(
    'button',
    { type: 'button', class: 'plain', onclick: () => void change({ clear: true }) },
    t('faults.clear'),
  )
  box.replaceChildren(
    ...(rules.length === 0 ? [h('p', { class: 'muted' }, t('faults.none'))] : [list, clear]),
  )
}

/** @param {Rule} rule */
const ruleLine = ({ id, given, hits, spent }) => {
  const { path, touser, count, probability, ...wrong } = given
  const name = Object.entries(wrong)
    .map(([key, value]) => `${key} ${value}`)
    .join(', ')
  const where = [
    path === undefined ? t('faults.path.any') : String(path).replace('/cgi-bin/', ''),
    touser,
    count !== undefined && `×${count}`,
    probability !== undefined && probability !== 1 && `${Math.round(Number(probability) * 100)} %`,
  ]
  return h(
    'li',
    { class: spent ? 'spent' : '' },
    h(
      'div',
      { class: 'rule-what' },
      h('b', {}, name),
      h('p', { class: 'muted' }, where.filter(Boolean).join(' · ')),
    ),
    h('span', { class: 'hits' }, t('faults.hits', { n: hits }), spent && ` · ${t('faults.spent')}`),
    h(
      'button',
      {
        type: 'button',
        class: 'round',
        'aria-label': t('faults.remove', { name }),
        onclick: () => void change({ remove: id }),
      },
      '×',
    ),
  )
}

/**
 * @param {string} key
 * @param {number} ms
 */
const clockButton = (key, ms) =>
  h(
    'button',
    { type: 'button', onclick: () => void post('sim/clock', { advance_ms: ms }).then(showClock) },
    t(key),
  )

const loadClock = async () => showClock(await get('sim/clock'))

/** @param {unknown} clock */
const showClock = (clock) => {
  const { now } = /** @type {{ now: string }} */ (clock)
  byId('clock-now').textContent = momentText(Date.parse(now))
  announce(momentText(Date.parse(now)))
}
