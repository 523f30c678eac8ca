/** The command line. Each command is a file; this one only gathers them and turns failures into exit codes. */
import { Command, CommanderError } from 'commander'
import { addAccounts } from './accounts.ts'
import { addCancel } from './cancel.ts'
import { addDev } from './dev.ts'
import { addDoctor } from './doctor.ts'
import { addErrcode } from './errcode.ts'
import { addGet } from './get.ts'
import { addKeys } from './keys.ts'
import { addList } from './list.ts'
import { exitCodes, reportFailure } from './output.ts'
import { say } from './say.ts'
import { addSend } from './send.ts'
import { addServe } from './serve.ts'
import { addSign } from './sign.ts'
import { addSimulate } from './simulate.ts'

const program = new Command('hongyan')
  .description(say('送达微信模板消息与订阅消息', 'Delivers WeChat template and subscribe messages'))
  .option('--json', say('输出一份 JSON', 'print one JSON document'))
  .option('--no-color', say('不用颜色', 'print without colour'))
  .showHelpAfterError()
  .exitOverride()

const commands = [
  addDev,
  addServe,
  addSend,
  addGet,
  addList,
  addCancel,
  addKeys,
  addAccounts,
  addSign,
  addErrcode,
  addDoctor,
  addSimulate,
]
for (const add of commands) add(program)

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
  else process.exitCode = reportFailure(error, { json: program.opts().json === true })
}
