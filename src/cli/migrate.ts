import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import type { Command } from 'commander'
import { type Config, type EngineChoice, readConfig, settings } from '../config.ts'
import {
  assertSecretsOpen,
  type Ends,
  MigrationRefused,
  migrate,
  type Progress,
  rehearse,
  type Summary,
} from '../migration.ts'
import { type Export, kinds } from '../transfer.ts'
import { createVault } from '../vault.ts'
import { examples, wantsJson } from './client.ts'
import { UsageError } from './failure.ts'
import { note, printJson, printTable } from './output.ts'
import { createProgress } from './progress.ts'
import { say } from './say.ts'

interface Options {
  readonly from?: string
  readonly to?: string
  readonly dryRun?: true
}

export const addMigrate = (program: Command): void => {
  program
    .command('migrate')
    .description(
      say(
        '把停止的服务的全部数据从一个数据目录搬到 Redis',
        'move all data of a stopped service from its data folder to Redis',
      ),
    )
    .option(
      '--from <engine>',
      say(
        '从哪里：embedded:<目录>；默认 HONGYAN_HOME 下的 data',
        'embedded:<folder>; by default data below HONGYAN_HOME',
      ),
    )
    .option(
      '--to <engine>',
      say('到哪里：redis://…；默认 HONGYAN_ENGINE', 'redis://… as in HONGYAN_ENGINE, which is the default'),
    )
    .option('--dry-run', say('只检查和计数，什么都不改', 'check and count only, change nothing'))
    .addHelpText(
      'after',
      examples(
        'hongyan migrate --from embedded:.hongyan/data --to redis://10.0.0.5:6379 --dry-run',
        "hongyan migrate --from embedded:.hongyan/data --to 'redis://10.0.0.5:6379?shards=8'",
      ),
    )
    .action(run)
}

const run = async (options: Options, command: Command): Promise<void> => {
  const config = readConfig(process.env)
  const [from, to] = [sourceOf(options, config), targetOf(options, config)]
  const main = await import('../main.ts')
  const source = main.openExport(from.folder)
  try {
    await assertMasterKey(source, config, main)
    const clock = main.systemClock
    const target = await main.openImport({ ...to, clock, onWeakSetting: (detail) => note(`! ${detail}`) })
    try {
      const json = wantsJson(command)
      if (options.dryRun) await count({ source, target }, json)
      else await carry({ source, target }, config, json)
    } finally {
      target.close()
    }
  } finally {
    source.close()
  }
}

const sourceOf = ({ from }: Options, { home }: Config) => {
  const choice =
    from === undefined ? { kind: 'embedded', folder: join(home, 'data') } : engineIn('--from', from)
  if (choice.kind === 'embedded') return choice as Extract<EngineChoice, { kind: 'embedded' }>
  throw new UsageError(
    say('--from 只能是 embedded:<目录>', '--from can only be embedded:<folder>'),
    say('反方向的搬运不支持。', 'There is no way back.'),
  )
}

const targetOf = ({ to }: Options, { engine }: Config) => {
  const choice = to === undefined ? engine : engineIn('--to', to)
  if (choice.kind === 'redis') return choice
  throw new UsageError(
    say('--to 只能是 redis://…', '--to can only be redis://…'),
    say('用 --to 或 HONGYAN_ENGINE 写明 Redis 的地址。', 'Name the Redis with --to or HONGYAN_ENGINE.'),
  )
}

const engineIn = (option: string, text: string): EngineChoice => {
  try {
    const choice = settings.engine.read(text)
    if (choice !== undefined) return choice
    throw new Error(say('不能为空', 'must not be empty'))
  } catch (error) {
    throw new UsageError(
      `${option}: ${(error as Error).message}`,
      say('加上 --help 查看例子。', '--help shows examples.'),
    )
  }
}

/** What was sealed stays sealed, so whoever starts on the target needs the same master key. */
const assertMasterKey = async (
  source: Export,
  { home, masterKey, formerMasterKey }: Config,
  { readPrivateFile }: typeof import('../main.ts'),
): Promise<void> => {
  const key = masterKey ?? readPrivateFile(join(home, 'master.key'))
  if (key !== undefined) return assertSecretsOpen(source, createVault(key, formerMasterKey))
  if (source.count('directory', 0) === 0) return
  throw new UsageError(
    say(
      `有封存的密钥，但 ${home} 里没有 master.key`,
      `There are sealed secrets, but no master.key in ${home}`,
    ),
    say(
      '设置 HONGYAN_HOME 为原服务的目录，或设置 HONGYAN_MASTER_KEY。',
      'Set HONGYAN_HOME to the home of the service, or set HONGYAN_MASTER_KEY.',
    ),
  )
}

const count = async (ends: Ends, json: boolean): Promise<void> => {
  const counts = await rehearse(ends, Date.now()).catch(explain)
  if (json) printJson({ result: 'dry-run', kinds: kinds.map((kind) => ({ kind, read: counts[kind] })) })
  else
    printTable(
      ['KIND', 'ROWS'],
      kinds.map((kind) => [kind, String(counts[kind])]),
    )
  note(say('什么都没有改。', 'Nothing was changed.'))
}

const carry = async (ends: Ends, config: Config, json: boolean): Promise<void> => {
  const line = createProgress()
  const progress: Progress = ({ step, kind, done, of }) =>
    line.show(
      step === 'put'
        ? say(`搬运 ${kind} ${done}/${of}`, `Carrying ${kind} ${done}/${of}`)
        : say(`核对 ${kind} ${done}/${of}`, `Comparing ${kind} ${done}/${of}`),
    )
  const summary = await migrate(ends, { id: randomUUID(), now: Date.now(), progress })
    .catch(explain)
    .finally(line.close)
  tell(summary, ends, json)
  note(nextStep(ends.target.address, config))
}

const tell = ({ id, result, kinds: all }: Summary, { target }: Ends, json: boolean): void => {
  if (json) {
    const rows = all.map(({ checksumThere, ...rest }) => ({ ...rest, checksum_there: checksumThere }))
    printJson({ id, result, to: target.address, kinds: rows })
  } else if (result === 'already-done') {
    note(say('之前已经搬完，没有要做的。', 'It has been done before: nothing is left to do.'))
  } else {
    printTable(
      ['KIND', 'READ', 'THERE', 'CHECKSUM'],
      all.map(({ kind, read, there, checksum }) => [kind, String(read), String(there), checksum]),
    )
    note(say('两边的数目和校验和都相等。', 'Counts and checksums of both sides are equal.'))
  }
}

const nextStep = (address: string, { home, masterKey }: Config): string => {
  const key =
    masterKey === undefined
      ? say(
          `每个节点都要把 HONGYAN_MASTER_KEY 设成 ${join(home, 'master.key')} 里的主密钥`,
          `every node needs the master key in ${join(home, 'master.key')} as HONGYAN_MASTER_KEY`,
        )
      : say('每个节点都要用同一个 HONGYAN_MASTER_KEY', 'every node needs this same HONGYAN_MASTER_KEY')
  return say(
    `下一步：用 HONGYAN_ENGINE=${address} 启动节点；${key}。`,
    `Next: start the nodes with HONGYAN_ENGINE=${address}; ${key}.`,
  )
}

/** Says what a refusal means and what to do about it. */
const explain = (error: unknown): never => {
  if (!(error instanceof MigrationRefused)) throw error
  throw Object.assign(new Error(`${error.message}. ${whatToDo()[error.reason]}`), {
    code: `migration-${error.reason}`,
  })
}

const whatToDo = (): Readonly<Record<MigrationRefused['reason'], string>> => ({
  elsewhere: say(
    '请对那个地址完成搬运；要放弃它，先删除数据目录里的 moved.json。',
    'Finish it with that address; to give that up, remove moved.json in the data folder first.',
  ),
  occupied: say(
    '目标不是空的：请清空这个 Redis（FLUSHDB），或换一个。',
    'The target is not empty: empty this Redis (FLUSHDB), or choose another one.',
  ),
  lost: say(
    '目标里已经没有这次搬运的数据，而它可能已经发送过消息。确认之后才可以删除数据目录里的 moved.json 重新搬运：此前发送过的消息会再发一次。',
    'The target has lost what was moved there, and may have sent some of it. Only when that is acceptable, remove moved.json in the data folder and begin anew: what was sent meanwhile would be sent again.',
  ),
  differs: say(
    '没有启用目标，什么都不会发送。请再运行一次；若仍不相等，清空目标后重新开始。',
    'The target has not gone live, and nothing is sent. Run it again; if it still differs, empty the target and begin anew.',
  ),
})
