import { join } from 'node:path'
import type { DirectoryRecords } from '../directory-records.ts'
import { newMasterKey } from '../vault.ts'
import { claimPrivateFile, readPrivateFile } from './private-file.ts'

/**
 * The master key of this home, made on first use. Whoever reads it can open the stored secrets. Throws when it is not
 * there any more although secrets are: a new key would not open them, and would hide that the old one is lost.
 */
export const keptMasterKey = async (
  { home, formerMasterKey }: { readonly home: string; readonly formerMasterKey: string | undefined },
  records: DirectoryRecords,
): Promise<string> => {
  const file = join(home, 'master.key')
  const present = readPrivateFile(file)
  if (present !== undefined) return present
  const sealed = await Promise.all(['key', 'account', 'master-key'].map(records.list))
  if (sealed.flat().length > 0 && formerMasterKey === undefined)
    throw new Error(
      `There are sealed secrets, but the master key is not in ${file}: put it back, or set HONGYAN_MASTER_KEY to the one that other processes have`,
    )
  return claimPrivateFile(file, `${newMasterKey()}\n`)
}
