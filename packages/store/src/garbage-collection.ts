/**
 * Collection by mark and copy. The layer above says which sectors are live; segments that are mostly dead have
 * what is live copied to the end of the log, and are then declared removed in the log, dropped from the index in
 * one write with the progress mark, and unlinked. A crash in between leaves two copies, or a file that the next
 * opening unlinks. Records and local rows are always live; sectors written or asked for since the mark began too.
 */
import type { Id } from '@blocktree/tree'
import { frameFlag, frameType } from './frame.ts'
import type { DraftBatch } from './batch-frames.ts'
import { removedFrame } from './batch-frames.ts'
import { droppedFrames, droppedIds, recordRow } from './dropped-frame.ts'
import type { IndexWrite } from './index-store.ts'
import { openRow, rowSpace, segmentRow, spaceKey } from './index-rows.ts'
import { groupBytesTarget } from './limits.ts'
import { samePlace, segmentPath } from './location.ts'
import type { Position } from './location.ts'
import { keyText, removedRow } from './overlay.ts'
import type { LogFrame } from './pending-batch.ts'
import { framesBytes } from './pending-batch.ts'
import { scanSegment } from './segment-scan.ts'
import type { ScannedFrame } from './segment-scan.ts'
import { corruption } from './store-parts.ts'
import type { Finding, StoreParts } from './store-parts.ts'
import type { StoreReader } from './store-reader.ts'

export interface CollectionOptions {
  /** Share of a segment that must be live for it to be left alone: 0.5; 1 rewrites all that is not wholly live. */
  readonly minimumLive?: number
  readonly signal?: AbortSignal
  readonly onProgress?: (done: { readonly segments: number; readonly ofSegments: number }) => void
}

export interface CollectionReport {
  readonly liveSectors: number
  /** References of the caller that the store does not hold. */
  readonly missing: number
  readonly removedSegments: number
  readonly copiedBytes: number
  readonly freedBytes: number
  /** Damaged segments are kept as they are. */
  readonly findings: readonly Finding[]
}

export interface Collector {
  submit(draft: DraftBatch): Promise<void>
  /** Resolves when all batches so far are durable; begins the new segment when one is due. */
  flush(): Promise<void>
  rollNext(share: number): void
  end(): Position
}

export async function collectGarbage(
  parts: StoreParts,
  reader: StoreReader,
  collector: Collector,
  live: AsyncIterable<Id> | Iterable<Id>,
  options: CollectionOptions
): Promise<CollectionReport> {
  const run = new Collection(parts, reader, collector, options)
  return run.collect(live)
}

/** What is marked in a segment: places of live sectors, and their bytes. */
interface Marks {
  readonly offsets: Set<number>
  bytes: number
}

class Collection {
  readonly #parts: StoreParts
  readonly #reader: StoreReader
  readonly #collector: Collector
  readonly #options: CollectionOptions
  readonly #marks = new Map<number, Marks>()
  readonly #findings: Finding[] = []
  #liveSectors = 0
  #missing = 0
  #copiedBytes = 0
  #freedBytes = 0
  #removed = 0

  constructor(parts: StoreParts, reader: StoreReader, collector: Collector, options: CollectionOptions) {
    this.#parts = parts
    this.#reader = reader
    this.#collector = collector
    this.#options = options
  }

  get #minimumLive(): number {
    return this.#options.minimumLive ?? 0.5
  }

  async collect(live: AsyncIterable<Id> | Iterable<Id>): Promise<CollectionReport> {
    // What is written from now on goes into the last segment, which is not looked at. A short one stays the last:
    // an idle store does not get longer by being collected.
    this.#collector.rollNext(this.#minimumLive === 1 ? 0 : 1 / 8)
    await this.#collector.flush()
    const last = this.#collector.end().segment
    const candidates = this.#parts.segments.numbers().filter((segment) => segment < last)
    await this.#mark(live, last)
    for (const [index, segment] of candidates.entries()) {
      if (this.#options.signal?.aborted === true) break
      await this.#collectSegment(segment)
      this.#options.onProgress?.({ segments: index + 1, ofSegments: candidates.length })
    }
    return {
      liveSectors: this.#liveSectors,
      missing: this.#missing,
      removedSegments: this.#removed,
      copiedBytes: this.#copiedBytes,
      freedBytes: this.#freedBytes,
      findings: this.#findings
    }
  }

  async #mark(live: AsyncIterable<Id> | Iterable<Id>, last: number): Promise<void> {
    let count = 0
    for await (const reference of live) {
      this.#options.signal?.throwIfAborted()
      const place = this.#reader.place(rowSpace.sector, reference)
      if (place === undefined) {
        this.#missing++
        continue
      }
      this.#liveSectors++
      if (++count % 1024 === 0) await nextTurn()
      if (place.segment >= last) continue
      const marks = this.#marks.get(place.segment) ?? { offsets: new Set(), bytes: 0 }
      if (!marks.offsets.has(place.offset)) marks.bytes += place.length
      marks.offsets.add(place.offset)
      this.#marks.set(place.segment, marks)
    }
  }

  async #collectSegment(segment: number): Promise<void> {
    const file = this.#parts.segments.file(segment)
    const size = file.size()
    const minimum = this.#minimumLive
    // Live enough by its marked sectors alone: it need not be read.
    if ((this.#marks.get(segment)?.bytes ?? 0) >= size * minimum) return
    const shares = await this.#weigh(segment)
    if (shares === undefined) return
    if (shares.live >= (shares.live + shares.dead) * minimum || shares.dead === 0) return
    await this.#copyLive(segment)
    await this.#remove(segment)
    this.#removed++
    this.#freedBytes += size
  }

  /** Live and dead bytes of a segment; undefined when it is damaged and has to stay. */
  async #weigh(segment: number): Promise<{ readonly live: number; readonly dead: number } | undefined> {
    let live = 0
    let dead = 0
    const { salt, segments } = this.#parts
    const keep = (type: number): boolean => type === frameType.local || type === frameType.dropped
    for await (const item of scanSegment(segments.file(segment), { salt, keep })) {
      if (item.kind === 'damage') {
        this.#findings.push(corruption(segmentPath(segment), item.offset, item.problem))
        return undefined
      }
      if (item.kind !== 'batch') continue
      for (const frame of item.frames) {
        if (this.#isLive(segment, frame)) live += frame.length
        else dead += frame.length
      }
    }
    return { live, dead }
  }

  async #copyLive(segment: number): Promise<void> {
    const { salt, segments } = this.#parts
    let frames: LogFrame[] = []
    let dropped: ScannedFrame[] = []
    let bytes = 0
    const flush = async (): Promise<void> => {
      // Looked at last: what comes again behind this copy is not dropped by it.
      for (const frame of dropped) frames.push(...droppedFrames(this.#stillDropped(frame)))
      dropped = []
      if (frames.length === 0) return
      await this.#collector.submit(draftOf(frames, []))
      this.#copiedBytes += bytes
      frames = []
      bytes = 0
    }
    for await (const item of scanSegment(segments.file(segment), { salt })) {
      if (item.kind !== 'batch') continue
      for (const frame of item.frames) {
        if (!this.#isLive(segment, frame)) continue
        if (frame.type === frameType.dropped) dropped.push(frame)
        else frames.push(copyFrame(frame))
        bytes += frame.length
      }
      if (bytes >= groupBytesTarget / 2) await flush()
    }
    await flush()
  }

  /** Copies sectors that somebody asked for since they were passed over, then gives the segment up. */
  async #remove(segment: number): Promise<void> {
    for (;;) {
      const late: LogFrame[] = []
      const rows: IndexWrite[] = []
      for (const frame of await this.#framesIn(segment)) {
        if (frame.type === frameType.record) {
          const row = recordRow(this.#parts.index, frame.reference)
          const isHere = row?.dropped === true && samePlace(row, { segment, offset: frame.offset })
          if (isHere) rows.push({ key: spaceKey(rowSpace.record, frame.reference), value: undefined })
          continue
        }
        const key = spaceKey(rowSpace.sector, frame.reference)
        const place = this.#reader.place(rowSpace.sector, frame.reference)
        if (place === undefined || !samePlace(place, { segment, offset: frame.offset })) continue
        if (!this.#isLive(segment, frame)) rows.push({ key, value: undefined })
        else if (frame.payload === undefined) late.push(await this.#reread(segment, frame))
      }
      if (late.length > 0) {
        await this.#collector.submit(draftOf(late, []))
        continue
      }
      // no sector is asked for between the last look and this
      const sectors = rows.filter(({ key }) => key[0] === rowSpace.sector)
      this.#reader.leaving = { segment, keys: new Set(sectors.map(({ key }) => keyText(key, 1))) }
      try {
        await this.#collector.submit(draftOf([removedFrame(segment)], rows, [segmentRow(segment, 'removed')]))
      } finally {
        this.#reader.leaving = undefined
      }
      this.#parts.segments.forget(segment)
      await this.#parts.files.unlink(segmentPath(segment))
      await this.#parts.files.syncDirectory('segments')
      return
    }
  }

  /** Sectors and records, without their bytes. */
  async #framesIn(segment: number): Promise<readonly ScannedFrame[]> {
    const found: ScannedFrame[] = []
    const { salt, segments } = this.#parts
    for await (const item of scanSegment(segments.file(segment), { salt, keep: () => false })) {
      if (item.kind !== 'batch') continue
      for (const frame of item.frames)
        if (frame.type === frameType.sector || frame.type === frameType.record) found.push(frame)
    }
    return found
  }

  async #reread(segment: number, frame: ScannedFrame): Promise<LogFrame> {
    const { payload } = this.#parts.segments.readFrame(
      { ...frame, segment },
      frameType.sector,
      frame.reference
    )
    return copyFrame({ ...frame, payload })
  }

  #isLive(segment: number, frame: ScannedFrame): boolean {
    switch (frame.type) {
      case frameType.sector: {
        const marked = this.#marks.get(segment)?.offsets.has(frame.offset) === true
        return marked || this.#isTouched(segment, frame)
      }
      case frameType.record: {
        const place = this.#reader.place(rowSpace.record, frame.reference)
        return place !== undefined && samePlace(place, { segment, offset: frame.offset })
      }
      case frameType.local:
        return this.#isCurrent(frame)
      case frameType.dropped:
        return this.#stillDropped(frame).length > 0
      case frameType.removed:
        return true
      case frameType.segment:
      case frameType.group:
      case frameType.close:
      case frameType.rows:
        return false
    }
  }

  #isTouched(segment: number, frame: ScannedFrame): boolean {
    if (this.#reader.touched?.has(keyText(frame.reference)) !== true) return false
    const place = this.#reader.place(rowSpace.sector, frame.reference)
    return place !== undefined && samePlace(place, { segment, offset: frame.offset })
  }

  /** Of the ids in a frame, those whose bytes lie in some segment still, and that did not come again. */
  #stillDropped({ payload }: ScannedFrame): readonly Id[] {
    const { index, overlay } = this.#parts
    return (payload === undefined ? [] : droppedIds(payload)).filter(
      (id) =>
        recordRow(index, id)?.dropped === true &&
        (overlay.get(rowSpace.record, id)?.value ?? removedRow) === removedRow
    )
  }

  /** A removal stays as long as it is the last word: an older segment may still hold the row. */
  #isCurrent(frame: ScannedFrame): boolean {
    if (frame.payload === undefined) return true
    const key = frame.payload.subarray(0, frame.part)
    const spaced = spaceKey(rowSpace.local, key)
    if (this.#parts.overlay.get(rowSpace.local, key) !== undefined) return false
    const row = this.#parts.index.get(spaced)
    const removed = (frame.flags & frameFlag.deleted) !== 0
    if (row === undefined || removed) return removed && row === undefined
    return Buffer.compare(openRow(spaced, row), frame.payload.subarray(frame.part)) === 0
  }
}

function draftOf(
  frames: readonly LogFrame[],
  rows: readonly IndexWrite[],
  sealedRows: readonly IndexWrite[] = []
): DraftBatch {
  return { frames, rows, sealedRows, prepared: undefined, bytes: framesBytes(frames) }
}

function copyFrame(frame: ScannedFrame): LogFrame {
  const { type, flags, subtype, length, part, reference, payload = new Uint8Array() } = frame
  const kept = (flags & (frameFlag.deleted | frameFlag.inline)) | frameFlag.copied
  return { type, flags: kept, subtype, length, part, reference, payload: [payload] }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
