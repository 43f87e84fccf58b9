/**
 * Ends leases that nobody renewed. Only the leader counts their time, from when it saw them given, renewed, or itself
 * elected: later than their holders do, who therefore stop first.
 */
import type { Command } from './command.ts'
import type { CoordinatorClock } from './port.ts'
import type { Replica } from './replica.ts'

interface Running {
  readonly token: number
  readonly renewals: number
  readonly endsAt: number
}

const againMs = 1000

export class LockExpiry {
  readonly #replica: Replica
  readonly #clock: CoordinatorClock
  readonly #running = new Map<string, Running>()
  #term = 0
  #cancelTimer: () => void = () => undefined

  constructor(replica: Replica, clock: CoordinatorClock) {
    this.#replica = replica
    this.#clock = clock
    replica.onChange((command) => this.#follow(command))
  }

  stop(): void {
    this.#cancelTimer()
    this.#running.clear()
  }

  #follow(command: Command | undefined): void {
    const { leads, term } = this.#replica.raft
    if (this.#replica.closed || !leads) {
      if (this.#term !== 0) this.stop()
      this.#term = 0
      return
    }
    if (term !== this.#term) {
      this.#term = term
      this.#running.clear()
      this.#countAll()
    } else if (command !== undefined) this.#countTouched(command)
  }

  #countTouched(command: Command): void {
    if (command.kind === 'sequence') return
    if (command.kind === 'open' || command.kind === 'close') this.#countAll()
    else if (this.#count(command.name)) this.#setTimer()
  }

  #countAll(): void {
    for (const name of this.#running.keys())
      if (!this.#replica.state.locks.has(name)) this.#running.delete(name)
    for (const name of this.#replica.state.locks.keys()) this.#count(name)
    this.#setTimer()
  }

  /** True when something changed. */
  #count(name: string): boolean {
    const lock = this.#replica.state.locks.get(name)
    const running = this.#running.get(name)
    if (lock === undefined) return this.#running.delete(name)
    if (running?.token === lock.token && running.renewals === lock.renewals) return false
    const endsAt = this.#clock.now() + lock.ttlMs
    this.#running.set(name, { token: lock.token, renewals: lock.renewals, endsAt })
    return true
  }

  #setTimer(): void {
    this.#cancelTimer()
    let next = Number.POSITIVE_INFINITY
    for (const { endsAt } of this.#running.values()) next = Math.min(next, endsAt)
    if (next === Number.POSITIVE_INFINITY) return
    this.#cancelTimer = this.#clock.start(Math.max(1, next - this.#clock.now()), () => this.#expire())
  }

  #expire(): void {
    const now = this.#clock.now()
    for (const [name, running] of this.#running) {
      if (running.endsAt > now) continue
      this.#running.set(name, { ...running, endsAt: now + againMs }) // again, should this term end first
      const { token, renewals } = running
      void this.#replica.propose({ kind: 'expire', name, token, renewals })
    }
    this.#setTimer()
  }
}
