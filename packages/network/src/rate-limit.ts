/** Token buckets by name: so many a second, after a burst of as many; the longest unused are forgotten first. */
import { TokenBucket } from './token-bucket.ts'

export class RateLimit {
  readonly #perSecond: number
  readonly #namesMax: number
  readonly #buckets = new Map<string, TokenBucket>()

  constructor(perSecond: number, namesMax: number) {
    this.#perSecond = perSecond
    this.#namesMax = namesMax
  }

  /** False when this name has used up what it may. */
  take(name: string, nowMs: number): boolean {
    const bucket = this.#buckets.get(name) ?? new TokenBucket(this.#perSecond, this.#perSecond, nowMs)
    this.#buckets.delete(name) // to the end of the order
    this.#buckets.set(name, bucket)
    if (this.#buckets.size > this.#namesMax) this.#forgetOldest()
    return bucket.take(1, nowMs)
  }

  #forgetOldest(): void {
    for (const name of this.#buckets.keys()) {
      this.#buckets.delete(name)
      return
    }
  }
}
