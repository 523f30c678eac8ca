// @ts-check
import { announce, h } from './dom.js'
import { t } from './language.js'

/**
 * @param {string} label
 * @param {() => string} text
 * @returns {HTMLElement}
 */
export const copyButton = (label, text) => {
  const button = h('button', { type: 'button', class: 'plain' }, label)
  button.addEventListener('click', async () => {
    const told = await write(text())
    button.textContent = t(told)
    announce(t(told))
    setTimeout(() => {
      button.textContent = label
    }, 1_500)
  })
  return button
}

/**
 * The clipboard is open to pages of this machine, and to others only over https.
 * @param {string} text
 */
const write = async (text) => {
  try {
    await navigator.clipboard.writeText(text)
    return 'copied'
  } catch {
    return 'copy.failed'
  }
}
