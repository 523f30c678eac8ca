/** The command line. Each command is a file; this one only gathers them and turns failures into exit codes. */
import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { addAccounts } from './accounts.ts'
import { addCancel } from './cancel.ts'
import { addCheck } from './check.ts'
import { addDev } from './dev.ts'
import { addDoctor } from './doctor.ts'
import { addDrain } from './drain.ts'
import { addErrcode } from './errcode.ts'
import { reportFailure } from './failure.ts'
import { addGet } from './get.ts'
import { addGrants } from './grants.ts'
import { addKeys } from './keys.ts'
import { addList } from './list.ts'
import { addMigrate } from './migrate.ts'
import { addNodes } from './nodes.ts'
import { endQuietlyWithReader, exitCodes, jsonText, note } from './output.ts'
import { addQuota } from './quota.ts'
import { say } from './say.ts'
import { addSend } from './send.ts'
import { addServe } from './serve.ts'
import { addSign } from './sign.ts'
import { addSimulate } from './simulate.ts'
import { addTemplates } from './templates.ts'
import { addTenants } from './tenants.ts'
import { withoutColour } from './terminal.ts'

/** The headings of help that the library writes itself. */
const helpTitles = new Map([
  ['Usage:', say('用法：', 'Usage:')],
  ['Arguments:', say('参数：', 'Arguments:')],
  ['Options:', say('选项：', 'Options:')],
  ['Global Options:', say('通用选项：', 'Options of every command:')],
  ['Commands:', say('命令：', 'Commands:')],
])

const program = new Command('hongyan')
  .description(say('送达微信模板消息与订阅消息', 'Delivers WeChat template and subscribe messages'))
  .option('--json', say('输出一份 JSON', 'print one JSON document'))
  .option('--no-color', say('不用颜色', 'print without colour'))
  .version(version, '-V, --version', say('显示版本', 'show the version'))
  .helpOption('-h, --help', say('显示帮助', 'show help'))
  .helpCommand('help [command]', say('某个命令的帮助', 'help for a command'))
  .configureHelp({
    showGlobalOptions: true,
    styleTitle: (title) => helpTitles.get(title) ?? title,
    optionDescription: ({ description, argChoices }) =>
      argChoices ? `${description} (${argChoices.join(', ')})` : description,
  })
  .showHelpAfterError(say('（加上 --help 查看用法）', '(--help shows how it is used)'))
  .hook('preAction', (command) => {
    if (command.opts().color === false) withoutColour()
  })
  .exitOverride()

const commands = [
  addDev,
  addServe,
  addSend,
  addGet,
  addList,
  addCancel,
  addCheck,
  addGrants,
  addQuota,
  addKeys,
  addAccounts,
  addTemplates,
  addTenants,
  addNodes,
  addDrain,
  addSign,
  addErrcode,
  addDoctor,
  addMigrate,
  addSimulate,
]
for (const add of commands) add(program)

endQuietlyWithReader()

try {
  await program.parseAsync()
} catch (error) {
  const json = process.argv.includes('--json')
  process.exitCode =
    error instanceof CommanderError ? parsingCode(error, json) : reportFailure(error, { json })
}

/** Help that was asked for ends well; the library has written what it has to say. */
function parsingCode({ exitCode, message }: CommanderError, json: boolean): number {
  if (exitCode === 0) return exitCodes.ok
  if (json) note(jsonText({ error: { code: 'usage', message } }))
  return exitCodes.usage
}
