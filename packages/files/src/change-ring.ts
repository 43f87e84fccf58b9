/**
 * The last changes of the tree in memory, numbered. A watcher keeps only its number, so any number of slow
 * watchers cost nothing; one that falls behind the ring is told that it lost changes and lists again. A resume
 * token names the ring's life (`epoch`, random per start) and a number: after a restart every old token is lost.
 */
export class ChangeRing<Change> {
  readonly #epoch: string
  readonly #slots: (Change | undefined)[]
  #next = 1
  readonly #waiting = new Set<() => void>()

  /** @param epoch text without `.`, different at every start */
  constructor(epoch: string, capacity: number) {
    this.#epoch = epoch
    this.#slots = Array.from<Change | undefined>({ length: capacity })
  }

  /** The number of the last change; 0 before the first. */
  get last(): number {
    return this.#next - 1
  }

  push(change: Change): number {
    const sequence = this.#next++
    this.#slots[sequence % this.#slots.length] = change
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const wake of waiting) wake()
    return sequence
  }

  /** The change of this number, or undefined when it is not there yet or no longer. */
  at(sequence: number): Change | undefined {
    if (sequence >= this.#next || sequence <= this.last - this.#slots.length) return undefined
    return this.#slots[sequence % this.#slots.length]
  }

  /** True when changes after `sequence` are no longer all there. */
  isLost(sequence: number): boolean {
    return sequence < this.last - this.#slots.length
  }

  token(sequence: number): string {
    return `${this.#epoch}.${sequence}`
  }

  /** The number in a token; `lost` for a token of another life; undefined when it is no token. */
  parseToken(token: string): number | 'lost' | undefined {
    const match = /^([a-z0-9]{1,64})\.(0|[1-9][0-9]{0,15})$/.exec(token)
    if (match === null) return undefined
    const sequence = Number(match[2])
    return match[1] !== this.#epoch || sequence > this.last || this.isLost(sequence) ? 'lost' : sequence
  }

  /** Calls `wake` once, at the next change; the returned function takes it back. */
  onNext(wake: () => void): () => void {
    this.#waiting.add(wake)
    return () => {
      this.#waiting.delete(wake)
    }
  }
}
