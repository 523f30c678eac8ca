import { type Command, InvalidArgumentError } from 'commander'
import { type Scope, scopes } from '../directory.ts'
import { clientOf, examples } from './client.ts'
import { confirmed } from './confirm.ts'
import { exitCodes, note, print, printJson, printTable } from './output.ts'
import { say } from './say.ts'
import type { KeyView, NewKeyView } from './views.ts'

export const addKeys = (program: Command): void => {
  const keys = program
    .command('keys')
    .description(say('调用方的密钥', 'the keys of those who call'))
    .addHelpText('after', examples('hongyan keys list', 'hongyan keys create --name shop --scopes send,read'))

  keys
    .command('list')
    .description(say('列出密钥', 'show the keys'))
    .addHelpText('after', examples('hongyan keys list', "hongyan keys list --json | jq -r '.[].id'"))
    .action(list)

  keys
    .command('create')
    .description(say('新建密钥，只显示这一次', 'make a key; it is shown this once'))
    .requiredOption('--name <name>', say('谁在用', 'who uses it'))
    .requiredOption('--scopes <scopes>', scopes.join(','), scopeList)
    .addHelpText(
      'after',
      examples(
        'hongyan keys create --name shop --scopes send,read',
        'hongyan keys create --name ops --scopes admin,read --json > key.json',
      ),
    )
    .action(create)

  keys
    .command('remove <id>')
    .description(say('停用密钥', 'take a key out of use'))
    .option('--yes', say('不再询问', 'do not ask'))
    .addHelpText(
      'after',
      examples(
        'hongyan keys remove key_0f1e2d3c4b5a69788796',
        'hongyan keys remove key_0f1e2d3c4b5a69788796 --yes',
      ),
    )
    .action(remove)
}

const list = async (_options: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const { data } = (await api.get('/v1/keys')) as { data: readonly KeyView[] }
  if (json) return printJson(data)
  printTable(
    ['id', say('名称', 'name'), say('权限', 'scopes'), say('创建时间', 'created')],
    data.map(({ id, name, scopes, created_at }) => [id, name, scopes.join(','), created_at]),
  )
}

const create = async (
  body: { readonly name: string; readonly scopes: readonly Scope[] },
  command: Command,
): Promise<void> => {
  const { api, json } = clientOf(command)
  const key = (await api.post('/v1/keys', { name: body.name, scopes: body.scopes })) as NewKeyView
  if (json) printJson(key)
  else for (const name of ['id', 'secret', 'bearer'] as const) print(`${name}\t${key[name]}`)
  note(say('请现在保存：密钥不会再次显示。', 'Keep it now: the secret is not shown again.'))
}

const remove = async (id: string, options: { readonly yes?: true }, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const question = say(
    `停用密钥 ${id}？用它的程序会立刻被拒绝。`,
    `Take ${id} out of use? Whoever uses it is refused at once.`,
  )
  if (!(await confirmed(question, options))) {
    note(say('没有停用。', 'It stays in use.'))
    process.exitCode = exitCodes.failed
    return
  }
  await api.delete(`/v1/keys/${encodeURIComponent(id)}`)
  if (json) printJson({ id, removed: true })
  else print(`${id}\tremoved`)
}

const scopeList = (text: string): readonly Scope[] => {
  const names = text.split(',').map((name) => name.trim())
  if (names.every((name) => (scopes as readonly string[]).includes(name)))
    return [...new Set(names)] as Scope[]
  throw new InvalidArgumentError(
    say(`可以写：${scopes.join(', ')}，用逗号隔开。`, `It takes ${scopes.join(', ')}, joined by commas.`),
  )
}
