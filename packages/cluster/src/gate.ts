/**
 * Who may connect at all, before anything is said: known transport keys always, unknown ones while there is something
 * for strangers here (an open invitation, public content) and not too many of them; nobody who did wrong too often.
 */
import type { Connection, TransportKey } from '@blocktree/network'
import { penalizedKeysMax, penaltyMax, penaltyMs, strangersMax } from './limits.ts'

export interface GateDeps {
  readonly now: () => number
  /** True for keys in the address book. */
  readonly knows: (key: TransportKey) => boolean
  /** True while strangers have something to do here. */
  readonly opensToStrangers: () => boolean
}

interface Record {
  points: number
  timeMs: number
}

export class Gate {
  readonly #deps: GateDeps
  readonly #penalties = new Map<string, Record>()
  readonly #strangers = new Set<Connection>()

  constructor(deps: GateDeps) {
    this.#deps = deps
  }

  /** For `Network.setGate`. */
  admits(key: TransportKey): boolean {
    if (this.isShutOut(key)) return false
    if (this.#deps.knows(key)) return true
    return this.#deps.opensToStrangers() && this.#strangers.size < strangersMax
  }

  /** Counts a connection of somebody unknown for as long as it lasts, or until `release`. */
  hold(connection: Connection): void {
    this.#strangers.add(connection)
    void connection.closed.then(() => this.#strangers.delete(connection))
  }

  release(connection: Connection): void {
    this.#strangers.delete(connection)
  }

  /** @returns true when the key is shut out from now on */
  penalize(key: TransportKey, points: number): boolean {
    const record = this.#faded(key) ?? { points: 0, timeMs: this.#deps.now() }
    record.points += points
    if (record.points >= penaltyMax) record.timeMs = this.#deps.now() // shut out for the whole time from now on
    const name = key.toHex()
    this.#penalties.delete(name) // the one least recently seen comes first
    this.#penalties.set(name, record)
    if (this.#penalties.size > penalizedKeysMax) {
      const [oldest] = this.#penalties.keys()
      if (oldest !== undefined) this.#penalties.delete(oldest)
    }
    return record.points >= penaltyMax
  }

  isShutOut(key: TransportKey): boolean {
    return (this.#faded(key)?.points ?? 0) >= penaltyMax
  }

  #faded(key: TransportKey): Record | undefined {
    const record = this.#penalties.get(key.toHex())
    if (record === undefined || this.#deps.now() - record.timeMs < penaltyMs) return record
    this.#penalties.delete(key.toHex())
    return undefined
  }
}
