/**
 * Port to the index: an ordered map of small rows that can always be made again from the segments. Drivers:
 * LevelDB (./level-index.ts) and memory (./memory-index.ts). Writes are applied in call order; after a loss of
 * power any suffix of them may be missing, never one from the middle (the driver notices when one is).
 */
import { StoreError } from './store-error.ts'

export interface IndexWrite {
  readonly key: Uint8Array
  /** undefined removes the row */
  readonly value: Uint8Array | undefined
}

/** Rows that are made when they are written. */
export interface IndexWriter {
  writes(): Iterable<IndexWrite>
  readonly rowCount: number
}

/** What a group gives to the index. */
export type GroupRow = IndexWrite | IndexWriter

export function* eachRow(rows: Iterable<GroupRow>): Generator<IndexWrite> {
  for (const row of rows) {
    if ('writes' in row) yield* row.writes()
    else yield row
  }
}

export interface IndexScan {
  readonly from: Uint8Array // inclusive
  readonly to: Uint8Array // exclusive
  readonly limit?: number
  readonly reverse?: boolean
}

/** What is read is owned by the caller. */
export interface IndexStore {
  get(key: Uint8Array): Uint8Array | undefined
  /** Rows as of the call. */
  range(scan: IndexScan): AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>
  /** All or nothing. Not synced. */
  write(rows: Iterable<IndexWrite>): Promise<void>
  close(): Promise<void>
}

/** A place in a file of the index whose checksum does not hold. */
export interface IndexDamage {
  readonly file: string
  readonly offset: number
  readonly problem: string
}

export interface IndexDriver {
  /**
   * Opens what is there, after a look at its files: all of them when `thorough` (the last process did not end in
   * order, perhaps because of damage), else those that are read in a few tens of milliseconds. Never creates.
   * @returns the damage when the index cannot be trusted, `missing` when there is none
   */
  open(thorough?: boolean): Promise<IndexStore | IndexDamage | 'missing'>
  /** Removes what is there and makes an empty one. */
  create(): Promise<IndexStore>
  /**
   * Reads every file of the index and yields what is damaged; nothing when all is well. Slow and low in memory;
   * the index may be open meanwhile.
   */
  scrub(signal?: AbortSignal): AsyncIterable<IndexDamage>
  /** Bytes of all its files. */
  bytes(): number
}

export function isIndexDamage(opened: object | 'missing'): opened is IndexDamage {
  return opened !== 'missing' && 'problem' in opened
}

/** Stands for the index until it is open. */
export const closedIndex: IndexStore = {
  get: () => refuseClosed(),
  range: () => refuseClosed(),
  write: () => Promise.reject(closedError()),
  close: () => Promise.resolve()
}

function refuseClosed(): never {
  throw closedError()
}

function closedError(): StoreError {
  return new StoreError('ERR_STORE_CLOSED', 'the index is not open')
}
