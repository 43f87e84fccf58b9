/** A batch of the port as frames and index rows; the limits are checked here, before anything is queued. */
import type { Durability, Id, IndexRow, StoreBatch, StoredRecord } from '@blocktree/tree'
import { droppedFrames, droppedRow } from './dropped-frame.ts'
import { decodeFrameHeader, asBuffer, frameFlag, frameHeaderBytes, frameType } from './frame.ts'
import type { IndexWrite } from './index-store.ts'
import { type PlaceRow, rowSpace, spaceKey } from './index-rows.ts'
import { batchBytesMax, framePayloadBytesMax, rowKeyBytesMax, rowValueBytesMax } from './limits.ts'
import type { Overlay, OverlayEntry } from './overlay.ts'
import { removedRow } from './overlay.ts'
import { PackedBatch, unframe } from './packed-batch.ts'
import type { PackedFrames } from './packed-batch.ts'
import { framesBytes } from './pending-batch.ts'
import type { LogFrame, PendingBatch, PreparedFrames } from './pending-batch.ts'
import { rowsFrames } from './rows-frame.ts'
import { StoreError } from './store-error.ts'

const noReference = new Uint8Array(32)
const nothing = new Uint8Array()

export interface DraftBatch {
  readonly frames: readonly LogFrame[]
  readonly prepared: PreparedFrames | undefined
  readonly packed?: PackedBatch
  readonly rows: readonly IndexWrite[]
  readonly sealedRows?: readonly IndexWrite[]
  /** Records that are held no longer. */
  readonly drops?: readonly Id[]
  readonly bytes: number
}

/**
 * @param isHeld true for records that need not be written again
 * @param placeOf where a record lies that may be dropped; undefined when it is not in the log
 * @param beside the rows go with frames that are made elsewhere
 */
export function draftBatch(
  batch: StoreBatch,
  isHeld: (record: StoredRecord) => boolean,
  placeOf: (id: Id) => PlaceRow | undefined = () => undefined,
  beside = false
): DraftBatch {
  const frames: LogFrame[] = []
  const rows: IndexWrite[] = []
  for (const sector of batch.sectors ?? []) frames.push(sectorFrame(sector.reference, sector.bytes, 0))
  for (const record of batch.records ?? []) if (!isHeld(record)) frames.push(recordFrame(record))
  const drops: Id[] = []
  const sealedRows: IndexWrite[] = []
  for (const id of batch.drops ?? []) {
    const place = placeOf(id)
    if (place === undefined) continue
    drops.push(id)
    sealedRows.push(droppedRow(id, place))
  }
  frames.push(...droppedFrames(drops))
  for (const row of batch.local ?? []) {
    frames.push(localFrame(row))
    rows.push({ key: spaceKey(rowSpace.local, checked(row).key), value: row.value })
  }
  for (const row of batch.rows ?? []) {
    rows.push({ key: spaceKey(rowSpace.derived, checked(row).key), value: row.value })
  }
  // Nothing in the log to make these rows from: they are kept there until the index has them for certain.
  if (!beside && !frames.some((frame) => frame.type === frameType.record))
    frames.push(...rowsFrames(batch.rows ?? []))
  const bytes = framesBytes(frames)
  if (bytes > batchBytesMax) {
    throw new StoreError(
      'ERR_STORE_LIMIT',
      `a batch of ${bytes} bytes; at most ${batchBytesMax} fit, split it`
    )
  }
  const draft = { frames, prepared: undefined, rows, bytes }
  return drops.length === 0 ? draft : { ...draft, sealedRows, drops }
}

/** Checks that the entries are the frames that lie in the buffer, one behind the other. */
export function draftPrepared(prepared: PreparedFrames, rows: readonly IndexRow[], salt: number): DraftBatch {
  const source = asBuffer(prepared.bytes)
  let offset = 0
  for (const entry of prepared.entries) {
    const header = decodeFrameHeader(source, entry.offset, salt)
    const same = header?.type === frameType[entry.type] && asBuffer(header.reference).equals(entry.reference)
    if (entry.offset !== offset || !same || header.length !== entry.length) {
      throw new StoreError(
        'ERR_STORE_ARGUMENT',
        `prepared frames: no ${entry.type} frame of the entry at ${offset}`
      )
    }
    offset += frameHeaderBytes + entry.length
  }
  if (offset !== prepared.bytes.length) {
    throw new StoreError(
      'ERR_STORE_ARGUMENT',
      `prepared frames: ${prepared.bytes.length - offset} bytes in no frame`
    )
  }
  return { ...draftBatch({ rows }, () => true, undefined, true), prepared, bytes: offset }
}

/** Frames of our own worker: their layout is looked at, not every header. */
export function draftPacked(frames: PackedFrames, rows: readonly IndexRow[]): DraftBatch {
  const { bytes } = frames
  const draft = draftBatch({ rows }, () => true, undefined, true)
  return { ...draft, prepared: { bytes, entries: [] }, packed: new PackedBatch(frames), bytes: bytes.length }
}

/** The same with copies of all buffers: the caller may use its own again at once. */
export function ownedDraft(draft: DraftBatch): DraftBatch {
  const frames = draft.frames.map((frame) => ({
    ...frame,
    reference: new Uint8Array(frame.reference),
    payload: frame.payload.map((part) => new Uint8Array(part))
  }))
  const rows = draft.rows.map(({ key, value }) => ({ key, value: value && new Uint8Array(value) }))
  return { ...draft, frames, rows }
}

/** Puts the batch into the overlay, where readers see it from now on. */
export function pendBatch(
  draft: DraftBatch,
  durability: Durability,
  overlay: Overlay,
  done: { readonly resolve: () => void; readonly reject: (error: Error) => void }
): PendingBatch {
  const entries: OverlayEntry[] = []
  for (const frame of draft.frames) {
    const [first = nothing] = frame.payload
    if (frame.type === frameType.sector) entries.push(overlay.set(rowSpace.sector, frame.reference, first))
    if (frame.type === frameType.record) {
      entries.push(overlay.set(rowSpace.record, frame.reference, recordOf(frame)))
    }
  }
  for (const entry of draft.prepared?.entries ?? []) {
    const frame = draft.prepared?.bytes.subarray(entry.offset, entry.offset + frameHeaderBytes + entry.length)
    if (frame === undefined) continue
    const payload = frame.subarray(frameHeaderBytes)
    if (entry.type === 'sector') entries.push(overlay.set(rowSpace.sector, entry.reference, payload))
    else entries.push(overlay.set(rowSpace.record, entry.reference, () => unframe(frame, payload)))
  }
  if (draft.packed !== undefined) overlay.addPacked(draft.packed)
  for (const row of draft.rows) {
    const space = row.key[0] === rowSpace.local ? rowSpace.local : rowSpace.derived
    entries.push(overlay.set(space, row.key, row.value ?? removedRow, 1))
  }
  for (const id of draft.drops ?? []) entries.push(overlay.set(rowSpace.record, id, removedRow))
  return { ...draft, durability, overlay: entries, untilIndexed: false, ...done }
}

export function sectorFrame(reference: Uint8Array, bytes: Uint8Array, flags: number): LogFrame {
  checkReference(reference)
  checkPayload(bytes.length, 'a sector')
  return { type: frameType.sector, flags, length: bytes.length, reference, payload: [bytes] }
}

export function recordFrame(record: StoredRecord): LogFrame {
  const { id, type, bytes, inline } = record
  checkReference(id)
  const length = bytes.length + (inline?.length ?? 0)
  checkPayload(length, 'a record with its inline sector')
  return {
    type: frameType.record,
    flags: inline === undefined ? 0 : frameFlag.inline,
    subtype: type,
    length,
    part: bytes.length,
    reference: id,
    payload: inline === undefined ? [bytes] : [bytes, inline]
  }
}

export function localFrame(row: IndexRow): LogFrame {
  const value = row.value ?? nothing
  return {
    type: frameType.local,
    flags: row.value === undefined ? frameFlag.deleted : 0,
    length: row.key.length + value.length,
    part: row.key.length,
    reference: noReference,
    payload: [row.key, value]
  }
}

/** Says that a segment is superseded; its number stands where a local row has the length of its key. */
export function removedFrame(segment: number): LogFrame {
  return { type: frameType.removed, flags: 0, length: 0, part: segment, reference: noReference, payload: [] }
}

function recordOf(frame: LogFrame): StoredRecord {
  const [bytes = nothing, inline] = frame.payload
  return { id: frame.reference, type: frame.subtype ?? 0, bytes, inline }
}

function checked(row: IndexRow): IndexRow {
  if (row.key.length > rowKeyBytesMax) {
    throw new StoreError(
      'ERR_STORE_LIMIT',
      `a row key of ${row.key.length} bytes; at most ${rowKeyBytesMax} fit`
    )
  }
  if (row.value !== undefined && row.value.length > rowValueBytesMax) {
    throw new StoreError(
      'ERR_STORE_LIMIT',
      `a row of ${row.value.length} bytes; at most ${rowValueBytesMax} fit`
    )
  }
  return row
}

function checkReference(reference: Uint8Array): void {
  if (reference.length === 32) return
  throw new StoreError('ERR_STORE_ARGUMENT', `a reference of ${reference.length} bytes; references have 32`)
}

function checkPayload(length: number, what: string): void {
  if (length <= framePayloadBytesMax) return
  throw new StoreError('ERR_STORE_LIMIT', `${what} of ${length} bytes; at most ${framePayloadBytesMax} fit`)
}
