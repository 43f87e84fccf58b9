/**
 * What a peer has earned: points for what an honest one cannot have sent. At the bound it is not spoken to for a while,
 * twice as long each time; points fade. What a node refuses without blame costs nothing.
 */
import type { Id } from '@blocktree/tree'
import { banFirstMs, banLongestMs, penaltyMax, refusedKept } from './limits.ts'
import type { Pace } from './ports.ts'

const fadeMs = 60_000 // one point

/** What a peer was blamed for; the words are stable: they stand in logs and in `sync status`. */
export type SyncWrong =
  | 'ERR_SYNC_WRONG_RECORD' // a record that no honest peer can have
  | 'ERR_SYNC_WRONG_PART' // bytes of a payload with another hash, or more than were asked for
  | 'ERR_SYNC_WRONG_EVENT' // an event that is no message of page 28
  | 'ERR_SYNC_WRONG_ANSWER' // an answer or stream that is malformed, contradicts itself or does not end
  | 'ERR_SYNC_WRONG_RECEIPT' // a receipt that is none, or a promise that is not kept
  | 'ERR_SYNC_FLOOD' // events faster than any honest peer sends them
  | 'ERR_SYNC_SLOW' // parts that were begun and do not come

export class PeerStanding {
  readonly #pace: Pace
  readonly #onBan: (wrong: SyncWrong, milliseconds: number) => void
  #wrong: SyncWrong | undefined
  #points = 0
  #at: number
  #until = -Infinity
  #banMs = banFirstMs
  readonly #refused: Map<string, number> = new Map()

  /** @param onBan told each time when it is not spoken to from now on */
  constructor(pace: Pace, onBan: (wrong: SyncWrong, milliseconds: number) => void = () => undefined) {
    this.#pace = pace
    this.#onBan = onBan
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

  /** What it was blamed for last. */
  get wrong(): SyncWrong | undefined {
    return this.#wrong
  }

  /** @returns true when that was enough */
  blame(points: number, wrong: SyncWrong): boolean {
    this.#fade()
    this.#points += points
    this.#wrong = wrong
    if (this.#points < penaltyMax) return false
    this.#points = 0
    this.#until = this.#pace.now() + this.#banMs
    this.#onBan(wrong, this.#banMs)
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
