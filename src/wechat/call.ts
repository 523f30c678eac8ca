import type { Dispatcher } from 'undici'
import type { Deadlines, Expiring } from './deadlines.ts'

/**
 * How one HTTP call ended. It has exactly one of these ends, and none of them carries a text that we did not
 * write.
 */
export type Answer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: Buffer }
  /** No byte of the request left us. `error`: `connect` or `timeout`. */
  | { readonly kind: 'not-sent'; readonly error: string }
  /** Some of it may have. `error`: `timeout`, `connection-lost` or `reply-too-large`. */
  | { readonly kind: 'in-doubt'; readonly error: string }

/**
 * One call in the hands of undici. A class rather than a closure, because there is one per message, and six
 * methods on a prototype cost nothing.
 *
 * The line between `not-sent` and `in-doubt` is `onRequestStart`: undici calls it when a connection is ready
 * and the request is about to be written, and no earlier.
 */
export class Call implements Dispatcher.DispatchHandler, Expiring {
  private readonly deadlines: Deadlines
  private readonly settle: (answer: Answer) => void
  private settled = false
  private controller: Dispatcher.DispatchController | undefined = undefined
  private status = 0
  private readonly chunks: Buffer[] = []
  private readonly slot: number

  constructor(deadlines: Deadlines, settle: (answer: Answer) => void) {
    this.deadlines = deadlines
    this.settle = settle
    this.slot = deadlines.start(this)
  }

  /** The time is over: in undici's queue, on the way to a connection, or on the wire. */
  expire(): void {
    this.finish({ kind: this.controller ? 'in-doubt' : 'not-sent', error: 'timeout' })
    this.controller?.abort(givenUp)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // A call that ran out while it was queued must not be written now, nor any call twice. To throw here is
    // to say so before the first byte; `controller.abort` would close the good connection as well.
    if (this.settled || this.controller !== undefined) throw givenUp
    this.controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.chunks.push(chunk)
  }

  onResponseEnd(): void {
    const { chunks, status } = this
    const body = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    this.finish({ kind: 'answered', status, body })
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    const started = this.controller !== undefined
    this.finish(
      started ? { kind: 'in-doubt', error: reasonOf(error) } : { kind: 'not-sent', error: 'connect' },
    )
  }

  /** The first end counts. */
  private finish(answer: Answer): void {
    if (this.settled) return
    this.settled = true
    this.deadlines.stop(this.slot)
    this.settle(answer)
  }
}

const reasonOf = (error: Error): string =>
  'code' in error && error.code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' ? 'reply-too-large' : 'connection-lost'

const givenUp = new Error('the call was given up')
