import { type Command, InvalidArgumentError } from 'commander'
import type { Api } from './api.ts'
import { clientOf, examples } from './client.ts'
import { confirmed } from './confirm.ts'
import { UsageError } from './failure.ts'
import { showNewKey } from './keys.ts'
import { exitCodes, note, print, printJson, printTable } from './output.ts'
import { say } from './say.ts'
import { plain } from './terminal.ts'
import type { NewKeyView, TenantView } from './views.ts'

export const addTenants = (program: Command): void => {
  const tenants = program
    .command('tenants')
    .description(say('租户：谁在共用这套服务', 'the tenants: who shares this installation'))
    .addHelpText('after', examples('hongyan tenants list', 'hongyan tenants create shop --name "The shop"'))

  tenants
    .command('list')
    .description(say('列出租户', 'show the tenants'))
    .addHelpText('after', examples('hongyan tenants list', 'hongyan tenants list --json'))
    .action(list)

  tenants
    .command('create <id>')
    .description(say('新建租户和它的第一个管理密钥', 'make a tenant, and its first admin key'))
    .option('--name <name>', say('名称，默认与 id 相同', 'its name; the id by default'))
    .option('--no-key', say('不建密钥', 'make no key'))
    .addHelpText(
      'after',
      examples(
        'hongyan tenants create shop',
        'hongyan tenants create shop --name "The shop" --json > key.json',
      ),
    )
    .action(create)

  tenants
    .command('show <id>')
    .description(say('查看租户、它的限制和数量', 'show a tenant, its limits and what it has'))
    .addHelpText('after', examples('hongyan tenants show shop', 'hongyan tenants show shop --json'))
    .action(show)

  addLimit(tenants)

  tenants
    .command('disable <id>')
    .description(
      say(
        '停用租户：它的密钥被拒绝，已排队的消息照常发送',
        'refuse its keys; what it has queued is still sent',
      ),
    )
    .option('--yes', say('不再询问', 'do not ask'))
    .addHelpText('after', examples('hongyan tenants disable shop', 'hongyan tenants disable shop --yes'))
    .action(disable)

  tenants
    .command('enable <id>')
    .description(say('重新启用租户', 'take its keys again'))
    .addHelpText('after', examples('hongyan tenants enable shop', 'hongyan tenants enable shop --json'))
    .action((id: string, _options: object, command: Command) => change(id, { disabled: false }, command))
}

const addLimit = (tenants: Command): void => {
  tenants
    .command('limit <id>')
    .description(say('限制租户；none 取消限制', 'limit a tenant; none lifts a limit'))
    .option('--rate <number>', say('每秒接受几条消息', 'messages taken a second'), limit)
    .option('--burst <number>', say('一次最多接受几条', 'messages taken at once'), limit)
    .option('--accounts <number>', say('最多几个账号', 'accounts it may have'), limit)
    .option('--keys <number>', say('最多几个密钥', 'keys it may have'), limit)
    .addHelpText(
      'after',
      examples(
        'hongyan tenants limit shop --rate 100 --burst 1000',
        'hongyan tenants limit shop --rate none --burst none',
      ),
    )
    .action(setLimits)
}

const pathOf = (id: string): string => `/v1/tenants/${encodeURIComponent(id)}`

const list = async (_options: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const { data } = (await api.get('/v1/tenants')) as { data: readonly TenantView[] }
  if (json) return printJson(data)
  printTable(
    ['id', say('名称', 'name'), say('状态', 'state'), say('账号', 'accounts'), say('密钥', 'keys')],
    data.map((tenant) => [
      tenant.id,
      tenant.name,
      stateOf(tenant),
      String(tenant.accounts),
      String(tenant.keys),
    ]),
  )
}

const create = async (
  id: string,
  { name, key: withKey }: { readonly name?: string; readonly key: boolean },
  command: Command,
): Promise<void> => {
  const { api, json } = clientOf(command)
  const tenant = (await api.post('/v1/tenants', { id, ...(name !== undefined && { name }) })) as TenantView
  if (!withKey) return showTenant(tenant, json)
  showNewKey(await firstKey(api, id), json)
}

const firstKey = async (api: Api, id: string): Promise<NewKeyView> =>
  (await api.post(`${pathOf(id)}/keys`, { name: 'admin', scopes: ['send', 'read', 'admin'] })) as NewKeyView

const show = async (id: string, _options: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  showTenant((await api.get(pathOf(id))) as TenantView, json)
}

type Limit = number | 'none'

interface LimitOptions {
  readonly rate?: Limit
  readonly burst?: Limit
  readonly accounts?: Limit
  readonly keys?: Limit
}

const setLimits = async (
  id: string,
  { rate: messages_per_second, burst, accounts, keys }: LimitOptions,
  command: Command,
): Promise<void> => {
  const named = Object.entries({ messages_per_second, burst, accounts, keys }).filter(
    ([, value]) => value !== undefined,
  )
  if (named.length === 0)
    throw new UsageError(
      say('没有说明限制什么', 'It is not said what to limit'),
      say('加上 --rate、--burst、--accounts 或 --keys。', 'Add --rate, --burst, --accounts or --keys.'),
    )
  const limits = Object.fromEntries(named.map(([name, value]) => [name, value === 'none' ? null : value]))
  await change(id, { limits }, command)
}

const disable = async (id: string, options: { readonly yes?: true }, command: Command): Promise<void> => {
  const question = say(
    `停用租户 ${id}？它的所有密钥会立刻被拒绝。`,
    `Disable ${id}? All of its keys are refused at once.`,
  )
  if (await confirmed(question, options)) return change(id, { disabled: true }, command)
  note(say('没有停用。', 'It stays in use.'))
  process.exitCode = exitCodes.failed
}

const change = async (id: string, body: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  showTenant((await api.patch(pathOf(id), body)) as TenantView, json)
}

const showTenant = (tenant: TenantView, json: boolean): void => {
  if (json) printJson(tenant)
  else for (const [label, value] of linesOf(tenant)) print(`${label}\t${plain(value)}`)
}

const linesOf = (tenant: TenantView): readonly (readonly [name: string, value: string])[] => {
  const { id, name, created_at, limits, accounts, keys } = tenant
  const of = (count: number, most: number | null) => (most === null ? String(count) : `${count}/${most}`)
  return [
    ['id', id],
    ['name', name],
    ['state', stateOf(tenant)],
    ['created_at', created_at],
    ['messages_per_second', String(limits.messages_per_second ?? '-')],
    ['burst', String(limits.burst ?? '-')],
    ['accounts', of(accounts, limits.accounts)],
    ['keys', of(keys, limits.keys)],
  ]
}

const stateOf = ({ disabled }: TenantView): string => (disabled ? 'disabled' : 'enabled')

const limit = (text: string): Limit => {
  if (text === 'none') return text
  if (/^\d{1,7}$/.test(text)) return Number(text)
  throw new InvalidArgumentError(say('要写一个整数，或 none。', 'It takes a whole number, or none.'))
}
