/**
 * The block store on disk, as its users see it: segments are the truth, the index can be made again from them
 * (doc/spec/11-segments.md, doc/adr/0006-store.md). Made by ./open-store.ts.
 */
import type { BlockStore, Durability, Id, IndexRow } from '@blocktree/tree'
import type { CheckOptions, CheckReport } from './store-check.ts'
import type { CollectionOptions, CollectionReport } from './garbage-collection.ts'
import type { Location } from './location.ts'
import type { PackedFrames } from './packed-batch.ts'
import type { PreparedFrames } from './pending-batch.ts'
import type { Recovery, RecoveryOptions } from './recovery.ts'
import type { Finding, Reindex } from './store-parts.ts'
import type { StoreStatistics } from './store-statistics.ts'

export interface StoreOptions {
  /** Makes derived rows again after a crash or a rebuild; without it they stay as the index has them. */
  readonly reindex?: Reindex
  /** Bytes after which a segment is followed by the next; 64 MiB. */
  readonly segmentBytes?: number
  /** Disk space kept for the index when the disk is full; 8 MiB. */
  readonly reserveBytes?: number
  /** Told of damage that is met while the store is open. */
  readonly onFinding?: (finding: Finding) => void
  /** Read all tables of the index through after opening, slowly; damage is reported and repaired at the next opening. */
  readonly scrub?: boolean
  readonly onRebuildProgress?: (done: { readonly segment: number; readonly segments: number }) => void
}

export type RebuildOptions = Pick<RecoveryOptions, 'onProgress'>

export interface DiskStore extends BlockStore {
  /** What opening found and did. */
  readonly recovery: Recovery
  /** For `createFrameBuilder`. */
  readonly frameSalt: number
  /**
   * One batch of frames that a worker has made, with the rows derived from its records. The buffer belongs to the
   * store until the promise settles. ERR_STORE_ARGUMENT when the entries are not the frames of the buffer.
   */
  appendPrepared(
    prepared: PreparedFrames,
    rows?: readonly IndexRow[],
    options?: { readonly durability?: Durability }
  ): Promise<void>
  /**
   * The same without an object for each frame and row: one batch that a worker has packed (`packFrames`), with rows
   * that may have been written before. The buffers belong to the store until the promise settles, the rows for ever.
   */
  appendPacked(
    frames: PackedFrames,
    rows?: readonly IndexRow[],
    options?: { readonly durability?: 'group' | 'each' }
  ): Promise<void>
  /**
   * Where a record or sector lies in the log, for readers in other threads; undefined when it is not held or not in
   * the index yet. A collection may move it: who finds something else there asks the store for the bytes.
   */
  placeOf(kind: 'record' | 'sector', reference: Id): Location | undefined
  /**
   * Removes sectors that are not among `live` and gives their space back where less than `minimumLive` of a segment
   * is live. Sectors written or asked for meanwhile are kept. ERR_STORE_BUSY while another collection runs.
   */
  collect(live: AsyncIterable<Id> | Iterable<Id>, options?: CollectionOptions): Promise<CollectionReport>
  /** Reads everything back. Never throws for damage: it is in the report. */
  check(options?: CheckOptions): Promise<CheckReport>
  /** Makes the index again from the segments; meanwhile reads and commits are refused with ERR_STORE_BUSY. */
  rebuildIndex(options?: RebuildOptions): Promise<Recovery>
  statistics(): Promise<StoreStatistics>
  [Symbol.asyncDispose](): Promise<void>
}
