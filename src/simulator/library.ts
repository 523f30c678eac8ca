/** The public template library, as far as a play needs one. Its numbers and words are invented. */
import { randomBytes } from 'node:crypto'
import { fieldRules } from '../fields.ts'

export interface Keyword {
  readonly kid: number
  readonly name: string
  readonly example: string
  /** The type of the field. */
  readonly rule: string
  /** The approved words, where the type has them. */
  readonly words?: readonly string[]
}

export interface LibraryTitle {
  readonly tid: number
  readonly title: string
  /** 2 one-time, 3 long-term. */
  readonly type: 2 | 3
  readonly categoryId: number
  readonly keywords: readonly Keyword[]
}

export interface Category {
  readonly id: number
  readonly name: string
}

export const categories: readonly Category[] = [
  { id: 616, name: '线下超市/便利店' },
  { id: 617, name: '餐饮服务场所' },
]

const keyword = (kid: number, name: string, rule: string, example: string): Keyword => ({
  kid,
  name,
  example,
  rule,
})

export const titles: readonly LibraryTitle[] = [
  {
    tid: 401,
    title: '订单发货提醒',
    type: 2,
    categoryId: 616,
    keywords: [
      keyword(1, '订单编号', 'character_string', 'A20260501-1024'),
      keyword(2, '商品名称', 'thing', '武夷山大红袍 250g'),
      keyword(3, '发货时间', 'time', '2026年5月1日 15:01'),
      keyword(4, '订单金额', 'amount', '¥128.50'),
      keyword(5, '收货人', 'name', '张三'),
      keyword(6, '联系电话', 'phone_number', '010-88886666'),
    ],
  },
  {
    tid: 402,
    title: '订单状态提醒',
    type: 2,
    categoryId: 616,
    keywords: [
      keyword(1, '订单编号', 'character_string', 'A20260501-1024'),
      { ...keyword(2, '订单状态', 'enum_string', '待支付'), words: ['待支付', '已支付', '已取消'] },
      keyword(3, '备注', 'thing', '请在 30 分钟内付款'),
    ],
  },
  {
    tid: 503,
    title: '排队到号提醒',
    type: 2,
    categoryId: 617,
    keywords: [
      keyword(1, '门店名称', 'thing', '鸿雁茶馆(西湖店)'),
      keyword(2, '排队号码', 'character_string', 'B032'),
      keyword(3, '前方桌数', 'number', '2'),
    ],
  },
  {
    tid: 504,
    title: '用餐预约通知',
    type: 3,
    categoryId: 617,
    keywords: [
      keyword(1, '预约日期', 'date', '2026年5月8日'),
      keyword(2, '预约状态', 'phrase', '已确认'),
      keyword(3, '温馨提示', 'thing', '请提前十分钟到店'),
    ],
  },
]

export const titleOf = (tid: string): LibraryTitle | undefined =>
  titles.find((title) => String(title.tid) === tid)

/** One line of a content and of its example for each keyword, with the type and the keyword's number as key. */
export const contentOf = (keywords: readonly Keyword[]): { content: string; example: string } => ({
  content: keywords.map(({ name, rule, kid }) => `${name}:{{${rule}${kid}.DATA}}\n`).join(''),
  example: keywords.map(({ name, example }) => `${name}:${example}\n`).join(''),
})

/** Values that pass, by key. */
export const valuesOf = (keywords: readonly Keyword[]): Record<string, string> =>
  Object.fromEntries(keywords.map(({ rule, kid, example }) => [`${rule}${kid}`, example]))

export const wordsOf = (keywords: readonly Keyword[]): Record<string, readonly string[]> =>
  Object.fromEntries(
    keywords.flatMap(({ rule, kid, words }) => (words === undefined ? [] : [[`${rule}${kid}`, words]])),
  )

/** A keyword that somebody named freely: the library does not know it, so any text will do. */
export const freeKeyword = (kid: number, name: string): Keyword =>
  keyword(kid, name, 'thing', fieldRules.get('thing')?.good[0] ?? name)

/** 43 characters, as real ones have. */
export const newTemplateId = (): string => randomBytes(33).toString('base64url').slice(0, 43)

/** As many templates as an account may have, of either family (D). */
export const templatesAllowed = 25
