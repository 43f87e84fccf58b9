/** A bucket that fills with time: rates of requests and of bytes. */
import type { Pace } from './ports.ts'

export class TokenBucket {
  readonly #pace: Pace
  readonly #perSecond: number
  readonly #capacity: number
  #level: number
  #at: number

  /** @param perSecond Infinity for no limit */
  constructor(pace: Pace, perSecond: number, capacity: number) {
    this.#pace = pace
    this.#perSecond = perSecond
    this.#capacity = capacity
    this.#level = capacity
    this.#at = pace.now()
  }

  /** @returns false, with nothing taken, when there is not enough */
  take(count: number): boolean {
    if (this.#perSecond === Infinity) return true
    this.#fill()
    if (this.#level < count) return false
    this.#level -= count
    return true
  }

  /** Takes even what is not there yet. @returns milliseconds to wait before going on */
  borrow(count: number): number {
    if (this.#perSecond === Infinity) return 0
    this.#fill()
    this.#level -= count
    return this.#level >= 0 ? 0 : (-this.#level / this.#perSecond) * 1000
  }

  #fill(): void {
    const now = this.#pace.now()
    this.#level = Math.min(this.#capacity, this.#level + ((now - this.#at) / 1000) * this.#perSecond)
    this.#at = now
  }
}
