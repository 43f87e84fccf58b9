/** All records in the order of the log, or those behind a place in it, then those that are on their way into it. */
import type { StoredRecord } from '@blocktree/tree'
import { asBuffer, frameType } from './frame.ts'
import { rowSpace } from './index-rows.ts'
import { samePlace } from './location.ts'
import type { Position } from './location.ts'
import { keyBytes, removedRow } from './overlay.ts'
import { scanSegment } from './segment-scan.ts'
import type { StoreParts } from './store-parts.ts'
import type { StoreReader } from './store-reader.ts'
import { toRecord } from './store-reader.ts'

/** Damaged records are left out; `readRecord` and `check` say which. */
export async function* storedRecords(
  parts: StoreParts,
  reader: StoreReader,
  end: () => Position,
  start?: Position
): AsyncGenerator<StoredRecord> {
  const pending = parts.overlay.records().map((entry) => keyBytes(entry.key))
  const seen = new Set<string>()
  const limit = end()
  const keep = (type: number): boolean => type === frameType.record
  for (const segment of parts.segments.numbers()) {
    if (segment > limit.segment) break
    if (start !== undefined && segment < start.segment) continue
    const to = segment === limit.segment ? { to: limit.offset } : {}
    const from = segment === start?.segment ? { from: start.offset } : {}
    const range = { salt: parts.salt, keep, ...from, ...to }
    for await (const item of scanSegment(parts.segments.file(segment), range)) {
      if (item.kind !== 'batch') continue
      for (const frame of item.frames) {
        if (frame.type !== frameType.record || frame.payload === undefined) continue
        const place = reader.place(rowSpace.record, frame.reference)
        const text = asBuffer(frame.reference).toString('latin1')
        // Not in the index yet, although in the log: on its way, or dropped. Elsewhere in the index: an old copy.
        if (place === undefined) {
          const pending = parts.overlay.get(rowSpace.record, frame.reference)
          if (pending === undefined || pending.value === removedRow) continue
          seen.add(text)
        } else if (!samePlace(place, { segment, offset: frame.offset })) continue
        yield toRecord({ header: { ...frame, payloadChecksum: 0 }, payload: frame.payload })
      }
    }
  }
  for (const id of pending) {
    if (seen.has(asBuffer(id).toString('latin1'))) continue
    const place = reader.place(rowSpace.record, id)
    if (place !== undefined && (place.segment < limit.segment || place.offset < limit.offset)) continue
    const record = reader.readRecord(id)
    if (record !== undefined) yield record
  }
}
