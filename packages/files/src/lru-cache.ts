/**
 * A bounded map that forgets what was not used for longest. Two generations instead of a linked list: a hit in
 * the old one moves the entry to the young one; when the young one is full it becomes the old one. Both together
 * never hold more than `limit` entries.
 */
export class LruCache<Key, Value> {
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()
  readonly #half: number
  readonly #onDrop: ((value: Value) => void) | undefined

  /**
   * @param limit entries kept at most, 2 or more
   * @param onDrop called with each value that leaves, for whatever reason; whoever got it at least `limit / 2` insertions
   * ago may hold it no longer
   */
  constructor(limit: number, onDrop?: (value: Value) => void) {
    this.#half = Math.max(1, limit >>> 1)
    this.#onDrop = onDrop
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: Key): Value | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old === undefined) return undefined
    this.#old.delete(key)
    this.#insert(key, old)
    return old
  }

  set(key: Key, value: Value): void {
    const before = this.#young.get(key) ?? this.#old.get(key)
    if (before !== undefined && before !== value) this.#onDrop?.(before)
    this.#old.delete(key)
    if (this.#young.has(key)) this.#young.set(key, value)
    else this.#insert(key, value)
  }

  delete(key: Key): void {
    const before = this.#young.get(key) ?? this.#old.get(key)
    if (before !== undefined) this.#onDrop?.(before)
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#drop(this.#young)
    this.#drop(this.#old)
    this.#young.clear()
    this.#old.clear()
  }

  #insert(key: Key, value: Value): void {
    if (this.#young.size >= this.#half) {
      this.#drop(this.#old)
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  #drop(generation: ReadonlyMap<Key, Value>): void {
    const onDrop = this.#onDrop
    if (onDrop !== undefined) for (const value of generation.values()) onDrop(value)
  }
}
