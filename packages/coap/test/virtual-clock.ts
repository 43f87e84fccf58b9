/** Time that passes when the test says so. */
import type { Clock } from '../src/clock.ts'

export class VirtualClock implements Clock {
  #now = 0
  #timers: { at: number; order: number; callback: () => void }[] = []
  #order = 0

  now(): number {
    return this.#now
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer = { at: this.#now + delayMs, order: this.#order++, callback }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  /** Everything due within `ms` happens, in order, with what follows from it. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms
    await settle()
    for (;;) {
      const next = this.#timers
        .filter(({ at }) => at <= until)
        .toSorted((left, right) => left.at - right.at || left.order - right.order)[0]
      if (next === undefined) break
      this.#timers = this.#timers.filter((other) => other !== next)
      this.#now = next.at
      next.callback()
      await settle()
    }
    this.#now = until
  }
}

/** Promises that are settled have their say. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
