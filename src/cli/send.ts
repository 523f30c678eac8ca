import { randomUUID } from 'node:crypto'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { channels, isFinal, lanes } from '../message.ts'
import type { Api } from './api.ts'
import { clientOf, examples } from './client.ts'
import { type MessageOptions, messageBody } from './message-body.ts'
import { outcomeOf, preferWait, withRetries } from './outcome.ts'
import { exitCodes, note, print, printJson } from './output.ts'
import { say } from './say.ts'
import { sendFile } from './send-file.ts'
import { noteWarnings } from './templates.ts'
import { timelineText } from './timeline.ts'
import type { AcceptedView, MessageView } from './views.ts'

const defaultWaitSeconds = 30
const maxWaitSeconds = 3600

/** What describes one message cannot go with a file of them. */
const ofOneMessage = [
  ...['account', 'to', 'template', 'data', 'dataJson', 'url', 'page'],
  ...['channel', 'lane', 'clientMsgId', 'at', 'expires', 'tag', 'wait'],
]

export const addSend = (program: Command): void => {
  program
    .command('send')
    .description(say('发送一条消息，或一个文件里的消息', 'send a message, or a file of them'))
    .option('--account <name>', say('账号的名称或 appid', 'name or appid of the account that sends'))
    .option('--to <openid>', say('接收人的 openid', 'openid of the recipient'))
    .option('--template <id>', say('模板编号或别名', 'id or alias of the template'))
    .option('--data <key=value...>', say('模板字段', 'the template’s keys'))
    .option('--data-json <json>', say('模板字段，写成 JSON 对象', 'the template’s keys as a JSON object'))
    .option('--url <address>', say('点击后打开的网页（公众号）', 'where a tap leads (official accounts)'))
    .option('--page <path>', say('点击后打开的页面（小程序）', 'page that a tap opens (mini programs)'))
    .addOption(new Option('--channel <name>', say('通道', 'way of sending')).choices(channels))
    .addOption(new Option('--lane <name>', say('紧急程度', 'how urgent')).choices(lanes))
    .option(
      '--client-msg-id <key>',
      say('你自己的幂等键；不写则自动生成', 'your own key; made for you if you give none'),
    )
    .option('--at <time>', say('定时发送，如 +10m', 'not before this moment, such as +10m'))
    .option('--expires <time>', say('过期不发', 'never after this moment'))
    .option('--tag <tag...>', say('标签', 'tags'))
    .option(
      '--wait [seconds]',
      say('等待结果并显示经过', 'wait for the outcome and show what happened'),
      waitSeconds,
    )
    .option('--dry', say('只检查，不发送', 'check only, send nothing'))
    .addOption(
      new Option(
        '--file <file>',
        say('NDJSON 文件，每行一条；- 是标准输入', 'NDJSON, one message a line; - is standard input'),
      ).conflicts(ofOneMessage),
    )
    .addHelpText(
      'after',
      `\n${exitCodeHelp()}${examples(
        'hongyan send --account demo-official --to oDemoUser0000000000000000001 --template payment-received \\\n    --data character_string1=A1024 amount2=¥128.00 phrase3=微信支付 time4=09:30 --wait',
        'hongyan send --file messages.ndjson > results.txt',
      )}`,
    )
    .action(send)
}

const exitCodeHelp = () =>
  say(
    '退出码：0 成功 · 1 失败 · 5 部分被拒绝，或等待之后仍在途中\n',
    'Exit code: 0 done · 1 failed · 5 some were refused, or still under way after the wait\n',
  )

export interface SendOptions extends MessageOptions {
  readonly wait?: number | true
  readonly dry?: true
  readonly file?: string
}

const send = async (options: SendOptions, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  if (options.file !== undefined)
    return sendFile(api, { file: options.file, dry: options.dry === true, json })
  const body = { ...messageBody(options), client_msg_id: options.clientMsgId ?? `cli-${randomUUID()}` }
  if (options.dry)
    return printJson(((await api.post('/v1/messages?dry=1', body)) as { request: unknown }).request)
  if (options.wait !== undefined)
    return sendAndWait(api, body, options.wait === true ? defaultWaitSeconds : options.wait, json)
  const accepted = (await withRetries(() => api.post('/v1/messages', body))) as AcceptedView
  if (json) return printJson(accepted)
  noteWarnings(accepted.warnings)
  print(`${accepted.id}\t${accepted.state}`)
  if (accepted.duplicate)
    note(say('之前已经接受过同一条消息。', 'This very message had been accepted before.'))
}

const sendAndWait = async (
  api: Api,
  body: object & { client_msg_id: string },
  seconds: number,
  json: boolean,
): Promise<void> => {
  const deadline = performance.now() + seconds * 1000
  process.once('SIGINT', () => leave(body.client_msg_id))
  const prefer = { Prefer: preferWait(seconds) }
  const accepted = (await withRetries(() => api.post('/v1/messages', body, prefer))) as AcceptedView
  const message = await outcomeOf(api, accepted, deadline)
  if (json) printJson(message)
  else process.stdout.write(timelineText(message))
  if (!isFinal(message.state))
    note(
      say(
        `等了 ${seconds} 秒仍在途中；之后用 hongyan get ${message.id} 查看。`,
        `Still under way after ${seconds} s; see later with hongyan get ${message.id}.`,
      ),
    )
  process.exitCode = outcomeCode(message)
}

/** The message goes on without us. */
const leave = (key: string): void => {
  note(
    say(
      `不再等待；用 hongyan list --q ${key} 找到它。`,
      `Not waiting any more; find it with hongyan list --q ${key}.`,
    ),
  )
  process.exit(exitCodes.interrupted)
}

/** Whether it was sent: yes, no, or not known yet. */
const outcomeCode = ({ state }: MessageView): number => {
  if (state === 'sent' || state === 'delivered') return exitCodes.ok
  return isFinal(state) ? exitCodes.failed : exitCodes.partial
}

const waitSeconds = (text: string): number => {
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
  if (seconds >= 1 && seconds <= maxWaitSeconds) return seconds
  throw new InvalidArgumentError(
    say(`要写 1 到 ${maxWaitSeconds} 的秒数。`, `It takes seconds from 1 to ${maxWaitSeconds}.`),
  )
}
