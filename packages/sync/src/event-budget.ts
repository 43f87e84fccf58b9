/**
 * How much a peer may tell without being asked (spec 28, section 6). Events cannot be held back: what comes faster than
 * this is dropped, and a comparison brings it.
 */
import {
  announcedBurst,
  announcedPerSecond,
  eventsBurst,
  eventsPerSecond,
  uselessBurst,
  uselessPerSecond
} from './limits.ts'
import type { Pace } from './ports.ts'
import { TokenBucket } from './token-bucket.ts'

export class EventBudget {
  readonly #pace: Pace
  readonly #events: TokenBucket
  readonly #ids: TokenBucket
  readonly #useless: TokenBucket
  #pushesFrom = -Infinity

  constructor(pace: Pace) {
    this.#pace = pace
    this.#events = new TokenBucket(pace, eventsPerSecond, eventsBurst)
    this.#ids = new TokenBucket(pace, announcedPerSecond, announcedBurst)
    this.#useless = new TokenBucket(pace, uselessPerSecond, uselessBurst)
  }

  /** One event of any kind; false when it is to be dropped. */
  take(): boolean {
    return this.#events.take(1)
  }

  /** Ids that are announced. */
  takeIds(count: number): boolean {
    return this.#ids.take(count)
  }

  /** False after more pushed records without use than an honest peer sends. */
  get mayPush(): boolean {
    return this.#pace.now() >= this.#pushesFrom
  }

  /** Pushed records that were judged for nothing. */
  spend(useless: number): void {
    if (useless > 0) this.#pushesFrom = this.#pace.now() + this.#useless.borrow(useless)
  }
}
