/** The shapes of the API of templates, and of what is said about a message's data. */
import Type, { type Static } from 'typebox'
import { grantPolicies } from '../grants.ts'
import { warningCodes } from '../template-check.ts'
import { lintCodes } from '../template-lint.ts'

const closed = { additionalProperties: false } as const

const oneOf = <const Values extends readonly string[]>(values: Values) =>
  Type.Unsafe<Values[number]>({ type: 'string', enum: values })

const orNull = <Value>(schema: object) => Type.Unsafe<Value | null>(schema)
const NullableText = orNull<string>({ type: ['string', 'null'] })

const AccountName = Type.String({ minLength: 1, maxLength: 64, description: 'Name or appid of the account.' })
const TemplateName = Type.String({ minLength: 1, maxLength: 64, description: 'Template id or alias.' })
const keyPattern = '^[A-Za-z][A-Za-z0-9_]{0,31}$'

/** What WeChat will show otherwise than the caller may think. */
export const Warnings = Type.Array(
  Type.Object({ pointer: Type.String(), code: oneOf(warningCodes), message: Type.String() }),
  { description: 'Only when there are any; in the language of `Accept-Language`.' },
)

const given = Type.Union([Type.String({ maxLength: 2000 }), Type.Number()])

/** Unlike a message's, a value may be empty: to say so is what a check is for. */
const CheckedData = Type.Record(
  Type.String({ pattern: keyPattern }),
  Type.Union([
    given,
    Type.Object({ value: given, color: Type.Optional(Type.String({ maxLength: 16 })) }, closed),
  ]),
  { ...closed, maxProperties: 32 },
)

export const TemplateListQuery = Type.Object(
  { account: Type.Optional(AccountName) },
  { ...closed, title: 'TemplateListQuery' },
)

export const TemplateSettings = Type.Object(
  {
    alias: Type.Optional(
      orNull<string>({
        type: ['string', 'null'],
        minLength: 1,
        maxLength: 64,
        pattern: '^[\\p{L}\\p{N}_.:-]+$',
        description: 'Your name of the template, good wherever its id is.',
      }),
    ),
    names: Type.Optional(
      orNull<Readonly<Record<string, string>>>({
        type: ['object', 'null'],
        propertyNames: { pattern: keyPattern },
        additionalProperties: { type: 'string', pattern: keyPattern },
        maxProperties: 64,
        description: 'Your own names of its keys: `{"order": "character_string1"}`.',
      }),
    ),
    when_no_grant: Type.Optional(
      orNull<(typeof grantPolicies)[number]>({
        enum: [...grantPolicies, null],
        description: 'What to do with a message when the books hold no grant for it; `try` by default.',
      }),
    ),
    shorten: Type.Optional(
      orNull<boolean>({
        type: ['boolean', 'null'],
        description: 'Whether free text that is too long is cut where a message does not say.',
      }),
    ),
  },
  { ...closed, title: 'TemplateSettings' },
)
export type TemplateSettings = Static<typeof TemplateSettings>

export const SyncInput = Type.Object({ account: AccountName }, { ...closed, title: 'TemplateSyncInput' })

export const PreviewInput = Type.Object(
  {
    account: AccountName,
    template_id: TemplateName,
    data: CheckedData,
    shorten: Type.Optional(Type.Boolean()),
  },
  { ...closed, title: 'TemplatePreviewInput' },
)

export const LintInput = Type.Object(
  {
    account: Type.Optional(AccountName),
    template_id: Type.Optional(TemplateName),
    data: Type.Optional(CheckedData),
  },
  { ...closed, title: 'TemplateLintInput' },
)

const FieldView = Type.Object({
  key: Type.String(),
  label: Type.String(),
  type: NullableText,
  rule: NullableText,
  name: NullableText,
  words: Type.Optional(Type.Array(Type.String())),
})

const DriftView = Type.Object({ kind: Type.String() }, { additionalProperties: true })

export const TemplateView = Type.Object(
  {
    account: Type.String(),
    appid: Type.String(),
    template_id: Type.String(),
    alias: NullableText,
    title: NullableText,
    content: Type.Unsafe<string | null>({
      type: ['string', 'null'],
      description: 'WeChat’s text of it; null until it has been synchronised.',
    }),
    fields: Type.Array(FieldView),
    example: NullableText,
    grants: Type.Unsafe<'once' | 'lasting' | null>({ enum: ['once', 'lasting', null] }),
    names: Type.Record(Type.String(), Type.String()),
    when_no_grant: oneOf(grantPolicies),
    shorten: Type.Boolean(),
    version: Type.Integer({ description: 'Counts the texts seen; 0 before the first.' }),
    synced_at: NullableText,
    missing_since: NullableText,
    earlier: Type.Array(
      Type.Object({
        version: Type.Integer(),
        content: Type.String(),
        until: Type.String(),
        drift: Type.Array(DriftView, { description: 'What was changed after it.' }),
      }),
      { description: 'Earlier texts, newest first, at most five.' },
    ),
  },
  { title: 'Template' },
)
export type TemplateView = Static<typeof TemplateView>

const Used = Type.Object({ template: Type.Integer(), subscribe: Type.Integer() })

export const TemplateList = Type.Object(
  {
    data: Type.Array(TemplateView),
    accounts: Type.Array(
      Type.Object({
        account: Type.String(),
        appid: Type.String(),
        used: Used,
        limit: Type.Integer({ description: 'How many WeChat allows of each of the two kinds.' }),
        synced_at: NullableText,
      }),
    ),
  },
  { title: 'TemplateList' },
)

export const SyncView = Type.Object(
  {
    account: Type.String(),
    appid: Type.String(),
    listed: Type.Integer(),
    changes: Type.Array(
      Type.Object({
        kind: oneOf(['added', 'changed', 'missing', 'returned', 'forgotten']),
        template_id: Type.String(),
        alias: NullableText,
        title: NullableText,
        drift: Type.Array(DriftView),
      }),
    ),
    failures: Type.Array(
      Type.Object({
        family: oneOf(['template', 'subscribe']),
        errcode: orNull<number>({ type: ['integer', 'null'] }),
        error: Type.String(),
      }),
      { description: 'Lists that WeChat did not give, often because the account has no such templates.' },
    ),
  },
  { title: 'TemplateSync' },
)
export type SyncView = Static<typeof SyncView>

const Fault = Type.Object({ pointer: Type.String(), code: Type.String(), message: Type.String() })

export const PreviewView = Type.Object(
  {
    lines: Type.Array(Type.Object({ label: Type.String(), value: Type.String() }), {
      description: 'What the user sees below the title.',
    }),
    warnings: Warnings,
    faults: Type.Array(Fault, { description: 'Why the message would be refused; empty when it would not.' }),
  },
  { title: 'TemplatePreview' },
)

export const LintView = Type.Object(
  {
    templates: Type.Integer({ description: 'How many were looked at.' }),
    findings: Type.Array(
      Type.Object({
        account: Type.String(),
        template_id: Type.String(),
        alias: NullableText,
        severity: oneOf(['error', 'warning']),
        code: Type.Unsafe<string>({ type: 'string', examples: [...lintCodes, ...warningCodes] }),
        pointer: Type.String(),
        message: Type.String(),
      }),
    ),
  },
  { title: 'TemplateLint' },
)
