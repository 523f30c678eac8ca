// Your backend's part: takes the report of a mini program and passes it on to Hongyan, signed.
// 后端：接收小程序的上报，补上登录用户的 openid，签名后转给鸿雁。
//
// The openid comes from your own session, never from the page: otherwise anybody could enter grants for others.
import { createHash, createHmac, randomBytes } from 'node:crypto'

/**
 * `grants`: as the mini program sent them. `openid`: of the logged-in user. `account`: the mini program's name in
 * Hongyan. Resolves with Hongyan's answer, and rejects when it was not taken: let the mini program try again.
 */
export async function forwardGrants({ url, keyId, secret, account, openid, grants }) {
  const items = grants.map(({ template_id, result, report_id }) => ({
    account,
    touser: openid,
    template_id,
    result,
    report_id,
  }))
  const path = '/v1/grants'
  const body = JSON.stringify(items)
  const timestamp = String(Math.floor(Date.now() / 1000))
  const nonce = randomBytes(16).toString('hex')
  const digest = createHash('sha256').update(body).digest('hex')
  const signature = createHmac('sha256', secret)
    .update(`POST\n${path}\n${timestamp}\n${nonce}\n${digest}\n`)
    .digest('base64')
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `HONGYAN-HMAC-SHA256 key_id="${keyId}",timestamp="${timestamp}",nonce="${nonce}",signature="${signature}"`,
    },
    body,
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.code}: ${answer.detail ?? answer.title}`)
  return answer
}
