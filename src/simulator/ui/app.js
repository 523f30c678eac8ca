// @ts-check
/** Starts the page and joins its parts. */
import { drawDetail, openDetail } from './detail.js'
import { byId, dialogById, inputById } from './dom.js'
import { startKeys } from './keys.js'
import { currentLanguage, dress, speak } from './language.js'
import { draw, load, startList, whenNews } from './list.js'
import { go, placeNow, remember } from './place.js'
import { drawTools, loadFaults, startTools } from './tools.js'
import { loadState } from './world.js'

const start = async () => {
  const { lang, theme, q } = placeNow()
  speak(lang)
  dress(theme)
  showChoices()
  inputById('search').value = q
  startList()
  startTools()
  startKeys()
  startChoices()
  startSearch()
  startLinks()
  await loadState()
  await Promise.all([load(), openDetail(), loadFaults()])
}

const showChoices = () => {
  const zh = currentLanguage() === 'zh'
  const button = byId('language')
  // The other language is named in itself, for whoever cannot read this one.
  button.textContent = zh ? 'English' : '中文'
  button.lang = zh ? 'en' : 'zh-CN'
  inputById('theme').value = placeNow().theme
}

const startChoices = () => {
  byId('language').addEventListener('click', () => {
    const lang = currentLanguage() === 'zh' ? 'en' : 'zh'
    remember('lang', lang)
    go({ lang }, { quietly: true })
    speakAgain(lang)
  })
  inputById('theme').addEventListener('change', () => {
    const theme = inputById('theme').value
    remember('theme', theme)
    go({ theme }, { quietly: true })
    dress(theme)
  })
}

/** @param {'zh' | 'en'} lang */
const speakAgain = (lang) => {
  speak(lang)
  showChoices()
  draw()
  if (placeNow().m === null) void openDetail()
  else drawDetail()
  if (dialogById('tools-dialog').open) drawTools()
}

const startSearch = () => {
  const search = inputById('search')
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let resting
  search.addEventListener('input', () => {
    clearTimeout(resting)
    resting = setTimeout(() => {
      go({ q: search.value }, { quietly: true })
      void load()
    }, 150)
  })
  byId('search-form').addEventListener('submit', (event) => event.preventDefault())
}

/** Links within the page change the address without loading it anew. */
const startLinks = () => {
  document.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !(event.target instanceof Element)) return
    const link = event.target.closest('a[data-id], a[data-link]')
    if (link === null) return
    event.preventDefault()
    const id = link.getAttribute('data-id')
    go({ m: id === null ? null : Number(id) })
    void openDetail()
    if (id === null) byId('list-scroll').focus()
  })
  addEventListener('popstate', () => {
    const { q, lang, theme } = placeNow()
    dress(theme)
    if (lang !== currentLanguage()) speakAgain(lang)
    if (inputById('search').value !== q) {
      inputById('search').value = q
      void load()
    }
    void openDetail()
  })
  whenNews(() => {
    if (dialogById('tools-dialog').open || !byId('fault-count').hidden) void loadFaults()
  })
}

void start()
