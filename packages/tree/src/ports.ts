/**
 * What the data model needs from outside: a place for bytes and a clock. Drivers live in layer 2; the memory
 * implementation (./memory-store.ts) and `testBlockStore` (./conformance.ts) live here.
 */
import type { Id } from './records.ts'

export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
}

/** A sealed sector or inner node; the reference is the SHA-256 of `bytes`. */
export interface StoredSector {
  readonly reference: Id
  readonly bytes: Uint8Array
}

/** A signed record as stored; `inline` is the one small sector that may travel beside a header (B.6). */
export interface StoredRecord {
  readonly id: Id
  readonly type: number
  readonly bytes: Uint8Array
  readonly inline: Uint8Array | undefined
  /** Made just now under a fresh id: it cannot be held already. */
  readonly isNew?: boolean
}

/** A derived row; a value of `undefined` deletes. Rows can always be made again from the records. */
export interface IndexRow {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** Everything that becomes durable together, or not at all. */
export interface StoreBatch {
  readonly sectors?: readonly StoredSector[]
  readonly records?: readonly StoredRecord[]
  readonly rows?: readonly IndexRow[]
  /** Records to hold no longer: gone for readers at once. Their bytes go with a collection. Not held: nothing happens. */
  readonly drops?: readonly Id[]
  /** Local facts that are not derived from records (journals, settings): written to the log too, never rebuilt from it. */
  readonly local?: readonly IndexRow[]
}

/** `none`: acknowledged when queued; `group`: after the fdatasync of its group; `each`: a sync of its own. */
export type Durability = 'none' | 'group' | 'each'

export interface RangeOptions {
  readonly from: Uint8Array // inclusive
  readonly to: Uint8Array // exclusive
  readonly limit?: number
  readonly reverse?: boolean
}

/** Sorted rows. Reads see every batch handed to `commit`, also before it is durable. */
export interface IndexReader {
  /** Synchronous: a warm read is cheaper than a turn of the event loop. */
  get(key: Uint8Array): Uint8Array | undefined
  /** Rows as of the call, in key order. */
  range(options: RangeOptions): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
}

export interface BlockStore {
  /** Derived rows. */
  readonly index: IndexReader
  /** Local facts, in a key space of their own. */
  readonly local: IndexReader
  /**
   * Verified bytes owned by the caller, undefined when not held; ERR_STORE_CORRUPT when held but damaged.
   * @param check `checksum` for somebody who verifies the hash himself: the store may find what a disk damages, no more
   * @param into the store may read to this memory and return a view of it, where there is room for 128 bytes more
   */
  readSector(reference: Id, check?: 'hash' | 'checksum', into?: Uint8Array): Uint8Array | undefined
  hasSector(reference: Id): boolean
  readRecord(id: Id): StoredRecord | undefined
  hasRecord(id: Id): boolean
  /** Every record in the order of the log. */
  records(): AsyncIterable<StoredRecord>
  /**
   * A place in the log of this store, in its own bytes: behind everything that lies in the log now. What was committed
   * and is on its way there comes behind it. Absent in stores without a log.
   */
  logEnd?(): Uint8Array
  /**
   * Records that came into the log behind a place, in its order, with some from before it; undefined when the place is
   * none of this log, when damage was met since it was told, or when more than `bytesMax` bytes of log lie behind it.
   */
  recordsAfter?(place: Uint8Array, bytesMax: number): AsyncIterable<StoredRecord> | undefined
  /**
   * Visible at once to readers, durable when the promise resolves. Batches become durable in call order. When a
   * batch fails (disk full, I/O error) it and every later one that was queued are refused and become invisible:
   * ERR_STORE_FULL, ERR_STORE_IO. Until it settles (`none`: until the call returns) nobody changes the buffers of the
   * batch; afterwards they are the caller's again.
   */
  commit(batch: StoreBatch, options?: { readonly durability?: Durability }): Promise<void>
  /** Resolves when everything handed over so far is durable. */
  flush(): Promise<void>
  close(): Promise<void>
}
