/** Subscribe templates: /wxaapi/newtmpl/*, used by mini programs and by the notices of official accounts. */
import type { Account } from './account.ts'
import { queryValue, textField } from './call.ts'
import {
  categories,
  contentOf,
  type LibraryTitle,
  newTemplateId,
  templatesAllowed,
  titleOf,
  titles,
  valuesOf,
  wordsOf,
} from './library.ts'
import { type Reply, success } from './reply.ts'
import { type Business, type BusinessApi, businessRoute, type Route } from './route.ts'
import type { SimulatedTemplate } from './template.ts'
import { exampleText } from './template-api.ts'
import type { World } from './world.ts'

/** By path. */
export const newtmplRoutes = (world: World): [path: string, route: Route][] =>
  apis(world).map((api) => [api.path, businessRoute(world, barred(world, api))])

const apis = (world: World): readonly BusinessApi[] => [
  { path: '/wxaapi/newtmpl/getcategory', method: 'GET', handle: () => success({ data: categories }) },
  {
    path: '/wxaapi/newtmpl/getpubtemplatetitles',
    method: 'GET',
    handle: (business) => listTitles(world, business),
  },
  {
    path: '/wxaapi/newtmpl/getpubtemplatekeywords',
    method: 'GET',
    handle: (business) => listKeywords(world, business),
  },
  { path: '/wxaapi/newtmpl/addtemplate', handle: (business) => addTemplate(world, business) },
  { path: '/wxaapi/newtmpl/gettemplate', method: 'GET', handle: listTemplates },
  { path: '/wxaapi/newtmpl/deltemplate', handle: (business) => removeTemplate(world, business) },
]

/** 200011: an account whose subscribe messages are banned manages none. */
const barred = (world: World, api: BusinessApi): BusinessApi => ({
  ...api,
  handle: (business) =>
    business.account.flags.subscribeBanned ? world.refuse(200011) : api.handle(business),
})

/** Both of the list and of `limit` (D). */
const mostTitles = 30

const listTitles = ({ refuse }: World, { call: { search } }: Business): Reply => {
  const ids = (queryValue(search, 'ids') ?? '').split(',').filter(Boolean)
  if (ids.length === 0) return refuse(200018)
  if (!ids.every((id) => categories.some((category) => String(category.id) === id))) return refuse(200019)
  const start = wholeNumber(queryValue(search, 'start') ?? '0')
  const limit = wholeNumber(queryValue(search, 'limit') ?? '30')
  if (start === undefined) return refuse(200016)
  if (limit === undefined || limit < 1 || limit > mostTitles) return refuse(200017)
  const found = titles.filter(({ categoryId }) => ids.includes(String(categoryId)))
  const data = found.slice(start, start + limit).map(({ tid, title, type, categoryId }) => ({
    tid,
    title,
    type,
    categoryId: String(categoryId),
  }))
  return success({ count: found.length, data })
}

const wholeNumber = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined)

const listKeywords = ({ refuse }: World, { call: { search } }: Business): Reply => {
  const title = titleOf(queryValue(search, 'tid') ?? '')
  if (title === undefined) return refuse(200014)
  const data = title.keywords.map(({ kid, name, example, rule }) => ({ kid, name, example, rule }))
  return success({ count: data.length, data })
}

const addTemplate = (world: World, { account, json }: Business): Reply => {
  const { refuse } = world
  if (account.flags.templatesForbidden) return refuse(43106)
  const tid = typeof json.tid === 'number' ? String(json.tid) : (textField(json, 'tid') ?? '')
  const title = titleOf(tid)
  if (title === undefined) return refuse(200014)
  const keywords = chosen(title, json.kidList)
  if (typeof keywords === 'number') return refuse(keywords)
  if (!isSceneDescription(json.sceneDesc)) return refuse(200021)
  if (subscribeTemplates(account).length >= templatesAllowed) return refuse(200012)
  const template: SimulatedTemplate = {
    template_id: newTemplateId(),
    title: title.title,
    content: contentOf(keywords).content,
    example: valuesOf(keywords),
    type: title.type,
    words: wordsOf(keywords),
  }
  world.addTemplate(account, template)
  return success({ priTmplId: template.template_id })
}

/** Two to five keywords of the title, none twice (D). */
const chosen = ({ keywords }: LibraryTitle, list: unknown): LibraryTitle['keywords'] | 200020 | 200022 => {
  if (!Array.isArray(list) || list.length < 2 || list.length > 5) return 200020
  if (new Set(list).size < list.length) return 200022
  const found = list.map((kid) => keywords.find((keyword) => keyword.kid === kid))
  return found.every((keyword) => keyword !== undefined) ? found : 200020
}

const sceneDescriptionLimit = 15

const isSceneDescription = (value: unknown): boolean =>
  value === undefined || (typeof value === 'string' && [...value].length <= sceneDescriptionLimit)

/** Those of a mini program are all of this family. */
const subscribeTemplates = ({ kind, templates }: Account): readonly SimulatedTemplate[] =>
  templates.list().filter(({ type }) => type !== undefined || kind !== 'official')

const listTemplates = ({ account }: Business): Reply =>
  success({
    data: subscribeTemplates(account).map(({ template_id, title, content, example = {}, type, words }) => ({
      priTmplId: template_id,
      title,
      content,
      example: exampleText(content, example),
      type: type ?? 2,
      ...(words && Object.keys(words).length > 0 && { keywordEnumValueList: enumValues(words) }),
    })),
  })

const enumValues = (words: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(words).map(([key, enumValueList]) => ({ keywordCode: `${key}.DATA`, enumValueList }))

const removeTemplate = (world: World, { account, json }: Business): Reply => {
  const templateId = textField(json, 'priTmplId') ?? ''
  if (!subscribeTemplates(account).some(({ template_id }) => template_id === templateId))
    return world.refuse(40037)
  world.removeTemplate(account, templateId)
  return success()
}
