/**
 * The template check: what is wrong with a message, and what will surprise its sender although WeChat
 * takes it. The rules are those of the simulator itself; the hints are ours and never refuse anything.
 */
import type { Bilingual } from '../errcodes.ts'
import { checkValue, type FieldReason, type FieldType, fieldRules, type LengthUnit } from '../fields.ts'
import { droppedKeys, isFolded, labelsOf, textOf, valuesOf } from './card.ts'
import { targetFindings } from './target-check.ts'
import { fieldsOf, isRecord } from './template.ts'

/** `error` WeChat refuses it · `warning` WeChat takes it and something gets lost · `hint` worth knowing. */
export type Level = 'error' | 'warning' | 'hint'

export interface Finding {
  readonly level: Level
  readonly code: string
  /** The field it is about, or the part of the body. */
  readonly where: string
  readonly text: Bilingual
}

export interface FieldLine {
  readonly key: string
  readonly label: string
  readonly type: FieldType | null
  readonly value: string
  /** In `unit`. */
  readonly length: number
  readonly limit: number | null
  readonly unit: 'characters' | 'digits' | null
  readonly result: 'ok' | 'unchecked' | 'unknown' | 'dropped' | FieldReason
}

export interface Examined {
  readonly json: Readonly<Record<string, unknown>>
  readonly content: string | undefined
  /** `templateSend` and the like tell what belongs into the body. */
  readonly path: string
  readonly lengthUnit: LengthUnit
  /** The approved words of `const` and `enum` fields, by key. */
  readonly words?: Readonly<Record<string, readonly string[]>> | undefined
}

/** Every field of the template and every key that came, in the order of the template. */
export const fieldLines = ({ json, content, lengthUnit, words }: Examined): readonly FieldLine[] => {
  const values = valuesOf(json.data)
  const labels = labelsOf(content ?? '')
  const known = fieldsOf(content ?? Object.keys(values).map(placeholderOf).join('\n'))
  const lines = known.map(({ key, type }) =>
    lineOf({
      key,
      type: type ?? null,
      label: labels.get(key) ?? '',
      value: values[key] ?? '',
      lengthUnit,
      allowed: words?.[key],
    }),
  )
  const extra = Object.keys(values).filter((key) => !known.some((field) => field.key === key))
  return [
    ...lines,
    ...extra.map((key): FieldLine => {
      const value = values[key] ?? ''
      const result = droppedKeys.includes(key) ? 'dropped' : 'unknown'
      return { key, label: '', type: null, value, length: [...value].length, limit: null, unit: null, result }
    }),
  ]
}

const placeholderOf = (key: string): string => `{{${key}.DATA}}`

interface Typed {
  readonly key: string
  readonly type: FieldType | null
  readonly label: string
  readonly value: string
  readonly lengthUnit: LengthUnit
  readonly allowed: readonly string[] | undefined
}

const lineOf = ({ key, type, label, value, lengthUnit, allowed }: Typed): FieldLine => {
  const rule = type === null ? undefined : fieldRules.get(type)
  if (type === null || rule === undefined) {
    const result = droppedKeys.includes(key) ? 'dropped' : 'unchecked'
    return { key, label, type, value, length: [...value].length, limit: null, unit: null, result }
  }
  const { unit } = rule
  return {
    key,
    label,
    type,
    value,
    length: lengthIn(unit, value, lengthUnit),
    limit: rule.limitFor?.(value) ?? rule.limit,
    unit,
    result: checkValue(type, value, { lengthUnit, ...(allowed && { allowed }) })?.reason ?? 'ok',
  }
}

const lengthIn = (unit: 'characters' | 'digits', value: string, lengthUnit: LengthUnit): number => {
  if (unit === 'digits') return value.replace(/\D/g, '').length
  return lengthUnit === 'utf16' ? value.length : [...value].length
}

/** Worst first. */
export const findingsOf = (examined: Examined): readonly Finding[] =>
  [...dataFindings(examined), ...targetFindings(examined.path, examined.json), ...marketing(examined)].sort(
    (one, other) => order.indexOf(one.level) - order.indexOf(other.level),
  )

const order: readonly Level[] = ['error', 'warning', 'hint']

const dataFindings = (examined: Examined): readonly Finding[] => {
  const { data } = examined.json
  if (typeof examined.json.msgtype === 'string') return []
  if (!isRecord(data)) return [finding('error', 'data-not-object', 'data')]
  return [...fieldLines(examined).flatMap(lineFindings), ...formFindings(data)]
}

const lineFindings = ({ key, value, result }: FieldLine): readonly Finding[] => {
  const folded = isFolded(key, value) ? [finding('warning', 'folded', key)] : []
  switch (result) {
    case 'ok':
    case 'unchecked':
      return folded
    case 'unknown':
      return [finding('warning', 'key-unknown', key)]
    case 'dropped':
      return [finding('warning', 'dropped', key)]
    default:
      return [finding('error', result, key)]
  }
}

const formFindings = (data: Readonly<Record<string, unknown>>): readonly Finding[] =>
  Object.entries(data).flatMap(([key, field]) => {
    if (!isRecord(field)) return [finding('error', 'field-not-object', key)]
    const found: Finding[] = []
    if ('color' in field) found.push(finding('warning', 'color', key))
    if ('value' in field && typeof field.value !== 'string') found.push(finding('warning', 'not-text', key))
    return found
  })

/** Words that reviewers take for advertising. Ours (I): WeChat publishes no list. */
const marketingWords =
  /优惠|促销|折扣|打折|特价|红包|抽奖|中奖|秒杀|限时|立减|满减|免费领|点击领取|赠送|大礼包|团购|爆款|清仓|代金券/

const marketing = ({ json }: Examined): readonly Finding[] =>
  [...Object.entries(valuesOf(json.data)), ['text', textOf(isRecord(json.text) ? json.text.content : '')]]
    .filter(([, value = '']) => marketingWords.test(value))
    .map(([key = '']) => finding('hint', 'marketing', key))

const finding = (level: Level, code: keyof typeof texts, where: string): Finding => ({
  level,
  code,
  where,
  text: texts[code],
})

const texts = {
  'data-not-object': {
    zh: 'data 必须是对象 {"key":{"value":"…"}}，不能是字符串或数组；微信返回 47003。',
    en: 'data must be an object {"key":{"value":"…"}}, not a text or a list; WeChat answers 47003.',
  },
  'field-not-object': {
    zh: '每个字段都要写成 {"value":"…"}；微信返回 47003。',
    en: 'Every field must be written as {"value":"…"}; WeChat answers 47003.',
  },
  empty: {
    zh: '缺少该字段或内容为空；微信返回 47003（… is empty）。',
    en: 'The field is missing or empty; WeChat answers 47003 (… is empty).',
  },
  'too-long': {
    zh: '内容超过该类型的长度上限；微信返回 47003。测试号不检查长度，正式号才会失败。',
    en: 'The value is longer than its type allows; WeChat answers 47003. Test accounts do not check lengths, real ones do.',
  },
  malformed: {
    zh: '内容不符合该类型的格式；微信返回 47003。',
    en: 'The value does not have the form of its type; WeChat answers 47003.',
  },
  'not-allowed': {
    zh: '内容不在模板允许的取值之内；微信返回 47003。',
    en: 'The value is not one of those the template allows; WeChat answers 47003.',
  },
  'key-unknown': {
    zh: '模板里没有这个字段，用户看不到它的内容。',
    en: 'The template has no such field: the user never sees this value.',
  },
  dropped: {
    zh: 'first 和 remark 自 2023-05-04 起不再展示，请从请求里去掉。',
    en: 'first and remark are no longer shown since 2023-05-04; leave them out.',
  },
  folded: {
    zh: '历史模板的内容超过 20 个字会折叠成省略号，换行之后的内容会丢弃，微信不报错。',
    en: 'In a historical template more than 20 characters are folded and what follows a line break is lost, without an error.',
  },
  color: {
    zh: '字段颜色自 2023-05-04 起不再生效，可以去掉。',
    en: 'Colours of fields have no effect since 2023-05-04; leave them out.',
  },
  'not-text': {
    zh: 'value 请始终用字符串；数字或布尔值是否被接受，微信没有说明。',
    en: 'Always send value as a text; whether WeChat takes numbers or booleans is not documented.',
  },
  marketing: {
    zh: '像是营销用语。模板消息和订阅消息只能用于服务通知，营销内容会被处罚，直至封禁模板。',
    en: 'This reads like advertising. These messages are for service notices; marketing is punished, up to a ban of the template.',
  },
} as const satisfies Readonly<Record<string, Bilingual>>
