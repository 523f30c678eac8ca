import { type Command, Option } from 'commander'
import { clientOf, examples } from './client.ts'
import { UsageError } from './failure.ts'
import { print, printJson, printTable } from './output.ts'
import { readSecret } from './profile.ts'
import { say } from './say.ts'
import type { AccountView } from './views.ts'

export const addAccounts = (program: Command): void => {
  const accounts = program
    .command('accounts')
    .description(say('公众号与小程序', 'official accounts and mini programs'))
    .addHelpText('after', examples('hongyan accounts list', 'hongyan accounts add --help'))

  accounts
    .command('list')
    .description(say('列出账号', 'show the accounts'))
    .addHelpText('after', examples('hongyan accounts list', 'hongyan accounts list --json'))
    .action(list)

  accounts
    .command('add')
    .description(
      say('添加账号，或修改这个 appid 的账号', 'add an account, or change the one with this appid'),
    )
    .requiredOption('--name <name>', say('你给它的名称', 'your name for it'))
    .requiredOption('--appid <appid>', 'wx…')
    .addOption(
      new Option('--kind <kind>', say('种类', 'its kind'))
        .choices(['official', 'miniprogram'])
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--token-api <api>', say('取 token 的接口', 'which API gives its token')).choices([
        'stable',
        'plain',
      ]),
    )
    .option('--template <id=alias...>', say('模板编号和别名', 'id of a template and an alias for it'))
    .addOption(
      new Option('--secret-file <file>', say('AppSecret 所在的文件', 'file with the AppSecret')).conflicts(
        'secretStdin',
      ),
    )
    .option('--secret-stdin', say('从标准输入读 AppSecret', 'read the AppSecret from standard input'))
    .addHelpText(
      'after',
      examples(
        'HONGYAN_ACCOUNT_SECRET=… hongyan accounts add --name shop --appid wx0123456789abcdef --kind official',
        'hongyan accounts add --name shop --appid wx0123456789abcdef --kind official \\\n    --secret-file /run/secrets/shop --template ngqIpbwh8bUfcSsECmogfXcV14J0tQlEpBO27izEYtY=order-shipped',
      ),
    )
    .action(add)
}

interface AddOptions {
  readonly name: string
  readonly appid: string
  readonly kind: string
  readonly tokenApi?: string
  readonly template?: readonly string[]
  readonly secretFile?: string
  readonly secretStdin?: true
}

const list = async (_options: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const { data } = (await api.get('/v1/accounts')) as { data: readonly AccountView[] }
  if (json) return printJson(data)
  printTable(
    [say('名称', 'name'), 'appid', say('种类', 'kind'), say('模板', 'templates')],
    data.map(({ name, appid, kind, templates }) => [
      name,
      appid,
      kind,
      templates.map((each) => each.alias ?? each.template_id).join(','),
    ]),
  )
}

const add = async (options: AddOptions, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const account = (await api.post('/v1/accounts', {
    name: options.name,
    appid: options.appid,
    kind: options.kind,
    secret: await secretOf(options),
    ...(options.tokenApi !== undefined && { token_api: options.tokenApi }),
    ...(options.template !== undefined && { templates: options.template.map(templateOf) }),
  })) as AccountView
  if (json) printJson(account)
  else print([account.name, account.appid, account.kind, `…${account.secret_ends_with}`].join('\t'))
}

/** `id=alias`, or an id alone. */
const templateOf = (text: string) => {
  const [template_id, alias] = text.split('=', 2)
  return { template_id, ...(alias && { alias }) }
}

const secretOf = async ({ secretFile, secretStdin }: AddOptions): Promise<string> => {
  const secret = secretStdin
    ? await readStdin()
    : secretFile
      ? readSecret(secretFile)
      : process.env.HONGYAN_ACCOUNT_SECRET
  if (secret) return secret
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
