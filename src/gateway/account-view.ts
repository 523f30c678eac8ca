import type { Account } from '../directory.ts'
import { timeText } from './view.ts'

/** An account as it may be seen: of every secret the end, and of an address no query, which may hold one. */
export const accountView = (account: Account) => {
  const { name, appid, kind, tokenApi, secret, tokenEndpoint, authorizedBy, callback, limits } = account
  return {
    name,
    appid,
    kind,
    token_api: tokenApi,
    secret_ends_with: endOf(secret),
    token_endpoint: tokenEndpoint
      ? {
          url: withoutQuery(tokenEndpoint.url),
          authorization_ends_with:
            tokenEndpoint.authorization === undefined ? null : endOf(tokenEndpoint.authorization),
        }
      : null,
    component: authorizedBy?.component ?? null,
    refresh_token_ends_with: authorizedBy?.refreshToken ? endOf(authorizedBy.refreshToken) : null,
    ticket_at: account.componentTicket ? timeText(account.componentTicket.at) : null,
    url: account.url === undefined ? null : withoutQuery(account.url),
    callback: callback
      ? {
          mode: callback.mode,
          token_ends_with: endOf(callback.token),
          aes_keys_end_with: callback.aesKeys.map(endOf),
        }
      : null,
    grants_from: account.grantsFrom ?? null,
    limits: limits
      ? {
          daily: limits.daily ?? null,
          per_minute: limits.perMinute ?? null,
          urgent_share: limits.urgentShare ?? null,
        }
      : null,
    templates: account.templates.map(({ templateId, alias = null, title = null }) => ({
      template_id: templateId,
      alias,
      title,
    })),
  }
}

/** Four characters, of a secret that is long enough to keep the rest. */
const endOf = (secret: string): string => (secret.length < 8 ? '' : secret.slice(-4))

const withoutQuery = (url: string): string => url.replace(/[?#].*$/s, '')
