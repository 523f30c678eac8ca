import type { Command } from 'commander'
import { clientOf, examples } from './client.ts'
import { printJson } from './output.ts'
import { say } from './say.ts'
import { timelineText } from './timeline.ts'
import type { MessageView } from './views.ts'

export const addGet = (program: Command): void => {
  program
    .command('get <id>')
    .description(say('一条消息的经过、结果和原因', 'what became of a message, and why'))
    .addHelpText(
      'after',
      examples(
        'hongyan get msg_0199d5c27a4e7c33b0f1c2d3e4f50617',
        'hongyan get msg_0199d5c27a4e7c33b0f1c2d3e4f50617 --json',
      ),
    )
    .action(get)
}

const get = async (id: string, _options: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const message = (await api.get(`/v1/messages/${encodeURIComponent(id)}`)) as MessageView
  if (json) printJson(message)
  else process.stdout.write(timelineText(message))
}
