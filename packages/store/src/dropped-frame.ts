/**
 * Records that are held no longer (pruned headers). The log says so in frames with their ids, so that a replay does not
 * bring them back; the index keeps their places, marked, until the segments that they lie in are collected.
 */
import { frameType } from './frame.ts'
import type { IndexStore, IndexWrite } from './index-store.ts'
import { type PlaceRow, decodePlace, encodePlace, rowSpace, spaceKey } from './index-rows.ts'
import type { LogFrame } from './pending-batch.ts'

const idBytes = 32
const noReference = new Uint8Array(idBytes)

/** One frame for all of them; nothing for none. */
export function droppedFrames(ids: readonly Uint8Array[]): readonly LogFrame[] {
  if (ids.length === 0) return []
  const payload = new Uint8Array(ids.length * idBytes)
  for (const [index, id] of ids.entries()) payload.set(id, index * idBytes)
  return [
    { type: frameType.dropped, flags: 0, length: payload.length, reference: noReference, payload: [payload] }
  ]
}

/** The ids of a payload whose checksum was verified; views. */
export function droppedIds(payload: Uint8Array): readonly Uint8Array[] {
  return Array.from({ length: Math.floor(payload.length / idBytes) }, (_, index) =>
    payload.subarray(index * idBytes, (index + 1) * idBytes)
  )
}

/** The row that marks a record as dropped where it lies. */
export function droppedRow(id: Uint8Array, place: PlaceRow): IndexWrite {
  const key = spaceKey(rowSpace.record, id)
  return { key, value: encodePlace(key, { ...place, dropped: true }) }
}

/** The row of a record in the index, marked or not; undefined when there is none. */
export function recordRow(index: IndexStore, id: Uint8Array): PlaceRow | undefined {
  const key = spaceKey(rowSpace.record, id)
  const row = index.get(key)
  return row === undefined ? undefined : decodePlace(key, row)
}
