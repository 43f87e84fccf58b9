/**
 * Opening: finds out how far the index can be trusted, replays what the log has beyond it, cuts a torn tail, and
 * makes the whole index again when it is missing or damaged. A torn tail is damage that no later group says was
 * durable; any other damage is reported, and everything around it is kept.
 */
import { equalBytes } from '@blocktree/codec'
import type { IndexRow, StoredRecord } from '@blocktree/tree'
import { frameFlag, frameType } from './frame.ts'
import { droppedIds, droppedRow, recordRow } from './dropped-frame.ts'
import { decodeRows } from './rows-frame.ts'
import type { IndexStore, IndexWrite } from './index-store.ts'
import { isIndexDamage } from './index-store.ts'
import {
  decodePlace,
  decodeProgress,
  encodePlace,
  encodeProgress,
  progressKey,
  remadeRow,
  rowSpace,
  sealRow
} from './index-rows.ts'
import { readSegmentStates, segmentRow, spaceBounds, spaceKey } from './index-rows.ts'
import type { Progress } from './index-rows.ts'
import { rebuildRowsPerWrite } from './limits.ts'
import { isBefore, segmentPath } from './location.ts'
import type { Position } from './location.ts'
import { segmentHeaderBytes } from './segment-files.ts'
import { isClaimedDurable, scanSegment } from './segment-scan.ts'
import type { Scanned, ScannedFrame } from './segment-scan.ts'
import { readSegmentHeader } from './store-format.ts'
import { StoreError } from './store-error.ts'
import { corruption } from './store-parts.ts'
import type { DeriveRows, Finding, Reindex, StoreParts, StoreView } from './store-parts.ts'
import { toRecord } from './store-reader.ts'

export interface Recovery {
  /** Batches of the log that were not in the index yet. */
  readonly replayed: number
  /** Bytes of an unfinished group that were cut off the end of the log. */
  readonly truncatedBytes: number
  /** Why the whole index was made again; undefined when it was sound. */
  readonly rebuilt: string | undefined
  /** Damage met on the way; nothing else is affected. */
  readonly findings: readonly Finding[]
}

export interface Recovered {
  readonly end: Position
  /** The last segment must not be written to any more. */
  readonly roll: boolean
  readonly recovery: Recovery
}

export interface RecoveryOptions {
  readonly reindex: Reindex | undefined
  /** The last process did not end in order. */
  readonly thorough?: boolean
  readonly onProgress?: ((done: { readonly segment: number; readonly segments: number }) => void) | undefined
}

const markerPath = 'rebuild-index'

/** Leaves a note that the next opening makes the index again. */
export async function requestRebuild(parts: StoreParts): Promise<void> {
  if (parts.files.readFile(markerPath) !== undefined) return
  const file = parts.files.open(markerPath, 'create')
  try {
    await file.dataSync()
  } finally {
    file.close()
  }
}

/** Opens the index or makes it again, and brings it up to the end of the log. */
export async function recover(
  parts: StoreParts,
  view: StoreView,
  options: RecoveryOptions
): Promise<Recovered> {
  const findings: Finding[] = []
  const opened = await openIndex(parts, findings, options.thorough ?? false)
  if (typeof opened === 'string') return rebuild(parts, view, options, findings, opened)
  parts.index = opened.index
  const replay = new Replay(parts, view, options, findings, false)
  try {
    const { end, roll, truncatedBytes } = await replay.run(opened.progress)
    return { end, roll, recovery: { replayed: replay.batches, truncatedBytes, rebuilt: undefined, findings } }
  } catch (error) {
    if (!(error instanceof IndexTooOld)) throw error
    await opened.index.close()
    return rebuild(parts, view, options, [], error.message)
  }
}

async function rebuild(
  parts: StoreParts,
  view: StoreView,
  options: RecoveryOptions,
  findings: Finding[],
  reason: string
): Promise<Recovered> {
  parts.index = await parts.driver.create()
  const replay = new Replay(parts, view, options, findings, true)
  const { end, roll, truncatedBytes } = await replay.run({ segment: 0, offset: 0 })
  await parts.files.unlink(markerPath)
  return { end, roll, recovery: { replayed: replay.batches, truncatedBytes, rebuilt: reason, findings } }
}

/** A segment was collected that the index had not seen to its end: rows of it may be missing. */
class IndexTooOld extends Error {
  override readonly name = 'IndexTooOld'
}

/** The index with how far it goes, or why it has to be made again. */
async function openIndex(
  parts: Omit<StoreParts, 'index'>,
  findings: Finding[],
  thorough: boolean
): Promise<{ readonly index: IndexStore; readonly progress: Progress } | string> {
  if (parts.files.readFile(markerPath) !== undefined) return 'it was found damaged before'
  const index = await parts.driver.open(thorough)
  if (index === 'missing') return 'it was missing'
  if (isIndexDamage(index)) {
    findings.push(corruption(index.file, index.offset, index.problem))
    return `${index.file} is damaged at ${index.offset}: ${index.problem}`
  }
  const distrust = async (reason: string): Promise<string> => {
    findings.push(corruption('index', 0, reason))
    await index.close()
    return reason
  }
  try {
    const row = index.get(progressKey)
    if (row === undefined) {
      await index.close()
      return 'making it was cut short' // the mark is written last
    }
    const progress = decodeProgress(row)
    if (!equalBytes(progress.storeId, parts.storeId)) return await distrust('it belongs to another store')
    const problem = await compareSegments(parts, index, progress, findings)
    return problem === undefined ? { index, progress } : await distrust(problem)
  } catch (error) {
    if (error instanceof StoreError && error.code === 'ERR_STORE_CORRUPT') return distrust(error.message)
    throw error
  }
}

/** A file that the index does not know makes it useless; a row without a file is a lost segment. */
async function compareSegments(
  parts: Omit<StoreParts, 'index'>,
  index: IndexStore,
  progress: Position,
  findings: Finding[]
): Promise<string | undefined> {
  const known = await readSegmentStates(index)
  const present = new Set(parts.segments.numbers())
  for (const segment of present) {
    if (known.get(segment) === 'removed') await parts.files.unlink(segmentPath(segment))
    else if (segment <= progress.segment && !known.has(segment))
      return `it does not know ${segmentPath(segment)}`
  }
  for (const [segment, state] of known) {
    if (state === 'live' && !present.has(segment))
      findings.push(corruption(segmentPath(segment), 0, 'the file is missing'))
  }
  return undefined
}

interface Tail {
  readonly end: Position
  readonly roll: boolean
  readonly truncatedBytes: number
}

class Replay {
  batches = 0
  readonly #parts: StoreParts
  readonly #view: StoreView
  readonly #options: RecoveryOptions
  readonly #findings: Finding[]
  /** The index was empty at the beginning. */
  readonly #fresh: boolean
  #rows: IndexWrite[] = []
  readonly #removed = new Set<number>()
  #start: Position = { segment: 0, offset: 0 }

  constructor(
    parts: StoreParts,
    view: StoreView,
    options: RecoveryOptions,
    findings: Finding[],
    fresh: boolean
  ) {
    this.#parts = parts
    this.#view = view
    this.#options = options
    this.#findings = findings
    this.#fresh = fresh
  }

  async run(start: Position): Promise<Tail> {
    this.#start = start
    const segments = this.#parts.segments.numbers().filter((segment) => segment >= start.segment)
    let tail: Tail = { end: start, roll: true, truncatedBytes: 0 }
    for (const [position, segment] of segments.entries()) {
      const last = position === segments.length - 1
      const from = segment === start.segment ? start.offset : segmentHeaderBytes
      tail = await this.#replaySegment(segment, from, last, tail)
      this.#options.onProgress?.({ segment: position + 1, segments: segments.length })
    }
    if (segments.length === 0 || (segments[0] ?? 0) > start.segment) {
      if (!this.#fresh)
        this.#report(start.segment, start.offset, 'the file with the end of the log is missing')
    }
    await this.#writeRows()
    // Behind a lost end the places in the index must not be used again.
    const end = isBefore(tail.end, start) ? start : tail.end
    await this.#derive(end)
    const isRemade = this.#fresh || this.#findings.length > 0
    if (isRemade) await this.#parts.index.write([remadeRow(end), ...(this.#fresh ? [this.#mark(end)] : [])])
    if (this.#fresh) this.#reportGaps(segments)
    return isBefore(tail.end, start) ? { ...tail, end, roll: true } : tail
  }

  async #replaySegment(segment: number, from: number, last: boolean, before: Tail): Promise<Tail> {
    const { files, segments, salt } = this.#parts
    const header = readSegmentHeader(files, segment)
    const size = segments.size(segment)
    const sameStore = header !== undefined && equalBytes(header.storeId, this.#parts.storeId)
    const damagedHeader = !sameStore || header.segment !== segment
    if (damagedHeader) {
      if (last && size <= segmentHeaderBytes && (this.#fresh || segment > before.end.segment)) {
        // Power was lost while the file was made; nothing was in it.
        segments.forget(segment)
        await files.unlink(segmentPath(segment))
        return { ...before, truncatedBytes: before.truncatedBytes + size }
      }
      this.#report(segment, 0, 'the first frame of the segment is damaged')
    }
    if (size < from) this.#report(segment, size, `the file is cut off; ${from} bytes were written`)
    this.#rows.push(segmentRow(segment, 'live'))
    const keep = (type: number): boolean => type !== frameType.sector && type !== frameType.rows
    for await (const item of scanSegment(segments.file(segment), { salt, from, keep })) {
      const damage = damageOf(item)
      if (damage !== undefined && last) {
        const claimed = await isClaimedDurable(segments.file(segment), { segment, offset: damage }, salt)
        if (!claimed) return this.#cutTail(segment, damage, size)
      }
      if (item.kind === 'damage') this.#report(segment, item.offset, item.problem)
      if (item.kind === 'batch') await this.#applyBatch(segment, item.frames)
    }
    const end = { segment, offset: Math.max(size, segmentHeaderBytes) }
    return { end, roll: size < from || damagedHeader, truncatedBytes: 0 }
  }

  async #cutTail(segment: number, offset: number, size: number): Promise<Tail> {
    const file = this.#parts.files.open(segmentPath(segment), 'write')
    try {
      await file.truncate(offset)
      await file.dataSync()
    } finally {
      file.close()
    }
    return { end: { segment, offset }, roll: false, truncatedBytes: size - offset }
  }

  async #applyBatch(segment: number, frames: readonly ScannedFrame[]): Promise<void> {
    this.batches++
    for (const frame of frames) {
      if (frame.type === frameType.removed) await this.#dropSegment(frame.part)
      else if (frame.type === frameType.dropped) await this.#dropRecords(frame)
      else this.#applyFrame(segment, frame)
    }
    if (this.#rows.length >= rebuildRowsPerWrite) await this.#writeRows()
  }

  #applyFrame(segment: number, frame: ScannedFrame): void {
    const { offset, length, flags, payload } = frame
    if (frame.type === frameType.sector) {
      const key = spaceKey(rowSpace.sector, frame.reference)
      this.#rows.push({ key, value: encodePlace(key, { segment, offset, length, inline: false }) })
    }
    if (payload === undefined) return
    if (frame.type === frameType.record) {
      const key = spaceKey(rowSpace.record, frame.reference)
      const inline = (flags & frameFlag.inline) !== 0
      this.#rows.push({ key, value: encodePlace(key, { segment, offset, length, inline }) })
    }
    if (frame.type === frameType.local) {
      const key = spaceKey(rowSpace.local, payload.subarray(0, frame.part))
      const removed = (flags & frameFlag.deleted) !== 0
      this.#rows.push({ key, value: removed ? undefined : sealRow(key, payload.subarray(frame.part)) })
    }
  }

  /** Where they lie has to be in the index first. */
  async #dropRecords({ payload }: ScannedFrame): Promise<void> {
    await this.#writeRows()
    for (const id of payload === undefined ? [] : droppedIds(payload)) {
      const place = recordRow(this.#parts.index, id)
      if (place !== undefined) this.#rows.push(droppedRow(id, place))
    }
  }

  async #writeRows(): Promise<void> {
    const rows = this.#rows
    this.#rows = []
    if (rows.length > 0) await this.#parts.index.write(rows)
    this.#parts.rows.clear() // what was read before is older than what was written now
  }

  /**
   * What the layer above makes of the records, once every record can be found: a collection may have moved one behind
   * others that rest on it. So all that is early for the layer above comes first when everything is made again; in a
   * replay a copy has nothing new, and the log is in order without the copies.
   */
  async #derive(end: Position): Promise<void> {
    const { reindex } = this.#options
    if (this.#fresh && reindex?.early !== undefined) await this.#deriveWith(reindex.early, [], end)
    await this.#deriveWith(reindex, reindex?.after ?? [], end)
  }

  async #deriveWith(make: DeriveRows | undefined, after: readonly IndexRow[], end: Position): Promise<void> {
    let records: StoredRecord[] = []
    let logged: IndexRow[] = []
    let isReplayed = false
    const flush = async (upTo: Position): Promise<void> => {
      const rows = await this.#made(make, records, logged)
      records = []
      logged = []
      this.#rows.push(...rows.map(sealDerived))
      if (isReplayed) this.#rows.push(...after.map(sealDerived)) // with each write: it may be the last one
      // What has been counted must not be counted again: rows and mark are one write. Of a new index the mark is last.
      if (!this.#fresh) this.#rows.push(this.#mark(upTo))
      await this.#writeRows()
    }
    for await (const { segment, offset, frames } of this.#batchesUntil(end)) {
      isReplayed = true
      const news = this.#newsOf(segment, frames)
      // Rows in the log say how things stood after the records before them.
      const isMuch = records.length * 8 + logged.length >= rebuildRowsPerWrite
      if (isMuch || (news.length > 0 && logged.length > 0)) await flush({ segment, offset })
      records.push(...news)
      for (const { type, payload } of this.#fresh ? [] : frames)
        if (type === frameType.rows && payload !== undefined) logged.push(...decodeRows(payload))
    }
    await flush(end)
  }

  /** What the layer above makes of records, and of the rows that come after them in the log. */
  async #made(
    make: DeriveRows | undefined,
    records: readonly StoredRecord[],
    logged: readonly IndexRow[]
  ): Promise<readonly IndexRow[]> {
    const { replay } = this.#options.reindex ?? {}
    if (logged.length > 0 && replay !== undefined) return await replay(records, this.#view, logged)
    const rows = make === undefined || records.length === 0 ? [] : await make(records, this.#view)
    return [...rows, ...logged]
  }

  #newsOf(segment: number, frames: readonly ScannedFrame[]): readonly StoredRecord[] {
    const news: StoredRecord[] = []
    for (const frame of frames) {
      const { type, payload } = frame
      if (type === frameType.record && payload !== undefined && this.#isNews(segment, frame))
        news.push(toRecord({ header: { ...frame, payloadChecksum: 0 }, payload }))
    }
    return news
  }

  #mark(position: Position): IndexWrite {
    return { key: progressKey, value: encodeProgress({ ...position, storeId: this.#parts.storeId }) }
  }

  async *#batchesUntil(
    end: Position
  ): AsyncGenerator<Position & { readonly frames: readonly ScannedFrame[] }> {
    const { segments, salt } = this.#parts
    const keep = (type: number): boolean => type === frameType.record || type === frameType.rows
    for (const segment of segments.numbers()) {
      if (segment < this.#start.segment || segment > end.segment) continue
      const from = segment === this.#start.segment ? this.#start.offset : segmentHeaderBytes
      const to = segment === end.segment ? { to: end.offset } : {}
      for await (const item of scanSegment(segments.file(segment), { salt, from, keep, ...to })) {
        if (item.kind === 'batch') yield { segment, offset: item.offset, frames: item.frames }
      }
    }
  }

  /** Of several copies the one that the index names; in a replay nothing that a collection moved. */
  #isNews(segment: number, frame: ScannedFrame): boolean {
    const place = recordRow(this.#parts.index, frame.reference)
    if (place?.dropped === true) return false
    if (!this.#fresh) return (frame.flags & frameFlag.copied) === 0
    return place !== undefined && place.segment === segment && place.offset === frame.offset
  }

  /** A segment whose live frames were copied: its rows and its file may still be there. */
  async #dropSegment(segment: number): Promise<void> {
    if (this.#removed.has(segment)) return
    this.#removed.add(segment)
    const { index, segments } = this.#parts
    const state = (await readSegmentStates(index)).get(segment)
    if (state === 'removed') return
    if (!this.#fresh && segment >= this.#start.segment) {
      throw new IndexTooOld(`it ends in or before ${segmentPath(segment)}, which was collected since`)
    }
    if (!this.#fresh || segments.numbers().includes(segment)) {
      await this.#writeRows()
      await index.write([...(await rowsInto(this.#parts, segment)), segmentRow(segment, 'removed')])
    } else this.#rows.push(segmentRow(segment, 'removed'))
    this.#parts.segments.forget(segment)
    await this.#parts.files.unlink(segmentPath(segment))
    const stale = this.#findings.findIndex((finding) => finding.file === segmentPath(segment))
    if (stale >= 0) this.#findings.splice(stale, 1)
  }

  #reportGaps(segments: readonly number[]): void {
    let expected = 1
    for (const segment of segments) {
      for (; expected < segment; expected++) {
        if (!this.#removed.has(expected)) this.#report(expected, 0, 'the file is missing')
      }
      expected = segment + 1
    }
  }

  #report(segment: number, offset: number, problem: string): void {
    this.#findings.push(corruption(segmentPath(segment), offset, problem))
  }
}

function damageOf(item: Scanned): number | undefined {
  if (item.kind === 'damage') return item.offset
  return item.kind === 'batch' && !item.whole ? item.offset : undefined
}

function sealDerived(row: IndexRow): IndexWrite {
  const key = spaceKey(rowSpace.derived, row.key)
  return { key, value: row.value === undefined ? undefined : sealRow(key, row.value) }
}

/** Removals of the sector and record rows that point into a segment; every such row is looked at. */
async function rowsInto(parts: StoreParts, segment: number): Promise<readonly IndexWrite[]> {
  const removals: IndexWrite[] = []
  for (const space of [rowSpace.record, rowSpace.sector]) {
    for await (const [key, sealed] of parts.index.range(spaceBounds(space))) {
      if (decodePlace(key, sealed).segment === segment) removals.push({ key, value: undefined })
    }
  }
  return removals
}
