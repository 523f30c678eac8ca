import { suite, type TestContext, test } from 'node:test'
import type { KnownTemplate } from '../src/directory.ts'
import { mergeDeclared, mergeSync, usedCounts } from '../src/template-sync.ts'

const day = 24 * 3_600_000
const now = 100 * day
const known: KnownTemplate = {
  templateId: 'tpl-1',
  alias: 'order',
  title: '订单',
  content: 'A:{{thing1.DATA}}',
  names: { goods: 'thing1' },
  whenNoGrant: 'park',
  shorten: true,
  version: 3,
  syncedAt: 1,
}

const merge = (
  templates: readonly KnownTemplate[],
  listed: Parameters<typeof mergeSync>[1]['templates'],
  isComplete = true,
) => mergeSync(templates, { templates: listed, isComplete }, now)

const kinds = ({ changes }: ReturnType<typeof mergeSync>) =>
  changes.map(({ kind, template }) => `${kind} ${template.templateId}`)

suite('a list of WeChat comes in', () => {
  test('the same again changes nothing but when it was listed', (t: TestContext) => {
    const merged = merge([known], [{ templateId: 'tpl-1', title: '订单', content: known.content! }])
    t.assert.deepEqual(merged, { templates: [{ ...known, syncedAt: now }], changes: [] })
  })

  test('another text is another version, and the tenant’s settings stay', (t: TestContext) => {
    const merged = merge([known], [{ templateId: 'tpl-1', title: '订货', content: 'A:{{phrase1.DATA}}' }])
    t.assert.deepEqual(merged.templates, [
      {
        ...known,
        title: '订货',
        content: 'A:{{phrase1.DATA}}',
        version: 4,
        syncedAt: now,
        earlier: [{ version: 3, content: known.content!, until: now }],
      },
    ])
    t.assert.deepEqual(kinds(merged), ['changed tpl-1'])
    t.assert.deepEqual(merged.changes[0]!.drift, [
      { kind: 'retyped', label: 'A', from: 'thing1', to: 'phrase1' },
    ])
  })

  test('five earlier texts are kept, newest first', (t: TestContext) => {
    let templates: readonly KnownTemplate[] = [known]
    for (let n = 0; n < 8; n++)
      templates = merge(templates, [{ templateId: 'tpl-1', content: `${n}:{{thing1.DATA}}` }]).templates
    t.assert.deepEqual(
      templates[0]!.earlier!.map(({ version }) => version),
      [10, 9, 8, 7, 6],
    )
    t.assert.equal(templates[0]!.version, 11)
  })

  test('a template that was only declared learns its text without a change', (t: TestContext) => {
    const merged = merge([{ templateId: 'tpl-1', alias: 'order' }], [{ templateId: 'tpl-1', content: 'x' }])
    t.assert.deepEqual(merged.templates, [
      { templateId: 'tpl-1', alias: 'order', content: 'x', version: 1, syncedAt: now },
    ])
    t.assert.deepEqual(merged.changes, [])
  })

  test('a new one is added, one that is gone is marked once, one that is back is not', (t: TestContext) => {
    const gone = merge([known], [{ templateId: 'tpl-2', content: 'B:{{thing1.DATA}}', grants: 'once' }])
    t.assert.deepEqual(gone.templates, [
      { ...known, missingSince: now },
      { templateId: 'tpl-2', content: 'B:{{thing1.DATA}}', grants: 'once', version: 1, syncedAt: now },
    ])
    t.assert.deepEqual(kinds(gone), ['missing tpl-1', 'added tpl-2'])
    t.assert.deepEqual(kinds(merge([{ ...known, missingSince: 5 }], [])), [])
    const back = merge([{ ...known, missingSince: 5 }], [{ templateId: 'tpl-1', content: known.content! }])
    t.assert.deepEqual(kinds(back), ['returned tpl-1'])
    t.assert.equal('missingSince' in back.templates[0]!, false)
  })

  test('a list with a part missing takes nothing away', (t: TestContext) => {
    t.assert.deepEqual(merge([known], [], false), { templates: [known], changes: [] })
  })

  test('words that WeChat does not name any more are not asked for any more', (t: TestContext) => {
    const { templates } = merge(
      [{ ...known, words: { enum1: ['a'] }, grants: 'once' }],
      [{ templateId: 'tpl-1', content: known.content! }],
    )
    t.assert.deepEqual([templates[0]!.words, templates[0]!.grants], [undefined, undefined])
  })

  test('what is gone for a month is forgotten, unless the tenant has said something of it', (t: TestContext) => {
    const { alias: _, names: __, whenNoGrant: ___, shorten: ____, ...plain } = known
    const old = { ...plain, missingSince: now - 30 * day }
    t.assert.deepEqual(kinds(merge([old], [])), ['forgotten tpl-1'])
    t.assert.deepEqual(merge([old], []).templates, [])
    t.assert.equal(merge([{ ...old, alias: 'x' }], []).templates.length, 1)
    t.assert.equal(merge([{ ...old, missingSince: now - 29 * day }], []).templates.length, 1)
  })
})

suite('a tenant declares its templates', () => {
  test('what WeChat has told and the settings stay', (t: TestContext) => {
    const declared = [{ templateId: 'tpl-1', alias: 'new', title: 'mine' }, { templateId: 'tpl-9' }]
    t.assert.deepEqual(mergeDeclared([known], declared), [
      { ...known, alias: 'new' },
      { templateId: 'tpl-9' },
    ])
  })

  test('what WeChat lists stays without its alias, what was only declared goes', (t: TestContext) => {
    const { alias: _, ...plain } = known
    t.assert.deepEqual(mergeDeclared([known, { templateId: 'tpl-2', alias: 'b' }], []), [plain])
  })
})

test('used are those that WeChat lists, each of its kind', (t: TestContext) => {
  const templates: KnownTemplate[] = [
    { templateId: 'a', syncedAt: 1 },
    { templateId: 'b', syncedAt: 1, grants: 'once' },
    { templateId: 'c', syncedAt: 1, missingSince: 2 },
    { templateId: 'd' },
  ]
  t.assert.deepEqual(usedCounts(templates, true), { template: 1, subscribe: 1 })
  t.assert.deepEqual(usedCounts(templates, false), { template: 0, subscribe: 2 })
})
