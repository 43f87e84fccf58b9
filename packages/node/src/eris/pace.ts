/** A rate that makes wait instead of refusing: one second's worth may be spent at once. */
import type { Timers } from '@blocktree/cluster'

export class Pace {
  readonly #timers: Timers
  readonly #perSecond: number
  #level: number
  #atMs: number

  /** @param perSecond Infinity for no limit */
  constructor(timers: Timers, perSecond: number) {
    this.#timers = timers
    this.#perSecond = perSecond
    this.#level = perSecond
    this.#atMs = timers.now()
  }

  /** Resolves when that much may go; rejects with the reason of the signal. */
  async spend(count: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#perSecond === Infinity) return
    const now = this.#timers.now()
    const elapsed = Math.max(0, now - this.#atMs)
    this.#atMs = now
    this.#level = Math.min(this.#perSecond, this.#level + (elapsed / 1000) * this.#perSecond) - count
    if (this.#level >= 0) return
    const waited = Promise.withResolvers<void>()
    const cancel = this.#timers.start((-this.#level / this.#perSecond) * 1000, waited.resolve)
    const abort = (): void => waited.reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    try {
      await waited.promise
    } finally {
      cancel()
      signal.removeEventListener('abort', abort)
    }
  }
}
