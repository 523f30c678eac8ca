// @ts-check
/** What the user of this message has done about the account: switches that decide what the next send is told. */
import { announce, h } from './dom.js'
import { hasWords, t } from './language.js'
import { get, post } from './net.js'
import { stateNow } from './world.js'

/** @typedef {import('./views.d.ts').Detail} Detail */
/** @typedef {Record<string, unknown> & { refuses: string[] }} UserState */

/** @param {Detail} detail */
export const recipientPanel = (detail) => {
  const { offers } = stateNow()
  const switches = h('div', { class: 'switches' })
  void drawSwitches(detail, switches)
  return h(
    'section',
    { class: 'user', 'aria-labelledby': 'user-title' },
    h('h3', { id: 'user-title' }, t('recipient')),
    h('code', { class: 'user-id' }, detail.touser ?? ''),
    switches,
    offers.includes('grants') && needsGrant(detail) && grants(detail),
    offers.includes('events') && says(detail),
    h('p', { class: 'note' }, t('recipient.note')),
  )
}

/** @param {Detail} detail */
const holder = ({ appid, touser }) => ({ appid: appid ?? '', touser: touser ?? '' })

/**
 * Every yes or no that the simulator knows of a user becomes a switch, so that a new one needs only words.
 * @param {Detail} detail
 * @param {HTMLElement} box
 */
const drawSwitches = async (detail, box) => {
  /** @type {UserState} */
  const state = await get(`recipient?${new URLSearchParams(holder(detail))}`)
  const names = Object.keys(state).filter((name) => typeof state[name] === 'boolean')
  // A mini program has no followers.
  const shown = detail.kind === 'official' ? names : names.filter((name) => name !== 'following')
  const template = detail.template_id
  box.replaceChildren(
    ...shown.map((name) =>
      toggle(detail, { name, on: state[name] === true, change: (on) => ({ [name]: on }) }),
    ),
    ...(template === null
      ? []
      : [
          toggle(detail, {
            name: 'refuses',
            on: state.refuses.includes(template),
            change: (on) => ({
              refuses: on ? [...state.refuses, template] : state.refuses.filter((id) => id !== template),
            }),
          }),
        ]),
  )
}

/**
 * @param {Detail} detail
 * @param {{ name: string, on: boolean, change: (on: boolean) => Record<string, unknown> }} choice
 */
const toggle = (detail, { name, on, change }) => {
  const box = /** @type {HTMLInputElement} */ (
    h('input', {
      type: 'checkbox',
      role: 'switch',
      id: `user-${name}`,
      checked: on,
      'aria-describedby': `user-${name}-note`,
    })
  )
  box.addEventListener('change', async () => {
    await post('sim/recipients', { ...holder(detail), ...change(box.checked) }).catch((error) => {
      box.checked = !box.checked
      announce(t('tools.failed', { error: error.message }))
    })
    if (name === 'refuses' && box.closest('.switches') instanceof HTMLElement) {
      // What is refused is a list: the next change must start from what it is now.
      await drawSwitches(detail, /** @type {HTMLElement} */ (box.closest('.switches')))
      document.getElementById('user-refuses')?.focus()
    }
  })
  const words = `user.${name}`
  return h(
    'div',
    { class: 'switch' },
    h('label', { for: `user-${name}` }, hasWords(words) ? t(words) : name),
    box,
    h(
      'span',
      { class: 'switch-note', id: `user-${name}-note` },
      hasWords(`${words}.off`) ? t(`${words}.off`, { code: detail.kind === 'official' ? 43019 : 43101 }) : '',
    ),
  )
}

/** @typedef {{ kind?: string, template_id?: string, count?: number }} Grant */

/**
 * Subscribe messages need one permission each; template/send needs none, and template/subscribe one of another kind.
 * @param {Detail} detail
 */
const needsGrant = ({ path, template_id }) => template_id !== null && path.includes('/message/subscribe/')

/** @param {Detail} detail */
const grants = (detail) => {
  const left = h('output', { class: 'grants-left' })
  const { template_id } = detail
  const show = async () => {
    /** @type {{ mode: string, grants: Grant[] }} */
    const { mode, grants: given } = await get(`sim/grants?${new URLSearchParams(holder(detail))}`)
    const mine = given.filter((grant) => grant.template_id === template_id)
    const boundless = mode === 'boundless' || mine.some(({ kind }) => kind === 'lasting')
    button.hidden = boundless
    left.textContent = boundless
      ? t('grants.unlimited')
      : t('grants.left', { n: mine.reduce((sum, { count = 0 }) => sum + count, 0) })
  }
  const add = () =>
    void post('sim/grants', { ...holder(detail), template_id, kind: 'once', count: 1 }).then(show)
  const button = h('button', { type: 'button', class: 'plain', onclick: add }, t('grants.add'))
  void show()
  return h(
    'div',
    { class: 'switch grants' },
    h('span', {}, t('grants')),
    button,
    h('span', { class: 'switch-note' }, left),
  )
}

/**
 * A message of the user goes to the account's callback, and opens a window for customer messages: as far as
 * the simulator has either.
 * @param {Detail} detail
 */
const says = (detail) => {
  const input = /** @type {HTMLInputElement} */ (
    h('input', { id: 'says-text', maxlength: '200', autocomplete: 'off' })
  )
  const result = h('p', { class: 'note', role: 'status' })
  /** @param {Event} event */
  const send = async (event) => {
    event.preventDefault()
    const text = input.value.trim() || t('says.usual')
    /** @type {{ pushed: boolean }} */
    const { pushed } = await post('sim/events', { ...holder(detail), kind: 'message', text })
    input.value = ''
    result.textContent = t(pushed ? 'says.sent' : 'says.unpushed')
  }
  return h(
    'form',
    { class: 'says', onsubmit: send },
    h('label', { for: 'says-text' }, t('says')),
    h('div', { class: 'says-line' }, input, h('button', { type: 'submit' }, t('says.send'))),
    h('p', { class: 'note' }, t('says.help')),
    result,
  )
}
