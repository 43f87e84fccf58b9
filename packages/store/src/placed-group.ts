/**
 * A group as the log has it: rows for the index, and the overlay without a hold on buffers of the caller. Of rows that
 * several batches of the group write (counters above all) the index gets the last one only.
 */
import { frameFlag, frameType } from './frame.ts'
import { encodePlace, rowSpace, sealRow, spaceKey } from './index-rows.ts'
import type { PlaceRow, RowSpace } from './index-rows.ts'
import type { GroupRow, IndexWrite } from './index-store.ts'
import type { Location } from './location.ts'
import { inTheLog } from './overlay.ts'
import type { LogFrame, PendingBatch, PreparedEntry } from './pending-batch.ts'

export class PlacedGroup {
  /** Of sectors, records and prepared frames, in the order of the log. */
  readonly #places: PlaceRow[] = []
  readonly #placeRows: IndexWrite[] = []
  /** The rows of all batches in order; undefined where a later one has the same key. */
  readonly #sealed: (IndexWrite | undefined)[] = []

  /** For every frame in the order of the log; local rows are their own rows. */
  addPlace(frame: LogFrame | PreparedEntry, { segment, offset, length }: Location): void {
    const space = spaceOf(frame)
    if (space === undefined) return
    const place = { segment, offset, length, inline: hasInline(frame) }
    const key = spaceKey(space, frame.reference)
    this.#places.push(place)
    this.#placeRows.push({ key, value: encodePlace(key, place) })
  }

  /**
   * All rows for the index; call once, after the last place. What the collector takes out comes first: a sector that
   * is written again in the same group has a new place.
   */
  rowsOf(batches: readonly PendingBatch[]): readonly GroupRow[] {
    this.#sealRows(batches)
    const rows: GroupRow[] = []
    // A record that is dropped and comes again in the same group has its new place.
    for (const { drops, sealedRows = [] } of batches) if (drops !== undefined) rows.push(...sealedRows)
    for (const batch of batches) if (isCollectors(batch)) rows.push(...batch.rows)
    for (const { packed } of batches) if (packed !== undefined) rows.push(packed)
    for (const row of this.#placeRows) rows.push(row)
    for (const row of this.#sealed) if (row !== undefined) rows.push(row)
    for (const { drops, sealedRows = [] } of batches) if (drops === undefined) rows.push(...sealedRows)
    return rows
  }

  /** The group is durable: entries say where the bytes are, and rows are those that the index gets. */
  settleOverlay(batches: readonly PendingBatch[]): void {
    let place = 0
    let row = 0
    for (const batch of batches) {
      const { overlay, packed, drops = [] } = batch
      packed?.settle()
      if (isCollectors(batch)) {
        place += placedFrames(batch)
        continue
      }
      let left = placesOf(batch)
      for (const entry of overlay.slice(0, overlay.length - drops.length)) {
        if (left-- > 0) {
          entry.place = this.#places[place++]
          entry.value = inTheLog
          continue
        }
        const sealed = this.#sealed[row++]?.value
        if (sealed !== undefined) entry.value = sealed
        entry.isSealed = sealed !== undefined
      }
    }
  }

  #sealRows(batches: readonly PendingBatch[]): void {
    const sealed = this.#sealed
    const latest = { derived: new Map<string, number>(), local: new Map<string, number>() }
    for (const batch of batches) {
      const { overlay, rows } = batch
      if (overlay.length === 0) continue
      let next = placesOf(batch)
      for (const row of rows) {
        const entry = overlay[next++]
        if (entry === undefined) throw new RangeError('a batch has an overlay entry for each of its rows')
        const known = entry.space === rowSpace.local ? latest.local : latest.derived
        const before = known.get(entry.key)
        if (before !== undefined) sealed[before] = undefined
        known.set(entry.key, sealed.length)
        sealed.push(row)
      }
    }
    for (let index = 0; index < sealed.length; index++) {
      const row = sealed[index]
      if (row?.value !== undefined) sealed[index] = { key: row.key, value: sealRow(row.key, row.value) }
    }
  }
}

/** Takes rows out, and has nothing that readers would have to see first. */
function isCollectors(batch: PendingBatch): boolean {
  return batch.overlay.length === 0
}

/** Frames of a batch that were given a place in `addPlace`. */
function placedFrames({ frames, prepared }: PendingBatch): number {
  const entries = prepared?.entries ?? frames
  return entries.reduce((count, frame) => count + (spaceOf(frame) === undefined ? 0 : 1), 0)
}

/** Entries of the overlay that are of sectors, records and prepared frames; they come first. */
function placesOf({ overlay, rows, drops = [] }: PendingBatch): number {
  return overlay.length - rows.length - drops.length
}

function spaceOf({ type }: LogFrame | PreparedEntry): RowSpace | undefined {
  if (type === frameType.sector || type === 'sector') return rowSpace.sector
  return type === frameType.record || type === 'record' ? rowSpace.record : undefined
}

function hasInline(frame: LogFrame | PreparedEntry): boolean {
  if (typeof frame.type === 'string') return frame.inline === true
  return (frame.flags & frameFlag.inline) !== 0
}
