/**
 * One timer for all deadlines of a process. An invocation costs no timer of its own: the timer is moved only when a
 * deadline comes before it, and looks again when it fires too early.
 */

export class DeadlineTimer {
  readonly #check: () => number | undefined
  #timer: NodeJS.Timeout | undefined
  #dueMs = 0

  /** @param check acts on what is over; milliseconds until it wants to look again, undefined when nothing is awaited */
  constructor(check: () => number | undefined) {
    this.#check = check
  }

  /** Checks in `delayMs` at the latest. */
  within(delayMs: number): void {
    const dueMs = performance.now() + delayMs
    if (this.#timer !== undefined) {
      if (this.#dueMs <= dueMs) return
      clearTimeout(this.#timer)
    }
    this.#dueMs = dueMs
    this.#timer = setTimeout(() => this.#fire(), Math.max(1, delayMs))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #fire(): void {
    this.#timer = undefined
    const delayMs = this.#check()
    if (delayMs !== undefined) this.within(delayMs)
  }
}
