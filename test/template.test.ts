import { suite, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { isHistorical, parseTemplate, previewOf, printTemplate, type TemplateField } from '../src/template.ts'

const keysOf = (content: string) => parseTemplate(content).fields.map(({ key }) => key)

suite('the text of a template', () => {
  const cases: readonly [name: string, content: string, fields: readonly TemplateField[]][] = [
    [
      'a category template',
      '会议时间:{{date2.DATA}}\n会议地点:{{thing1.DATA}}\n',
      [
        { label: '会议时间', key: 'date2', type: 'date' },
        { label: '会议地点', key: 'thing1', type: 'thing' },
      ],
    ],
    [
      'a historical template',
      '{{first.DATA}}\n订单号:{{keyword1.DATA}}\n提现:{{withdrawMoney.DATA}}元\n{{remark.DATA}}',
      [
        { label: '', key: 'first' },
        { label: '订单号', key: 'keyword1' },
        { label: '提现', key: 'withdrawMoney', after: '元' },
        { label: '', key: 'remark' },
      ],
    ],
    [
      'blanks between the braces and an old padded key',
      '数量：{ {number01.DATA} }\r\n名称: {{ thing2.DATA }} \r\n',
      [
        { label: '数量', key: 'number01', type: 'number' },
        { label: '名称', key: 'thing2', type: 'thing' },
      ],
    ],
    [
      'several on one line',
      '从{{thing1.DATA}}到{{thing2.DATA}}站',
      [
        { label: '从', key: 'thing1', type: 'thing' },
        { label: '到', key: 'thing2', type: 'thing', after: '站' },
      ],
    ],
    [
      'a colon within a label stays',
      '时间：起:{{time1.DATA}}',
      [{ label: '时间：起', key: 'time1', type: 'time' }],
    ],
    ['no template at all', 'Hello {{name}} {x.DATA} {{a-b.DATA}}', []],
    ['nothing', '', []],
  ]
  for (const [name, content, fields] of cases)
    test(name, (t: TestContext) => t.assert.deepEqual(parseTemplate(content).fields, fields))

  test('a key that stands twice is two fields and one key', (t: TestContext) => {
    const { fields, byKey } = parseTemplate('A:{{thing1.DATA}}\nB:{{thing1.DATA}}')
    t.assert.deepEqual([fields.length, byKey.size, byKey.get('thing1')?.label], [2, 1, 'A'])
  })

  test('hostile texts are read in time', { timeout: 20_000 }, (t: TestContext) => {
    const pieces = [
      '{',
      '{{',
      '{ ',
      ' ',
      ':',
      '：',
      '\n',
      '{{a',
      '{{ a.DATA',
      'a.DATA}} ',
      '{{a.DATA}}',
      '_1',
    ]
    for (const piece of pieces) t.assert.ok(parseTemplate(piece.repeat(100_000)).fields.length <= 100_000)
    t.assert.deepEqual(keysOf(`${'{{ '.repeat(50_000)}{{x.DATA}}${' '.repeat(50_000)}`), ['x'])
  })

  test('whatever the text, it is read without a fault', () => {
    const pieces = fc.constantFrom('{{', '}}', '{ {', '.DATA', 'thing1', ':', '：', '\n', ' ', '鸿')
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 30 }), (parts) => {
        parseTemplate(parts.join(''))
      }),
    )
  })
})

const label = fc
  .stringMatching(/^[\p{L}\p{N}{}:：.\- ]{0,12}$/u)
  .map((text) => text.replace(/[\s:：]+$/u, '').trimStart())
const key = fc.constantFrom('first', 'remark', 'keyword1', 'thing1', 'thing2', 'date3', 'number01', 'Money')
const after = fc.constantFrom('', '元', '}', '{ x')

test('what is printed is read back', (t: TestContext) => {
  fc.assert(
    fc.property(fc.array(fc.tuple(label, key, after), { maxLength: 8 }), (parts) => {
      const content = parts.map(([l, k, a]) => `${l === '' ? '' : `${l}:`}{{${k}.DATA}}${a}\n`).join('')
      const { fields } = parseTemplate(content)
      t.assert.deepEqual(
        fields.map(({ label, key, after = '' }) => [label, key, after]),
        parts,
      )
      t.assert.deepEqual(parseTemplate(printTemplate(fields)).fields, fields)
    }),
  )
})

test('one key without a type makes it a historical template', (t: TestContext) => {
  t.assert.equal(isHistorical(parseTemplate('a:{{keyword1.DATA}}')), true)
  t.assert.equal(isHistorical(parseTemplate('a:{{thing1.DATA}}')), false)
})

suite('the preview', () => {
  const template = parseTemplate(
    '{{first.DATA}}\n单号:{{keyword1.DATA}}\n金额:{{keyword2.DATA}}元\n{{remark.DATA}}',
  )
  const data = {
    first: { value: '您好' },
    keyword1: { value: `${'一二三四五六七八九十'.repeat(2)}又` },
    keyword2: { value: '8\n又一行' },
    remark: { value: '谢谢' },
  }

  test('drops, folds and cuts what WeChat drops, folds and cuts', (t: TestContext) => {
    t.assert.deepEqual(previewOf(template, data, true), [
      { label: '单号', value: `${'一二三四五六七八九十'.repeat(2)}…` },
      { label: '金额', value: '8元' },
    ])
  })

  test('leaves everything as it is where nothing is folded', (t: TestContext) => {
    t.assert.deepEqual(
      previewOf(template, data, false).map(({ value }) => value),
      ['您好', data.keyword1.value, '8\n又一行元', '谢谢'],
    )
  })

  test('a value that is missing is empty, even one that every object has', (t: TestContext) => {
    t.assert.deepEqual(previewOf(parseTemplate('A:{{constructor.DATA}}'), {}, true), [
      { label: 'A', value: '' },
    ])
  })
})
