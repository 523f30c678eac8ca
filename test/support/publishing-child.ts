/**
 * A process to be killed: publishes, receives and settles in the folder it is given as fast as it can, and
 * tells on its standard output, a line each and `;` at its end, what was answered. A pipe is written to at once, so
 * a line that was read is a promise that was given.
 */
import { openEmbedded } from '../../src/engines/embedded/embedded.ts'
import { aKeyedMessage } from './messages.ts'

const [folder = '', ...modes] = process.argv.slice(2)
const say = (line: string) => process.stdout.write(`${line};\n`)

const { queue } = await openEmbedded({
  folder,
  clock: { now: Date.now, sleep: () => Promise.reject(new Error('Nobody sleeps here')) },
  leaseMs: 60_000,
  retentionMs: 3_600_000,
  onFailure(error) {
    throw error
  },
})
say(`open ${process.pid}`)
if (modes.includes('idle')) await new Promise(() => {})

let lastKey = 0
const publishForever = async (): Promise<void> => {
  while (true) {
    const key = `${process.pid}-${++lastKey}`
    const message = aKeyedMessage(key, { acceptedAt: Date.now() })
    const [publication] = await queue.publish([message])
    say(`${publication!.kind} ${message.id} ${key}`)
  }
}

const workForever = async (): Promise<void> => {
  while (true)
    for (const delivery of await queue.receive({ max: 5, waitMs: 1000 })) {
      say(`leased ${delivery.message.id} ${delivery.number}`)
      if (delivery.number % 3 === 1 && '048c'.includes(delivery.message.id.at(-1)!)) continue // stays on lease
      await queue.settle(delivery, { kind: 'sent', msgid: String(delivery.number) })
      say(`sent ${delivery.message.id} ${delivery.number}`)
    }
}

await Promise.all([publishForever(), publishForever(), publishForever(), publishForever(), workForever()])
