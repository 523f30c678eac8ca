import type { Directory } from '../directory.ts'
import { Problem } from './problems.ts'

/** Throws `limit-reached` when a tenant has as many of these as it may. Ask in turn, so that two at once are counted. */
export const checkRoom = (directory: Directory, tenant: string, kind: 'accounts' | 'keys'): void => {
  const limit = directory.tenant(tenant)?.limits?.[kind]
  if (limit !== undefined && directory[kind](tenant).length >= limit)
    throw new Problem('limit-reached', { detail: `This tenant may have ${limit} ${kind}` })
}
