/** /cgi-bin/token and /cgi-bin/stable_token. A success carries no errcode (D). */
import { type Account, ipAllowed } from './account.ts'
import { type Call, queryValue, textField } from './call.ts'
import type { Reply } from './reply.ts'
import { notWhitelisted, type Route } from './route.ts'
import type { TokenAnswer } from './tokens.ts'
import type { World } from './world.ts'

export const tokenPath = '/cgi-bin/token'
export const stableTokenPath = '/cgi-bin/stable_token'

export const tokenRoute = (world: World): Route => ({
  method: 'GET',
  handle: (call) => {
    const account = claimant(world, {
      grantType: queryValue(call.search, 'grant_type'),
      appid: queryValue(call.search, 'appid'),
      secret: queryValue(call.search, 'secret'),
      clientIp: call.clientIp,
    })
    if (!isAccount(account)) return account
    return metered(world, account, tokenPath, () => answerOf(world.tokens.renew(account.appid)))
  },
})

export const stableTokenRoute = (world: World): Route => ({
  method: 'POST',
  handle: (call) => {
    const { json } = call
    if (typeof json === 'number') return world.refuse(json)
    const account = claimant(world, stableClaim(call))
    if (!isAccount(account)) return account
    return metered(world, account, stableTokenPath, () => {
      const forced = json.force_refresh === true
      const answer = forced ? world.tokens.force(account.appid) : world.tokens.stable(account.appid)
      return typeof answer === 'number' ? world.refuse(answer) : answerOf(answer)
    })
  },
})

interface Claim {
  readonly grantType: string | undefined
  readonly appid: string | undefined
  readonly secret: string | undefined
  readonly clientIp: () => string
}

const stableClaim = ({ json, clientIp }: Call): Claim => ({
  grantType: textField(json, 'grant_type'),
  appid: textField(json, 'appid'),
  secret: textField(json, 'secret'),
  clientIp,
})

/** The account that may have a token, or the refusal. */
export const claimant = (world: World, claim: Claim): Account | Reply => {
  const { refuse, accounts, switches } = world
  if (claim.grantType !== 'client_credential') return refuse(40002)
  if (!claim.appid) return refuse(41002)
  if (!claim.secret) return refuse(41004)
  const account = accounts.get(claim.appid)
  if (account === undefined) return refuse(40013)
  if (account.kind === 'component') return refuse(61024)
  if (!accounts.acceptAny && claim.secret !== account.secret) return refuse(switches.wrongSecretErrcode)
  if (account.flags.secretFrozen) return refuse(40243)
  if (!ipAllowed(account.flags, claim.clientIp)) return refuse(40164, notWhitelisted(claim.clientIp()))
  if (account.flags.frozen) return refuse(50007)
  return account.flags.tokenErrcode ? refuse(account.flags.tokenErrcode) : account
}

export const isAccount = (found: Account | Reply): found is Account => 'templates' in found

const answerOf = ({ token, expiresIn }: TokenAnswer): Reply => ({
  errcode: 0,
  body: JSON.stringify({ access_token: token, expires_in: expiresIn }),
})

const metered = (world: World, account: Account, path: string, answer: () => Reply): Reply => {
  const call = { appid: account.appid, path, component: undefined }
  const over = world.quota.refusal(call, world.limitsOf(account))
  if (over !== 0) return world.refuse(over)
  const reply = answer()
  if (reply.errcode === 0 || world.switches.failedCallsCount) world.quota.count(call)
  return reply
}
