/**
 * Who may still be sent what. Every kind of message but template/send needs a permission that the user
 * gave: per template in a popup (one message each, adding up, or any number where it is long-term), per
 * scene on a page (one, not adding up), by a form or a payment (seven days), or by an interaction, which
 * opens a window for customer messages (all D). One is used up when a message is accepted.
 */

import { windows as documentedWindows } from '../grants.ts'
import type { AccountKind } from './account.ts'

/** What one message needs. */
export type Permission =
  | { readonly kind: 'subscribe'; readonly templateId: string }
  | { readonly kind: 'scene'; readonly templateId: string; readonly scene: string }
  | { readonly kind: 'form'; readonly formId: string }
  | { readonly kind: 'window' }

/** How a permission is given. Times are milliseconds since 1970, simulated. */
export type Grant =
  /** There is none any more for this template. */
  | { readonly kind: 'none'; readonly templateId: string }
  | { readonly kind: 'once'; readonly templateId: string; readonly count: number }
  | { readonly kind: 'lasting'; readonly templateId: string }
  | { readonly kind: 'scene'; readonly templateId: string; readonly scene: string; readonly count: number }
  | {
      readonly kind: 'form' | 'prepay'
      readonly formId: string
      readonly count: number
      readonly expiresAt: number
    }
  | {
      readonly kind: 'window'
      readonly what: InteractionKind
      readonly count: number
      readonly expiresAt: number
    }

export const interactionKinds = ['message', 'menu', 'follow', 'scan', 'session'] as const
export type InteractionKind = (typeof interactionKinds)[number]

/** Whose permission. */
export interface Holder {
  readonly appid: string
  readonly touser: string
}

export interface Held extends Holder {
  readonly grant: Grant
}

/** Why there is no permission: 43101 · form ids 41028, 41029 · customer windows 45015, 45047. */
export type GrantErrcode = 43101 | 41028 | 41029 | 45015 | 45047

export interface Grants {
  /** One-time grants add up; anything else takes the place of what has its name. */
  give(holder: Holder, grant: Grant): void
  /** 0, or the errcode of the refusal. */
  check(holder: Holder, permission: Permission, at: number): 0 | GrantErrcode
  /** A message was accepted. */
  use(holder: Holder, permission: Permission, at: number): void
  /** What is not used up or over. */
  list(at: number, wanted?: Partial<Holder>): Held[]
  clear(): void
}

type Window = { readonly count: number; readonly lifeMs: number }

const windows: Readonly<Record<'official' | 'miniprogram', Partial<Record<InteractionKind, Window>>>> =
  documentedWindows

/** What this opens with an account of this kind, or with one that may use every API. */
export const windowOf = (kind: AccountKind | undefined, what: InteractionKind): Window | undefined => {
  if (kind === 'component') return undefined
  return kind === undefined ? (windows.official[what] ?? windows.miniprogram[what]) : windows[kind][what]
}

/** One grant as it is kept: how much of it is left. */
interface Entry {
  readonly holder: Holder
  readonly grant: Grant
  left: number
}

/** By the name of what is granted. A used-up form id is kept, because it has an errcode of its own. */
type Book = Map<string, Entry>

const nameOf = (grant: Grant): string => {
  switch (grant.kind) {
    case 'once':
    case 'none':
    case 'lasting':
      return `${grant.kind} ${grant.templateId}`
    case 'scene':
      return `scene ${grant.templateId} ${grant.scene}`
    case 'form':
    case 'prepay':
      return `form ${grant.formId}`
    case 'window':
      return `window ${grant.what}`
  }
}

const countOf = (grant: Grant): number => {
  if (grant.kind === 'none') return 0
  return grant.kind === 'lasting' ? Infinity : grant.count
}

const isOver = ({ grant }: Entry, at: number): boolean => 'expiresAt' in grant && at >= grant.expiresAt

export const createGrants = (): Grants => {
  const books = new Map<string, Book>()
  const bookOf = ({ appid, touser }: Holder): Book | undefined => books.get(`${appid} ${touser}`)

  return {
    give: (holder, grant) => {
      const { appid, touser } = holder
      const book: Book = bookOf(holder) ?? new Map()
      books.set(`${appid} ${touser}`, book)
      if (grant.kind === 'none') {
        for (const kind of ['once', 'lasting']) book.delete(`${kind} ${grant.templateId}`)
        return
      }
      const name = nameOf(grant)
      const before = grant.kind === 'once' ? (book.get(name)?.left ?? 0) : 0
      book.set(name, { holder: { appid, touser }, grant, left: before + countOf(grant) })
    },
    check: (holder, permission, at) => {
      const book = bookOf(holder)
      return goodFor(book, permission, at) === undefined ? refusalOf(book, permission, at) : 0
    },
    use: (holder, permission, at) => {
      const entry = goodFor(bookOf(holder), permission, at)
      if (entry !== undefined) entry.left--
    },
    list: (at, wanted = {}) => {
      const held: Held[] = []
      for (const book of books.values())
        for (const entry of book.values()) {
          const { holder, grant, left } = entry
          const asked =
            (wanted.appid ?? holder.appid) === holder.appid &&
            (wanted.touser ?? holder.touser) === holder.touser
          if (!asked || left <= 0 || isOver(entry, at)) continue
          held.push({
            ...holder,
            grant: grant.kind === 'lasting' || grant.kind === 'none' ? grant : { ...grant, count: left },
          })
        }
      return held
    },
    clear: () => books.clear(),
  }
}

/** The grant that the next message uses. */
const goodFor = (book: Book | undefined, permission: Permission, at: number): Entry | undefined => {
  if (book === undefined) return undefined
  for (const name of namesFor(permission)) {
    const entry = book.get(name)
    if (entry !== undefined && entry.left > 0 && !isOver(entry, at)) return entry
  }
  return undefined
}

/** A long-term grant goes first: it costs nothing. A short window goes before the long one, whose messages will still be there. */
const namesFor = (permission: Permission): readonly string[] => {
  switch (permission.kind) {
    case 'subscribe':
      return [`lasting ${permission.templateId}`, `once ${permission.templateId}`]
    case 'scene':
      return [`scene ${permission.templateId} ${permission.scene}`]
    case 'form':
      return [`form ${permission.formId}`]
    case 'window':
      return windowNames
  }
}

const windowNames = ['menu', 'follow', 'scan', 'session', 'message'].map((what) => `window ${what}`)

const refusalOf = (book: Book | undefined, permission: Permission, at: number): GrantErrcode => {
  if (permission.kind === 'subscribe' || permission.kind === 'scene') return 43101
  const open = namesFor(permission).some((name) => {
    const entry = book?.get(name)
    return entry !== undefined && !isOver(entry, at)
  })
  if (permission.kind === 'form') return open ? 41029 : 41028
  return open ? 45047 : 45015
}
