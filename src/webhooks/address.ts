/**
 * Which addresses of tenants we post to. A tenant must not be able to reach what only we can reach: this machine, the
 * network it stands in, the cloud's metadata. The text is checked when it is entered, and what is dialled is checked
 * again at every connection, because a name can be answered with another address then.
 */
import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

export interface WebhookAddresses {
  /** What is wrong with this address, as a sentence; nothing when it may be used. */
  fault(url: string): string | undefined
  /** For connections: resolves a name, and refuses it when any of its addresses is out of bounds. */
  readonly lookup: LookupFunction
}

/** What a connection fails with when its address is out of bounds. */
export const blockedAddress = 'ERR_BLOCKED_ADDRESS'

/** `exempt`: hosts of the operator's own network, `host` or `host:port`, that may be used all the same. */
export const createWebhookAddresses = (exempt: readonly string[]): WebhookAddresses => {
  const isExempt = (host: string, port?: string) =>
    exempt.includes(host) || (port !== undefined && exempt.includes(`${host}:${port}`))
  const exemptHosts = new Set(exempt.map((entry) => entry.replace(/:\d+$/, '')))

  const fault = (text: string): string | undefined => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    if (url === undefined || /[\s\\]/.test(text)) return 'It is not a web address'
    const { protocol, hostname, port, username, password } = url
    if (protocol !== 'https:' && protocol !== 'http:') return 'It must begin with https://'
    if (username !== '' || password !== '') return 'It must not hold a user name or password'
    const host = hostname.replace(/\.$/, '').replace(/^\[|\]$/g, '')
    if (isExempt(host, port || (protocol === 'https:' ? '443' : '80'))) return undefined
    if (protocol !== 'https:') return 'It must begin with https://'
    if (port !== '' && port !== '443') return 'Its port must be 443'
    if (isIP(host) !== 0) return isBlocked(host) ? 'It leads into a private network' : undefined
    if (!host.includes('.') || privateNames.test(host)) return 'It leads into a private network'
    return undefined
  }

  const guarded: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      const blocked = addresses.find(({ address }) => isBlocked(address))
      if (blocked && !exemptHosts.has(hostname)) return callback(blockedError(hostname), [])
      if (options.all) return callback(null, addresses)
      const [first] = addresses
      callback(null, first!.address, first!.family)
    })
  }

  return { fault, lookup: guarded }
}

const blockedError = (hostname: string): NodeJS.ErrnoException =>
  Object.assign(new Error(`${hostname} leads into a private network`), { code: blockedAddress })

/** Names that only mean something inside: of this machine, of a network, of clouds. */
const privateNames = /(^|\.)(localhost|local|internal|intranet|lan|home|corp|metadata\.tencentyun\.com)$/i

/** Whether this address is out of bounds. Of an IPv6 address that stands for an IPv4 one, the latter counts too. */
export const isBlocked = (address: string): boolean => {
  const family = isIP(address)
  if (family === 0) return true
  return family === 6 ? blockedV6.check(address, 'ipv6') : blockedV4.check(address, 'ipv4')
}

// Two lists: one would compare IPv4 addresses with the range of those that are mapped into IPv6.
const blockedV4 = new BlockList()
const blockedV6 = new BlockList()
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const)
  blockedV4.addSubnet(network, prefix, 'ipv4')
for (const [network, prefix] of [
  // Everything below ::1:0:0:0, which holds the unspecified, the loopback and IPv4-compatible addresses.
  ['::', 80],
  ['::ffff:0:0', 96],
  ['64:ff9b::', 96],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 32],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const)
  blockedV6.addSubnet(network, prefix, 'ipv6')
