/**
 * The read interface of the evaluation (B.8): everything that decides whether a header counts and which one wins is a
 * function of what is read through here, never of order of arrival, clock, quota or parents. The node answers from
 * its store, the property tests from a plain set of records.
 */
import type { Authority } from './authority.ts'
import type { CheckpointRecord, HeaderRecord, Id, ReceiptRecord } from './records.ts'

/** A head of a block with its effective version (B.8.9), as a manifest lists it. */
export interface VersionedHead {
  readonly id: Id
  readonly version: number
}

export interface HeldRecords {
  readonly authority: Authority
  /** A held header by record id; undefined when not held or not a header. */
  header(id: Id): HeaderRecord | undefined
  /** Every held header of a block, in no particular order. */
  headersOf(block: Id): readonly HeaderRecord[]
  /** Receipts that name this record, in no particular order. */
  receiptsOver(id: Id): readonly ReceiptRecord[]
  /** Entries of a block in the manifest of a checkpoint; undefined when the row or the manifest is not held. */
  manifestRow(checkpoint: Id, block: Id): readonly VersionedHead[] | undefined
  /** True when the checkpoint's prev chain, manifest and all entries are held and match (B.11). */
  isComplete(checkpoint: Id): boolean
  /** `anchorsOf` (./anchor.ts), which may be kept between changes of what it reads. */
  anchors(zone: Id): readonly CheckpointRecord[]
  /** `basesOf` (./base.ts), which may be kept likewise. */
  bases(zone: Id): readonly CheckpointRecord[]
  /** True when the manifest of the checkpoint has this block among its graves. */
  isGrave(checkpoint: Id, block: Id): boolean
}
