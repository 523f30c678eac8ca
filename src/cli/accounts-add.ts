import { type Command, InvalidArgumentError, Option } from 'commander'
import { clientOf, examples } from './client.ts'
import { UsageError } from './failure.ts'
import { note, print, printJson } from './output.ts'
import { readSecret } from './profile.ts'
import { say } from './say.ts'
import type { NewAccountView } from './views.ts'

/** `accounts add`. Secrets come from files, standard input or the environment: a flag could be seen by others. */
export const addAccountsAdd = (accounts: Command): void => {
  const command = accounts
    .command('add')
    .description(
      say('添加账号，或修改这个 appid 的账号', 'add an account, or change the one with this appid'),
    )
    .requiredOption('--name <name>', say('你给它的名称', 'your name for it'))
    .option('--appid <appid>', say('wx…；webhook 不需要', 'wx…; a webhook has none'))
    .addOption(
      new Option('--kind <kind>', say('种类', 'its kind'))
        .choices(['official', 'miniprogram', 'webhook', 'component'])
        .makeOptionMandatory(),
    )
    .option('--template <id=alias...>', say('模板编号和别名', 'id of a template and an alias for it'))
    .addOption(
      new Option(
        '--secret-file <file>',
        say('密钥（AppSecret）所在的文件', 'file with the secret (AppSecret)'),
      ).conflicts('secretStdin'),
    )
    .option('--secret-stdin', say('从标准输入读密钥', 'read the secret from standard input'))
  addTokenOptions(command)
  addOtherOptions(command)
  command
    .addHelpText(
      'after',
      examples(
        'HONGYAN_ACCOUNT_SECRET=… hongyan accounts add --name shop --appid wx0123456789abcdef --kind official',
        'hongyan accounts add --name shop --appid wx0123456789abcdef --kind official \\\n    --secret-file /run/secrets/shop --template ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY=order-shipped',
        'hongyan accounts add --name shop --appid wx0123456789abcdef --kind official --token-api foreign \\\n    --token-endpoint http://tokens.internal/shop --token-authorization-file /run/secrets/tokens',
        'hongyan accounts add --name sms --kind webhook --url https://sms.example/send',
      ),
    )
    .action(add)
}

const addTokenOptions = (command: Command): void => {
  command
    .addOption(
      new Option('--token-api <api>', say('token 从哪里来', 'where its tokens come from')).choices([
        'stable',
        'plain',
        'foreign',
        'component',
      ]),
    )
    .option(
      '--token-endpoint <url>',
      say('自己的 token 接口（foreign）', 'an endpoint of your own (foreign)'),
    )
    .option(
      '--token-authorization-file <file>',
      say(
        '该接口的 Authorization 头所在的文件，或设 HONGYAN_TOKEN_AUTHORIZATION',
        'file with its Authorization header, or set HONGYAN_TOKEN_AUTHORIZATION',
      ),
    )
    .option(
      '--component <name>',
      say('授权给的第三方平台账号（component）', 'account of the platform it has authorised (component)'),
    )
    .option(
      '--refresh-token-file <file>',
      say(
        'authorizer_refresh_token 所在的文件，或设 HONGYAN_REFRESH_TOKEN',
        'file with the authorizer_refresh_token, or set HONGYAN_REFRESH_TOKEN',
      ),
    )
}

const addOtherOptions = (command: Command): void => {
  command
    .option('--url <url>', say('webhook 的地址', 'where a webhook posts to'))
    .addOption(
      new Option(
        '--callback-mode <mode>',
        say('消息推送的加密方式', 'how WeChat encrypts its events'),
      ).choices(['plain', 'compat', 'safe']),
    )
    .option(
      '--callback-token-file <file>',
      say('消息推送 Token 所在的文件', 'file with the Token of the events'),
    )
    .option(
      '--callback-key-file <file...>',
      say('EncodingAESKey 所在的文件，新的在前', 'files with the EncodingAESKeys, newest first'),
    )
    .addOption(
      new Option('--grants-from <source>', say('授权次数以谁为准', 'whose word counts for grants')).choices([
        'events',
        'reports',
      ]),
    )
    .option('--limit-daily <n>', say('每天每个接口的次数', 'calls a day and API'), numberOf)
    .option('--limit-per-minute <n>', say('每分钟每个接口的次数', 'calls a minute and API'), numberOf)
    .option(
      '--urgent-share <share>',
      say('只留给紧急消息的比例', 'share for urgent messages, 0 to 1'),
      numberOf,
    )
}

interface AddOptions {
  readonly name: string
  readonly appid?: string
  readonly kind: string
  readonly tokenApi?: string
  readonly tokenEndpoint?: string
  readonly tokenAuthorizationFile?: string
  readonly component?: string
  readonly refreshTokenFile?: string
  readonly url?: string
  readonly callbackMode?: string
  readonly callbackTokenFile?: string
  readonly callbackKeyFile?: readonly string[]
  readonly grantsFrom?: string
  readonly limitDaily?: number
  readonly limitPerMinute?: number
  readonly urgentShare?: number
  readonly template?: readonly string[]
  readonly secretFile?: string
  readonly secretStdin?: true
}

const add = async (options: AddOptions, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const account = (await api.post('/v1/accounts', await bodyOf(options))) as NewAccountView
  if (json) printJson(account)
  else print([account.name, account.appid, account.kind, `…${account.secret_ends_with}`].join('\t'))
  if (account.secret === undefined) return
  if (!json) print(`secret\t${account.secret}`)
  note(say('请现在保存：密钥不会再次显示。', 'Keep it now: the secret is not shown again.'))
}

/** Fields that have no value are left out of the JSON. */
const bodyOf = async (options: AddOptions): Promise<object> => ({
  name: options.name,
  appid: options.appid,
  kind: options.kind,
  secret: await secretOf(options),
  token_api: options.tokenApi,
  token_endpoint: endpointOf(options),
  component: options.component,
  refresh_token:
    options.component === undefined
      ? undefined
      : fromFile(options.refreshTokenFile, process.env.HONGYAN_REFRESH_TOKEN),
  url: options.url,
  callback: callbackOf(options),
  grants_from: options.grantsFrom,
  limits: limitsOf(options),
  templates: options.template?.map(templateOf),
})

const fromFile = (file: string | undefined, otherwise: string | undefined): string | undefined =>
  file === undefined ? otherwise || undefined : readSecret(file)

const endpointOf = ({ tokenEndpoint, tokenAuthorizationFile }: AddOptions) =>
  tokenEndpoint === undefined
    ? undefined
    : {
        url: tokenEndpoint,
        authorization: fromFile(tokenAuthorizationFile, process.env.HONGYAN_TOKEN_AUTHORIZATION),
      }

const callbackOf = ({ callbackMode, callbackTokenFile, callbackKeyFile }: AddOptions) => {
  if (callbackMode === undefined && callbackTokenFile === undefined && callbackKeyFile === undefined)
    return undefined
  if (callbackMode === undefined || callbackTokenFile === undefined)
    throw new UsageError(
      say('消息推送的设置不完整', 'The settings of the events are not complete'),
      say(
        '--callback-mode 和 --callback-token-file 要一起给出。',
        'Give --callback-mode and --callback-token-file together.',
      ),
    )
  const aes_keys = callbackKeyFile?.map(readSecret)
  return { token: readSecret(callbackTokenFile), mode: callbackMode, aes_keys }
}

const limitsOf = ({ limitDaily, limitPerMinute, urgentShare }: AddOptions) =>
  limitDaily === undefined && limitPerMinute === undefined && urgentShare === undefined
    ? undefined
    : { daily: limitDaily, per_minute: limitPerMinute, urgent_share: urgentShare }

const numberOf = (text: string): number => {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  throw new InvalidArgumentError(say('要写一个数。', 'It takes a number.'))
}

/** `id=alias`, or an id alone. */
const templateOf = (text: string) => {
  const [template_id, alias] = text.split('=', 2)
  return { template_id, ...(alias && { alias }) }
}

/** A webhook’s is made by the gateway; with `foreign` and `component` WeChat is not asked with it. */
const needsSecret = ({ kind, tokenApi }: AddOptions): boolean =>
  kind === 'component' || (kind !== 'webhook' && tokenApi !== 'foreign' && tokenApi !== 'component')

const secretOf = async (options: AddOptions): Promise<string | undefined> => {
  const { secretFile, secretStdin } = options
  const fromEnvironment = needsSecret(options) ? process.env.HONGYAN_ACCOUNT_SECRET : undefined
  const secret = secretStdin ? await readStdin() : secretFile ? readSecret(secretFile) : fromEnvironment
  if (secret) return secret
  if (!needsSecret(options)) return undefined
  throw new UsageError(
    say('没有 AppSecret', 'There is no AppSecret'),
    say(
      '设置 HONGYAN_ACCOUNT_SECRET，或用 --secret-file、--secret-stdin；命令行参数会被别人看到，所以不能写在那里。',
      'Set HONGYAN_ACCOUNT_SECRET, or use --secret-file or --secret-stdin; a flag could be seen by others, so there is none.',
    ),
  )
}

const readStdin = async (): Promise<string> => {
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(part)
  return Buffer.concat(parts).toString('utf8').trim()
}
