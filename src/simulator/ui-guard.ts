/**
 * Who may use the page's own API: the page itself, and a person's tools, but no page from elsewhere.
 *
 * A page elsewhere can make a browser send requests to this machine. It cannot read the answers, because
 * no answer allows another origin, unless it makes its own name point here (DNS rebinding): so only
 * names that cannot be made to point elsewhere are answered. And it must not change anything blindly:
 * so a request that a browser marks as coming from another site is refused.
 */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/** Why the request is refused, or nothing. `ownHost` is what the simulator was told to listen on. */
export const refusalOf = ({ headers, method }: IncomingMessage, ownHost: string): string | undefined => {
  const host = hostname(headers.host ?? '')
  if (!isLoopbackName(host) && isIP(host) === 0 && host !== ownHost)
    return `the page answers to localhost and to IP addresses, not to ${host}`
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return 'another web page must not use this one'
  if (method === 'GET' || method === 'HEAD') return undefined
  if (headers.origin !== undefined && headers.origin !== `http://${headers.host}`)
    return 'another web page must not use this one'
  // A form or an image of another page cannot send this type without asking first, which is never allowed.
  return headers['content-type']?.split(';')[0] === 'application/json'
    ? undefined
    : 'application/json is needed'
}

const isLoopbackName = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost')

/** Without port, and without the brackets of IPv6. */
const hostname = (host: string): string =>
  (/^\[([^\]]*)\]/.exec(host)?.[1] ?? host.replace(/:\d*$/, '')).toLowerCase()
