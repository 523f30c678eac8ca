import type { FastifyRequest } from 'fastify'
import type { AuditAction } from '../observe.ts'
import type { RouteParts } from './gateway.ts'

/** Puts on record that the caller has changed something. `target` names it, and never holds a secret. */
export const audit = (
  { observer }: Pick<RouteParts, 'observer'>,
  { caller, id: requestId }: FastifyRequest,
  action: AuditAction,
  target: string,
): void => {
  const { tenant, keyId } = caller
  observer.observe({ kind: 'audit', tenant, keyId, action, target, requestId })
}
