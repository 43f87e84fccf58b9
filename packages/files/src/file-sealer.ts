/**
 * Port to a thread that seals and signs new files. What it gives back are frames and rows as the store takes them; this
 * package looks once more whether they may be stored, and then stores all of a batch or none.
 */
import type { HeaderRecord, IndexRow } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import type { BulkTarget } from './build-file.ts'

/** A small file, with the time of its writing and no other metadata. */
export interface FileToSeal {
  readonly name: string
  /** At most 4 KiB, and not empty: it goes beside its header. */
  readonly bytes: Uint8Array
  readonly modifiedMs: number
}

export interface SealingBatch {
  readonly target: BulkTarget
  readonly sectorLog2: number
  /** Different names. */
  readonly files: readonly FileToSeal[]
}

export interface SealedBatch {
  /** One of the headers, by which the others are judged. */
  readonly sample: HeaderRecord
  /** Block and record of each file, 32 bytes each, in their order. */
  readonly blocks: Uint8Array
  readonly records: Uint8Array
  /** Stores all of them with these rows beside. */
  readonly append: (rows: readonly IndexRow[]) => Promise<void>
}

export interface FileSealer {
  /** Undefined when it cannot be done elsewhere now. A rejection means the same: nothing was stored. */
  seal(actor: Actor, batch: SealingBatch): Promise<SealedBatch> | undefined
}
