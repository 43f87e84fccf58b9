/**
 * What a peer has earned: points for what an honest one cannot have sent. At the bound it is not spoken to for a while,
 * twice as long each time; points fade. What a node refuses without blame costs nothing.
 */
import type { Id } from '@blocktree/tree'
import { banFirstMs, banLongestMs, penaltyMax, refusedKept } from './limits.ts'
import type { Pace } from './ports.ts'

const fadeMs = 60_000 // one point

export class PeerStanding {
  readonly #pace: Pace
  #points = 0
  #at: number
  #until = -Infinity
  #banMs = banFirstMs
  readonly #refused: Map<string, number> = new Map()

  constructor(pace: Pace) {
    this.#pace = pace
    this.#at = pace.now()
  }

  get isBanned(): boolean {
    return this.#pace.now() < this.#until
  }

  /** Milliseconds until it is spoken to again. */
  get bannedMs(): number {
    return Math.max(0, this.#until - this.#pace.now())
  }

  get points(): number {
    this.#fade()
    return this.#points
  }

  /** @returns true when that was enough */
  blame(points = 1): boolean {
    this.#fade()
    this.#points += points
    if (this.#points < penaltyMax) return false
    this.#points = 0
    this.#until = this.#pace.now() + this.#banMs
    this.#banMs = Math.min(banLongestMs, this.#banMs * 2)
    return true
  }

  /** It was good for something: the next ban is short again. */
  praise(): void {
    this.#banMs = banFirstMs
  }

  /** It offered this in vain: it is not asked for again for some minutes. */
  refuse(id: Id): void {
    if (this.#refused.size >= refusedKept) this.#refused.clear()
    this.#refused.set(id.toHex(), this.#pace.now() + refusedMs)
  }

  isRefused(id: Id): boolean {
    const until = this.#refused.get(id.toHex())
    return until !== undefined && this.#pace.now() < until
  }

  #fade(): void {
    const now = this.#pace.now()
    this.#points = Math.max(0, this.#points - (now - this.#at) / fadeMs)
    this.#at = now
  }
}

const refusedMs = 10 * 60_000 // a cap or a clock may have made it acceptable since
