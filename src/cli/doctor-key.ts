import { join } from 'node:path'
import type { Config } from '../config.ts'
import type { Finding } from './doctor.ts'
import { say } from './say.ts'

type Main = typeof import('../main.ts')

const check = 'master-key'

/** Whether this machine's master key is the one that sealed what is stored; every node needs the same. */
export const masterKeyFinding = (config: Config, sealed: string | undefined, main: Main): Finding => {
  const file = join(config.home, 'master.key')
  const key = config.masterKey ?? main.readPrivateFile(file)
  if (sealed === undefined)
    return {
      check,
      status: 'skipped',
      detail: say('还没有存下的密钥可以核对', 'There is no stored secret yet to try the master key on'),
    }
  const fits = [key, config.formerMasterKey].some(
    (each) => each !== undefined && isKey(each, main) && main.createVault(each).isCurrent(sealed),
  )
  if (fits)
    return {
      check,
      status: 'ok',
      detail: say('主密钥与存下的密钥相符', 'The master key is the one that sealed what is stored'),
    }
  return {
    check,
    status: 'failed',
    detail:
      key === undefined
        ? say(
            `有存下的密钥，但本机没有主密钥（${file}）`,
            `There are stored secrets, and no master key on this machine (${file})`,
          )
        : say('主密钥不是封存这些密钥的那一把', 'The master key is not the one that sealed what is stored'),
    fix: say(
      '所有节点要用同一把：把它复制过来，或用 HONGYAN_MASTER_KEY_FILE 指明；更换中的旧密钥写入 HONGYAN_MASTER_KEY_OLD。',
      'All nodes need the same: copy it here or name its file in HONGYAN_MASTER_KEY_FILE; while it is being replaced, the former one goes into HONGYAN_MASTER_KEY_OLD.',
    ),
  }
}

/** Whether it has the shape of a master key at all. */
const isKey = (text: string, { createVault }: Main): boolean => {
  try {
    createVault(text)
    return true
  } catch {
    return false
  }
}
