/**
 * How many signatures a peer may make this host verify for nothing (B.13): a bucket for each peer, filled with time. Each
 * verification takes one out; it goes back when the signature held and its signer plays a part in the tree. So a
 * synchronisation is never slowed down, and somebody who sends forgeries or invents principals is, by whatever clock.
 */
import { budgetPeersMax, signaturesPerSecondMax } from './limits.ts'
import type { Clock } from './ports.ts'

interface Bucket {
  left: number
  filledMs: number
}

export class SignatureBudget {
  readonly #clock: Clock
  /** Least recently used first. */
  readonly #buckets: Map<string, Bucket> = new Map()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Takes one verification; false when the peer has to wait. */
  take(peer: string): boolean {
    const bucket = this.#bucketOf(peer)
    if (bucket.left < 1) return false
    bucket.left--
    return true
  }

  giveBack(peer: string): void {
    const bucket = this.#bucketOf(peer)
    bucket.left = Math.min(signaturesPerSecondMax, bucket.left + 1)
  }

  #bucketOf(peer: string): Bucket {
    const now = this.#clock.now()
    const bucket = this.#buckets.get(peer) ?? { left: signaturesPerSecondMax, filledMs: now }
    // A clock that was set back fills nothing, and does not stop the filling either.
    const elapsedMs = Math.max(0, now - bucket.filledMs)
    bucket.left = Math.min(signaturesPerSecondMax, bucket.left + (elapsedMs * signaturesPerSecondMax) / 1000)
    bucket.filledMs = now
    this.#buckets.delete(peer)
    this.#buckets.set(peer, bucket)
    if (this.#buckets.size > budgetPeersMax) {
      const oldest = this.#buckets.keys().next()
      if (oldest.done !== true) this.#buckets.delete(oldest.value)
    }
    return bucket
  }
}
