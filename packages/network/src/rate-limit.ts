/** Token buckets by name: so many a second, after a burst of as many; the longest unused are forgotten first. */
export class RateLimit {
  readonly #perSecond: number
  readonly #namesMax: number
  readonly #buckets = new Map<string, { tokens: number; filledMs: number }>()

  constructor(perSecond: number, namesMax: number) {
    this.#perSecond = perSecond
    this.#namesMax = namesMax
  }

  /** False when this name has used up what it may. */
  take(name: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(name) ?? { tokens: this.#perSecond, filledMs: nowMs }
    bucket.tokens = Math.min(
      this.#perSecond,
      bucket.tokens + ((nowMs - bucket.filledMs) * this.#perSecond) / 1000
    )
    bucket.filledMs = nowMs
    this.#buckets.delete(name) // to the end of the order
    this.#buckets.set(name, bucket)
    if (this.#buckets.size > this.#namesMax) this.#forgetOldest()
    if (bucket.tokens < 1) return false
    bucket.tokens--
    return true
  }

  #forgetOldest(): void {
    for (const name of this.#buckets.keys()) {
      this.#buckets.delete(name)
      return
    }
  }
}
