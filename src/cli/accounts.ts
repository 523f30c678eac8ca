import type { Command } from 'commander'
import { addAccountsAdd } from './accounts-add.ts'
import { clientOf, examples } from './client.ts'
import { exitCodes, print, printJson, printTable } from './output.ts'
import { say } from './say.ts'
import { columnsOf, paint, plain, wrapped } from './terminal.ts'
import type { AccountCheckView, AccountView, FindingView } from './views.ts'

export const addAccounts = (program: Command): void => {
  const accounts = program
    .command('accounts')
    .description(say('公众号与小程序', 'official accounts and mini programs'))
    .addHelpText(
      'after',
      examples('hongyan accounts list', 'hongyan accounts check shop', 'hongyan accounts add --help'),
    )

  accounts
    .command('list')
    .description(say('列出账号', 'show the accounts'))
    .addHelpText('after', examples('hongyan accounts list', 'hongyan accounts list --json'))
    .action(list)

  addAccountsAdd(accounts)

  accounts
    .command('check <name>')
    .description(
      say(
        '向微信核对账号能否发送，并说明怎么修',
        'ask WeChat whether an account can send, and how to mend it',
      ),
    )
    .addHelpText('after', examples('hongyan accounts check shop', 'hongyan accounts check shop --json'))
    .action(check)
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

const check = async (name: string, _options: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const result = (await api.post(`/v1/accounts/${encodeURIComponent(name)}/check`)) as AccountCheckView
  if (json) printJson(result)
  else for (const finding of result.findings) for (const line of linesOf(finding)) print(line)
  if (!result.ok) process.exitCode = exitCodes.failed
}

const marks = {
  ok: ['green', '✔'],
  warning: ['yellow', '!'],
  fault: ['red', '✖'],
  skipped: ['dim', '-'],
} as const

const linesOf = ({ check, level, errcode, about, next }: FindingView): string[] => {
  const columns = columnsOf(process.stdout)
  const [colour, mark] = marks[level]
  const code = errcode === undefined ? '' : ` ${errcode}`
  const what = `${check}${code}${say('：', ': ')}${say(about.zh, about.en)}`
  return [
    ...wrapped(plain(what), columns, '  ', `${paint(colour, mark)} `),
    ...(next ? wrapped(plain(say(next.zh, next.en)), columns, '    ', '  → ') : []),
  ]
}
