/**
 * The one writer of the log. Batches queue up; a group of them is written at once, synced at once and then
 * acknowledged, while the next group gathers. The index follows behind, with as many groups at once as have become
 * durable; until it has them the overlay answers, and after a crash they are taken from the log. When the disk refuses, the group and
 * everything behind it is refused, and the file is cut back to its last good end, so that nothing refused can
 * come back after a restart.
 */
import type { FileSystem, StoreFile } from './file-system.ts'
import type { PendingBatch } from './pending-batch.ts'
import { GroupEncoder } from './group-encoder.ts'
import type { GroupRow, IndexWrite } from './index-store.ts'
import { encodeProgress, progressKey, segmentRow } from './index-rows.ts'
import { batchBytesMax, groupBytesTarget } from './limits.ts'
import { segmentPath } from './location.ts'
import type { Position } from './location.ts'
import { PlacedGroup } from './placed-group.ts'
import { encodeSegmentHeader, segmentHeaderBytes } from './segment-files.ts'
import { StoreError, toStoreError } from './store-error.ts'

export interface AppenderOptions {
  readonly files: FileSystem
  readonly storeId: Uint8Array
  readonly salt: number
  /** Where the log ends. */
  readonly end: Position
  /** Begin a new segment with the first write: the last one has a damaged end. */
  readonly roll: boolean
  readonly segmentBytes: number
  /** Puts rows into the index; after a failure it is called again with the same rows. */
  readonly writeIndex: (rows: readonly GroupRow[]) => Promise<void>
  /** The index refused a write: make room and open it again. True when it is worth another try. */
  readonly reviveIndex: () => Promise<boolean>
  /** The batch is in the index, or refused: its overlay entries may go. */
  readonly onSettled: (batch: Pick<PendingBatch, 'overlay' | 'packed'>) => void
}

/** What of a batch waits for the index: not its frames. */
type DurableBatch = Pick<PendingBatch, 'overlay' | 'packed' | 'resolve'>

interface DurableGroup {
  readonly batches: readonly DurableBatch[]
  readonly rows: readonly GroupRow[]
  readonly rowCount: number
  readonly end: Position
}

const indexRowsMax = 32_768 // that may wait for the index: a second of small writes, some 10 MiB

export class Appender {
  readonly #options: AppenderOptions
  readonly #encoder: GroupEncoder
  #queue: PendingBatch[] = []
  #queuedBytes = 0
  #draining: Promise<void> | undefined
  #waiting: DurableGroup[] = [] // for the index
  #waitingRows = 0
  #indexing: Promise<void> | undefined
  #indexError: StoreError | undefined
  #file: StoreFile | undefined
  #end: Position
  #roll: boolean
  #failed: StoreError | undefined
  #wrote = false

  constructor(options: AppenderOptions) {
    this.#options = options
    this.#encoder = new GroupEncoder(options.salt)
    this.#end = options.end
    this.#roll = options.roll
  }

  /** Everything before this place is durable. */
  get end(): Position {
    return this.#end
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Why nothing can be written until the store is opened again; undefined in good order. */
  get failed(): StoreError | undefined {
    return this.#failed
  }

  submit(batch: PendingBatch): void {
    this.#queue.push(batch)
    this.#queuedBytes += batch.bytes
    // A turn of the event loop lets the commits of one tick become one group.
    this.#draining ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => this.#drain())
  }

  /** The next batch begins a new segment, when the last one has at least this share of its length. */
  rollNext(share: number): void {
    const least = Math.max(segmentHeaderBytes + 1, this.#options.segmentBytes * share)
    this.#roll = this.#roll || this.#end.offset >= least
  }

  /** Resolves when nothing is queued and everything durable is in the index; never rejects. */
  async idle(): Promise<void> {
    while (this.#draining !== undefined || this.#indexing !== undefined) {
      await this.#draining
      await this.#indexing
    }
  }

  /** Resolves when everything submitted so far is durable and in the index; rejects when some of it is refused. */
  flush(): Promise<void> {
    if (this.#draining === undefined && this.#indexing === undefined && !this.#roll) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const nothing = { frames: [], prepared: undefined, rows: [], bytes: 0, overlay: [] }
      this.submit({ ...nothing, durability: 'group', untilIndexed: true, resolve, reject })
    })
  }

  /** Ends the log in order. Nothing may be submitted any more. */
  async close(): Promise<void> {
    await this.idle()
    if (
      this.#wrote &&
      this.#failed === undefined &&
      this.#indexError === undefined &&
      this.#file !== undefined
    ) {
      const { parts, length } = this.#encoder.encodeClose(this.#end)
      try {
        await this.#file.write(parts, this.#end.offset)
        await this.#file.dataSync()
        this.#end = { segment: this.#end.segment, offset: this.#end.offset + length }
        await this.#options.writeIndex([this.#progressRow(this.#end)])
      } catch {
        // Everything acknowledged is durable without this mark; the next opening scans the tail.
      }
    }
    this.#file?.close()
    this.#file = undefined
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const group = this.#takeGroup()
      try {
        await this.#writeGroup(group)
      } catch (error) {
        await this.#refuse(group, error)
      }
    }
    this.#draining = undefined
  }

  #takeGroup(): readonly PendingBatch[] {
    let count = 0
    let bytes = 0
    for (const batch of this.#queue) {
      const alone = batch.durability === 'each'
      if (count > 0 && (alone || bytes + batch.bytes > groupBytesTarget)) break
      count++
      bytes += batch.bytes
      if (alone) break
    }
    this.#queuedBytes -= bytes
    if (count === this.#queue.length) {
      const all = this.#queue
      this.#queue = []
      return all
    }
    return this.#queue.splice(0, count)
  }

  async #writeGroup(batches: readonly PendingBatch[]): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed
    if (this.#indexError !== undefined) await this.#retryIndex()
    const tooLong = this.#end.offset >= this.#options.segmentBytes
    const file =
      tooLong || this.#roll || this.#file === undefined ? await this.#openSegment(tooLong) : this.#file
    const start = this.#end
    const placed = new PlacedGroup()
    const { parts, length } = this.#encoder.encode(batches, start, start, (frame, place) =>
      placed.addPlace(frame, place)
    )
    if (start.offset + length > 2 ** 32 - 1) {
      throw new StoreError(
        'ERR_STORE_LIMIT',
        `a group of ${length} bytes; a batch has at most ${batchBytesMax}`
      )
    }
    const written = file.write(parts, start.offset)
    // While the disk works: the rows for the index.
    const rows = placed.rowsOf(batches)
    try {
      await written
    } catch (error) {
      await this.#cutBack(file, start, false)
      throw error
    }
    try {
      await file.dataSync()
    } catch (error) {
      await this.#cutBack(file, start, true)
      throw error
    }
    this.#wrote = true
    this.#end = { segment: start.segment, offset: start.offset + length }
    placed.settleOverlay(batches)
    const durable = batches.map(({ overlay, packed, resolve }) => ({
      overlay,
      resolve,
      ...(packed === undefined ? {} : { packed })
    }))
    const rowCount = countRows(rows)
    this.#waiting.push({ batches: durable, rows, rowCount, end: this.#end })
    this.#waitingRows += rowCount
    for (const batch of batches) if (!batch.untilIndexed) batch.resolve()
    this.#indexing ??= this.#indexAll()
    if (this.#waitingRows >= indexRowsMax) await this.#indexing
  }

  /** Opens the last segment for writing, or begins the next one. */
  async #openSegment(tooLong: boolean): Promise<StoreFile> {
    const { files, storeId } = this.#options
    if (!tooLong && !this.#roll) {
      this.#file = files.open(segmentPath(this.#end.segment), 'write')
      return this.#file
    }
    const segment = this.#end.segment + 1
    const path = segmentPath(segment)
    await files.unlink(path)
    const file = files.open(path, 'create')
    try {
      await file.write([encodeSegmentHeader(segment, storeId)], 0)
      await file.dataSync()
      await files.syncDirectory('segments')
    } catch (error) {
      file.close()
      await files.unlink(path).catch(() => undefined)
      throw error
    }
    this.#file?.close()
    this.#file = file
    this.#roll = false
    this.#end = { segment, offset: segmentHeaderBytes }
    this.#waiting.push({ batches: [], rows: [segmentRow(segment, 'live')], rowCount: 1, end: this.#end })
    return file
  }

  /**
   * Removes what a refused group left behind. After a refused sync the page cache may hold bytes that never
   * reached the disk and are marked clean: the last page that was durable is written again, and the log goes on
   * in a new segment.
   */
  async #cutBack(file: StoreFile, end: Position, distrust: boolean): Promise<void> {
    try {
      await file.truncate(end.offset)
      if (distrust) {
        const pageStart = Math.floor((end.offset - 1) / 4096) * 4096
        const page = new Uint8Array(end.offset - pageStart)
        file.readSync(page, pageStart)
        await file.write([page], pageStart)
        this.#roll = true
      }
      await file.dataSync()
    } catch (error) {
      const cause = toStoreError(error, `cutting ${segmentPath(end.segment)} back to ${end.offset}`)
      this.#failed = new StoreError(
        'ERR_STORE_IO',
        `${cause.message}; the store is read-only until it is opened again`,
        {
          cause
        }
      )
    }
  }

  /** Durable groups go into the index together, in order, with the mark of how far the log is in it. */
  async #indexAll(): Promise<void> {
    while (this.#waiting.length > 0 && this.#indexError === undefined) {
      const groups = this.#waiting
      const rows = groups.length === 1 ? [...(groups[0]?.rows ?? [])] : groups.flatMap((group) => group.rows)
      rows.push(this.#progressRow(groups.at(-1)?.end ?? this.#end))
      const rowCount = this.#waitingRows
      this.#waiting = []
      this.#waitingRows = 0
      try {
        await this.#options.writeIndex(rows)
      } catch (error) {
        this.#waiting = [...groups, ...this.#waiting]
        this.#waitingRows += rowCount
        this.#indexError = toStoreError(error, 'writing the index')
      }
      if (this.#indexError === undefined)
        for (const group of groups) group.batches.forEach(this.#options.onSettled)
      for (const group of groups) for (const batch of group.batches) batch.resolve()
    }
    // Durable in the log in any case, and readable from the overlay: a failed index is caught up later.
    for (const group of this.#waiting) for (const batch of group.batches) batch.resolve()
    this.#indexing = undefined
  }

  async #retryIndex(): Promise<void> {
    const error = this.#indexError
    if (error === undefined) return
    if (!(await this.#options.reviveIndex())) throw error
    this.#indexError = undefined
    await this.#indexAll()
    if (this.#indexError !== undefined) throw error
  }

  async #refuse(group: readonly PendingBatch[], error: unknown): Promise<void> {
    const refusal = toStoreError(error, `writing ${segmentPath(this.#end.segment)}`)
    await this.#indexing
    const refused = [...group, ...this.#queue]
    this.#queue = []
    this.#queuedBytes = 0
    for (const batch of refused) this.#options.onSettled(batch)
    for (const batch of refused) batch.reject(refusal)
  }

  #progressRow(end: Position): IndexWrite {
    return { key: progressKey, value: encodeProgress({ ...end, storeId: this.#options.storeId }) }
  }
}

function countRows(rows: readonly GroupRow[]): number {
  let count = 0
  for (const row of rows) count += 'rowCount' in row ? row.rowCount : 1
  return count
}
