/**
 * A bucket that fills with time: rates of connections, requests, events and bytes. It has no clock of its own, so that
 * those who count by one hand their own time in.
 */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #timeMs: number

  /** @param perSecond Infinity for no limit. @param burst what it holds at most, and at the beginning */
  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#timeMs = nowMs
  }

  /** @returns false, with nothing taken, when there is not enough */
  take(count: number, nowMs: number): boolean {
    if (this.#perSecond === Infinity) return true
    this.#fill(nowMs)
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }

  /** Takes even what is not there yet. @returns milliseconds to wait before going on */
  borrow(count: number, nowMs: number): number {
    if (this.#perSecond === Infinity) return 0
    this.#fill(nowMs)
    this.#tokens -= count
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000
  }

  /** A clock that was set back gives nothing and takes nothing. */
  #fill(nowMs: number): void {
    const elapsedMs = Math.max(0, nowMs - this.#timeMs)
    this.#timeMs = nowMs
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs * this.#perSecond) / 1000)
  }
}
