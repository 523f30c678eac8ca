import { suite, type TestContext, test } from 'node:test'
import type { KnownTemplate } from '../src/directory.ts'
import { type CheckOptions, checkData, type GivenData, templateOf } from '../src/template-check.ts'
import { lintTemplate } from '../src/template-lint.ts'

const order: KnownTemplate = {
  templateId: 'tpl-order',
  content:
    '订单:{{character_string1.DATA}}\n商品:{{thing2.DATA}}\n状态:{{const3.DATA}}\n房间:{{enum4.DATA}}\n',
  words: { enum4: ['客厅', '卧室'] },
  names: { order: 'character_string1', goods: 'thing2', item: 'thing2' },
}
const good = { character_string1: 'A1', thing2: '茶', const3: '待支付', enum4: '客厅' }
const historical: KnownTemplate = {
  templateId: 'tpl-old',
  content: '{{first.DATA}}\n单号:{{keyword1.DATA}}\n说明:{{keyword2.DATA}}\n{{remark.DATA}}',
}

interface Case {
  readonly name: string
  readonly data: GivenData
  readonly options?: Partial<CheckOptions>
  /** `key reason` of each. */
  readonly faults?: readonly string[]
  /** `key code` of each. */
  readonly warnings?: readonly string[]
  /** Values that come out, by WeChat's keys. */
  readonly values?: Readonly<Record<string, string>>
}

const cases: readonly Case[] = [
  { name: 'good data is taken as it is', data: good, values: good },
  {
    name: 'a typed key that is missing is a fault that names it',
    data: { thing2: '茶' },
    faults: ['character_string1 missing', 'enum4 missing'],
    warnings: ['const3 missing-key'],
  },
  {
    name: 'a key that the template does not have is taken with a warning',
    data: { ...good, thing9: 'x'.repeat(100), constructor: 'y' },
    warnings: ['thing9 unknown-key', 'constructor unknown-key'],
    values: { constructor: 'y' },
  },
  {
    name: 'every fault is told, not only the first',
    data: { ...good, character_string1: '单号', thing2: '字'.repeat(21), enum4: '厨房' },
    faults: ['character_string1 malformed', 'thing2 too-long', 'enum4 not-allowed'],
  },
  {
    name: 'the tenant’s own names stand for keys',
    data: { order: 'A1', goods: { value: 3 }, const3: '待支付', enum4: '卧室' },
    values: { character_string1: 'A1', thing2: '3', const3: '待支付', enum4: '卧室' },
  },
  {
    name: 'a fault is told under the name that the caller used',
    data: { order: 'A1', goods: '字'.repeat(21), const3: '', enum4: '客厅' },
    faults: ['goods too-long'],
  },
  {
    name: 'a name beside its key is a fault, whichever comes first',
    data: { order: 'B', ...good },
    faults: ['order given-twice'],
  },
  {
    name: 'two names of one key are a fault',
    data: { order: 'A1', goods: '茶', item: '酒', const3: '', enum4: '客厅' },
    faults: ['item given-twice'],
  },
  {
    name: 'free text is cut when that is asked for, and nothing else is',
    data: { ...good, character_string1: 'A'.repeat(33), thing2: '字'.repeat(21) },
    options: { shorten: true },
    faults: ['character_string1 too-long'],
    warnings: ['thing2 shortened'],
    values: { thing2: `${'字'.repeat(19)}…` },
  },
  {
    name: 'a template can ask for it',
    data: { ...good, thing2: '字'.repeat(21) },
    options: { known: { ...order, shorten: true } },
    warnings: ['thing2 shortened'],
  },
  {
    name: 'and a message can do without',
    data: { ...good, thing2: '字'.repeat(21) },
    options: { known: { ...order, shorten: true }, shorten: false },
    faults: ['thing2 too-long'],
  },
  { name: 'an emoji is doubtful', data: { ...good, thing2: '茶🍵' }, warnings: ['thing2 emoji'] },
  {
    name: 'a number past 2^53 is a fault, and not missing besides',
    data: { ...good, thing2: 2 ** 53 },
    faults: ['thing2 unsafe-number'],
  },
  {
    name: 'what has no effect any more is told',
    data: {
      first: '您好',
      keyword1: { value: '一二三四五六七八九十'.repeat(3), color: '#173177' },
      keyword2: '一\n二',
      remark: '谢谢',
    },
    options: { known: historical },
    warnings: [
      'first retired-part',
      'keyword1 colour',
      'keyword1 folded',
      'keyword2 line-break',
      'remark retired-part',
    ],
  },
  {
    name: 'of a historical template nothing is refused, and first and remark are not missed',
    data: { keyword1: 'x' },
    options: { known: historical },
    warnings: ['keyword2 missing-key'],
  },
  {
    name: 'nothing is dropped or folded but in template messages',
    data: { keyword1: '字'.repeat(30), first: 'x', keyword2: 'a\nb', remark: 'y' },
    options: { known: historical, folds: false },
  },
  {
    name: 'without the text, values are checked by their types and nothing is missing',
    data: { thing1: '字'.repeat(21), whatever: 'x' },
    options: { known: { templateId: 'tpl-new' } },
    faults: ['thing1 too-long'],
  },
  {
    name: 'a template that we were never told of is no fault',
    data: { thing1: 'x' },
    options: { known: undefined },
  },
  {
    name: 'a template that WeChat does not list any more is doubtful',
    data: good,
    options: { known: { ...order, missingSince: 1 } },
    warnings: [' template-missing'],
  },
]

suite('data against its template', () => {
  for (const { name, data, options, faults = [], warnings = [], values = {} } of cases)
    test(name, (t: TestContext) => {
      const checked = checkData(data, { known: order, folds: true, ...options })
      t.assert.deepEqual(
        checked.faults.map(({ key, reason }) => `${key} ${reason}`),
        faults,
      )
      t.assert.deepEqual(
        checked.warnings.map(({ key, code }) => `${key} ${code}`),
        warnings,
      )
      for (const [key, value] of Object.entries(values)) t.assert.equal(checked.data[key]?.value, value)
      for (const { message } of [...checked.faults, ...checked.warnings])
        t.assert.ok(message.zh !== '' && message.en !== '')
    })
})

test('a text is read once for each version of a template', (t: TestContext) => {
  t.assert.equal(templateOf(order), templateOf(order))
  t.assert.notEqual(templateOf(order), templateOf({ ...order }))
})

suite('what is wrong with a template before anything is sent', () => {
  const day = 24 * 3_600_000
  const lints: readonly [name: string, known: KnownTemplate, codes: readonly string[]][] = [
    ['nothing', order, []],
    ['its text is not known', { templateId: 'x' }, [' content-unknown']],
    ['it is gone', { ...order, missingSince: 1 }, [' template-missing']],
    [
      'it is a historical one with parts that are not shown',
      historical,
      [' historical', 'first retired-part', 'remark retired-part'],
    ],
    [
      'a key is of a type we do not know',
      { ...order, content: 'A:{{thing1.DATA}}\nB:{{novel2.DATA}}', names: {} },
      ['novel2 unknown-type'],
    ],
    [
      'a name stands for a key that has gone',
      { ...order, content: 'A:{{thing2.DATA}}' },
      ['order name-unknown'],
    ],
    [
      'its text has changed lately',
      {
        ...order,
        earlier: [{ version: 1, content: '订单:{{character_string1.DATA}}', until: 100 * day }],
      },
      [' drift'],
    ],
    ['a change of long ago is no news', { ...order, earlier: [{ version: 1, content: '', until: day }] }, []],
  ]
  for (const [name, known, codes] of lints)
    test(name, (t: TestContext) =>
      t.assert.deepEqual(
        lintTemplate(known, 110 * day).map(({ key, code }) => `${key} ${code}`),
        codes,
      ),
    )
})
