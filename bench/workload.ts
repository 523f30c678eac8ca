/** The messages that every contestant is given: a shop tells people that their parcel is on its way. */
import type { Account } from '../src/directory.ts'
import type { MessageInput } from '../src/gateway/schemas.ts'

export const tenant = 'bench'

export const account: Account = {
  appid: 'wx0123456789abcdef',
  tenant,
  name: 'shop',
  kind: 'official',
  secret: '0123456789abcdef0123456789abcdef',
  tokenApi: 'stable',
  templates: [],
}

/** Calls to WeChat at once, and with them connections: the same for everybody. */
export const concurrency = 128

const people = 200_000

/** The openid of one of 200,000 people. */
export const openidOf = (n: number): string => `oBench-${(n % people).toString(36).padStart(21, '0')}`

/** The nth message, as a caller writes it. Each has a key of its own, as careful callers give them. */
export const inputOf = (n: number): MessageInput => ({
  account: account.name,
  touser: openidOf(n),
  template_id: 'ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY',
  url: `https://shop.example.com/orders/${n}`,
  client_msg_id: `order-${n}-shipped`,
  data: {
    character_string1: { value: `SF${String(n).padStart(12, '0')}` },
    thing2: { value: '乌龙茶 250g ×2 (礼盒)' },
    time3: { value: '2026-12-01 09:00' },
    phrase4: { value: '已发货' },
  },
})
