/** What is said about a message's data, in both languages. */
import type { Bilingual } from './errcodes.ts'
import { type FieldReason, type FieldType, fieldRules } from './fields.ts'
import { canBeCut } from './shorten.ts'
import { foldedAfter, type Template } from './template.ts'

export const givenTwice = (name: string, key: string): Bilingual => ({
  zh: `${name} 就是 ${key}，而 ${key} 也给出了值`,
  en: `${name} stands for ${key}, which has a value of its own`,
})

/** Why a value does not fit its field. */
export const unfit = ({
  key,
  type,
  reason,
  cuts,
  allowed,
}: {
  readonly key: string
  readonly type: FieldType
  readonly reason: FieldReason
  readonly cuts: boolean
  readonly allowed: readonly string[] | undefined
}): Bilingual => {
  const isUncut = cuts && reason === 'too-long' && !canBeCut(type)
  const { rule } = fieldRules.get(type)!
  const zh = reason === 'not-allowed' && allowed ? `只能是 ${wordList(allowed)} 之一` : rule
  const en = reason === 'not-allowed' && allowed ? `one of ${wordList(allowed)}` : rule
  return {
    zh: `${key} ${reasons[reason]}；${type} 类型：${zh}${isUncut ? '；这种类型不能截短' : ''}`,
    en: `${key} is ${reason}: a field of type ${type} is ${en}${isUncut ? '; this type is not cut' : ''}`,
  }
}

const wordList = (words: readonly string[]): string => words.slice(0, 20).join(', ')

const reasons: Readonly<Record<FieldReason, string>> = {
  empty: '为空',
  'too-long': '过长',
  malformed: '格式不对',
  'not-allowed': '不是允许的词',
}

const nameOf = (key: string, label: string): string => (label === '' ? key : `${key} (${label})`)

export const missing = (key: string, label: string): Bilingual => ({
  zh: `缺少 ${nameOf(key, label)}，微信会拒绝`,
  en: `${nameOf(key, label)} is missing, and WeChat would refuse the message`,
})

export const leftOut = (key: string, label: string): Bilingual => ({
  zh: `没有 ${nameOf(key, label)}，用户看到的这一行是空的`,
  en: `${nameOf(key, label)} is left out, so its line will be empty`,
})

export const unknownKey = (key: string, { byKey }: Template): Bilingual => ({
  zh: `模板没有 ${key}，不会显示；它的字段是：${[...byKey.keys()].join('、')}`,
  en: `The template has no ${key}, so it is not shown; its keys are ${[...byKey.keys()].join(', ')}`,
})

export const retired = (key: string): Bilingual => ({
  zh: `微信从 2023 年 5 月起不再显示 ${key}`,
  en: `WeChat has not shown ${key} since May 2023`,
})

export const folded = (key: string): Bilingual => ({
  zh: `${key} 超过 ${foldedAfter} 个字符，之后的部分会被折叠`,
  en: `${key} has more than ${foldedAfter} characters; WeChat folds the rest`,
})

export const lineBreak = (key: string): Bilingual => ({
  zh: `${key} 中有换行，换行之后的内容不会显示`,
  en: `${key} has a line break; what follows it is not shown`,
})

export const emojiText = (key: string): Bilingual => ({
  zh: `${key} 含有表情符号；微信没有说明如何计算其长度，可能因此拒绝`,
  en: `${key} has an emoji; how WeChat counts it is not documented, so it may be refused`,
})

export const shortened = (key: string, type: FieldType, value: string): Bilingual => ({
  zh: `${key} 超出 ${type} 的长度，已截短为“${value}”`,
  en: `${key} was too long for a ${type} and was cut to “${value}”`,
})

export const unsafeNumber: Bilingual = {
  zh: '这么大的数字必须写成文本',
  en: 'A number this large must be written as a text',
}

export const colour: Bilingual = {
  zh: '颜色从 2023 年 5 月起不再生效',
  en: 'Colours have had no effect since May 2023',
}

export const gone: Bilingual = {
  zh: '微信的模板列表里已经没有这个模板，消息很可能被拒绝',
  en: 'WeChat does not list this template any more; the message will probably be refused',
}
