/**
 * What WeChat lets stand in the fields of a template.
 *
 * A key such as `thing1` is a type (`thing`) and an index. WeChat checks the value against its type
 * and answers 47003 when it does not fit. Keys of historical templates (`first`, `keyword1`,
 * `remark`, any other name) have no type and are never checked.
 *
 * Sources: the official parameter tables of subscribe messages and of category templates for the
 * limits (D); the expressions, and everything about `short_thing`, are ours (I). The unit in which
 * WeChat counts a length is not documented, so it is an option.
 */

export type FieldType =
  | 'thing'
  | 'short_thing'
  | 'number'
  | 'letter'
  | 'symbol'
  | 'character_string'
  | 'time'
  | 'date'
  | 'amount'
  | 'phone_number'
  | 'car_number'
  | 'name'
  | 'phrase'
  | 'const'
  | 'enum'
  | 'enum_string'

/** How a length is counted: `😀` is one code point and two UTF-16 units. */
export type LengthUnit = 'code-point' | 'utf16'

export interface FieldOptions {
  /** Default `code-point` (I). */
  readonly lengthUnit?: LengthUnit
  /** The approved words of a `const`, `enum` or `enum_string` field. Without them any word will do. */
  readonly allowed?: readonly string[]
}

/** `empty`: nothing there · `too-long`: over the limit · `malformed`: a character or form the type does not know · `not-allowed`: not one of the approved words. */
export type FieldReason = 'empty' | 'too-long' | 'malformed' | 'not-allowed'

export interface FieldRule {
  /** The official wording, shortened. */
  readonly rule: string
  /** The longest value, in `unit`. */
  readonly limit: number
  readonly unit: 'characters' | 'digits'
  /** What a value consists of, its length apart. */
  readonly form: (value: string) => boolean
  /** The limit for this very value, where it is not `limit`. */
  readonly limitFor?: (value: string) => number
  /** Whether an empty value passes. */
  readonly mayBeEmpty?: true
  readonly good: readonly string[]
  readonly bad: readonly string[]
}

const matches = (form: RegExp) => (value: string) => form.test(value)

const anyText = matches(/^[^\p{Cc}\u2028\u2029]+$/u)

const han = /\p{Script=Han}/u

const day =
  '(?:\\d{4}年(?:0?[1-9]|1[0-2])月(?:(?:0?[1-9]|[12]\\d|3[01])日)?' +
  '|\\d{4}[-/.](?:0?[1-9]|1[0-2])[-/.](?:0?[1-9]|[12]\\d|3[01])' +
  '|(?:0?[1-9]|1[0-2])月(?:0?[1-9]|[12]\\d|3[01])日)'
const hour = '(?:[01]?\\d|2[0-3]):[0-5]\\d(?::[0-5]\\d)?'
const moment = new RegExp(`^(?:(?<date>${day})(?: (?<time>${hour}))?|(?<only>${hour}))$`)

/** One moment or a range of two, at least one of which has the part asked for. */
const momentWith =
  (part: 'date' | 'time') =>
  (value: string): boolean => {
    const ends = value.split('~')
    if (ends.length > 2) return false
    let found = false
    for (const end of ends) {
      const groups = moment.exec(end.trim())?.groups
      if (groups === undefined) return false
      if (part === 'date' ? groups.date : (groups.time ?? groups.only)) found = true
    }
    return found
  }

const rules: { readonly [type in FieldType]: FieldRule } = {
  thing: {
    rule: 'at most 20 characters: Han, digits, letters, symbols',
    limit: 20,
    unit: 'characters',
    form: anyText,
    good: ['订单已发货', '乌龙茶 250g ×2 (礼盒)'],
    bad: ['一二三四五六七八九十一二三四五六七八九十一', '两\n行'],
  },
  short_thing: {
    rule: 'at most 5 characters (undocumented, seen in real templates)',
    limit: 5,
    unit: 'characters',
    form: anyText,
    good: ['已取消'],
    bad: ['已经取消了吧'],
  },
  number: {
    rule: 'at most 32 digits, decimals allowed',
    limit: 32,
    unit: 'digits',
    form: matches(/^-?\d+(\.\d+)?$/),
    good: ['12.5', '-3', '0'],
    bad: ['12元', '1,000', '.5'],
  },
  letter: {
    rule: 'at most 32 letters',
    limit: 32,
    unit: 'characters',
    form: matches(/^[A-Za-z]+$/),
    good: ['AbC'],
    bad: ['A1', '字'],
  },
  symbol: {
    rule: 'at most 5 symbols',
    limit: 5,
    unit: 'characters',
    form: matches(/^[\p{P}\p{S}]+$/u),
    good: ['#-%'],
    bad: ['a#', '######'],
  },
  character_string: {
    rule: 'at most 32 digits, letters or symbols, no Chinese',
    limit: 32,
    unit: 'characters',
    form: matches(/^[\x20-\x7E]+$/),
    good: ['A-1024', 'SF 1234567890'],
    bad: ['单号1', '123456789012345678901234567890123'],
  },
  time: {
    rule: '24-hour time HH:MM[:SS], a date may precede it, a range is joined by ~',
    limit: 64,
    unit: 'characters',
    form: momentWith('time'),
    good: [
      '15:01',
      '2019年10月1日 15:01',
      '2024-05-01 12:00:00',
      '09:00~11:30',
      '2019年10月1日 15:01 ~ 16:00',
    ],
    bad: ['3pm', '2019年10月1日', '25:00', '9:00~10:00~11:00'],
  },
  date: {
    rule: 'year, month, day (年月日, or joined by - / .), 年月 or 月日; a time may follow, a range is joined by ~',
    limit: 64,
    unit: 'characters',
    form: momentWith('date'),
    good: [
      '2019年10月1日',
      '2019-10-01',
      '2019年10月',
      '10月1日',
      '2019/10/1 15:01',
      '2019.10.01~2019.10.07',
    ],
    bad: ['tomorrow', '15:01', '2019-13-01', '20191001'],
  },
  amount: {
    rule: 'one currency symbol and at most 10 digits, decimals allowed, 元 may end it',
    limit: 16,
    unit: 'characters',
    form: matches(/^\p{Sc}?\d{1,10}(\.\d{1,2})?元?$/u),
    good: ['¥100.5', '100元', '¥8.00', '0'],
    bad: ['一百', '¥12345678901', '1.005', '¥-1'],
  },
  phone_number: {
    rule: 'at most 17 digits and symbols',
    limit: 17,
    unit: 'characters',
    form: matches(/^[\d+\-() ]+$/),
    good: ['+86-0766-66888866', '(010) 12345678'],
    bad: ['电话', '+86-0766-668888660'],
  },
  car_number: {
    rule: 'at most 8, the first and the last may be Han, letters and digits between',
    limit: 8,
    unit: 'characters',
    form: matches(/^[\p{Script=Han}A-Z0-9][A-Z0-9]*[\p{Script=Han}A-Z0-9]$/iu),
    good: ['粤A8Z888挂', '京A12345'],
    bad: ['粤A8Z8888挂', '京A·12345', '粤'],
  },
  name: {
    rule: 'at most 10 Han, or at most 20 letters or symbols; mixed counts as Han',
    limit: 20,
    unit: 'characters',
    limitFor: (value) => (han.test(value) ? 10 : 20),
    form: matches(/^[\p{L}\p{M}\p{P}\p{S} ]+$/u),
    good: ['张三', 'Jean-Luc Picard', '阿凡提·买买提'],
    bad: ['一二三四五六七八九十一', 'Abcdefghijklmnopqrstu', '张三3'],
  },
  phrase: {
    rule: 'at most 5 Han',
    limit: 5,
    unit: 'characters',
    form: matches(/^\p{Script=Han}+$/u),
    good: ['已完成', '待付款'],
    bad: ['OK', '已经完成付款', '完成!'],
  },
  const: {
    rule: 'at most 20 characters, one of the approved words of the template, or nothing',
    limit: 20,
    unit: 'characters',
    form: anyText,
    mayBeEmpty: true,
    good: ['待支付', ''],
    bad: ['一二三四五六七八九十一二三四五六七八九十一'],
  },
  enum: {
    rule: 'one of the values listed for the keyword',
    limit: 64,
    unit: 'characters',
    form: anyText,
    good: ['客厅'],
    bad: [''],
  },
  enum_string: {
    rule: 'one of the values listed for the keyword',
    limit: 64,
    unit: 'characters',
    form: anyText,
    good: ['客厅'],
    bad: [''],
  },
}

/** Every type with its rule, its limit and its examples. */
export const fieldRules: ReadonlyMap<string, FieldRule> = new Map(Object.entries(rules))

const typedKey = /^([a-z_]+?)\d+$/

/** The type of a key (`thing1` → `thing`), or nothing for a key of a historical template. */
export const fieldType = (key: string): FieldType | undefined => {
  const type = typedKey.exec(key)?.[1]
  return type !== undefined && fieldRules.has(type) ? (type as FieldType) : undefined
}

/** Why WeChat would refuse this value under this key, or nothing if it would take it. */
export const checkField = (
  key: string,
  value: string,
  options?: FieldOptions,
): { readonly reason: FieldReason } | undefined => {
  const type = fieldType(key)
  return type === undefined ? undefined : checkValue(type, value, options)
}

/** The same for whoever knows the type already. */
export const checkValue = (
  type: FieldType,
  value: string,
  { lengthUnit = 'code-point', allowed }: FieldOptions = {},
): { readonly reason: FieldReason } | undefined => {
  const rule = rules[type]
  if (value === '') return rule.mayBeEmpty ? undefined : { reason: 'empty' }
  const limit = rule.limitFor?.(value) ?? rule.limit
  if (lengthOver(value, limit, rule.unit, lengthUnit)) return { reason: 'too-long' }
  if (!rule.form(value)) return { reason: 'malformed' }
  return allowed === undefined || allowed.includes(value) ? undefined : { reason: 'not-allowed' }
}

/** A text never has more code points than UTF-16 units, so most values are judged without counting. */
const lengthOver = (
  value: string,
  limit: number,
  unit: FieldRule['unit'],
  lengthUnit: LengthUnit,
): boolean => {
  if (value.length <= limit) return false
  if (unit === 'digits') return value.replace(/\D/g, '').length > limit
  return lengthUnit === 'utf16' || [...value].length > limit
}
