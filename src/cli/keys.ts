import { type Command, InvalidArgumentError } from 'commander'
import { type Scope, scopes } from '../directory.ts'
import { clientOf, examples } from './client.ts'
import { confirmed } from './confirm.ts'
import { exitCodes, note, print, printJson, printTable } from './output.ts'
import { say } from './say.ts'
import { secondsArgument, timeArgument } from './times.ts'
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
    .option(
      '--tenant <id>',
      say('给另一个租户；需要 operator 权限', 'for another tenant; it takes the scope operator'),
    )
    .option(
      '--expires <time>',
      say('从何时起失效，如 +90d；默认永不', 'from when on it is refused, such as +90d; never by default'),
    )
    .addHelpText(
      'after',
      examples(
        'hongyan keys create --name shop --scopes send,read',
        'hongyan keys create --name ops --scopes admin,read --expires +90d --json > key.json',
      ),
    )
    .action(create)

  keys
    .command('rotate <id>')
    .description(
      say(
        '换一个新的 secret；旧的在重叠期内仍然有效',
        'give it a new secret; the old one is taken as well for a while',
      ),
    )
    .option(
      '--overlap <time>',
      say(
        '旧的还有效多久，如 24h（默认）；0s 立刻失效',
        'for how long, such as 24h (the default); 0s for not at all',
      ),
    )
    .option('--yes', say('不再询问', 'do not ask'))
    .addHelpText(
      'after',
      examples(
        'hongyan keys rotate key_0f1e2d3c4b5a69788796',
        'hongyan keys rotate key_0f1e2d3c4b5a69788796 --overlap 7d --json > key.json',
      ),
    )
    .action(rotate)

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
    [
      'id',
      say('名称', 'name'),
      say('权限', 'scopes'),
      say('创建时间', 'created'),
      say('最近使用', 'last used'),
      say('失效时间', 'expires'),
    ],
    data.map(({ id, name, scopes, created_at, last_used, expires_at }) => [
      id,
      name,
      scopes.join(','),
      created_at,
      last_used ?? '',
      expires_at ?? '',
    ]),
  )
}

interface CreateOptions {
  readonly name: string
  readonly scopes: readonly Scope[]
  readonly expires?: string
  readonly tenant?: string
}

const create = async (options: CreateOptions, command: Command): Promise<void> => {
  const { name, scopes, expires, tenant } = options
  const { api, json } = clientOf(command)
  const path = tenant === undefined ? '/v1/keys' : `/v1/tenants/${encodeURIComponent(tenant)}/keys`
  const key = (await api.post(path, {
    name,
    scopes,
    ...(expires !== undefined && { expires_at: timeArgument(expires) }),
  })) as NewKeyView
  showNewKey(key, json)
}

/** The one moment in which a secret is seen. */
export const showNewKey = (key: NewKeyView, json: boolean): void => {
  if (json) printJson(key)
  else for (const name of ['id', 'secret', 'bearer'] as const) print(`${name}\t${key[name]}`)
  note(say('请现在保存：密钥不会再次显示。', 'Keep it now: the secret is not shown again.'))
}

const rotate = async (
  id: string,
  options: { readonly overlap?: string; readonly yes?: true },
  command: Command,
): Promise<void> => {
  const { api, json } = clientOf(command)
  const overlap = options.overlap === undefined ? undefined : secondsArgument(options.overlap)
  const question = say(
    `${id} 的旧 secret 立刻失效？用它的程序会马上被拒绝。`,
    `Refuse the old secret of ${id} at once? Whoever uses it is refused from now on.`,
  )
  // With an overlap nobody is refused, so there is nothing to ask.
  if (overlap === 0 && !(await confirmed(question, options))) {
    note(say('没有更换。', 'It stays as it is.'))
    process.exitCode = exitCodes.failed
    return
  }
  const key = (await api.post(
    `/v1/keys/${encodeURIComponent(id)}/rotate`,
    overlap === undefined ? undefined : { overlap_seconds: overlap },
  )) as NewKeyView
  showNewKey(key, json)
  if (key.old_secret_until !== null)
    note(
      say(
        `旧的 secret 到 ${key.old_secret_until} 为止仍然有效。`,
        `The old secret is taken until ${key.old_secret_until}.`,
      ),
    )
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
