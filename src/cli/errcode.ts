import type { Command } from 'commander'
import { type Errcode, type ErrcodeAction, type ErrcodeScope, errcodeOf, errcodes } from '../errcodes.ts'
import { examples, wantsJson } from './client.ts'
import { UsageError } from './failure.ts'
import { exitCodes, note, print, printJson } from './output.ts'
import { say } from './say.ts'
import { columnsOf, padded, paint, wrapped } from './terminal.ts'

export const addErrcode = (program: Command): void => {
  program
    .command('errcode <number>')
    .description(say('微信返回码的含义和对策', 'what an errcode of WeChat means, and what to do'))
    .addHelpText('after', examples('hongyan errcode 43101', 'hongyan errcode 40001 --json'))
    .action(errcode)
}

const errcode = (text: string, _options: object, command: Command): void => {
  if (!/^-?\d{1,10}$/.test(text))
    throw new UsageError(
      say(`不是返回码：${text}`, `This is not an errcode: ${text}`),
      'hongyan errcode 43101',
    )
  const code = Number(text)
  const known = errcodes.has(code)
  const row = errcodeOf(code)
  if (wantsJson(command)) printJson({ ...row, known })
  else for (const line of describe(row)) print(line)
  if (known) return
  note(
    say(
      `表里没有 ${code}，以上是对未知返回码的处理。`,
      `${code} is not in the table; this is how an unknown errcode is met.`,
    ),
  )
  process.exitCode = exitCodes.notFound
}

const labelWidth = 8

const describe = (row: Errcode): string[] => {
  const columns = columnsOf(process.stdout)
  const line = (label: string, text: string) =>
    wrapped(text, columns, ' '.repeat(labelWidth), paint('dim', padded(label, labelWidth)))
  const inOrder = ([zh, en]: readonly [readonly string[], readonly string[]]) =>
    say('zh', 'en') === 'zh' ? [...zh, ...en] : [...en, ...zh]
  return [
    `${paint('bold', String(row.code))}  ${row.errmsg}`,
    ...line(say('类别', 'class'), row.class),
    ...line(say('处理', 'action'), `${row.action}${say('：', ': ')}${actionTexts()[row.action]}`),
    ...line(say('范围', 'scope'), `${row.scope}${say('：', ': ')}${scopeTexts()[row.scope]}`),
    ...inOrder([
      [...line('原因', row.cause.zh), ...line('对策', row.next.zh)],
      [...line('cause', row.cause.en), ...line('next', row.next.en)],
    ]),
  ]
}

const actionTexts = (): Readonly<Record<ErrcodeAction, string>> => ({
  sent: say('微信已接受', 'WeChat has it'),
  duplicate: say(
    '微信已有这条消息；若重复的是我们自己的请求，视为已发送',
    'WeChat has it already; sent, if the repeat was ours',
  ),
  token: say('更换 token 后立即重试', 'the token is renewed and the call repeated at once'),
  backoff: say('稍后重试，次数有限', 'repeated later, a bounded number of times'),
  slow: say('调用太快，下一分钟继续', 'the pace is too high; it goes on in the next minute'),
  quota: say('等待额度重置', 'waits for the quota to be reset'),
  hold: say(
    '账号或配置有问题，该账号的消息暂停并报警',
    'something is wrong with the account: its messages wait and somebody is alerted',
  ),
  drop: say('这条消息不再重试', 'final for this message'),
})

const scopeTexts = (): Readonly<Record<ErrcodeScope, string>> => ({
  message: say('只关系到这条消息', 'this message only'),
  recipient: say('关系到这个用户', 'this recipient'),
  'recipient-template': say('关系到这个用户的这个模板', 'this template for this recipient'),
  template: say('关系到这个模板', 'this template'),
  account: say('关系到整个账号', 'the whole account'),
  api: say('关系到账号的这个接口', 'this API of the account'),
})
