/** What an open store consists of; passed among the modules that read, replay, collect and check it. */
import type { Id, IndexReader, IndexRow, StoredRecord } from '@blocktree/tree'
import type { FileSystem } from './file-system.ts'
import type { IndexDriver, IndexStore } from './index-store.ts'
import type { Overlay } from './overlay.ts'
import type { RowCache } from './row-cache.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { StoreErrorCode } from './store-error.ts'
import type { ProcessTable } from './store-lock.ts'

/** Everything outside the process that a store touches. */
export interface StoreDrivers {
  readonly files: FileSystem
  readonly index: IndexDriver
  readonly processes: ProcessTable
  /** Fresh random bytes: a new store gets an id. */
  readonly random: (length: number) => Uint8Array
}

export interface StoreParts {
  readonly files: FileSystem
  readonly driver: IndexDriver
  readonly segments: SegmentFiles
  readonly overlay: Overlay
  readonly rows: RowCache
  readonly storeId: Uint8Array
  readonly salt: number
  /** Replaced when the index is made again. */
  index: IndexStore
}

/** Something on disk that is not as it was written; nothing else is lost by it. */
export interface Finding {
  readonly code: StoreErrorCode
  readonly file: string
  readonly offset: number
  readonly problem: string
}

/** The half of a block store that reads. */
export interface StoreView {
  readonly index: IndexReader
  readonly local: IndexReader
  readSector(reference: Id): Uint8Array | undefined
  hasSector(reference: Id): boolean
  readRecord(id: Id): StoredRecord | undefined
  hasRecord(id: Id): boolean
}

export type DeriveRows = (
  records: readonly StoredRecord[],
  view: StoreView
) => readonly IndexRow[] | Promise<readonly IndexRow[]>

/**
 * Makes the derived rows of records again, after a crash for the last few, after damage for all. Records come some
 * thousands at a time; all of them can be read through `view`, and so can the rows made before. They come in the order
 * of the log, in which a collection moves old ones to the end: where that matters, `early` is called with all records
 * first, when everything is made again. `after` are rows that hold whenever anything was replayed, whatever rows in the
 * log say: they say that something is still to be done that could not be done here.
 *
 * The log has rows beside no record, written over rows that are lost. In a replay `replay` is called with them and with
 * the records before them, and says what both make of the index; without it they are written as they are.
 */
export type Reindex = DeriveRows & {
  readonly early?: DeriveRows
  readonly after?: readonly IndexRow[]
  readonly replay?: (
    records: readonly StoredRecord[],
    view: StoreView,
    rows: readonly IndexRow[]
  ) => readonly IndexRow[] | Promise<readonly IndexRow[]>
}

export function corruption(file: string, offset: number, problem: string): Finding {
  return { code: 'ERR_STORE_CORRUPT', file, offset, problem }
}
