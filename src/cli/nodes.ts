import type { Command } from 'commander'
import { clientOf, examples } from './client.ts'
import { printJson, printTable } from './output.ts'
import { say } from './say.ts'
import { clockText, dayText } from './times.ts'
import type { NodeView } from './views.ts'

export const addNodes = (program: Command): void => {
  program
    .command('nodes')
    .description(
      say('进程：谁在线、各自的负载', 'the processes of this installation: who is there, and how busy'),
    )
    .addHelpText('after', examples('hongyan nodes', 'hongyan nodes --json'))
    .action(show)
}

const show = async (_options: object, command: Command): Promise<void> => {
  const { api, json } = clientOf(command)
  const { data } = (await api.get('/v1/nodes')) as { data: readonly NodeView[] }
  if (json) return printJson(data)
  printTable(
    [
      say('名称', 'name'),
      say('状态', 'state'),
      say('角色', 'roles'),
      say('分片', 'shards'),
      say('并发', 'calls'),
      say('条/秒', 'per second'),
      'CPU',
      say('循环延迟', 'loop delay'),
      say('最久等待', 'oldest'),
      say('启动于', 'since'),
      'id',
    ],
    data.map(rowOf),
  )
}

const rowOf = (node: NodeView): readonly string[] => [
  node.name,
  stateText(node),
  // The one that does the upkeep now, among those that may.
  node.roles.map((role) => (role === 'scheduler' && node.upkeep ? 'scheduler*' : role)).join(','),
  String(node.shards),
  `${node.load.in_flight}/${node.concurrency}`,
  String(node.load.per_second),
  `${Math.round(100 * node.load.cpu)}%`,
  `${node.load.loop_delay_ms} ms`,
  node.load.oldest_ready_ms === null ? '' : `${(node.load.oldest_ready_ms / 1000).toFixed(1)} s`,
  `${dayText(node.started_at)} ${clockText(node.started_at).slice(0, 5)}`,
  node.id,
]

/** An order that the node has not seen yet is part of how it is. */
const stateText = ({ state, drain_asked }: NodeView): string =>
  state === 'live' && drain_asked ? 'live, drain asked' : state
