/** The data of a template as its caller wrote it, turned into WeChat's form and checked at the door. */

import type { KnownTemplate } from '../directory.ts'
import type { Channel } from '../message.ts'
import {
  type CheckedData,
  checkData,
  type DataFault,
  type DataWarning,
  type GivenData,
} from '../template-check.ts'
import { type Language, Problem, type ProblemCode, type ProblemDetail } from './problems.ts'

export interface DataOptions {
  /** Nothing when we were never told of it. */
  readonly known: KnownTemplate | undefined
  readonly channel: Channel
  readonly shorten: boolean | undefined
}

/** Throws a `Problem` that names every field with a fault. */
export const templateData = (given: GivenData, options: DataOptions): CheckedData => {
  const checked = checkTemplateData(given, options)
  const { faults } = checked
  if (faults.length === 0) return checked
  const errors = faults.slice(0, maxFindings).map((fault) => faultView(fault, 'en'))
  const { code, pointer, message } = errors[0]!
  throw new Problem(code, { detail: `${pointer}: ${message}`, errors })
}

/** The same for whoever wants to know and not to send. */
export const checkTemplateData = (given: GivenData, { known, channel, shorten }: DataOptions): CheckedData =>
  checkData(given, {
    known: listedChannels.has(channel) ? known : undefined,
    shorten,
    folds: channel === 'template',
  })

/** Those whose templates WeChat lists; the others have templates of another kind under ids of their own. */
const listedChannels: ReadonlySet<Channel> = new Set<Channel>(['template', 'subscribe', 'oa_subscribe'])

/** Findings beyond these are not told. */
const maxFindings = 20

export const faultView = ({ key, reason, message }: DataFault, language: Language): ProblemDetail => ({
  pointer: `/data/${key}`,
  code: codeOf(reason),
  message: message[language],
})

const codeOf = (reason: DataFault['reason']): ProblemCode =>
  reason === 'unsafe-number' ? 'type' : 'template-field'

export const warningView = ({ key, code, message }: DataWarning, language: Language) => ({
  pointer: key === '' ? '/template_id' : `/data/${key}`,
  code,
  message: message[language],
})
