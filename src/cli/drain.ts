import { setTimeout as pause } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Api } from './api.ts'
import { clientOf, examples } from './client.ts'
import { exitCodes, note, print, printJson } from './output.ts'
import { say } from './say.ts'
import { secondsArgument } from './times.ts'
import type { NodeView } from './views.ts'

export const addDrain = (program: Command): void => {
  program
    .command('drain <node>')
    .description(
      say(
        '让一个进程不再接新消息，并等它手上的发完（名称或 id）',
        'let a process take nothing new, and wait until it has finished what it has (name or id)',
      ),
    )
    .option('--undo', say('让它重新工作', 'let it work again'))
    .option(
      '--wait <duration>',
      say('最多等多久，默认 60s', 'how long to wait at most; 60s by default'),
      '60s',
    )
    .addHelpText(
      'after',
      examples('hongyan drain worker-2', 'hongyan drain worker-2 --wait 5m', 'hongyan drain worker-2 --undo'),
    )
    .action(drain)
}

interface DrainOptions {
  readonly undo?: true
  readonly wait: string
}

const lookEveryMs = 500

const drain = async (name: string, { undo, wait }: DrainOptions, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const waitMs = secondsArgument(wait) * 1000
  const path = `/v1/nodes/${encodeURIComponent(name)}/drain`
  const { id } = (await (undo ? api.delete(path) : api.post(path))) as NodeView
  const wanted = undo ? 'live' : 'drained'
  const node = await reached(api, { id, wanted, waitMs })
  if (json) printJson(node ?? { id, state: 'gone' })
  else print(`${node?.name ?? name}\t${node?.state ?? 'gone'}`)
  // Who is gone has nothing in hand either.
  if (node === undefined || node.state === wanted) return
  note(
    say(
      `${Math.round(waitMs / 1000)} 秒内没有完成，它仍在继续；可再次运行本命令接着等。`,
      `It was not done within ${Math.round(waitMs / 1000)} s, and goes on; run this again to wait further.`,
    ),
  )
  process.exitCode = exitCodes.partial
}

/** The node once it is in the wanted state, or as it is when the time is over; nothing when it is gone. */
const reached = async (
  api: Api,
  { id, wanted, waitMs }: { readonly id: string; readonly wanted: string; readonly waitMs: number },
): Promise<NodeView | undefined> => {
  const deadline = performance.now() + waitMs
  for (;;) {
    const { data } = (await api.get('/v1/nodes')) as { data: readonly NodeView[] }
    const node = data.find((each) => each.id === id)
    if (!node || node.state === 'missed') return undefined
    if (node.state === wanted || performance.now() >= deadline) return node
    await pause(lookEveryMs)
  }
}
