import type { Command } from 'commander'
import { ApiFailure } from './api-failure.ts'
import { clientOf, examples } from './client.ts'
import { confirmed } from './confirm.ts'
import { reportFailure } from './failure.ts'
import { exitCodes, note, print, printJson } from './output.ts'
import { say } from './say.ts'

export const addCancel = (program: Command): void => {
  program
    .command('cancel <ids...>')
    .description(say('停止还没有发出的消息', 'stop messages that are not being sent yet'))
    .option('--yes', say('不再询问', 'do not ask'))
    .addHelpText(
      'after',
      examples(
        'hongyan cancel msg_0199d5c27a4e7c33b0f1c2d3e4f50617',
        'hongyan list --state scheduled --tag sale | cut -f2 | xargs hongyan cancel --yes',
      ),
    )
    .action(cancel)
}

const cancel = async (
  ids: readonly string[],
  options: { readonly yes?: true },
  command: Command,
): Promise<void> => {
  const { api, json } = clientOf(command)
  if (!(await confirmed(say(`取消 ${ids.length} 条消息？`, `Cancel ${ids.length} message(s)?`), options))) {
    note(say('没有取消。', 'Nothing was cancelled.'))
    process.exitCode = exitCodes.failed
    return
  }
  const results: object[] = []
  const failures: number[] = []
  for (const id of ids) {
    try {
      const result = (await api.post(`/v1/messages/${encodeURIComponent(id)}/cancel`)) as {
        id: string
        state: string
      }
      results.push(result)
      if (!json) print(`${result.id}\t${result.state}`)
    } catch (error) {
      // What concerns one message does not keep the others from being cancelled.
      if (!(error instanceof ApiFailure) || (error.status !== 404 && error.status !== 409)) throw error
      note(id)
      failures.push(reportFailure(error, { json: false }))
      results.push({ id, code: error.code, status: error.status, title: error.title })
    }
  }
  if (json) printJson(results)
  process.exitCode =
    failures.length > 0 && failures.length < ids.length ? exitCodes.partial : (failures[0] ?? exitCodes.ok)
}
