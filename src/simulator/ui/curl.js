// @ts-check
/** Commands for a terminal. They name this address, so they work wherever the page does. */

/**
 * Single quotation marks keep everything but themselves.
 * @param {string} text
 */
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`

/**
 * @param {{ appid: string, secret: string | null }} account
 */
export const tokenCommand = ({ appid, secret }) => {
  const claim = { grant_type: 'client_credential', appid, secret: secret ?? 'SECRET' }
  return (
    `TOKEN=$(curl -s ${location.origin}/cgi-bin/stable_token -d ${quoted(JSON.stringify(claim))} ` +
    `| sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`
  )
}

/**
 * @param {string} path
 * @param {string} body
 */
export const sendCommand = (path, body) =>
  `curl "${location.origin}${path}?access_token=$TOKEN" -d ${quoted(body)}`

/**
 * The next call to template/send is told that today's quota is used up.
 * @param {string} admin
 */
export const faultCommand = (admin) => {
  const rule = { path: '/cgi-bin/message/template/send', errcode: 45009, count: 1 }
  return `curl ${admin}/_sim/faults -d ${quoted(JSON.stringify({ rules: [rule] }))}`
}
