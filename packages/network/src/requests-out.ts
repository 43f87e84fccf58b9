/** Requests of this side that wait for an answer: ids, deadlines, cancellation, bounds. */
import { cancelled, connectionEnded, timedOut } from './failure.ts'
import { frameType } from './frame.ts'
import type { Channel } from './channel.ts'
import { answerQueueBytesMax } from './limits.ts'
import { NetworkError } from './network-error.ts'
import type { Timers } from './timers.ts'

export interface RequestsOutOptions {
  readonly channel: Channel
  readonly timers: Timers
  readonly requestsMax: number
  readonly requestBytesMax: number
  measured(roundTripMs: number): void
}

export interface OutgoingRequest {
  readonly method: string
  readonly body: Uint8Array
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

interface Waiting {
  readonly method: string
  readonly bytes: number
  readonly sentMs: number
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  readonly abort: (() => void) | undefined
  readonly resolve: (body: Uint8Array) => void
  readonly reject: (error: Error) => void
}

const idMax = 2 ** 32 - 1

export class RequestsOut {
  readonly #options: RequestsOutOptions
  readonly #waiting = new Map<number, Waiting>()
  #bytes = 0
  #lastId = 0
  #stopTimer: (() => void) | undefined
  #timerMs = Infinity
  count = 0

  constructor(options: RequestsOutOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#waiting.size
  }

  send(request: OutgoingRequest): Promise<Uint8Array> {
    const { method, body, timeoutMs, signal } = request
    const { channel, timers, requestsMax, requestBytesMax } = this.#options
    if (
      this.#waiting.size >= requestsMax ||
      this.#bytes + body.length > requestBytesMax ||
      channel.queuedBytes > answerQueueBytesMax
    ) {
      return Promise.reject(
        new NetworkError(
          'ERR_NETWORK_BUSY',
          `request "${method}" was not sent: ${this.#waiting.size} with ${this.#bytes} bytes are under way`
        )
      )
    }
    if (this.#lastId === idMax) {
      return Promise.reject(connectionEnded(`request "${method}"`, 'its numbers are used up'))
    }
    if (signal?.aborted === true) return Promise.reject(cancelled(`request "${method}"`, signal))
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      const abort = signal === undefined ? undefined : (): void => this.#cancel(id)
      const sentMs = timers.now()
      const bytes = body.length
      this.#waiting.set(id, { method, bytes, sentMs, timeoutMs, signal, abort, resolve, reject })
      this.#bytes += bytes
      this.count++
      if (abort !== undefined) signal?.addEventListener('abort', abort)
      channel.send({ type: frameType.request, id, timeoutMs, method, body })
      this.#arm(sentMs + timeoutMs, sentMs)
    })
  }

  answered(id: number, body: Uint8Array): void {
    const waiting = this.#take(id)
    if (waiting === undefined) return
    this.#options.measured(this.#options.timers.now() - waiting.sentMs)
    waiting.resolve(body)
  }

  failed(id: number, error: Error): void {
    this.#take(id)?.reject(error)
  }

  end(reason: string): void {
    this.#stopTimer?.()
    for (const [id, { method }] of this.#waiting)
      this.failed(id, connectionEnded(`request "${method}"`, reason))
  }

  /** undefined for one that was given up while its answer was on its way. */
  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    if (waiting === undefined) {
      if (id > 0 && id <= this.#lastId) return undefined
      throw new NetworkError('ERR_NETWORK_PROTOCOL', `answer to request ${id}, which was not sent`)
    }
    this.#waiting.delete(id)
    this.#bytes -= waiting.bytes
    if (waiting.abort !== undefined) waiting.signal?.removeEventListener('abort', waiting.abort)
    return waiting
  }

  #cancel(id: number): void {
    const waiting = this.#take(id)
    if (waiting === undefined) return
    this.#options.channel.send({ type: frameType.cancel, id })
    waiting.reject(cancelled(`request "${waiting.method}"`, waiting.signal))
  }

  /** One timer for all, at the earliest deadline known when it was set. */
  #arm(deadlineMs: number, nowMs: number): void {
    if (deadlineMs >= this.#timerMs) return
    this.#stopTimer?.()
    this.#timerMs = deadlineMs
    this.#stopTimer = this.#options.timers.start(deadlineMs - nowMs, () => this.#expire())
  }

  #expire(): void {
    this.#timerMs = Infinity
    this.#stopTimer = undefined
    const now = this.#options.timers.now()
    let next = Infinity
    for (const [id, waiting] of this.#waiting) {
      const deadlineMs = waiting.sentMs + waiting.timeoutMs
      if (deadlineMs > now) next = Math.min(next, deadlineMs)
      else this.failed(id, timedOut(`request "${waiting.method}"`, waiting.timeoutMs))
    }
    if (next < Infinity) this.#arm(next, now)
  }
}
