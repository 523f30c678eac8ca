/** How the texts of settings are read: each answers the value, or throws an error that says what it must be. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import { type Role, roles } from './nodes.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export const address = (text: string): Address => {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (!match || port > 65_535) throw new Error('must be host:port, such as 127.0.0.1:8080')
  return { host: match[1] ?? match[2]!, port }
}

export const whole = (low: number, high: number) => (text: string) => {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= low && value <= high)) throw new Error(`must be a whole number from ${low} to ${high}`)
  return value
}

export const onOff = (text: string): boolean => {
  if (!['on', 'off'].includes(text)) throw new Error('must be on or off')
  return text === 'on'
}

export const origin = (text: string): string => {
  if (!/^https?:\/\/[^/]+\/?$/.test(text))
    throw new Error('must be an origin such as https://api.weixin.qq.com')
  return text.replace(/\/$/, '')
}

/** Nothing: whatever suits the base address. */
export const fallbacks = (text: string): readonly string[] | undefined => {
  if (text === '') return undefined
  if (text === 'off') return []
  const origins = text.split(',').map((each) => origin(each.trim()))
  if (origins.length > 8) throw new Error('must be eight at most')
  return [...new Set(origins)]
}

/** Where queue and records are. */
export type EngineChoice =
  | { readonly kind: 'embedded'; readonly folder: string }
  | {
      readonly kind: 'redis'
      /** Without what stands behind a question mark. */
      readonly url: string
      /** Nothing: as many as the data has. */
      readonly shards: number | undefined
      /** How many replicas must confirm what is accepted. */
      readonly replicas: number
    }

export const engine = (text: string): EngineChoice => {
  const redis = /^((?:rediss?:\/\/[^\s/?,]+(?:\/\d*)?)|(?:redis-cluster:\/\/[^\s/?]+))(?:\?(.*))?$/.exec(text)
  if (redis) return { kind: 'redis', url: redis[1]!, ...redisOptions(redis[2] ?? '') }
  const folder = /^embedded:(.+)$/.exec(text)?.[1]
  if (folder === undefined) throw new Error('must be embedded:<folder> or redis://<host>:<port>')
  return { kind: 'embedded', folder: resolve(folder) }
}

export const postgres = (text: string): string | undefined => {
  if (text !== '' && !/^postgres(?:ql)?:\/\/[^\s/?]+\/[^\s/?]+(?:\?\S*)?$/.test(text))
    throw new Error('must be postgres://<user>:<password>@<host>:<port>/<database>')
  return text === '' ? undefined : text
}

const redisOptions = (text: string) => {
  const { shards, replicas = '0', ...others } = Object.fromEntries(new URLSearchParams(text))
  const [unknown] = Object.keys(others)
  if (unknown !== undefined)
    throw new Error(`takes shards and replicas behind the question mark, not ${unknown}`)
  return {
    shards: shards === undefined ? undefined : whole(1, 256)(shards),
    replicas: whole(0, 5)(replicas),
  }
}

export const hostList = (text: string): readonly string[] => {
  const hosts = text.split(',').map((host) => host.trim().toLowerCase())
  if (text !== '' && !hosts.every((host) => /^[a-z0-9.-]+(:\d{1,5})?$/.test(host)))
    throw new Error('must be hosts such as sms.internal or 10.0.0.7:8080, with commas between')
  return hosts.filter((host) => host !== '')
}

export const roleList = (text: string): readonly Role[] => {
  const names = text.split(',').map((name) => name.trim())
  const chosen = roles.filter((role) => names.includes(role))
  if (chosen.length !== names.length)
    throw new Error(`must be ${roles.join(', ')}, or several of them with commas between`)
  return chosen
}

export const nodeName = (text: string): string => {
  if (text === '') return `${hostname()}-${process.pid}`
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(text))
    throw new Error('must be 1 to 64 letters, digits, dots, underscores and hyphens')
  return text
}

export const oneOf =
  <const Value extends string>(values: readonly Value[]) =>
  (text: string): Value => {
    const value = values.find((each) => each === text)
    if (value === undefined) throw new Error(`must be ${values.slice(0, -1).join(', ')} or ${values.at(-1)}`)
    return value
  }
