import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import { authorizationOf } from '../signing.ts'
import { newNonce } from './api.ts'
import { examples, wantsJson } from './client.ts'
import { UsageError } from './failure.ts'
import { print, printJson } from './output.ts'
import { readProfile } from './profile.ts'
import { say } from './say.ts'

export const addSign = (program: Command): void => {
  program
    .command('sign <method> <path>')
    .description(say('为一个请求签名', 'sign a request'))
    .option('--body <text>', say('请求体；@文件 从文件读', 'the body; @file reads it from a file'))
    .option('--curl', say('输出完整的 curl 命令', 'print a whole curl command'))
    .option('--timestamp <seconds>', say('Unix 秒，默认现在', 'Unix seconds, now by default'))
    .option('--nonce <nonce>', say('默认随机', 'at random by default'))
    .addHelpText(
      'after',
      examples(
        "hongyan sign GET '/v1/messages?limit=5' --curl",
        'hongyan sign POST /v1/messages --body @message.json --curl | sh',
      ),
    )
    .action(sign)
}

interface SignOptions {
  readonly body?: string
  readonly curl?: true
  readonly timestamp?: string
  readonly nonce?: string
}

const sign = (methodText: string, path: string, options: SignOptions, command: Command): void => {
  if (!/^\/[\x21-\x7e]*$/.test(path))
    throw new UsageError(
      say(`不是请求路径：${path}`, `This is not the path of a request: ${path}`),
      say(
        '以 / 开头，带查询参数，并且已经过百分号编码。',
        'It begins with /, holds the query, and is percent-encoded already.',
      ),
    )
  const { url, keyId, keySecret } = readProfile(process.env)
  const method = methodText.toUpperCase()
  const timestamp = options.timestamp ?? String(Math.floor(Date.now() / 1000))
  const nonce = options.nonce ?? newNonce()
  const body = bodyOf(options.body)
  const authorization = authorizationOf(keyId, keySecret, {
    method,
    path,
    timestamp,
    nonce,
    body: body ?? '',
  })
  const curl = curlCommand({ method, url: url + path, authorization, body: options.body })
  if (wantsJson(command)) printJson({ method, url: url + path, timestamp, nonce, authorization, curl })
  else print(options.curl ? curl : `Authorization: ${authorization}`)
}

const bodyOf = (text: string | undefined): Uint8Array | string | undefined => {
  if (!text?.startsWith('@')) return text
  const file = text.slice(1)
  try {
    return readFileSync(file)
  } catch (error) {
    throw new UsageError(say(`无法读取 ${file}`, `${file} cannot be read`), (error as Error).message)
  }
}

interface CurlParts {
  readonly method: string
  readonly url: string
  readonly authorization: string
  /** As it was given: curl knows `@file` too. */
  readonly body: string | undefined
}

const curlCommand = ({ method, url, authorization, body }: CurlParts): string =>
  [
    `curl -sS -X ${method} ${quoted(url)}`,
    `-H ${quoted(`Authorization: ${authorization}`)}`,
    ...(body === undefined ? [] : ["-H 'Content-Type: application/json'", `--data-binary ${quoted(body)}`]),
  ].join(' ')

/** For a POSIX shell. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
