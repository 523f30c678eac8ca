// @ts-check
/** Language, theme and how times are written. */
import { h } from './dom.js'
import { en } from './words-en.js'
import { zh } from './words-zh.js'

const tables = { zh, en }

/** @type {'zh' | 'en'} */
let language = 'zh'

export const currentLanguage = () => language

/**
 * The sentence of a key, with `{name}` filled in. A key that is nowhere is shown as it is, and a test finds it.
 * @param {string} key
 * @param {Record<string, unknown>} [values]
 * @returns {string}
 */
export const t = (key, values = {}) =>
  (tables[language][key] ?? key).replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''))

/**
 * Whether there is a sentence for this key.
 * @param {string} key
 */
export const hasWords = (key) => key in zh

/**
 * Of a text in both languages the one that is read.
 * @param {{ zh: string, en: string }} text
 */
export const said = (text) => text[language]

/**
 * Puts the words into everything of the page that stands in `index.html`.
 * @param {'zh' | 'en'} wanted
 */
export const speak = (wanted) => {
  language = wanted
  document.documentElement.lang = wanted === 'zh' ? 'zh-CN' : 'en'
  document.title = `${t('title')} · ${wanted === 'zh' ? '鸿雁' : 'Hongyan'}`
  for (const element of document.querySelectorAll('[data-t]'))
    element.textContent = t(attribute(element, 'data-t'))
  for (const [from, to] of [
    ['data-t-title', 'title'],
    ['data-t-placeholder', 'placeholder'],
    ['data-t-label', 'aria-label'],
  ]) {
    for (const element of document.querySelectorAll(`[${from}]`)) {
      // The help button keeps its question mark.
      element.setAttribute(to ?? '', t(attribute(element, from ?? '')))
    }
  }
}

/**
 * @param {Element} element
 * @param {string} name
 */
const attribute = (element, name) => element.getAttribute(name) ?? ''

/**
 * `light`, `dark`, or whatever the system says.
 * @param {string} theme
 */
export const dress = (theme) => {
  document.documentElement.dataset.theme = theme
}

const zone = 'Asia/Shanghai'
const clockShape = new Intl.DateTimeFormat('zh-CN', {
  timeZone: zone,
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
})
const dayShape = new Intl.DateTimeFormat('sv-SE', {
  timeZone: zone,
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
})

/**
 * `12:01:33`, in Beijing.
 * @param {number} at
 */
export const clockText = (at) => clockShape.format(at)

/**
 * `2026-05-01 12:01:33 UTC+8`
 * @param {number} at
 */
export const momentText = (at) => `${dayShape.format(at)} ${clockText(at)} UTC+8`

/**
 * @param {number} at
 * @returns {HTMLElement}
 */
export const timeElement = (at) =>
  h('time', { datetime: new Date(at).toISOString(), title: momentText(at) }, clockText(at))
