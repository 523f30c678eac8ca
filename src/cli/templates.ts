import type { Command } from 'commander'
import type { Api } from './api.ts'
import { ApiFailure } from './api-failure.ts'
import { clientOf, examples } from './client.ts'
import { UsageError } from './failure.ts'
import { templateData } from './message-body.ts'
import { exitCodes, note, print, printJson, printTable } from './output.ts'
import { say } from './say.ts'
import { padded, paint, plain, widthOf } from './terminal.ts'
import type {
  AccountTemplatesView,
  TemplateFindingView,
  TemplatePreviewView,
  TemplateSyncView,
  TemplateView,
  WarningView,
} from './views.ts'

export const addTemplates = (program: Command): void => {
  const templates = program
    .command('templates')
    .description(say('模板：同步、预览、检查', 'templates: synchronise, preview, check'))
    .addHelpText('after', examples('hongyan templates list', 'hongyan templates sync --account shop'))
  addList(templates)
  addSync(templates)
  addPreview(templates)
  addLint(templates)
}

const accountFlag = ['--account <name>', say('账号的名称或 appid', 'name or appid of the account')] as const
const templateFlag = ['--template <id>', say('模板编号或别名', 'id or alias of the template')] as const
const dataFlag = ['--data <key=value...>', say('模板字段', 'the template’s keys')] as const
const dataJsonFlag = [
  '--data-json <json>',
  say('模板字段，写成 JSON 对象', 'the template’s keys as a JSON object'),
] as const

interface DataOptions {
  readonly data?: readonly string[]
  readonly dataJson?: string
}

const addList = (templates: Command): void => {
  templates
    .command('list')
    .description(say('列出模板，以及每个账号用了几个', 'show the templates, and how many each account has'))
    .option(...accountFlag)
    .addHelpText(
      'after',
      examples('hongyan templates list', "hongyan templates list --json | jq -r '.data[].template_id'"),
    )
    .action(list)
}

const list = async ({ account }: { readonly account?: string }, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const query = account === undefined ? '' : `?account=${encodeURIComponent(account)}`
  const found = (await api.get(`/v1/templates${query}`)) as {
    data: readonly TemplateView[]
    accounts: readonly AccountTemplatesView[]
  }
  if (json) return printJson(found)
  printTable(
    [say('账号', 'account'), say('别名', 'alias'), say('标题', 'title'), say('字段', 'keys'), 'id', ''],
    found.data.map((each) => [
      each.account,
      each.alias ?? '-',
      each.title ?? '-',
      each.fields.map(({ key }) => key).join(',') || '-',
      each.template_id,
      each.missing_since === null ? '' : say('微信已不再列出', 'not listed by WeChat any more'),
    ]),
  )
  for (const { account: name, used, limit, synced_at } of found.accounts) {
    const when = synced_at ?? say('从未', 'never')
    note(
      say(
        `${name}：模板消息 ${used.template}/${limit}，订阅消息 ${used.subscribe}/${limit}，上次同步 ${when}`,
        `${name}: ${used.template}/${limit} template, ${used.subscribe}/${limit} subscribe, synchronised ${when}`,
      ),
    )
  }
}

const addSync = (templates: Command): void => {
  templates
    .command('sync')
    .description(say('向微信取回模板列表', 'ask WeChat for the templates'))
    .option(...accountFlag)
    .addHelpText(
      'after',
      `\n${say('不写账号则同步全部。', 'Without an account, all of them.')}\n${examples(
        'hongyan templates sync',
        'hongyan templates sync --account demo-official --json',
      )}`,
    )
    .action(sync)
}

const sync = async ({ account }: { readonly account?: string }, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const syncOne = async (name: string) =>
    (await api.post('/v1/templates/sync', { account: name })) as TemplateSyncView
  const results: TemplateSyncView[] = []
  if (account !== undefined) results.push(await syncOne(account))
  else
    for (const name of await accountsWithTemplates(api)) {
      try {
        results.push(await syncOne(name))
      } catch (error) {
        // Of many, one that WeChat refuses keeps none of the others from being done.
        if (!(error instanceof ApiFailure)) throw error
        process.exitCode = exitCodes.partial
        note(`${name}: ${plain(error.message)}`)
      }
    }
  if (json) return printJson(results)
  for (const { account: name, listed, changes, failures } of results) {
    print([name, say(`共 ${listed} 个`, `${listed} listed`)].join('\t'))
    for (const { kind, template_id, alias, title } of changes)
      print([name, changeNames[kind] ?? kind, alias ?? template_id, title ?? ''].map(plain).join('\t'))
    for (const { family, errcode, error } of failures)
      note(`${name}: ${family}: ${errcode === null ? '' : `${errcode} `}${plain(error)}`)
  }
}

const accountsWithTemplates = async (api: Api): Promise<readonly string[]> => {
  const { accounts } = (await api.get('/v1/templates')) as { accounts: readonly AccountTemplatesView[] }
  return accounts.map(({ account }) => account)
}

const changeNames: Readonly<Record<string, string>> = {
  added: say('新增', 'added'),
  changed: say('内容变了', 'changed'),
  missing: say('不再列出', 'missing'),
  returned: say('又列出了', 'returned'),
  forgotten: say('已移除', 'forgotten'),
}

const addPreview = (templates: Command): void => {
  templates
    .command('preview')
    .description(say('用户会看到什么', 'what a user would see'))
    .requiredOption(...accountFlag)
    .requiredOption(...templateFlag)
    .option(...dataFlag)
    .option(...dataJsonFlag)
    .option('--shorten', say('截短过长的文字', 'cut text that is too long'))
    .addHelpText(
      'after',
      `\n${say('退出码：0 可以发送 · 1 会被拒绝\n', 'Exit code: 0 it could be sent · 1 it would be refused\n')}${examples(
        'hongyan templates preview --account demo-official --template order-shipped \\\n    --data thing2=茶叶 character_string1=A1024',
        'hongyan templates preview --account shop --template order --data-json "$(cat data.json)" --shorten',
      )}`,
    )
    .action(preview)
}

interface PreviewOptions extends DataOptions {
  readonly account: string
  readonly template: string
  readonly shorten?: true
}

const preview = async (options: PreviewOptions, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const { lines, warnings, faults } = (await api.post('/v1/templates/preview', {
    account: options.account,
    template_id: options.template,
    data: templateData(options),
    ...(options.shorten && { shorten: true }),
  })) as TemplatePreviewView
  if (faults.length > 0) process.exitCode = exitCodes.failed
  if (json) return printJson({ lines, warnings, faults })
  const width = Math.max(0, ...lines.map(({ label }) => widthOf(label)))
  for (const { label, value } of lines) print(`${padded(plain(label), width)}  ${plain(value)}`.trimEnd())
  for (const { pointer, message } of faults) note(`${paint('red', '✖')} ${pointer}: ${plain(message)}`)
  noteWarnings(warnings)
}

/** What WeChat will show otherwise than the sender may think. */
export const noteWarnings = (warnings: readonly WarningView[] = []): void => {
  for (const { pointer, message } of warnings) note(`${paint('yellow', '!')} ${pointer}: ${plain(message)}`)
}

const addLint = (templates: Command): void => {
  templates
    .command('lint')
    .description(say('检查模板，或某个模板的字段', 'check the templates, or data for one of them'))
    .option(...accountFlag)
    .option(...templateFlag)
    .option(...dataFlag)
    .option(...dataJsonFlag)
    .addHelpText(
      'after',
      `\n${say('退出码：0 没有错误 · 1 有错误\n', 'Exit code: 0 no errors · 1 some errors\n')}${examples(
        'hongyan templates lint',
        'hongyan templates lint --account demo-official --template order-shipped --data thing2=茶叶',
      )}`,
    )
    .action(lint)
}

interface LintOptions extends DataOptions {
  readonly account?: string
  readonly template?: string
}

const lint = async (options: LintOptions, command: Command): Promise<void> => {
  const { account, template, data, dataJson } = options
  if (template !== undefined && account === undefined)
    throw new UsageError(
      say('缺少 --account', '--account is missing'),
      say('模板属于某个账号。', 'A template belongs to an account.'),
    )
  const { api, json } = clientOf(command)
  const { templates, findings } = (await api.post('/v1/templates/lint', {
    ...(account !== undefined && { account }),
    ...(template !== undefined && { template_id: template }),
    ...((data !== undefined || dataJson !== undefined) && { data: templateData(options) }),
  })) as { templates: number; findings: readonly TemplateFindingView[] }
  if (findings.some(({ severity }) => severity === 'error')) process.exitCode = exitCodes.failed
  if (json) return printJson({ templates, findings })
  printTable(
    [
      say('账号', 'account'),
      say('模板', 'template'),
      say('程度', 'severity'),
      say('代码', 'code'),
      say('说明', 'what'),
    ],
    findings.map((each) => [
      each.account,
      each.alias ?? each.template_id,
      each.severity,
      each.code,
      each.message,
    ]),
  )
  note(
    say(
      `检查了 ${templates} 个模板，发现 ${findings.length} 处。`,
      `Checked: ${templates} templates; found: ${findings.length}.`,
    ),
  )
}
