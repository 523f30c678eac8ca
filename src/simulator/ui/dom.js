// @ts-check
/** Building and finding elements. Texts become text nodes, so nothing that was sent can become markup. */

/** @typedef {Node | string | null | false | undefined} Child */

/**
 * `h('a', { class: 'x', href: '/', onclick: f }, 'text', child)`; `null`, `false` and `undefined` are left out.
 * @param {string} tag
 * @param {Record<string, unknown>} [props]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export const h = (tag, props = {}, ...children) => {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue
    if (typeof value === 'function')
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value))
    else element.setAttribute(name, value === true ? '' : String(value))
  }
  element.append(...kept(children.flat()))
  return element
}

/**
 * @param {Child[]} children
 * @returns {(Node | string)[]}
 */
const kept = (children) =>
  /** @type {(Node | string)[]} */ (
    children.filter((child) => child instanceof Node || typeof child === 'string')
  )

/**
 * The element of the page with this id, which is always there.
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = (id) => {
  const element = document.getElementById(id)
  if (element === null) throw new Error(`the page has no #${id}`)
  return element
}

/**
 * @param {string} id
 * @returns {HTMLInputElement}
 */
export const inputById = (id) => /** @type {HTMLInputElement} */ (byId(id))

/**
 * @param {string} id
 * @returns {HTMLDialogElement}
 */
export const dialogById = (id) => /** @type {HTMLDialogElement} */ (byId(id))

/**
 * Tells people who listen to the page instead of looking at it.
 * @param {string} text
 */
export const announce = (text) => {
  byId('announce').textContent = text
}
