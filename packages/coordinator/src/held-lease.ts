/** A lease as its holder counts it: from before it was asked for, and a little shorter than the leader does. */
import { CoordinatorError } from './coordinator-error.ts'
import type { CoordinatorClock, Lease } from './port.ts'

export interface LeaseTerms {
  readonly name: string
  readonly token: number
  readonly ttlMs: number
  /** By the clock of this node: when it was asked for. */
  readonly startedAt: number
  readonly keepAlive: boolean
}

/** What the driver does for a lease; both say whether the lease is still held. */
export interface LeaseActions {
  renew(until: number): Promise<boolean>
  release(): Promise<void>
}

/** Clocks of two machines may run this far apart in a lease. */
const driftShare = 0.05
const renewShare = 1 / 3

export class HeldLease implements Lease {
  readonly name: string
  readonly token: number
  readonly #ttlMs: number
  readonly #clock: CoordinatorClock
  readonly #actions: LeaseActions
  readonly #ended = new AbortController()
  #endsAt: number
  #cancelEnd: () => void = () => undefined
  #cancelRenewal: () => void = () => undefined

  constructor(terms: LeaseTerms, clock: CoordinatorClock, actions: LeaseActions) {
    this.name = terms.name
    this.token = terms.token
    this.#ttlMs = terms.ttlMs
    this.#clock = clock
    this.#actions = actions
    this.#endsAt = 0
    this.#extend(terms.startedAt)
    if (terms.keepAlive) this.#keepAlive()
  }

  get ended(): AbortSignal {
    return this.#ended.signal
  }

  remainingMs(): number {
    if (this.#ended.signal.aborted) return 0
    return Math.max(0, this.#endsAt - this.#clock.now())
  }

  async renew(): Promise<void> {
    const startedAt = this.#clock.now()
    if (this.remainingMs() === 0) this.end()
    else if (await this.#actions.renew(this.#endsAt)) this.#extend(startedAt)
    else this.end()
    if (this.#ended.signal.aborted) {
      throw new CoordinatorError(
        'ERR_COORDINATOR_LEASE_ENDED',
        `the lease of lock "${this.name}" (token ${this.token}) is over; acquire it again`
      )
    }
  }

  async release(): Promise<void> {
    if (this.#ended.signal.aborted) return
    this.end()
    await this.#actions.release()
  }

  /** It is over, whatever the reason; further calls do nothing. */
  end(): void {
    this.#cancelEnd()
    this.#cancelRenewal()
    this.#ended.abort()
  }

  #extend(startedAt: number): void {
    if (this.#ended.signal.aborted) return
    this.#endsAt = startedAt + this.#ttlMs * (1 - driftShare)
    this.#cancelEnd()
    const left = this.#endsAt - this.#clock.now()
    if (left <= 0) this.end()
    else this.#cancelEnd = this.#clock.start(left, () => this.end())
  }

  #keepAlive(): void {
    if (this.#ended.signal.aborted) return
    this.#cancelRenewal = this.#clock.start(this.#ttlMs * renewShare, () => {
      this.renew().then(
        () => this.#keepAlive(),
        // not reached in time: the end is counted by its own timer; try again until then
        () => this.#keepAlive()
      )
    })
  }
}
