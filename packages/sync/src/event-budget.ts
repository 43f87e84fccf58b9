/**
 * How much a peer may tell without being asked (spec 28, section 6). Events cannot be held back: what comes faster than
 * this is dropped, and a comparison brings it.
 */
import { TokenBucket } from '@blocktree/network'
import {
  announcedBurst,
  announcedPerSecond,
  eventsBurst,
  eventsPerSecond,
  uselessBurst,
  uselessPerSecond
} from './limits.ts'
import type { Pace } from './ports.ts'

export class EventBudget {
  readonly #pace: Pace
  readonly #events: TokenBucket
  readonly #ids: TokenBucket
  readonly #useless: TokenBucket
  #pushesFrom = -Infinity

  constructor(pace: Pace) {
    this.#pace = pace
    const now = pace.now()
    this.#events = new TokenBucket(eventsPerSecond, eventsBurst, now)
    this.#ids = new TokenBucket(announcedPerSecond, announcedBurst, now)
    this.#useless = new TokenBucket(uselessPerSecond, uselessBurst, now)
  }

  /** One event of any kind; false when it is to be dropped. */
  take(): boolean {
    return this.#events.take(1, this.#pace.now())
  }

  /** Ids that are announced. */
  takeIds(count: number): boolean {
    return this.#ids.take(count, this.#pace.now())
  }

  /** False after more pushed records without use than an honest peer sends. */
  get mayPush(): boolean {
    return this.#pace.now() >= this.#pushesFrom
  }

  /** Pushed records that were judged for nothing. */
  spend(useless: number): void {
    const now = this.#pace.now()
    if (useless > 0) this.#pushesFrom = now + this.#useless.borrow(useless, now)
  }
}
