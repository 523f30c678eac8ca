import type { ChannelTraits } from './channel.ts'

const longestTitle = 15
const longestContent = 200

/**
 * One-time subscription messages of official accounts (`template/subscribe`). One grant is one message in one scene,
 * and a second grant for a scene before the first is used does not add up. The answer carries no msgid and no event
 * follows, so the errcode is all we ever learn.
 */
export const oaOnce: ChannelTraits = {
  path: '/cgi-bin/message/template/subscribe',
  accountKinds: ['official'],
  repeatInDoubt: 'never',
  success: 'nothing',
  grant: 'scene',
  oneCallPerRecipient: false,
  fields: ['url', 'miniprogram', 'scene', 'title'],
  hasTemplate: true,
  fault({ scene, title }) {
    if (scene === undefined)
      return { pointer: '/scene', message: 'The channel oa_once needs a scene, 0 to 10000' }
    if (title === undefined) return { pointer: '/title', message: 'The channel oa_once needs a title' }
    if ([...title].length > longestTitle)
      return { pointer: '/title', message: `A title has at most ${longestTitle} characters` }
    return undefined
  },
  body: ({ touser, url, miniprogram, scene, title }, { templateId, data }) => ({
    touser,
    template_id: templateId,
    url,
    miniprogram,
    scene,
    title,
    data,
  }),
}

/** What is wrong with the data of such a message: it has one key, `content`, of so many characters. */
export const contentFault = (
  data: Readonly<Record<string, { readonly value: string }>>,
): string | undefined => {
  const { content, ...rest } = data
  if (content === undefined || Object.keys(rest).length > 0) return 'It has exactly one key, content'
  return [...content.value].length > longestContent
    ? `content has at most ${longestContent} characters`
    : undefined
}
