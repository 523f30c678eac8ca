/** The part of the template check that is about everything but the fields: where a tap leads, keys of old APIs, repeats. */
import type { Bilingual } from '../errcodes.ts'
import type { Finding, Level } from './template-check.ts'

type Json = Readonly<Record<string, unknown>>

export const targetFindings = (path: string, json: Json): readonly Finding[] => {
  const found: Finding[] = []
  const add = (level: Level, code: keyof typeof texts, where: string): void => {
    found.push({ level, code, where, text: texts[code] })
  }
  if ('form_id' in json || 'prepay_id' in json) add('warning', 'form-id', 'form_id')
  if ('emphasis_keyword' in json) add('warning', 'emphasis', 'emphasis_keyword')
  if ('topcolor' in json) add('warning', 'topcolor', 'topcolor')
  if (json.miniprogram_state !== undefined && json.miniprogram_state !== 'formal')
    add('warning', 'not-formal', 'miniprogram_state')
  const page = pageFault(path, json.page)
  if (page !== undefined) add('warning', page, 'page')
  if (typeof json.url === 'string' && json.url !== '' && !/^https?:\/\//i.test(json.url))
    add('warning', 'url-shape', 'url')
  const program = programFault(json.miniprogram)
  if (program !== undefined) add(program === 'program-appid' ? 'error' : 'warning', program, 'miniprogram')
  if (json.miniprogram !== undefined && typeof json.url === 'string' && json.url !== '')
    add('hint', 'url-and-program', 'miniprogram')
  if (path === '/cgi-bin/message/template/send') {
    const id = json.client_msg_id
    if (id === undefined) add('hint', 'no-client-msg-id', 'client_msg_id')
    else if (typeof id !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(id))
      add('warning', 'client-msg-id-shape', 'client_msg_id')
  }
  return found
}

/** Of bizsend the page is an address, of subscribe/send a path inside the mini program. */
const pageFault = (path: string, page: unknown): 'page-shape' | 'page-url' | undefined => {
  if (typeof page !== 'string' || page === '') return undefined
  const isUrl = /^https?:\/\//i.test(page)
  if (path.endsWith('/bizsend')) return isUrl ? undefined : 'page-url'
  return isUrl || page.startsWith('/') || /\s/.test(page) ? 'page-shape' : undefined
}

const programFault = (program: unknown): 'program-appid' | 'program-page' | undefined => {
  if (typeof program !== 'object' || program === null) return undefined
  if (!('appid' in program) || typeof program.appid !== 'string' || program.appid === '')
    return 'program-appid'
  const page = 'pagepath' in program ? program.pagepath : undefined
  return typeof page === 'string' && page !== '' && !page.startsWith('/') ? undefined : 'program-page'
}

const texts = {
  'form-id': {
    zh: 'form_id 和 prepay_id 属于 2020-01-10 下线的小程序模板消息；订阅消息靠用户授权，不用它们。',
    en: 'form_id and prepay_id belong to the mini program template messages that were retired on 2020-01-10; subscribe messages need the user’s grant instead.',
  },
  emphasis: {
    zh: 'emphasis_keyword 属于已下线的小程序模板消息，没有作用。',
    en: 'emphasis_keyword belongs to the retired mini program template messages and has no effect.',
  },
  topcolor: {
    zh: 'topcolor 早已不起作用，可以去掉。',
    en: 'topcolor has had no effect for years; leave it out.',
  },
  'not-formal': {
    zh: '点击后打开的不是正式版小程序；上线前请改为 formal 或去掉。',
    en: 'A tap opens a mini program that is not the released one; use formal or leave it out before going live.',
  },
  'page-shape': {
    zh: 'page 应是小程序内的路径，例如 pages/order/index?id=1：不以 / 开头，不是网址，没有空格。',
    en: 'page should be a path inside the mini program, such as pages/order/index?id=1: no leading slash, no address, no blanks.',
  },
  'page-url': {
    zh: '服务号订阅通知的 page 应是 http(s) 网址，域名属于 JS 安全域名。',
    en: 'For subscribe notices of an official account page should be an http(s) address under its JS-safe domain.',
  },
  'url-shape': {
    zh: 'url 应以 http:// 或 https:// 开头，否则点击无法打开。',
    en: 'url should start with http:// or https://, or a tap opens nothing.',
  },
  'program-appid': {
    zh: 'miniprogram 缺少 appid；微信返回 40166。',
    en: 'miniprogram has no appid; WeChat answers 40166.',
  },
  'program-page': {
    zh: 'miniprogram.pagepath 缺少或以 / 开头；应写成 pages/index?foo=bar。',
    en: 'miniprogram.pagepath is missing or starts with a slash; write pages/index?foo=bar.',
  },
  'url-and-program': {
    zh: '同时给了 url 和 miniprogram：优先打开小程序，过旧的客户端才用 url。',
    en: 'Both url and miniprogram are given: the mini program wins, only clients too old for it use url.',
  },
  'no-client-msg-id': {
    zh: '没有 client_msg_id：超时后重发可能让用户收到两条。约 10 分钟内相同的 client_msg_id 只发一次。',
    en: 'There is no client_msg_id: a repeat after a timeout may reach the user twice. Within about ten minutes the same client_msg_id is sent once.',
  },
  'client-msg-id-shape': {
    zh: 'client_msg_id 建议用不超过 64 个 ASCII 字符；上限官方没有公布。',
    en: 'Keep client_msg_id to 64 ASCII characters; its limit is not documented.',
  },
} as const satisfies Readonly<Record<string, Bilingual>>
