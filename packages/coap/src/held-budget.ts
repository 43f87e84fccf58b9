/** Bytes held for all connections of a server: above the limit, whoever holds most is cut off, so that the others are served. */
import { heldBytesMax } from './limits.ts'
import type { StreamSession } from './stream-session.ts'

export class HeldBudget {
  readonly #sessions: ReadonlySet<StreamSession>
  #heldBytes = 0
  #isCutting = false

  constructor(sessions: ReadonlySet<StreamSession>) {
    this.#sessions = sessions
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  change(difference: number): void {
    this.#heldBytes += difference
    if (this.#isCutting) return
    this.#isCutting = true
    while (this.#heldBytes > heldBytesMax) {
      const largest = this.#largest()
      if (largest === undefined) break
      const before = this.#heldBytes
      largest.abort('too much is held for this connection')
      if (this.#heldBytes >= before) break
    }
    this.#isCutting = false
  }

  #largest(): StreamSession | undefined {
    let largest: StreamSession | undefined
    for (const session of this.#sessions)
      if (largest === undefined || session.heldBytes > largest.heldBytes) largest = session
    return largest
  }
}
