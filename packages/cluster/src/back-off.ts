/** Waits between tries: doubled after each failure up to a bound, and spread by chance, so that a cluster that lost its network does not come back in step. */
import type { Random } from '@blocktree/crypto'
import { backOffMsMax, backOffMsMin } from './limits.ts'

export class BackOff {
  readonly #random: Random
  #failures = 0

  constructor(random: Random) {
    this.#random = random
  }

  get failures(): number {
    return this.#failures
  }

  succeeded(): void {
    this.#failures = 0
  }

  /** Milliseconds to wait after one more failure: between half of the bound and all of it. */
  failed(): number {
    const bound = Math.min(backOffMsMax, backOffMsMin * 2 ** Math.min(this.#failures, 20))
    this.#failures += 1
    const [high = 0, low = 0] = this.#random.bytes(2)
    return Math.round((bound / 2) * (1 + (high * 256 + low) / 65_536))
  }
}
