import { type Command, InvalidArgumentError, Option } from 'commander'
import { clientOf, examples } from './client.ts'
import { note, print, printJson, printTable } from './output.ts'
import { say } from './say.ts'

interface GrantView {
  readonly template_id: string | null
  readonly kind: string
  readonly name: string | null
  readonly left: number | null
  readonly reserved: number
  readonly used: number
  readonly expires_at: string | null
}

interface Target {
  readonly account: string
  readonly to: string
  readonly template?: string
}

const target = (command: Command): Command =>
  command
    .requiredOption('--account <account>', say('账号名称或 appid', 'name or appid of the account'))
    .requiredOption('--to <openid>', say('收件人的 openid', 'openid of the recipient'))

export const addGrants = (program: Command): void => {
  const grants = program
    .command('grants')
    .description(say('用户的授权账本', 'the books on what recipients allow'))
    .addHelpText(
      'after',
      examples('hongyan grants show --account mini --to oABC', 'hongyan grants add --help'),
    )

  target(grants.command('show'))
    .description(say('一个用户还有多少授权', 'what the books hold of one recipient'))
    .option('--template <id>', say('只看这个模板', 'only of this template'))
    .addHelpText(
      'after',
      examples(
        'hongyan grants show --account mini --to oABC',
        'hongyan grants show --account mini --to oABC --template queue-turn --json',
      ),
    )
    .action(show)

  target(grants.command('add'))
    .description(say('手工登记授权', 'enter a permission by hand'))
    .requiredOption('--template <id>', say('模板编号或别名', 'id or alias of the template'))
    .addOption(
      new Option('--count <n>', say('增加几次', 'how many more')).argParser(countOf).conflicts('lasting'),
    )
    .option('--lasting', say('长期有效', 'any number: a long-term template'))
    .addHelpText(
      'after',
      examples(
        'hongyan grants add --account mini --to oABC --template queue-turn --count 2',
        'hongyan grants add --account mini --to oABC --template queue-turn --lasting',
      ),
    )
    .action(add)

  target(grants.command('withdraw'))
    .description(say('用户已收回授权', 'the recipient has taken the permission back'))
    .requiredOption('--template <id>', say('模板编号或别名', 'id or alias of the template'))
    .addHelpText(
      'after',
      examples(
        'hongyan grants withdraw --account mini --to oABC --template queue-turn',
        'hongyan grants withdraw --account mini --to oABC --template queue-turn --json',
      ),
    )
    .action((options: Target & { readonly template: string }, command: Command) =>
      enter({ ...targetOf(options), withdraw: true }, command),
    )
}

const show = async ({ account, to, template }: Target, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const query = new URLSearchParams({
    account,
    touser: to,
    ...(template !== undefined && { template_id: template }),
  })
  const { data } = (await api.get(`/v1/grants?${query}`)) as { data: readonly GrantView[] }
  if (json) return printJson(data)
  printTable(
    [
      say('模板', 'template'),
      say('种类', 'kind'),
      say('名称', 'name'),
      say('剩余', 'left'),
      say('占用', 'reserved'),
      say('已用', 'used'),
      say('到期', 'expires'),
    ],
    data.map((grant) => [
      grant.template_id ?? '-',
      grant.kind,
      grant.name ?? '-',
      grant.left === null ? say('不限', 'any') : String(grant.left),
      String(grant.reserved),
      String(grant.used),
      grant.expires_at ?? '-',
    ]),
  )
}

const add = (
  options: Target & { readonly template: string; readonly count?: number; readonly lasting?: true },
  command: Command,
): Promise<void> =>
  enter(
    { ...targetOf(options), ...(options.lasting ? { lasting: true } : { add: options.count ?? 1 }) },
    command,
  )

const targetOf = ({ account, to, template }: Target & { readonly template: string }) => ({
  account,
  touser: to,
  template_id: template,
})

const enter = async (body: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const result = (await api.post('/v1/grants', body)) as { released: number }
  if (json) return printJson(result)
  print(say('已登记', 'entered'))
  if (result.released > 0)
    note(
      say(
        `${result.released} 条等待授权的消息已继续。`,
        `${result.released} message(s) that waited for it go on.`,
      ),
    )
}

const countOf = (text: string): number => {
  const count = Number(text)
  if (/^\d+$/.test(text) && count >= 1 && count <= 1000) return count
  throw new InvalidArgumentError(
    say('必须是 1 到 1000 的整数。', 'It must be a whole number from 1 to 1000.'),
  )
}
