/** What the page is told, as far as it reads it. The other side of `inbox-view.ts` and `ui-routes.ts`. */

export interface Bilingual {
  zh: string
  en: string
}

export interface Row {
  id: number
  at: number
  account: string
  appid: string | null
  touser: string | null
  title: string
  summary: string
  path: string
  errcode: number | null
  fault: string | null
  state: 'accepted' | 'repeat' | 'refused' | 'hidden' | 'lost' | 'unshown'
  tags: string[]
  unread: boolean
}

export interface Counts {
  kept: number
  unread: number
  total: number
}

export interface Listing extends Counts {
  rows: Row[]
  more: boolean
  unreadable: string[]
  after: string
}

export interface Bubble {
  kind: 'card' | 'text' | 'media' | 'menu'
  title: string
  text: string
  media: string
  tail: string
  items: string[]
  rows: { key: string; label: string; value: string }[]
  footer: { kind: 'none' | 'details' | 'miniprogram'; target: string }
}

export interface FieldLine {
  key: string
  label: string
  type: string | null
  value: string
  length: number
  limit: number | null
  unit: 'characters' | 'digits' | null
  result: string
}

export interface Finding {
  level: 'error' | 'warning' | 'hint'
  code: string
  where: string
  text: Bilingual
}

export interface Detail extends Row {
  kind: 'official' | 'miniprogram'
  sandbox: boolean
  msgid: string | null
  template_id: string | null
  template: { title: string; alias?: string } | null
  client_msg_id: string | null
  request: string
  reply: { status: number; body: string } | null
  explain: { cause: Bilingual; next: Bilingual; source: string } | null
  fields: FieldLine[]
  findings: Finding[]
  conversation: { id: number; at: number; bubble: Bubble }[]
}

export interface State {
  admin: string
  keeps: boolean
  offers: string[]
  accounts: { name: string; appid: string; kind: string; secret: string | null }[]
  demo: { appid: string; secret: string; message: Record<string, unknown> } | null
}

export interface Rule {
  id: number
  given: Record<string, unknown>
  hits: number
  spent: boolean
}
