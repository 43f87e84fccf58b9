/**
 * The BlockStore port in memory: for tests, tools and nodes that keep nothing. Durable at once, in the sense that
 * nothing survives the process; order and visibility are those of the port.
 */
import { idKey } from './id-key.ts'
import { encodeUint48, readUint48 } from './index-rows.ts'
import type {
  BlockStore,
  IndexReader,
  IndexRow,
  RangeOptions,
  StoreBatch,
  StoredRecord,
  StoredSector
} from './ports.ts'

export function createMemoryStore(): BlockStore {
  return new MemoryStore()
}

/** Rows in key order. New keys wait in a heap of their own until somebody asks for a range. */
class SortedRows implements IndexReader {
  readonly #values: Map<string, Uint8Array> = new Map()
  #sorted: string[] = []
  #added: string[] = []

  get(key: Uint8Array): Uint8Array | undefined {
    return this.#values.get(idKey(key))
  }

  range(options: RangeOptions): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]> {
    return replay(this.#collect(options))
  }

  apply(rows: readonly IndexRow[]): void {
    for (const row of rows) {
      const key = idKey(row.key)
      if (row.value === undefined) this.#values.delete(key)
      else {
        if (!this.#values.has(key)) this.#added.push(key)
        this.#values.set(key, row.value.slice())
      }
    }
  }

  #collect({ from, to, limit = Infinity, reverse = false }: RangeOptions): (readonly [string, Uint8Array])[] {
    this.#sort()
    const start = this.#position(idKey(from))
    const end = this.#position(idKey(to))
    const rows: (readonly [string, Uint8Array])[] = []
    const step = reverse ? -1 : 1
    for (let at = reverse ? end - 1 : start; at >= start && at < end && rows.length < limit; at += step) {
      const key = this.#sorted[at] ?? ''
      const value = this.#values.get(key)
      if (value !== undefined) rows.push([key, value])
    }
    return rows
  }

  #sort(): void {
    if (this.#added.length === 0) return
    const keys = new Set(this.#sorted)
    for (const key of this.#added) keys.add(key)
    this.#sorted = [...keys].filter((key) => this.#values.has(key)).sort()
    this.#added = []
  }

  #position(key: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle] ?? '') < key) low = middle + 1
      else high = middle
    }
    return low
  }
}

async function* replay(
  rows: readonly (readonly [string, Uint8Array])[]
): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
  for (const [key, value] of rows) yield [Uint8Array.fromHex(key), value]
}

async function* yieldAll(records: readonly StoredRecord[]): AsyncGenerator<StoredRecord> {
  yield* records
}

class MemoryStore implements BlockStore {
  readonly #index = new SortedRows()
  readonly #local = new SortedRows()
  readonly #sectors: Map<string, Uint8Array> = new Map()
  readonly #records: Map<string, StoredRecord> = new Map()
  /** Keys of records as they came: the log. */
  readonly #order: string[] = []

  get index(): IndexReader {
    return this.#index
  }
  get local(): IndexReader {
    return this.#local
  }
  readSector(reference: Uint8Array): Uint8Array | undefined {
    return this.#sectors.get(idKey(reference))?.slice()
  }
  hasSector(reference: Uint8Array): boolean {
    return this.#sectors.has(idKey(reference))
  }
  readRecord(id: Uint8Array): StoredRecord | undefined {
    return this.#records.get(idKey(id))
  }
  hasRecord(id: Uint8Array): boolean {
    return this.#records.has(idKey(id))
  }
  async *records(): AsyncGenerator<StoredRecord> {
    yield* yieldAll([...this.#records.values()])
  }
  logEnd(): Uint8Array {
    return encodeUint48(this.#order.length)
  }
  recordsAfter(place: Uint8Array): AsyncIterable<StoredRecord> {
    return yieldAll(this.#order.slice(readUint48(place, 0)).flatMap((key) => this.#records.get(key) ?? []))
  }
  commit(batch: StoreBatch): Promise<void> {
    for (const sector of batch.sectors ?? []) this.#putSector(sector)
    for (const record of batch.records ?? []) {
      const key = idKey(record.id)
      if (this.#records.has(key)) continue
      this.#records.set(key, { ...record, bytes: record.bytes.slice() })
      this.#order.push(key)
    }
    for (const id of batch.drops ?? []) this.#records.delete(idKey(id))
    this.#index.apply(batch.rows ?? [])
    this.#local.apply(batch.local ?? [])
    return Promise.resolve()
  }
  flush(): Promise<void> {
    return Promise.resolve()
  }
  close(): Promise<void> {
    return Promise.resolve()
  }

  #putSector(sector: StoredSector): void {
    this.#sectors.set(idKey(sector.reference), sector.bytes.slice())
  }
}
