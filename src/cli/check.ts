import { type Command, Option } from 'commander'
import type { Bilingual } from '../errcodes.ts'
import { channels } from '../message.ts'
import { clientOf, examples } from './client.ts'
import { exitCodes, print, printJson } from './output.ts'
import { say } from './say.ts'

interface AnswerView {
  readonly answer: 'yes' | 'no' | 'unknown'
  readonly reasons: readonly {
    readonly code: string
    readonly why: Bilingual
    readonly next_step: Bilingual
  }[]
}

interface CheckOptions {
  readonly account: string
  readonly to: string
  readonly template?: string
  readonly channel?: string
}

export const addCheck = (program: Command): void => {
  program
    .command('check')
    .description(say('现在能发给这个用户吗？为什么？', 'could this be sent now, and why?'))
    .requiredOption('--account <account>', say('账号名称或 appid', 'name or appid of the account'))
    .requiredOption('--to <openid>', say('收件人的 openid', 'openid of the recipient'))
    .option('--template <id>', say('模板编号或别名', 'id or alias of the template'))
    .addOption(new Option('--channel <channel>', say('通道', 'way of sending')).choices(channels))
    .addHelpText(
      'after',
      examples(
        'hongyan check --account shop --to oABC --template order-shipped',
        'hongyan check --account shop --to oABC --channel customer --json',
      ),
    )
    .action(check)
}

/** Says no with exit code 1, so that scripts can ask. */
const check = async (options: CheckOptions, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const { account, to, template, channel } = options
  const result = (await api.post('/v1/check', {
    account,
    touser: to,
    ...(template !== undefined && { template_id: template }),
    ...(channel !== undefined && { channel }),
  })) as AnswerView
  if (result.answer === 'no') process.exitCode = exitCodes.failed
  if (json) return printJson(result)
  print(answers[result.answer])
  for (const { why, next_step } of result.reasons) {
    print(`  ${say(why.zh, why.en)}`)
    print(`  → ${say(next_step.zh, next_step.en)}`)
  }
}

const answers: Readonly<Record<AnswerView['answer'], string>> = {
  yes: say('能', 'yes'),
  no: say('不能', 'no'),
  unknown: say('不确定', 'unknown'),
}
