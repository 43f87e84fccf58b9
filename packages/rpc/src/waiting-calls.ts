/** Requests of one connection that were read and not started, in their order: a bounded number, of bounded size. */
import type { RequestId } from './message.ts'
import type { BatchAnswers } from './server-answer.ts'
import type { ServedMethod } from './server-methods.ts'

/** A request that was read and not started. */
export interface Call {
  readonly served: ServedMethod
  readonly id: RequestId | undefined
  readonly params: unknown
  readonly window: unknown
  readonly batch: BatchAnswers | undefined
  /** Of its message. */
  readonly bytes: number
}

export interface WaitingLimits {
  readonly requestsWaitingMax: number
  readonly waitingBytesMax: number
}

export class WaitingCalls {
  readonly #limits: WaitingLimits
  /** From `#first` on; what is before it was taken, and is dropped now and then. */
  readonly #calls: Call[] = []
  #first = 0
  #bytes = 0
  readonly #ids = new Set<RequestId>()

  constructor(limits: WaitingLimits) {
    this.#limits = limits
  }

  get size(): number {
    return this.#calls.length - this.#first
  }

  /** No more is to be read. */
  get isFull(): boolean {
    return this.size >= this.#limits.requestsWaitingMax || this.#bytes >= this.#limits.waitingBytesMax
  }

  has(id: RequestId): boolean {
    return this.#ids.has(id)
  }

  add(call: Call): void {
    this.#calls.push(call)
    this.#bytes += call.bytes
    if (call.id !== undefined) this.#ids.add(call.id)
  }

  /** The one that waits for longest; undefined when none does. */
  take(): Call | undefined {
    const call = this.#calls[this.#first]
    if (call === undefined) return undefined
    this.#first++
    if (this.#first * 2 > this.#calls.length) {
      this.#calls.splice(0, this.#first)
      this.#first = 0
    }
    this.#forget(call)
    return call
  }

  /** Takes this one out; undefined when it does not wait. */
  remove(id: RequestId): Call | undefined {
    if (!this.#ids.has(id)) return undefined
    const index = this.#calls.findIndex((call, at) => at >= this.#first && call.id === id)
    const call = index < 0 ? undefined : this.#calls.splice(index, 1)[0]
    if (call !== undefined) this.#forget(call)
    return call
  }

  clear(): void {
    this.#calls.length = 0
    this.#first = 0
    this.#bytes = 0
    this.#ids.clear()
  }

  #forget(call: Call): void {
    this.#bytes -= call.bytes
    if (call.id !== undefined) this.#ids.delete(call.id)
  }
}
