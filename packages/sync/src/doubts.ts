/**
 * What other members say of a holder that could not prove what it promised (spec 28, section 9). Only who holds content
 * can ask for proof of it, so the one that is next in the ranking learns from others that a copy is missing. A wrong word
 * costs a copy too many, for as long as it is repeated.
 */
import type { Id } from '@blocktree/tree'
import type { Pace } from './ports.ts'

const doubtMs = 3 * 3_600_000 // it is repeated at each look, so at least every hour
const doubtsMax = 65_536

export class Doubts {
  readonly #pace: Pace
  readonly #untilMs: Map<string, number> = new Map()

  constructor(pace: Pace) {
    this.#pace = pace
  }

  /** @returns true when it was not doubted before */
  note(record: Id, holder: Id): boolean {
    const key = keyOf(record, holder)
    const isNew = !this.has(record, holder)
    this.#untilMs.delete(key)
    this.#untilMs.set(key, this.#pace.now() + doubtMs)
    if (this.#untilMs.size > doubtsMax) {
      const [oldest] = this.#untilMs.keys()
      if (oldest !== undefined) this.#untilMs.delete(oldest)
    }
    return isNew
  }

  has(record: Id, holder: Id): boolean {
    return (this.#untilMs.get(keyOf(record, holder)) ?? -Infinity) > this.#pace.now()
  }
}

function keyOf(record: Id, holder: Id): string {
  return `${record.toHex()} ${holder.toHex()}`
}
