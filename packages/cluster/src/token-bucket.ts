/** A rate with a burst: `take` is false when there is nothing left. One for each peer and what it is counted for. */
export class TokenBucket {
  readonly #perSecond: number
  readonly #burst: number
  #tokens: number
  #timeMs: number

  constructor(perSecond: number, burst: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#burst = burst
    this.#tokens = burst
    this.#timeMs = nowMs
  }

  /** A clock that was set back gives nothing and takes nothing. */
  take(count: number, nowMs: number): boolean {
    const elapsed = Math.max(0, nowMs - this.#timeMs)
    this.#timeMs = nowMs
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed * this.#perSecond) / 1000)
    if (this.#tokens < count) return false
    this.#tokens -= count
    return true
  }
}
