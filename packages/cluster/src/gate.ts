/**
 * Who may connect at all, before anything is said: known transport keys always, unknown ones while there is something
 * for strangers here (an open invitation, public content) and not too many of them; nobody who did wrong too often.
 */
import { type Connection, SourceCount, type TransportKey } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import { penalizedKeysMax, penaltyMax, penaltyMs, strangersMax, strangersOfSourceMax } from './limits.ts'

export interface GateDeps {
  readonly now: () => number
  /** True for keys in the address book. */
  readonly knows: (key: TransportKey) => boolean
  /** True while strangers have something to do here. */
  readonly opensToStrangers: () => boolean
  /** Told once each time when a key is shut out. */
  readonly onShutOut?: (one: ShutOut) => void
}

/** What a key was shut out for; the words are stable: they stand in logs and in `peers`. */
export type PeerWrong =
  | 'ERR_PEER_HELLO' // hellos that prove nothing, or never came
  | 'ERR_PEER_RECORDS' // records that no honest peer sends
  | 'ERR_PEER_REFUSALS' // far more refused requests than an honest peer makes

/** A key that may not connect for a while. */
export interface ShutOut {
  readonly key: TransportKey
  /** undefined when it never proved one. */
  readonly principal: Id | undefined
  readonly wrong: PeerWrong
  readonly untilMs: number
}

export interface Penalty {
  readonly points: number
  readonly wrong: PeerWrong
  readonly principal?: Id
}

interface Record {
  readonly key: TransportKey
  points: number
  timeMs: number
  wrong: PeerWrong
  principal: Id | undefined
}

type Held = Pick<Connection, 'remoteAddress' | 'closed'>

export class Gate {
  readonly #deps: GateDeps
  readonly #penalties = new Map<string, Record>()
  readonly #strangers = new Map<Held, () => void>()
  readonly #sources = new SourceCount(strangersOfSourceMax)

  constructor(deps: GateDeps) {
    this.#deps = deps
  }

  /** For `Network.setGate`. */
  admits(key: TransportKey, address: string): boolean {
    if (this.isShutOut(key)) return false
    if (this.#deps.knows(key)) return true
    return (
      this.#deps.opensToStrangers() && this.#strangers.size < strangersMax && this.#sources.hasRoom(address)
    )
  }

  /** Counts a connection of somebody unknown for as long as it lasts, or until `release`. */
  hold(connection: Held): void {
    if (this.#strangers.has(connection)) return
    const leave = this.#sources.take(connection.remoteAddress)
    this.#strangers.set(connection, leave === false ? () => undefined : leave)
    void connection.closed.then(() => this.release(connection))
  }

  release(connection: Held): void {
    this.#strangers.get(connection)?.()
    this.#strangers.delete(connection)
  }

  /** @returns true when the key is shut out from now on */
  penalize(key: TransportKey, { points, wrong, principal }: Penalty): boolean {
    const timeMs = this.#deps.now()
    const record = this.#faded(key) ?? { key: key.slice(), points: 0, timeMs, wrong, principal }
    const wasShutOut = record.points >= penaltyMax
    record.points += points
    record.wrong = wrong
    record.principal = principal ?? record.principal
    if (record.points >= penaltyMax) record.timeMs = this.#deps.now() // shut out for the whole time from now on
    const name = key.toHex()
    this.#penalties.delete(name) // the one least recently seen comes first
    this.#penalties.set(name, record)
    if (this.#penalties.size > penalizedKeysMax) {
      const [oldest] = this.#penalties.keys()
      if (oldest !== undefined) this.#penalties.delete(oldest)
    }
    const isShutOut = record.points >= penaltyMax
    if (isShutOut && !wasShutOut) this.#deps.onShutOut?.(shown(record))
    return isShutOut
  }

  /** Keys that may not connect now. */
  shutOut(): readonly ShutOut[] {
    const records = [...this.#penalties.values()].filter(({ key }) => this.isShutOut(key))
    return records.map(shown)
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

function shown({ key, principal, wrong, timeMs }: Record): ShutOut {
  return { key, principal, wrong, untilMs: timeMs + penaltyMs }
}
