/**
 * What was last opened at places of a payload's tree, at most so many. A short list and no Map: a Map whose order is
 * that of use is copied all the time, and V8 chains the copies, so that one old copy keeps all that was ever in a later
 * one, megabytes of opened sectors, until the next full collection (doc/adr/0012).
 */
export class RecentPlaces<Value> {
  readonly #countMax: number
  /** Least recently used first. */
  readonly #kept: Kept<Value>[] = []

  /** @param countMax 1 or more; looked through one by one, so a few dozens at most */
  constructor(countMax: number) {
    this.#countMax = countMax
  }

  /** undefined when it is not kept any more. */
  get(level: number, index: number): Value | undefined {
    const last = this.#kept.length - 1
    for (let place = last; place >= 0; place--) {
      const kept = this.#kept[place]
      if (kept?.index !== index || kept.level !== level) continue
      if (place < last) this.#kept.push(...this.#kept.splice(place, 1))
      return kept.value
    }
    return undefined
  }

  /** Keeps what `get` did not find; the least recently used goes when there are too many. */
  add(level: number, index: number, value: Value): void {
    if (this.#kept.length >= this.#countMax) this.#kept.shift()
    this.#kept.push({ level, index, value })
  }
}

interface Kept<Value> {
  readonly level: number
  readonly index: number
  readonly value: Value
}
