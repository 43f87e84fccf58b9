/**
 * Message ids seen lately and what they were answered, so that a repeated message acts once (RFC 7252 section 4.5).
 * A repetition has the same bytes: another message under an id that was used again too early is not taken for one.
 */
import { crc32 } from 'node:zlib'
import type { Clock } from './clock.ts'
import { duplicateBytesMax, duplicatesMax } from './limits.ts'

interface Seen {
  readonly length: number
  readonly sum: number
  readonly until: number
  reply: Uint8Array | undefined
}

export class DuplicateTable {
  readonly #clock: Clock
  readonly #seen = new Map<string, Seen>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** True, with what it was answered so far, when this very message was seen; else it is remembered. */
  check(
    key: string,
    bytes: Uint8Array,
    lifetimeMs: number
  ): { readonly isNew: boolean; readonly reply?: Uint8Array | undefined } {
    const now = this.#clock.now()
    const sum = crc32(bytes)
    const seen = this.#seen.get(key)
    if (seen !== undefined && seen.until > now && seen.sum === sum && seen.length === bytes.length)
      return { isNew: false, reply: seen.reply }
    this.#drop(key)
    this.#seen.set(key, { length: bytes.length, sum, until: now + lifetimeMs, reply: undefined })
    this.#makeRoom(now)
    return { isNew: true }
  }

  /** Keeps the reply for repetitions; the oldest ones make room. */
  remember(key: string, reply: Uint8Array): void {
    const seen = this.#seen.get(key)
    if (seen === undefined) return
    this.#bytes += reply.length - (seen.reply?.length ?? 0)
    seen.reply = reply
    this.#makeRoom(this.#clock.now())
  }

  #makeRoom(now: number): void {
    for (const [key, { until }] of this.#seen) {
      if (until > now && this.#seen.size <= duplicatesMax && this.#bytes <= duplicateBytesMax) return
      this.#drop(key)
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#seen.get(key)?.reply?.length ?? 0
    this.#seen.delete(key)
  }
}
