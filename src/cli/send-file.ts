import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Api } from './api.ts'
import { type Chunk, chunksOf } from './chunks.ts'
import { Interrupted, UsageError } from './failure.ts'
import { withRetries } from './outcome.ts'
import { exitCodes, note, print, printJsonLine } from './output.ts'
import { createProgress } from './progress.ts'
import { say } from './say.ts'
import { plain } from './terminal.ts'
import type { AcceptedView, BulkAcceptedView, RefusalView } from './views.ts'

interface SendFileOptions {
  /** `-` is standard input. */
  readonly file: string
  readonly dry: boolean
  readonly json: boolean
}

/**
 * Sends every line of an NDJSON file, one request after the other. Each request has a key of its own, so that
 * its repeat is safe. One line of output for each line; the first interrupt ends it after the request under way.
 */
export const sendFile = async (api: Api, { file, dry, json }: SendFileOptions): Promise<void> => {
  const tally = createTally(json)
  const stopping = stopAfterThisRequest()
  try {
    for await (const chunk of chunksOf(bytesOf(file))) {
      if (stopping.asked) throw new Interrupted()
      if ('tooLong' in chunk) tally.refused(chunk.tooLong, tooLong)
      else await sendChunk(api, chunk, dry, tally)
    }
  } catch (error) {
    if (tally.begun()) note(tally.stopped())
    throw error
  } finally {
    stopping.forget()
    tally.close()
  }
  note(tally.summary())
  process.exitCode = tally.exitCode()
}

const sendChunk = async (api: Api, { bytes, numbers }: Chunk, dry: boolean, tally: Tally): Promise<void> => {
  const key = { 'Idempotency-Key': `cli-${randomUUID()}` }
  const path = dry ? '/v1/messages?dry=1' : '/v1/messages'
  tally.begin(numbers)
  const { results } = (await withRetries(() => api.postNdjson(path, bytes, key))) as BulkAcceptedView
  for (const [index, result] of results.entries()) {
    if ('code' in result) tally.refused(numbers[index]!, result)
    else tally.accepted(numbers[index]!, result)
  }
}

const tooLong: RefusalView = {
  status: 413,
  code: 'too-large',
  title: say('这一行太长', 'The line is too long'),
}

interface Tally {
  /** These lines are on their way: if nothing more is heard, they are in doubt. */
  begin(numbers: readonly number[]): void
  accepted(line: number, result: AcceptedView): void
  refused(line: number, refusal: RefusalView): void
  /** Whether any line has left us. */
  begun(): boolean
  summary(): string
  /** Where it ended, when it did not end well. */
  stopped(): string
  exitCode(): number
  close(): void
}

const createTally = (json: boolean): Tally => {
  const progress = createProgress()
  let accepted = 0
  let refused = 0
  let underWay: readonly number[] = []
  let lastDone = 0
  const done = (line: number): void => {
    lastDone = line
    if (line === underWay.at(-1)) underWay = []
    progress.show(counts())
  }
  const counts = () =>
    say(`已接受 ${accepted} 条，拒绝 ${refused} 条`, `${accepted} accepted, ${refused} rejected`)
  return {
    begin(numbers) {
      underWay = numbers
    },
    accepted(line, result) {
      accepted++
      if (json) printJsonLine({ line, ...result })
      else print(`${line}\t${result.id}\t${result.state}${result.duplicate ? '\tduplicate' : ''}`)
      done(line)
    },
    refused(line, refusal) {
      refused++
      if (json) printJsonLine({ line, ...refusal })
      else print(`${line}\trejected\t${refusal.code}\t${plain(refusal.detail ?? refusal.title)}`)
      done(line)
    },
    begun: () => lastDone > 0 || underWay.length > 0,
    summary: () => counts() + say('。', '.'),
    stopped() {
      const doubt =
        underWay.length === 0
          ? ''
          : say(
              `；第 ${underWay[0]} 到 ${underWay.at(-1)} 行没有得到答复`,
              `; lines ${underWay[0]} to ${underWay.at(-1)} were not answered`,
            )
      return say(
        `停在第 ${lastDone} 行之后：${counts()}${doubt}。`,
        `Stopped after line ${lastDone}: ${counts()}${doubt}.`,
      )
    },
    exitCode: () => (refused === 0 ? exitCodes.ok : accepted === 0 ? exitCodes.failed : exitCodes.partial),
    close: progress.close,
  }
}

const bytesOf = async function* (file: string): AsyncGenerator<Buffer> {
  try {
    yield* file === '-' ? process.stdin : createReadStream(file)
  } catch (error) {
    throw new UsageError(say(`无法读取 ${file}`, `${file} cannot be read`), (error as Error).message)
  }
}

/** Twice means now. */
const stopAfterThisRequest = () => {
  const stopping = {
    asked: false,
    forget: () => process.off('SIGINT', ask),
  }
  const ask = () => {
    if (stopping.asked) process.exit(exitCodes.interrupted)
    stopping.asked = true
    note(say('正在停止：等待当前请求的答复…', 'Stopping: waiting for the answer to this request …'))
  }
  process.on('SIGINT', ask)
  return stopping
}
