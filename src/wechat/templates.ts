/**
 * The lists of templates that WeChat keeps for an account. Official accounts have template messages
 * (`get_all_private_template`, whose success carries no errcode) and may have subscribe notices beside them; mini
 * programs have subscribe messages (`gettemplate`). Which lists an account may see is its own matter, so a refusal of
 * one says nothing about the other. All shapes and limits are from the official pages.
 */
import type { Account } from '../directory.ts'
import { errcodeOf } from '../errcodes.ts'
import type { FamilyFailure, ListedTemplate, TemplateFamily, TemplateListing } from '../template-sync.ts'
import type { Answer } from './call.ts'
import type { WechatClient } from './client.ts'
import { parseErrcode, parseErrmsg, parseObject, statusReason } from './reply.ts'
import type { TokenCentre } from './token-centre.ts'

export interface TemplateListParts {
  readonly client: Pick<WechatClient, 'call'>
  readonly tokens: TokenCentre
}

const paths: Readonly<Record<TemplateFamily, string>> = {
  template: '/cgi-bin/template/get_all_private_template',
  subscribe: '/wxaapi/newtmpl/gettemplate',
}

/** Answers that say that the account has no such list: API not granted, not for this kind of account, wrong kind. */
const notItsOwn: ReadonlySet<number> = new Set([48001, 45103, 200100])

type FamilyListing =
  | { readonly kind: 'listed'; readonly templates: readonly ListedTemplate[] }
  | ({ readonly kind: 'failed' } & FamilyFailure)

/** Never rejects. Each list takes at most four calls: for a token, for the list, and for both again. */
export const createTemplateList = ({ client, tokens }: TemplateListParts) => {
  const listFamily = async (appid: string, family: TemplateFamily): Promise<FamilyListing> => {
    const ask = async (token: string): Promise<FamilyListing> => {
      const path = `${paths[family]}?access_token=${encodeURIComponent(token)}`
      return parseTemplateList(family, await client.call({ method: 'GET', path }))
    }
    const first = await tokens.get(appid)
    if (first.kind === 'unavailable') return withoutToken(family, first)
    const listing = await ask(first.token)
    if (!isAboutToken(listing)) return listing
    const second = await tokens.heal(appid, first.token)
    return second.kind === 'unavailable' ? withoutToken(family, second) : ask(second.token)
  }

  return async ({ appid, kind }: Pick<Account, 'appid' | 'kind'>): Promise<TemplateListing> => {
    const listings: FamilyListing[] = []
    // One after the other: the second profits from the token that the first had to ask for.
    for (const family of kind === 'official'
      ? (['template', 'subscribe'] as const)
      : (['subscribe'] as const))
      listings.push(await listFamily(appid, family))
    return joined(listings)
  }
}

const joined = (listings: readonly FamilyListing[]): TemplateListing => {
  const failures: FamilyFailure[] = []
  const templates = new Map<string, ListedTemplate>()
  let hasList = false
  for (const listing of listings) {
    if (listing.kind === 'failed') {
      const { kind: _, ...failure } = listing
      failures.push(failure)
      continue
    }
    hasList = true
    for (const template of listing.templates)
      if (!templates.has(template.templateId)) templates.set(template.templateId, template)
  }
  if (!hasList) return { kind: 'failed', failures }
  const isComplete = failures.every(({ errcode }) => errcode !== undefined && notItsOwn.has(errcode))
  return { kind: 'listed', templates: [...templates.values()], isComplete, failures }
}

const withoutToken = (
  family: TemplateFamily,
  { error, errcode }: { readonly error: string; readonly errcode?: number },
): FamilyListing => ({ kind: 'failed', family, error, ...(errcode !== undefined && { errcode }) })

const isAboutToken = (listing: FamilyListing): boolean =>
  listing.kind === 'failed' && listing.errcode !== undefined && errcodeOf(listing.errcode).action === 'token'

/** What a list says. Whatever comes is a list or a failure; entries that are no templates are left out. */
export const parseTemplateList = (family: TemplateFamily, answer: Answer): FamilyListing => {
  const failed = (error: string, errcode?: number): FamilyListing => ({
    kind: 'failed',
    family,
    error,
    ...(errcode !== undefined && { errcode }),
  })
  if (answer.kind !== 'answered') return failed(answer.error)
  if (answer.status !== 200) return failed(statusReason(answer.status))
  const object = parseObject(answer.body.toString('utf8'))
  if (object === undefined) return failed('junk-reply')
  const errcode = object.errcode === undefined ? 0 : parseErrcode(object.errcode)
  if (errcode === undefined) return failed('junk-reply')
  if (errcode !== 0) return failed(parseErrmsg(object.errmsg).errmsg, errcode)
  const entries = family === 'template' ? object.template_list : object.data
  if (!Array.isArray(entries)) return failed('junk-reply')
  const parse = family === 'template' ? parseOfficial : parseSubscribe
  const templates = entries.slice(0, maxTemplates).flatMap((entry: unknown) => {
    const template = isRecord(entry) ? parse(entry) : undefined
    return template === undefined ? [] : [template]
  })
  return { kind: 'listed', templates }
}

/** Far more than WeChat allows an account, and far longer than its texts are. */
const maxTemplates = 200
const maxTitleChars = 128
const maxTextChars = 8_000
const maxLists = 32
const maxWords = 200
const maxWordChars = 64

type JsonObject = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseOfficial = (entry: JsonObject): ListedTemplate | undefined => partsOf(entry.template_id, entry)

const parseSubscribe = (entry: JsonObject): ListedTemplate | undefined => {
  const parts = partsOf(entry.priTmplId, entry)
  if (parts === undefined) return undefined
  const type = Number(entry.type)
  const grants = type === 2 ? 'once' : type === 3 ? 'lasting' : undefined
  const words = wordsOf(entry.keywordEnumValueList)
  return { ...parts, ...(grants && { grants }), ...(words && { words }) }
}

const templateId = /^[\x21-\x7e]{1,64}$/

const partsOf = (id: unknown, { title, content, example }: JsonObject): ListedTemplate | undefined => {
  if (typeof id !== 'string' || !templateId.test(id)) return undefined
  return {
    templateId: id,
    ...textPart('title', title, maxTitleChars),
    ...textPart('content', content, maxTextChars),
    ...textPart('example', example, maxTextChars),
  }
}

/** A text that is too long is not the template's: half of it would have half of the keys. */
const textPart = (name: 'title' | 'content' | 'example', value: unknown, maxChars: number) =>
  typeof value === 'string' && value.length <= maxChars ? { [name]: value.toWellFormed() } : {}

/** `[{"keywordCode":"enum_string2.DATA","enumValueList":["…"]}]`, by key. */
const wordsOf = (value: unknown): ListedTemplate['words'] => {
  if (!Array.isArray(value)) return undefined
  const words = new Map<string, readonly string[]>()
  for (const entry of value.slice(0, maxLists) as unknown[]) {
    if (!isRecord(entry) || !Array.isArray(entry.enumValueList)) continue
    const key = /^([A-Za-z][A-Za-z0-9_]{0,63})(?:\.DATA)?$/.exec(String(entry.keywordCode))?.[1]
    const list = entry.enumValueList.filter(
      (word: unknown): word is string =>
        typeof word === 'string' && word !== '' && word.length <= maxWordChars,
    )
    // A list that we cannot keep whole would refuse words that WeChat takes.
    if (key === undefined || list.length === 0 || list.length !== entry.enumValueList.length) continue
    if (list.length <= maxWords) words.set(key, list)
  }
  return words.size === 0 ? undefined : Object.fromEntries(words)
}
