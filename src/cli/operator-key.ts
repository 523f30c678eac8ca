import type { AccessKey, Directory } from '../directory.ts'

/** The key of whoever runs the installation, which may do everything. Adds what it lacks. */
export const asOperator = async (key: AccessKey, directory: Directory): Promise<AccessKey> => {
  if (key.scopes.includes('operator')) return key
  const operator: AccessKey = { ...key, scopes: [...key.scopes, 'operator'] }
  await directory.putKey(operator)
  return operator
}
