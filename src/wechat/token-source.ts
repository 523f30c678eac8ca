/** Where tokens come from: asks the right one of the four, once. */

import type { WechatClient } from './client.ts'
import { sourceOf } from './token.ts'
import { parseTokenAnswer, tokenRequest } from './token-answer.ts'
import type { AskForToken } from './token-centre.ts'

export interface TokenSourceParts {
  readonly client: Pick<WechatClient, 'call'>
  readonly askEndpoint: AskForToken
  readonly askPlatform: AskForToken
  readonly askAsAuthorised: AskForToken
}

export const createTokenSource = (parts: TokenSourceParts): AskForToken => {
  const askWechat = createWechatSource(parts.client)
  return (account, how) => {
    switch (sourceOf(account)) {
      case 'stable':
      case 'plain':
        return askWechat(account, how)
      case 'foreign':
        return parts.askEndpoint(account, how)
      case 'component':
        return parts.askAsAuthorised(account, how)
      case 'platform':
        return parts.askPlatform(account, how)
    }
  }
}

/** WeChat's own two token APIs. */
export const createWechatSource =
  (client: Pick<WechatClient, 'call'>): AskForToken =>
  async (account, { forced }) =>
    parseTokenAnswer(await client.call(tokenRequest(account, forced)))
