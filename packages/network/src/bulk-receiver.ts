/**
 * The asking side of a channel for bulk: pulls streams from the peer. Credit is granted as chunks are read, so at most a
 * window of each stream is held here.
 */
import { costOf } from './bulk-sender.ts'
import { cancelled, connectionEnded, timedOut } from './failure.ts'
import { frameType } from './frame.ts'
import type { Channel } from './channel.ts'
import { NetworkError, RemoteError } from './network-error.ts'
import type { Timers } from './timers.ts'

export interface BulkReceiverOptions {
  readonly channel: Channel
  readonly timers: Timers
  readonly windowBytes: number
}

export interface PullRequest {
  readonly method: string
  readonly head: Uint8Array
  /** Longest wait for the next chunk. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

interface Pull {
  readonly chunks: Uint8Array[]
  /** Credit of the peer that is not used up. */
  credit: number
  /** Credit of read chunks that is not granted again yet. */
  readCredit: number
  outcome: { readonly error: Error | undefined } | undefined
  wake: (() => void) | undefined
}

export class BulkReceiver {
  readonly #channel: Channel
  readonly #timers: Timers
  readonly #windowBytes: number
  readonly #pulls = new Map<number, Pull>()
  #lastId = 0

  constructor(options: BulkReceiverOptions) {
    this.#channel = options.channel
    this.#timers = options.timers
    this.#windowBytes = options.windowBytes
  }

  get size(): number {
    return this.#pulls.size
  }

  /** Every pull fails with why the channel ended; what has come can still be read. */
  end(why: string): void {
    for (const [id] of this.#pulls) this.finish(id, connectionEnded('a stream', why))
  }

  async *pull(request: PullRequest): AsyncGenerator<Uint8Array, void, undefined> {
    const id = ++this.#lastId
    const { method, head, timeoutMs } = request
    const credit = this.#windowBytes
    const pull: Pull = { chunks: [], credit, readCredit: 0, outcome: undefined, wake: undefined }
    this.#pulls.set(id, pull)
    this.#channel.send({ type: frameType.pull, id, timeoutMs, credit, method, head })
    try {
      for (;;) {
        if (pull.chunks.length === 0 && pull.outcome === undefined) await this.#wait(pull, request)
        const chunk = pull.chunks.shift()
        if (chunk !== undefined) {
          this.#grant(id, pull, costOf(chunk))
          yield chunk
        } else if (pull.outcome !== undefined) {
          if (pull.outcome.error !== undefined) throw pull.outcome.error
          return
        }
      }
    } finally {
      this.#pulls.delete(id)
      if (pull.outcome === undefined) this.#channel.send({ type: frameType.cancel, id })
    }
  }

  /** Grants in halves of the window: fewer frames than one for each chunk. */
  #grant(id: number, pull: Pull, cost: number): void {
    pull.readCredit += cost
    if (pull.outcome !== undefined || pull.readCredit * 4 < this.#windowBytes) return
    pull.credit += pull.readCredit
    this.#channel.send({ type: frameType.credit, id, bytes: pull.readCredit })
    pull.readCredit = 0
  }

  #wait(pull: Pull, { method, timeoutMs, signal }: PullRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const what = `stream "${method}"`
      if (signal?.aborted === true) {
        reject(cancelled(what, signal))
        return
      }
      const settle = (error?: Error): void => {
        stop()
        signal?.removeEventListener('abort', abort)
        pull.wake = undefined
        if (error === undefined) resolve()
        else reject(error)
      }
      const abort = (): void => settle(cancelled(what, signal))
      const stop = this.#timers.start(timeoutMs, () => settle(timedOut(`${what}: the next chunk`, timeoutMs)))
      signal?.addEventListener('abort', abort)
      pull.wake = () => settle()
    })
  }

  /** Throws `ERR_NETWORK_PROTOCOL` for what was not asked for or not granted. */
  receiveChunk(id: number, chunk: Uint8Array): void {
    const pull = this.#find(id)
    if (pull === undefined) return
    pull.credit -= costOf(chunk)
    if (pull.credit < 0)
      throw new NetworkError('ERR_NETWORK_PROTOCOL', `more than the credit of stream ${id}`)
    pull.chunks.push(chunk)
    pull.wake?.()
  }

  fail(id: number, code: string, message: string): void {
    this.finish(id, new RemoteError(code, message))
  }

  /** @param error undefined when the stream is whole */
  finish(id: number, error: Error | undefined): void {
    const pull = this.#find(id)
    if (pull === undefined || pull.outcome !== undefined) return
    pull.outcome = { error }
    pull.wake?.()
  }

  /** undefined for a stream that was cancelled while its chunks were on their way. */
  #find(id: number): Pull | undefined {
    if (id === 0 || id > this.#lastId)
      throw new NetworkError('ERR_NETWORK_PROTOCOL', `stream ${id} was not asked for`)
    const pull = this.#pulls.get(id)
    return pull?.outcome === undefined ? pull : undefined
  }
}
