// @ts-check
/** The address of the page is its state: what is searched, which message is open, under which tab. */

export const tabs = ['phone', 'fields', 'request', 'reply', 'checks']

/**
 * @typedef {object} Place
 * @property {string} q
 * @property {number | null} m
 * @property {string} tab
 * @property {'zh' | 'en'} lang
 * @property {string} theme
 */

/** @returns {Place} */
export const placeNow = () => {
  const query = new URLSearchParams(location.search)
  const m = Number(query.get('m'))
  const tab = query.get('tab') ?? ''
  return {
    q: query.get('q') ?? '',
    m: m > 0 ? m : null,
    tab: tabs.includes(tab) ? tab : 'phone',
    lang: (query.get('lang') ?? remembered('lang')) === 'en' ? 'en' : 'zh',
    theme: themeOf(query.get('theme') ?? remembered('theme')),
  }
}

/** @param {string | null} text */
const themeOf = (text) => (text === 'light' || text === 'dark' ? text : 'system')

/**
 * The address of the page with some of it changed.
 * @param {Partial<Place>} change
 */
export const addressOf = (change) => {
  const query = new URLSearchParams(location.search)
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === '') query.delete(name)
    else query.set(name, String(value))
  }
  const text = query.toString()
  return text === '' ? '/' : `/?${text}`
}

/**
 * `quietly`: the back button does not lead to where we were.
 * @param {Partial<Place>} change
 * @param {{ quietly?: boolean }} [options]
 */
export const go = (change, { quietly = false } = {}) => {
  const address = addressOf(change)
  if (quietly) history.replaceState(null, '', address)
  else history.pushState(null, '', address)
}

/**
 * What was chosen last time. A browser that keeps nothing is no reason to fail.
 * @param {string} name
 */
const remembered = (name) => {
  try {
    return localStorage.getItem(`hongyan.${name}`)
  } catch {
    return null
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export const remember = (name, value) => {
  try {
    localStorage.setItem(`hongyan.${name}`, value)
  } catch {
    // Then it is chosen again next time.
  }
}
