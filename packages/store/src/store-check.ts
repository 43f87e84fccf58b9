/**
 * Reads the whole store back: every frame and its checksums, every sector and its hash, every place in the index,
 * every row and its checksum, every table of the index. The quick check reads structure only.
 */
import { hash } from 'node:crypto'
import { equalBytes } from '@blocktree/codec'
import type { StoredRecord } from '@blocktree/tree'
import { decodeFrameHeader, frameHeaderBytes, frameType } from './frame.ts'
import { decodePlace, openRow, readSegmentStates, rowSpace, spaceBounds, spaceKey } from './index-rows.ts'
import type { PlaceRow, SegmentState } from './index-rows.ts'
import { segmentPath } from './location.ts'
import type { Position } from './location.ts'
import { segmentHeaderBytes } from './segment-files.ts'
import { scanSegment } from './segment-scan.ts'
import type { ScannedFrame } from './segment-scan.ts'
import { readSegmentHeader } from './store-format.ts'
import { StoreError } from './store-error.ts'
import { corruption } from './store-parts.ts'
import type { Finding, StoreParts } from './store-parts.ts'
import { toRecord } from './store-reader.ts'

export interface CheckOptions {
  /** Structure only: the files of the index, headers of segments, rows and the places they name. */
  readonly quick?: boolean
  /** The layer above verifies id and signature; a text says what is wrong. */
  readonly verifyRecord?: (record: StoredRecord) => string | undefined
  readonly signal?: AbortSignal
  readonly onProgress?: (done: { readonly bytes: number; readonly ofBytes: number }) => void
}

export interface CheckReport {
  readonly segments: number
  readonly bytes: number
  readonly sectors: number
  readonly records: number
  readonly rows: number
  readonly findings: readonly Finding[]
}

export async function checkStore(
  parts: StoreParts,
  end: Position,
  options: CheckOptions
): Promise<CheckReport> {
  const check = new Check(parts, end, options)
  await check.run()
  return check.report()
}

class Check {
  readonly #parts: StoreParts
  readonly #end: Position
  readonly #options: CheckOptions
  readonly #findings: Finding[] = []
  #segments: readonly number[] = []
  #indexSound = false
  #present: ReadonlySet<number> = new Set()
  readonly #sizes = new Map<number, number>()
  #bytes = 0
  #sectors = 0
  #records = 0
  #rows = 0

  constructor(parts: StoreParts, end: Position, options: CheckOptions) {
    this.#parts = parts
    this.#end = end
    this.#options = options
  }

  async run(): Promise<void> {
    this.#segments = this.#parts.segments.numbers().filter((segment) => segment <= this.#end.segment)
    this.#present = new Set(this.#segments)
    // LevelDB is not made to read damaged tables: it may end the process.
    this.#indexSound = await this.#checkIndexFiles()
    if (this.#indexSound) await this.#checkSegmentList()
    for (const segment of this.#segments) {
      this.#options.signal?.throwIfAborted()
      this.#checkHeader(segment)
    }
    if (this.#options.quick !== true) for (const segment of this.#segments) await this.#checkFrames(segment)
    if (this.#indexSound) await this.#checkRows()
  }

  async #checkIndexFiles(): Promise<boolean> {
    let sound = true
    for await (const damage of this.#parts.driver.scrub(this.#options.signal)) {
      this.#findings.push(corruption(damage.file, damage.offset, damage.problem))
      sound = false
    }
    return sound
  }

  report(): CheckReport {
    return {
      segments: this.#segments.length,
      bytes: this.#bytes,
      sectors: this.#sectors,
      records: this.#records,
      rows: this.#rows,
      findings: this.#findings
    }
  }

  async #checkSegmentList(): Promise<void> {
    const present = new Set(this.#segments)
    for (const [segment, state] of await this.#readStates()) {
      if (state === 'live' && !present.has(segment))
        this.#report(segmentPath(segment), 0, 'the file is missing')
      present.delete(segment)
    }
    for (const segment of present) this.#report('index', 0, `it does not know ${segmentPath(segment)}`)
  }

  async #readStates(): Promise<ReadonlyMap<number, SegmentState>> {
    try {
      return await readSegmentStates(this.#parts.index)
    } catch (error) {
      this.#reportError(error)
      return new Map()
    }
  }

  #checkHeader(segment: number): void {
    const header = readSegmentHeader(this.#parts.files, segment)
    if (header === undefined || header.segment !== segment) {
      this.#report(segmentPath(segment), 0, 'the first frame of the segment is damaged')
    } else if (!equalBytes(header.storeId, this.#parts.storeId)) {
      this.#report(segmentPath(segment), 0, 'the segment belongs to another store')
    }
  }

  async #checkFrames(segment: number): Promise<void> {
    const file = this.#parts.segments.file(segment)
    const size = segment === this.#end.segment ? this.#end.offset : file.size()
    if (file.size() < size)
      this.#report(segmentPath(segment), file.size(), `cut off; ${size} bytes were written`)
    const { salt } = this.#parts
    const keep = (type: number): boolean => type === frameType.record
    const onSector = (reference: Uint8Array, payload: Uint8Array, offset: number): void => {
      this.#sectors++
      if (equalBytes(reference, hash('sha256', payload, 'buffer'))) return
      this.#report(segmentPath(segment), offset, 'a sector does not have the hash it is stored under')
    }
    for await (const item of scanSegment(file, { salt, to: size, keep, onSector })) {
      if (item.kind === 'damage') this.#report(segmentPath(segment), item.offset, item.problem)
      if (item.kind !== 'batch') continue
      for (const frame of item.frames) {
        this.#checkKnown(segment, frame)
        if (frame.type !== frameType.record || frame.payload === undefined) continue
        this.#records++
        const record = toRecord({ header: { ...frame, payloadChecksum: 0 }, payload: frame.payload })
        const problem = this.#options.verifyRecord?.(record)
        if (problem !== undefined) this.#report(segmentPath(segment), frame.offset, problem)
      }
    }
    this.#bytes += size
    this.#options.onProgress?.({ bytes: this.#bytes, ofBytes: this.#totalBytes() })
  }

  /** The index names some place for every record and sector in the log. */
  #checkKnown(segment: number, frame: ScannedFrame): void {
    if (frame.type !== frameType.record && frame.type !== frameType.sector) return
    const space = frame.type === frameType.record ? rowSpace.record : rowSpace.sector
    if (!this.#indexSound) return
    if (this.#parts.index.get(spaceKey(space, frame.reference)) !== undefined) return
    const place = `${segmentPath(segment)} at ${frame.offset}`
    this.#report('index', 0, `it does not know the frame in ${place}; rebuild the index`)
  }

  async #checkRows(): Promise<void> {
    for (const space of [rowSpace.record, rowSpace.sector, rowSpace.local, rowSpace.derived]) {
      for await (const [key, sealed] of this.#parts.index.range(spaceBounds(space))) {
        this.#rows++
        this.#catching(() => {
          if (space === rowSpace.local || space === rowSpace.derived) openRow(key, sealed)
          else this.#checkPlace(space, key.subarray(1), decodePlace(key, sealed))
        })
      }
    }
  }

  /** The header at the place is the one of the row; the payload was read with its segment. */
  #checkPlace(space: number, reference: Uint8Array, place: PlaceRow): void {
    const path = segmentPath(place.segment)
    if (!this.#present.has(place.segment)) return // reported with the list of segments
    if (this.#options.quick === true) {
      if (this.#sizeOf(place.segment) < place.offset + frameHeaderBytes + place.length) {
        this.#report(path, place.offset, 'the file ends before a frame that the index names')
      }
      return
    }
    const bytes = Buffer.alloc(frameHeaderBytes)
    const file = this.#parts.segments.file(place.segment)
    const count = file.readSync(bytes, place.offset)
    const header = count < bytes.length ? undefined : decodeFrameHeader(bytes, 0, this.#parts.salt)
    const type = space === rowSpace.record ? frameType.record : frameType.sector
    const same =
      header?.type === type && header.length === place.length && equalBytes(header.reference, reference)
    if (!same || place.offset < segmentHeaderBytes)
      this.#report(path, place.offset, 'no frame is here that the index names')
  }

  #catching(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#reportError(error)
    }
  }

  #reportError(error: unknown): void {
    if (!(error instanceof StoreError)) throw error
    this.#findings.push(corruption(error.file ?? 'index', error.offset ?? 0, error.message))
  }

  #sizeOf(segment: number): number {
    const known = this.#sizes.get(segment)
    if (known !== undefined && segment < this.#end.segment) return known
    const size = this.#parts.segments.size(segment)
    this.#sizes.set(segment, size)
    return size
  }

  #totalBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + this.#parts.segments.size(segment), 0)
  }

  #report(file: string, offset: number, problem: string): void {
    this.#findings.push(corruption(file, offset, problem))
  }
}
