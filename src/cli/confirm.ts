import { createInterface } from 'node:readline/promises'
import { Interrupted, UsageError } from './failure.ts'
import { say } from './say.ts'

/** Asks before something that cannot be undone. Answers whether to go on; a script has to say `--yes`. */
export const confirmed = async (question: string, { yes }: { readonly yes?: true }): Promise<boolean> => {
  if (yes) return true
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError(
      say('这个操作不能撤销，而这里没有人可以确认', 'This cannot be undone, and there is nobody to ask'),
      say('确定要做时加上 --yes。', 'Add --yes if it is meant.'),
    )
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  const interrupted = new AbortController()
  lines.on('SIGINT', () => interrupted.abort())
  lines.on('close', () => interrupted.abort())
  try {
    const answer = await lines.question(`${question} [y/N] `, { signal: interrupted.signal })
    return /^\s*(y|yes|是)\s*$/i.test(answer)
  } catch {
    throw new Interrupted()
  } finally {
    lines.close()
  }
}
