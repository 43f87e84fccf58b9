/** The `IndexDriver` port in memory, for tests and for throw-away stores. `rewind` plays a loss of power. */
import type { IndexDriver, IndexScan, IndexStore, IndexWrite } from './index-store.ts'

export interface MemoryIndexDriver extends IndexDriver {
  /** Number of writes since `create`. */
  readonly writes: number
  /** Forgets all but the first `count` writes, as LevelDB does with an unsynced log. */
  rewind(count: number): void
  /** Turns one bit of a row over: place 0 up to 1 of all bytes of all values. @returns false while there are no rows */
  flipBit(place: number, bit: number): boolean
  /** Forgets everything, as if the directory had been removed. */
  remove(): void
  /** The next writes fail with this error until it is set to undefined again. */
  failure: Error | undefined
}

export function createMemoryIndex(): MemoryIndexDriver {
  let history: (readonly IndexWrite[])[] | undefined
  let rows = new SortedRows()
  const store: IndexStore = {
    get: (key) => rows.get(key),
    range: (scan) => rows.range(scan),
    async write(writes) {
      if (driver.failure !== undefined) throw driver.failure
      const list = [...writes]
      history?.push(list)
      rows.apply(list)
    },
    async close() {}
  }
  const driver: MemoryIndexDriver = {
    failure: undefined,
    get writes() {
      return history?.length ?? 0
    },
    rewind(count) {
      history?.splice(count)
      rows = new SortedRows()
      for (const writes of history ?? []) rows.apply(writes)
    },
    flipBit: (place, bit) => rows.flipBit(place, bit),
    remove() {
      history = undefined
      rows = new SortedRows()
    },
    open: async () => (history === undefined ? 'missing' : store),
    async create() {
      history = []
      rows = new SortedRows()
      return store
    },
    async *scrub() {},
    bytes: () => 0
  }
  return driver
}

/** Keys as latin-1 strings sort as their bytes do. The sorted list is made again after a new key. */
class SortedRows {
  readonly #rows = new Map<string, Uint8Array>()
  #sorted: readonly string[] | undefined

  get(key: Uint8Array): Uint8Array | undefined {
    const value = this.#rows.get(toText(key))
    return value === undefined ? undefined : new Uint8Array(value)
  }

  apply(writes: readonly IndexWrite[]): void {
    for (const { key, value } of writes) {
      const text = toText(key)
      if (value === undefined) {
        if (this.#rows.delete(text)) this.#sorted = undefined
        continue
      }
      if (!this.#rows.has(text)) this.#sorted = undefined
      this.#rows.set(text, new Uint8Array(value))
    }
  }

  flipBit(place: number, bit: number): boolean {
    let offset = 0
    for (const value of this.#rows.values()) offset += value.length
    offset = Math.floor(offset * place)
    for (const value of this.#rows.values()) {
      if (offset < value.length) {
        value[offset] = (value[offset] ?? 0) ^ (1 << bit)
        return true
      }
      offset -= value.length
    }
    return false
  }

  async *#walk(
    found: readonly (readonly [string, Uint8Array])[]
  ): AsyncIterable<readonly [Uint8Array, Uint8Array]> {
    for (const [key, value] of found)
      yield [new Uint8Array(Buffer.from(key, 'latin1')), new Uint8Array(value)]
  }

  range(scan: IndexScan): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    this.#sorted ??= [...this.#rows.keys()].sort()
    const from = toText(scan.from)
    const to = toText(scan.to)
    const keys = this.#sorted.filter((key) => key >= from && key < to)
    if (scan.reverse === true) keys.reverse()
    const found: (readonly [string, Uint8Array])[] = []
    for (const key of keys.slice(0, scan.limit ?? keys.length)) {
      const value = this.#rows.get(key)
      if (value !== undefined) found.push([key, value])
    }
    return this.#walk(found)
  }
}

function toText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}
