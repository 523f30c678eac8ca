/** Which gateway the CLI speaks to, and with which key. Secrets come from the environment or a file, never from a flag. */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { settings } from '../config.ts'
import { UsageError } from './failure.ts'
import { say } from './say.ts'

export interface Profile {
  /** Origin of the gateway. */
  readonly url: string
  readonly keyId: string
  readonly keySecret: string
  /** Of a simulator that runs beside the gateway, as `hongyan dev` has it: where it listens. */
  readonly simulators: readonly string[]
}

type Environment = Readonly<Record<string, string | undefined>>

interface KeyFile {
  readonly gateway?: string
  readonly key_id?: string
  readonly key_secret?: string
  readonly simulator?: string
  readonly simulator_admin?: string
}

/**
 * The key from HONGYAN_KEY_ID and HONGYAN_KEY_SECRET, or else from what `hongyan dev` or `hongyan serve` left
 * in the home. HONGYAN_URL goes before the address that the file names. Throws `UsageError` when there is no key.
 */
export const readProfile = (env: Environment): Profile => {
  const home = homeOf(env)
  const file = keyFile(join(home, 'dev.json')) ?? keyFile(join(home, 'admin.json')) ?? {}
  const url = originOf(
    env.HONGYAN_URL ?? file.gateway ?? `http://${env.HONGYAN_HTTP ?? settings.http.fallback}`,
  )
  const key = keyOf(env) ?? keyIn(file)
  if (!key)
    throw new UsageError(
      say(
        `不知道用哪个密钥：环境变量里没有，${home} 里也没有`,
        `There is no key, neither in the environment nor in ${home}`,
      ),
      say(
        '在运行网关的目录里执行（或设置 HONGYAN_HOME），或设置 HONGYAN_URL、HONGYAN_KEY_ID 和 HONGYAN_KEY_SECRET；还没有网关时先运行 npm start。',
        'Run this where the gateway runs (or set HONGYAN_HOME), or set HONGYAN_URL, HONGYAN_KEY_ID and HONGYAN_KEY_SECRET. Without a gateway, begin with npm start.',
      ),
    )
  const simulators = [file.simulator, file.simulator_admin].filter((each) => each !== undefined)
  return { url, ...key, simulators }
}

export const homeOf = (env: Environment): string => resolve(env[settings.home.env] ?? settings.home.fallback)

const keyOf = (env: Environment): Pick<Profile, 'keyId' | 'keySecret'> | undefined => {
  const { HONGYAN_KEY_ID: keyId, HONGYAN_KEY_SECRET_FILE: file } = env
  const keySecret = file === undefined ? env.HONGYAN_KEY_SECRET : readSecret(file)
  if (keyId && keySecret) return { keyId, keySecret }
  if (!keyId && !keySecret) return undefined
  const missing = keyId ? 'HONGYAN_KEY_SECRET' : 'HONGYAN_KEY_ID'
  throw new UsageError(
    say(`只有半个密钥：缺少 ${missing}`, `That is half a key: ${missing} is missing`),
    say(`设置 ${missing}，或两个都不设置。`, `Set ${missing}, or neither of the two.`),
  )
}

const keyIn = ({ key_id: keyId, key_secret: keySecret }: KeyFile) =>
  keyId && keySecret ? { keyId, keySecret } : undefined

/** A secret kept in a file of its own. */
export const readSecret = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new UsageError(
      say(`无法读取密钥文件：${file}`, `The file of the secret cannot be read: ${file}`),
      (error as Error).message,
    )
  }
}

const keyFile = (file: string): KeyFile | undefined => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new UsageError(say(`无法读取 ${file}`, `${file} cannot be read`), (error as Error).message)
  }
  try {
    return JSON.parse(text) as KeyFile
  } catch {
    throw new UsageError(
      say(`${file} 不是 JSON`, `${file} is not JSON`),
      say('删掉它，再启动一次网关。', 'Remove it and start the gateway once more.'),
    )
  }
}

const originOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.origin
  throw new UsageError(
    say(`网关地址不对：${text}`, `This is not the address of a gateway: ${text}`),
    say('写成 http://127.0.0.1:8080 这样。', 'Write it like http://127.0.0.1:8080.'),
  )
}
