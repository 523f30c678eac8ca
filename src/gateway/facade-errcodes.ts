/** Which errcode of WeChat's stands for which refusal of ours. The texts are those of the one table of errcodes. */
import { errcodeOf } from '../errcodes.ts'
import { Refusal } from './facade-reply.ts'
import { Problem, type ProblemCode } from './problems.ts'

/** The errcode of everything that does not depend on a field. */
const byCode: Readonly<Partial<Record<ProblemCode, number>>> = {
  'rate-limited': 45011,
  'too-large': 45002,
  'encoding-unsupported': 40221,
  'utf8-invalid': 47002,
  'json-malformed': 47001,
  'json-too-deep': 47001,
  'channel-mismatch': 48001,
}

/** The errcode of what is wrong with a field. */
const byField: Readonly<Record<string, number>> = {
  touser: 40003,
  template_id: 40037,
  url: 40039,
  miniprogram: 40166,
  page: 41030,
  scene: 40097,
  title: 40062,
  msgtype: 40008,
  miniprogram_state: 40097,
  lang: 40097,
}

/** Fields whose length has an errcode of its own. */
const sizes: Readonly<Record<string, number>> = { template_id: 40036 }

/** WeChat's system error: a client may repeat it, and with a `client_msg_id` that is safe. */
const busy = -1
const invalidArgs = 40097

/**
 * A refusal of ours as WeChat would put it. What is not in the tables is a fault of ours or of the moment (too much to
 * do, a full disk, an answer in doubt): -1, because that is what a client of WeChat's may repeat.
 */
export const refusalOf = (problem: Problem): Refusal => {
  const known = byCode[problem.code]
  if (known !== undefined) return new Refusal(known)
  const [first] = problem.extras.errors ?? []
  if (first === undefined) return new Refusal(problem.code === 'text-invalid' ? 47001 : busy)
  const [, field = '', key] = first.pointer.split('/')
  if (field === 'data') return dataRefusal(key?.replaceAll('~1', '/').replaceAll('~0', '~'), 'invalid')
  if (first.pointer === '/miniprogram/pagepath') return new Refusal(40165)
  if (first.code === 'value-invalid' && sizes[field] !== undefined) return new Refusal(sizes[field])
  return new Refusal(byField[field] ?? invalidArgs)
}

/** WeChat calls a key of the template that the data lacks an empty one. Nothing when it is another fault. */
export const missingKey = (error: unknown, data: unknown): Refusal | undefined => {
  const pointer = error instanceof Problem ? error.extras.errors?.[0]?.pointer : undefined
  const key = pointer?.startsWith('/data/') ? pointer.slice('/data/'.length) : undefined
  if (key === undefined || key.includes('/') || key.includes('~')) return undefined
  return Object.hasOwn(data as object, key) ? undefined : dataRefusal(key, 'is empty')
}

/** WeChat cuts the place and the reason after so many characters; all samples seen in the field fit. */
const longestReason = 30

/** 47003 with the key it is about, if there is one: `argument invalid! data.thing1.value invalid`. */
export const dataRefusal = (key: string | undefined, what: 'invalid' | 'is empty'): Refusal => {
  const reason = key === undefined ? `data ${what}` : `data.${key}.value ${what}`
  return new Refusal(47003, `${errcodeOf(47003).errmsg} ${reason.slice(0, longestReason)}`)
}
