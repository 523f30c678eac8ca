import { type ChannelTraits, type CustomerMessageType, customerMessageTypes } from './channel.ts'

interface Payload {
  readonly needed: readonly string[]
  readonly others?: readonly string[]
}

/** What stands in the field of each msgtype (official page on custom/send; `link` and `miniprogrampage` of mini programs). */
const payloads: Readonly<Record<CustomerMessageType, Payload>> = {
  text: { needed: ['content'] },
  image: { needed: ['media_id'] },
  voice: { needed: ['media_id'] },
  video: { needed: ['media_id'], others: ['thumb_media_id', 'title', 'description'] },
  music: { needed: ['musicurl', 'thumb_media_id'], others: ['title', 'description', 'hqmusicurl'] },
  news: { needed: ['articles'] },
  mpnews: { needed: ['media_id'] },
  mpnewsarticle: { needed: ['article_id'] },
  msgmenu: { needed: ['list'], others: ['head_content', 'tail_content'] },
  wxcard: { needed: ['card_id'] },
  miniprogrampage: { needed: ['title', 'pagepath', 'thumb_media_id'], others: ['appid'] },
  link: { needed: ['title', 'url'], others: ['description', 'thumb_url'] },
}

/** Every field that stands under this msgtype. */
export const payloadFields = (type: CustomerMessageType): readonly string[] => {
  const { needed, others = [] } = payloads[type]
  return [...needed, ...others]
}

/**
 * Customer-service messages (`custom/send`), of both kinds of account, free of a template but only inside the window
 * that the recipient's last interaction has opened: 48 hours and 5 messages after a message of theirs, a minute and 3
 * messages after a click on a menu, a follow or a scan; for a mini program a minute and 2 after entering the session.
 */
export const customer: ChannelTraits = {
  path: '/cgi-bin/message/custom/send',
  accountKinds: ['official', 'miniprogram'],
  repeatInDoubt: 'never',
  success: 'nothing',
  grant: 'window',
  oneCallPerRecipient: false,
  fields: ['msgtype', 'customservice', ...customerMessageTypes],
  hasTemplate: false,
  fault(content) {
    const { msgtype } = content
    if (msgtype === undefined)
      return { pointer: '/msgtype', message: `Must be one of: ${customerMessageTypes.join(', ')}` }
    const other = customerMessageTypes.find((type) => type !== msgtype && content[type] !== undefined)
    if (other !== undefined) return { pointer: `/${other}`, message: `The msgtype is ${msgtype}` }
    const payload = content[msgtype]
    if (payload === undefined) return { pointer: `/${msgtype}`, message: `A ${msgtype} message needs it` }
    const { needed } = payloads[msgtype]
    const missing = needed.find((name) => payload[name] === undefined)
    if (missing !== undefined)
      return { pointer: `/${msgtype}/${missing}`, message: `A ${msgtype} message needs it` }
    const known = payloadFields(msgtype)
    const stranger = Object.keys(payload).find((name) => !known.includes(name))
    return stranger === undefined
      ? undefined
      : { pointer: `/${msgtype}/${stranger}`, message: `A ${msgtype} message has: ${known.join(', ')}` }
  },
  body: ({ touser, msgtype, customservice, ...content }) => ({
    touser,
    msgtype,
    [msgtype!]: content[msgtype!],
    customservice,
  }),
}
