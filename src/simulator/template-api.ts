/** Templates of official accounts: /cgi-bin/template/*, and what of their messages was stopped. */
import type { Account } from './account.ts'
import { textField } from './call.ts'
import { contentOf, freeKeyword, newTemplateId, templatesAllowed, titleOf, valuesOf } from './library.ts'
import { type Reply, success } from './reply.ts'
import { type Business, type BusinessApi, businessRoute, type Route } from './route.ts'
import type { SimulatedTemplate } from './template.ts'
import type { World } from './world.ts'

/** By path. */
export const templateRoutes = (world: World): [path: string, route: Route][] =>
  apis(world).map((api) => [api.path, businessRoute(world, { kind: 'official', ...api })])

const apis = (world: World): readonly BusinessApi[] => [
  { path: '/cgi-bin/template/api_set_industry', handle: (business) => setIndustry(world, business) },
  {
    path: '/cgi-bin/template/get_industry',
    method: 'GET',
    handle: (business) => getIndustry(world, business),
  },
  { path: '/cgi-bin/template/api_add_template', handle: (business) => addTemplate(world, business) },
  { path: '/cgi-bin/template/get_all_private_template', method: 'GET', handle: listTemplates },
  { path: '/cgi-bin/template/del_private_template', handle: (business) => removeTemplate(world, business) },
  { path: '/wxa/sec/queryblocktmplmsg', handle: (business) => listBlocked(world, business) },
]

/** Codes 1 to 41 (D). Their names are not in our sources. */
const highestIndustry = 41

const isIndustry = (id: unknown): id is string =>
  typeof id === 'string' && /^\d{1,2}$/.test(id) && Number(id) >= 1 && Number(id) <= highestIndustry

/** Once a month; templates of an industry that is left go with it (D). */
const setIndustry = (world: World, { account, json, call }: Business): Reply => {
  const { industry_id1: first, industry_id2: second } = json
  if (!isIndustry(first) || !isIndustry(second)) return world.refuse(40102)
  const before = world.industries.get(account.appid)
  const month = new Date(call.at + 8 * 3_600_000).toISOString().slice(0, 7)
  if (before?.month === month) return world.refuse(43100)
  if (before !== undefined && (before.first !== first || before.second !== second))
    for (const { template_id, industry } of account.templates.list())
      if (industry) world.removeTemplate(account, template_id)
  world.industries.set(account.appid, { first, second, month })
  return success()
}

const getIndustry = (world: World, { account }: Business): Reply => {
  const { first = '1', second = '4' } = world.industries.get(account.appid) ?? {}
  return bare({ primary_industry: industryOf(first), secondary_industry: industryOf(second) })
}

const industryOf = (id: string) => ({ first_class: '行业', second_class: id })

/** A success without an errcode (D). */
const bare = (fields: object): Reply => ({ errcode: 0, body: JSON.stringify(fields) })

const addTemplate = (world: World, { account, json }: Business): Reply => {
  const { refuse } = world
  if (account.flags.templatesForbidden) return refuse(43106)
  if (ownTemplates(account).length >= templatesAllowed) return refuse(45026)
  const shortId = textField(json, 'template_id_short') ?? ''
  const made = /^\d{1,9}$/.test(shortId) ? fromCategory(shortId, json) : fromIndustry(world, shortId)
  if (typeof made === 'number') return refuse(made)
  world.addTemplate(account, made)
  return success({ template_id: made.template_id })
}

/** A template of the category library: its keywords are chosen by name (D). */
const fromCategory = (shortId: string, json: Business['json']): SimulatedTemplate | 40246 => {
  const names = json.keyword_name_list
  if (!Array.isArray(names) || names.length === 0 || names.length > mostKeywords) return 40246
  if (!names.every((name): name is string => typeof name === 'string' && name !== '')) return 40246
  const title = titleOf(shortId)
  const keywords = names.map((name, index) => {
    const known = title?.keywords.find((keyword) => keyword.name === name)
    return known ?? freeKeyword(100 + index, name)
  })
  const { content } = contentOf(keywords)
  return {
    template_id: newTemplateId(),
    title: title?.title ?? `模板 ${shortId}`,
    content,
    example: valuesOf(keywords),
  }
}

const mostKeywords = 5

/** A template of an industry: a historical one, whose fields have no types. */
const fromIndustry = ({ switches }: World, shortId: string): SimulatedTemplate | 40037 | 40247 => {
  if (!/^(OPEN)?TM\d+$/.test(shortId)) return 40037
  if (switches.industryTemplates === 'refuse') return 40247
  const content = '{{first.DATA}}\n编号:{{keyword1.DATA}}\n时间:{{keyword2.DATA}}\n{{remark.DATA}}'
  return { template_id: newTemplateId(), title: `行业模板 ${shortId}`, content, industry: true }
}

const ownTemplates = ({ templates }: Account): readonly SimulatedTemplate[] =>
  templates.list().filter(({ type }) => type === undefined)

const listTemplates = ({ account }: Business): Reply =>
  bare({
    template_list: ownTemplates(account).map(({ template_id, title, content, example = {} }) => ({
      template_id,
      title,
      primary_industry: '行业',
      deputy_industry: '1',
      content,
      example: exampleText(content, example),
    })),
  })

/** The content with its example filled in. */
export const exampleText = (content: string, example: Readonly<Record<string, string>>): string =>
  content.replace(/\{\s?\{\s*(\w+)\.DATA\s*\}\s?\}/g, (_, key: string) => example[key] ?? '')

const removeTemplate = (world: World, { account, json }: Business): Reply => {
  const templateId = textField(json, 'template_id') ?? ''
  const found = account.templates.get(templateId)
  if (found === undefined || found.source.type !== undefined) return world.refuse(40037)
  world.removeTemplate(account, templateId)
  return success()
}

const longestBlockedList = 100

/** Newest last, after `largest_id` (low confidence: the page is inconsistent about the shape). */
const listBlocked = (world: World, { account, json }: Business): Reply => {
  const templateId = textField(json, 'tmpl_msg_id') ?? ''
  const after = typeof json.largest_id === 'number' ? json.largest_id : Number(json.largest_id) || 0
  const limit = typeof json.limit === 'number' ? json.limit : longestBlockedList
  const title = account.templates.get(templateId)?.source.title ?? ''
  const found = [...world.blocked.items()]
    .map((message, index) => ({ ...message, id: index + 1 }))
    .filter((each) => each.appid === account.appid && each.templateId === templateId && each.id > after)
  return success({
    msginfo: found.slice(0, Math.min(limit, longestBlockedList)).map(({ id, content, at, touser }) => ({
      id,
      tmpl_msg_id: templateId,
      title,
      content: JSON.stringify(content),
      send_timestamp: Math.floor(at / 1000),
      openid: touser,
    })),
  })
}
