/**
 * Whether the promises of a holder are worth anything, by what its challenges showed (spec 28, section 9): a holder that
 * signs receipts for what it does not have stops counting at once, and not when the background check comes to each of them.
 * In memory: after a restart the first receipts are checked again.
 */
import type { Id } from '@blocktree/tree'
import { brokenPromisesMax, evasionsMax, spotChecksFirst } from './limits.ts'

interface Trust {
  /** Receipts that it gave since it was first seen. */
  receipts: number
  /** Challenges that failed and were not outweighed by as many that held. */
  broken: number
  evasions: number
}

const holdersMax = 1024

export class HolderTrust {
  readonly #holders: Map<string, Trust> = new Map()

  /** False while nothing that it promised counts. */
  isTrusted(holder: Id): boolean {
    return (this.#holders.get(holder.toHex())?.broken ?? 0) < brokenPromisesMax
  }

  /** A receipt came. @returns true when it is to be checked before it counts; `dice` is a random byte */
  isCheckDue(holder: Id, dice: number): boolean {
    const trust = this.#of(holder)
    trust.receipts++
    return trust.broken > 0 || trust.receipts <= spotChecksFirst || dice < 32
  }

  /** It proved something. */
  proved(holder: Id): void {
    const trust = this.#of(holder)
    trust.evasions = 0
    trust.broken = Math.max(0, trust.broken - 1)
  }

  /** It could not prove what it promised. @returns true when its promises count no more from now on */
  broke(holder: Id): boolean {
    const trust = this.#of(holder)
    trust.evasions = 0
    trust.broken = Math.min(2 * brokenPromisesMax, trust.broken + 1)
    return trust.broken === brokenPromisesMax
  }

  /** It is connected and did not answer a challenge. @returns true when that is to be taken for a failure */
  evaded(holder: Id): boolean {
    const trust = this.#of(holder)
    trust.evasions++
    return trust.evasions >= evasionsMax
  }

  #of(holder: Id): Trust {
    const key = holder.toHex()
    const trust = this.#holders.get(key) ?? { receipts: 0, broken: 0, evasions: 0 }
    this.#holders.delete(key) // the one least recently seen comes first
    this.#holders.set(key, trust)
    if (this.#holders.size > holdersMax) {
      const [oldest] = this.#holders.keys()
      if (oldest !== undefined) this.#holders.delete(oldest)
    }
    return trust
  }
}
