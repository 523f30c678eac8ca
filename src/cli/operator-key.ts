import type { AccessKey } from '../directory.ts'

/** The key of whoever runs the installation, which may do everything: with what it lacks, or the same. */
export const asOperator = (key: AccessKey): AccessKey =>
  key.scopes.includes('operator') ? key : { ...key, scopes: [...key.scopes, 'operator'] }
