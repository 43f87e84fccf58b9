/**
 * A batch on its way to the disk: the frames it becomes, the index rows that go with them, and what it put into
 * the overlay. Buffers of the caller are kept by reference until the batch is durable.
 */
import type { Durability } from '@blocktree/tree'
import { frameHeaderBytes } from './frame.ts'
import type { FrameFields } from './frame.ts'
import type { IndexWrite } from './index-store.ts'
import type { OverlayEntry } from './overlay.ts'
import type { PackedBatch } from './packed-batch.ts'

/** One frame to write: fields, and the payload in one or two parts. */
export interface LogFrame extends FrameFields {
  readonly reference: Uint8Array
  readonly payload: readonly Uint8Array[]
}

/** Frames that a worker has already made (./prepared-frames.ts). */
export interface PreparedEntry {
  readonly type: 'sector' | 'record'
  readonly reference: Uint8Array
  /** Of the frame, from the beginning of the buffer. */
  readonly offset: number
  /** Of the payload. */
  readonly length: number
  /** A record with an inline sector. */
  readonly inline?: boolean
}

export interface PreparedFrames {
  readonly bytes: Uint8Array
  readonly entries: readonly PreparedEntry[]
}

export interface PendingBatch {
  readonly frames: readonly LogFrame[]
  readonly prepared: PreparedFrames | undefined
  /** The entries of `prepared`, which then has none itself. */
  readonly packed?: PackedBatch
  /** With the space byte, not yet sealed. */
  readonly rows: readonly IndexWrite[]
  /** Rows that are sealed already, of the spaces that the store keeps for itself. */
  readonly sealedRows?: readonly IndexWrite[]
  readonly durability: Durability
  /** Bytes in the log. */
  readonly bytes: number
  /** Records that are held no longer. */
  readonly drops?: readonly Uint8Array[]
  /**
   * One entry for each sector, record and prepared frame, in order, then one for each of `rows`, then one for each of
   * `drops`; or none at all.
   */
  readonly overlay: readonly OverlayEntry[]
  /** Resolve when the batch is in the index, not as soon as it is durable. */
  readonly untilIndexed: boolean
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

export function framesBytes(frames: readonly LogFrame[]): number {
  let bytes = 0
  for (const frame of frames) bytes += frameHeaderBytes + frame.length
  return bytes
}
