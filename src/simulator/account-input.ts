/** Accounts, their flags and their users as people write them: in the admin API and in scenario files. */
import {
  type AccountFlags,
  type Authorization,
  accountFields,
  listFlags,
  type SimulatedAccount,
  trueFalseFlags,
} from './account.ts'
import { BadInput, type Input, needed, readInput, readList, within } from './input.ts'
import { type CallbackTarget, parseTarget, targetFields } from './push-target.ts'
import type { RecipientState } from './recipients.ts'
import type { SimulatedTemplate } from './template.ts'

/** The errcodes that `tokenErrcode` may be: forbidden, or one of the risk controls. */
const tokenErrcodes = [50004, 89501, 89502, 89503, 89504, 89505, 89506, 89507]

/** The flags that are given. `tokenErrcode: 0` takes that flag away. */
export const parseFlags = (value: unknown): AccountFlags => {
  const flags = readInput(value, [...trueFalseFlags, ...listFlags, 'tokenErrcode', 'grants'])
  const parsed: { -readonly [name in keyof AccountFlags]: AccountFlags[name] } = {}
  for (const name of trueFalseFlags) {
    const flag = flags.flag(name)
    if (flag !== undefined) parsed[name] = flag
  }
  for (const name of listFlags) {
    const list = flags.texts(name)
    if (list !== undefined) parsed[name] = list
  }
  const tokenErrcode = flags.choice('tokenErrcode', [0, ...tokenErrcodes])
  if (tokenErrcode !== undefined) parsed.tokenErrcode = tokenErrcode
  const grants = flags.choice('grants', ['boundless', 'counted'] as const)
  if (grants !== undefined) parsed.grants = grants
  return parsed
}

const recipientFields = ['following', 'blocked', 'frozen', 'refuses', 'blocksMessages'] as const

export const recipientKeys = ['appid', 'touser', ...recipientFields]

/** What is given about a user. */
export const recipientChange = (input: Input): Partial<RecipientState> => {
  const change: { -readonly [name in keyof RecipientState]?: RecipientState[name] } = {}
  for (const name of ['following', 'blocked', 'frozen', 'blocksMessages'] as const) {
    const flag = input.flag(name)
    if (flag !== undefined) change[name] = flag
  }
  const refuses = input.texts('refuses')
  if (refuses !== undefined) change.refuses = refuses
  return change
}

/** One account of a scenario. */
export const parseAccount = (value: unknown): SimulatedAccount => {
  const input = readInput(value, accountFields)
  const { flags, callback } = input.given
  return {
    name: input.text('name') ?? needed('appid', input.text('appid')),
    appid: needed('appid', input.text('appid')),
    secret: needed('secret', input.text('secret')),
    kind: needed('kind', input.choice('kind', ['official', 'miniprogram', 'component'] as const)),
    templates: readList('templates', input.given.templates, parseTemplate),
    openids: input.texts('openids') ?? [],
    ...(flags !== undefined && { flags: within('flags', () => parseFlags(flags)) }),
    ...(callback !== undefined && { callback: within('callback', () => parseCallback(callback)) }),
    ...(input.given.authorized !== undefined && {
      authorized: readList('authorized', input.given.authorized, parseAuthorization),
    }),
  }
}

/** As `POST /_sim/callbacks` takes it; the appid is the account's. */
const parseCallback = (value: unknown): CallbackTarget =>
  parseTarget(
    readInput(
      value,
      targetFields.filter((field) => field !== 'appid'),
    ),
    undefined,
  )

const templateFields = ['template_id', 'alias', 'title', 'content', 'example', 'type', 'words', 'industry']

const parseTemplate = (value: unknown): SimulatedTemplate => {
  const input = readInput(value, templateFields)
  const alias = input.text('alias')
  const type = input.choice('type', [2, 3] as const)
  const { example, words } = input.given
  return {
    template_id: needed('template_id', input.text('template_id')),
    title: needed('title', input.text('title')),
    content: needed('content', input.text('content')),
    ...(alias !== undefined && { alias }),
    ...(type !== undefined && { type }),
    ...(example !== undefined && { example: within('example', () => textsByKey(example)) }),
    ...(words !== undefined && { words: within('words', () => listsByKey(words)) }),
    ...(input.flag('industry') && { industry: true }),
  }
}

const textsByKey = (value: unknown): Record<string, string> => {
  const { given, text } = readInput(value, Object.keys(Object(value)))
  return Object.fromEntries(Object.keys(given).map((key) => [key, text(key) ?? '']))
}

const listsByKey = (value: unknown): Record<string, readonly string[]> => {
  const { given, texts } = readInput(value, Object.keys(Object(value)))
  return Object.fromEntries(Object.keys(given).map((key) => [key, texts(key) ?? []]))
}

const parseAuthorization = (value: unknown): Authorization => {
  const input = readInput(value, ['appid', 'funcs'])
  return { appid: needed('appid', input.text('appid')), ...funcsOf(input) }
}

/** The permission sets, if they are given. */
export const funcsOf = ({ given: { funcs } }: Input): Pick<Authorization, 'funcs'> => {
  if (funcs === undefined || funcs === null) return {}
  if (!Array.isArray(funcs) || !funcs.every((func): func is number => Number.isInteger(func)))
    throw new BadInput('funcs must be a list of whole numbers')
  return { funcs }
}
