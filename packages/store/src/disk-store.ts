/**
 * The block store on disk: segments are the truth, the index can be made again from them
 * (doc/spec/11-segments.md, doc/adr/0006-store.md). This file joins the parts; each of them has a file of its own.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type {
  BlockStore,
  Durability,
  Id,
  IndexReader,
  IndexRow,
  StoreBatch,
  StoredRecord
} from '@blocktree/tree'
import { Appender } from './appender.ts'
import { draftBatch, draftPrepared, pendBatch } from './batch-frames.ts'
import type { DraftBatch } from './batch-frames.ts'
import { checkStore } from './store-check.ts'
import type { CheckOptions, CheckReport } from './store-check.ts'
import { collectGarbage } from './garbage-collection.ts'
import type { CollectionOptions, CollectionReport } from './garbage-collection.ts'
import { createReserve, freeReserve } from './disk-reserve.ts'
import { closedIndex, isIndexDamage } from './index-store.ts'
import { encodeProgress, progressKey, rowSpace, segmentRow } from './index-rows.ts'
import { queuedBytesMax, segmentBytesTarget } from './limits.ts'
import { segmentPath } from './location.ts'
import type { Location } from './location.ts'
import { Overlay, keyText } from './overlay.ts'
import type { PendingBatch, PreparedFrames } from './pending-batch.ts'
import { damagedRows } from './row-scrub.ts'
import { recover, requestRebuild } from './recovery.ts'
import type { Recovered, Recovery, RecoveryOptions } from './recovery.ts'
import { SegmentFiles, encodeSegmentHeader, saltOf, segmentHeaderBytes } from './segment-files.ts'
import { readFormat, writeFormat } from './store-format.ts'
import { acquireLock } from './store-lock.ts'
import type { StoreLock } from './store-lock.ts'
import { StoreError, toStoreError } from './store-error.ts'
import { corruption } from './store-parts.ts'
import type { Finding, Reindex, StoreDrivers, StoreParts } from './store-parts.ts'
import { StoreReader } from './store-reader.ts'
import { storedRecords } from './stored-records.ts'
import { storeStatistics } from './store-statistics.ts'
import type { StoreStatistics } from './store-statistics.ts'

const scrubDelayMs = 1000 // the first requests after a start come first

export interface StoreOptions {
  /** Makes derived rows again after a crash or a rebuild; without it they stay as the index has them. */
  readonly reindex?: Reindex
  /** Bytes after which a segment is followed by the next; 64 MiB. */
  readonly segmentBytes?: number
  /** Told of damage that is met while the store is open. */
  readonly onFinding?: (finding: Finding) => void
  /** Read all tables of the index through after opening, slowly; damage is reported and repaired at the next opening. */
  readonly scrub?: boolean
  readonly onRebuildProgress?: (done: { readonly segment: number; readonly segments: number }) => void
}

export type RebuildOptions = Pick<RecoveryOptions, 'onProgress'>

export interface DiskStore extends BlockStore {
  /** What opening found and did. */
  readonly recovery: Recovery
  /** For `createFrameBuilder`. */
  readonly frameSalt: number
  /**
   * One batch of frames that a worker has made, with rows of the main thread. The buffer belongs to the store until
   * the promise settles. ERR_STORE_ARGUMENT when the entries are not the frames of the buffer.
   */
  appendPrepared(
    prepared: PreparedFrames,
    rows?: readonly IndexRow[],
    options?: { readonly durability?: Durability }
  ): Promise<void>
  /**
   * Where a record or sector lies in the log, for readers in other threads; undefined when it is not held or not in
   * the index yet. A collection may move it: who finds something else there asks the store for the bytes.
   */
  placeOf(kind: 'record' | 'sector', reference: Id): Location | undefined
  /**
   * Removes sectors that are not among `live` and gives their space back where less than `minimumLive` of a segment
   * is live. Sectors written or asked for meanwhile are kept. ERR_STORE_BUSY while another collection runs.
   */
  collect(live: AsyncIterable<Id> | Iterable<Id>, options?: CollectionOptions): Promise<CollectionReport>
  /** Reads everything back. Never throws for damage: it is in the report. */
  check(options?: CheckOptions): Promise<CheckReport>
  /** Makes the index again from the segments; meanwhile reads and commits are refused with ERR_STORE_BUSY. */
  rebuildIndex(options?: RebuildOptions): Promise<Recovery>
  statistics(): Promise<StoreStatistics>
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes an empty store and opens it. ERR_STORE_EXISTS when there is one, ERR_STORE_ACCESS, ERR_STORE_FULL. */
export async function createStore(drivers: StoreDrivers, options: StoreOptions = {}): Promise<DiskStore> {
  const { files } = drivers
  try {
    if (holdsStore(drivers)) throw new StoreError('ERR_STORE_EXISTS', 'the directory already holds a store')
    files.makeDirectory('')
    files.makeDirectory('segments')
    const lock = await acquireLock(files, drivers.processes)
    try {
      await makeEmpty(drivers)
    } finally {
      await lock.release()
    }
  } catch (error) {
    throw toStoreError(error, 'creating the store')
  }
  return openStore(drivers, options)
}

/** Opens what is there: ERR_STORE_MISSING, ERR_STORE_LOCKED, ERR_STORE_VERSION, ERR_STORE_ACCESS, ERR_STORE_IO. */
export async function openStore(drivers: StoreDrivers, options: StoreOptions = {}): Promise<DiskStore> {
  const { files, index: driver } = drivers
  let lock: StoreLock | undefined
  try {
    if (!holdsStore(drivers))
      throw new StoreError('ERR_STORE_MISSING', 'the directory holds no store; create one first')
    lock = await acquireLock(files, drivers.processes)
    const { storeId, repaired } = await readFormat(files)
    const salt = saltOf(storeId)
    const segments = new SegmentFiles(files, salt)
    const parts = { files, driver, segments, overlay: new Overlay(), storeId, salt, index: closedIndex }
    const reader = new StoreReader(parts)
    const { reindex, onRebuildProgress: onProgress } = options
    const recovered = await recover(parts, reader, { reindex, onProgress, thorough: lock.stale })
    await createReserve(files)
    const findings =
      repaired === undefined ? [] : [corruption('format', 0, `${repaired} and was written again`)]
    const recovery = { ...recovered.recovery, findings: [...findings, ...recovered.recovery.findings] }
    return new SegmentStore(parts, reader, lock, { ...recovered, recovery }, options)
  } catch (error) {
    await lock?.release().catch(() => undefined)
    throw toStoreError(error, 'opening the store')
  }
}

function holdsStore({ files }: StoreDrivers): boolean {
  if (files.readFile('format') !== undefined) return true
  const segments = new SegmentFiles(files, 0)
  // A first segment without content is what an interrupted creation leaves.
  return segments.numbers().some((segment) => segment > 1 || segments.size(segment) > segmentHeaderBytes)
}

async function makeEmpty({ files, index: driver, random }: StoreDrivers): Promise<void> {
  const storeId = random(16)
  await files.unlink(segmentPath(1))
  const segment = files.open(segmentPath(1), 'create')
  try {
    await segment.write([encodeSegmentHeader(1, storeId)], 0)
    await segment.dataSync()
  } finally {
    segment.close()
  }
  await files.syncDirectory('segments')
  const index = await driver.create()
  const progress = encodeProgress({ segment: 1, offset: segmentHeaderBytes, storeId })
  await index.write([segmentRow(1, 'live'), { key: progressKey, value: progress }])
  await index.close()
  await writeFormat(files, storeId)
}

class SegmentStore implements DiskStore {
  readonly recovery: Recovery
  readonly frameSalt: number
  readonly index: IndexReader
  readonly local: IndexReader
  readonly #parts: StoreParts
  readonly #reader: StoreReader
  readonly #lock: StoreLock
  readonly #options: StoreOptions
  readonly #scrubbing = new AbortController()
  #appender: Appender
  #scrub: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Iterations over the records, or a collection: not both. */
  #iterations = 0
  #collection: Promise<unknown> | undefined
  #lostWrite: Error | undefined

  constructor(
    parts: StoreParts,
    reader: StoreReader,
    lock: StoreLock,
    recovered: Recovered,
    options: StoreOptions
  ) {
    this.#parts = parts
    this.#reader = reader
    this.#lock = lock
    this.#options = options
    this.recovery = recovered.recovery
    this.frameSalt = parts.salt
    this.index = reader.index
    this.local = reader.local
    this.#appender = this.#makeAppender(recovered)
    reader.onCorrupt = (error) => this.#reportDamage(error)
    if (options.scrub === true) this.#scrub = this.#scrubIndex()
  }

  readSector(reference: Id): Uint8Array | undefined {
    return this.#reader.readSector(reference)
  }

  hasSector(reference: Id): boolean {
    return this.#reader.hasSector(reference)
  }

  readRecord(id: Id): StoredRecord | undefined {
    return this.#reader.readRecord(id)
  }

  hasRecord(id: Id): boolean {
    return this.#reader.hasRecord(id)
  }

  async *records(): AsyncGenerator<StoredRecord> {
    while (this.#collection !== undefined) await this.#collection
    this.#iterations++
    try {
      yield* storedRecords(this.#parts, this.#reader, () => this.#appender.end)
    } finally {
      this.#iterations--
    }
  }

  commit(batch: StoreBatch, options?: { readonly durability?: Durability }): Promise<void> {
    return this.#submit(
      () => draftBatch(batch, (record) => this.#isHeld(record)),
      options?.durability ?? 'group'
    )
  }

  appendPrepared(
    prepared: PreparedFrames,
    rows: readonly IndexRow[] = [],
    options?: { readonly durability?: Durability }
  ): Promise<void> {
    return this.#submit(() => draftPrepared(prepared, rows, this.frameSalt), options?.durability ?? 'group')
  }

  placeOf(kind: 'record' | 'sector', reference: Id): Location | undefined {
    if (this.#reader.refusal !== undefined)
      throw new StoreError(this.#reader.refusal.code, this.#reader.refusal.message)
    if (kind === 'sector') this.#reader.touched?.add(keyText(reference))
    return this.#reader.place(rowSpace[kind], reference)
  }

  /** Also rejects when a `none` batch was refused since the last flush. */
  async flush(): Promise<void> {
    await this.#appender.flush()
    const lost = this.#lostWrite
    this.#lostWrite = undefined
    if (lost !== undefined) throw lost
  }

  async collect(
    live: AsyncIterable<Id> | Iterable<Id>,
    options: CollectionOptions = {}
  ): Promise<CollectionReport> {
    return this.#alone(async () => {
      this.#reader.touched = new Set()
      try {
        return await collectGarbage(this.#parts, this.#reader, this.#collector(), live, options)
      } finally {
        this.#reader.touched = undefined
      }
    })
  }

  async check(options: CheckOptions = {}): Promise<CheckReport> {
    return this.#alone(async () => {
      await this.#appender.idle()
      return checkStore(this.#parts, this.#appender.end, options)
    })
  }

  async rebuildIndex(options: RebuildOptions = {}): Promise<Recovery> {
    return this.#alone(async () => {
      this.#reader.refusal = new StoreError(
        'ERR_STORE_BUSY',
        'the index is being made again; try again later'
      )
      await this.#appender.close()
      await requestRebuild(this.#parts)
      await this.#parts.index.close()
      const during = new StoreReader(this.#parts)
      try {
        const recovered = await recover(this.#parts, during, { reindex: this.#options.reindex, ...options })
        this.#appender = this.#makeAppender(recovered)
        this.#reader.refusal = undefined
        return recovered.recovery
      } catch (error) {
        this.#reader.refusal = toStoreError(error, 'making the index again')
        throw this.#reader.refusal
      }
    })
  }

  statistics(): Promise<StoreStatistics> {
    return storeStatistics(this.#parts, this.#appender.end)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    const refusal = new StoreError('ERR_STORE_CLOSED', 'the store is closed')
    this.#scrubbing.abort()
    await this.#scrub
    await this.#collection
    await this.#appender.close()
    this.#reader.refusal = refusal
    await this.#parts.index.close()
    this.#parts.segments.closeAll()
    await this.#lock.release()
  }

  #submit(draft: () => DraftBatch, durability: Durability): Promise<void> {
    if (this.#closing !== undefined) return refuse(new StoreError('ERR_STORE_CLOSED', 'the store is closed'))
    if (this.#reader.refusal !== undefined) return refuse(this.#reader.refusal)
    if (this.#appender.failed !== undefined) return refuse(this.#appender.failed)
    let drafted: DraftBatch
    try {
      drafted = draft()
    } catch (error) {
      return refuse(toStoreError(error, 'preparing a batch'))
    }
    if (drafted.frames.length === 0 && drafted.prepared === undefined && drafted.rows.length === 0) {
      return this.#appender.flush()
    }
    const written = new Promise<void>((resolve, reject) => {
      const pending = pendBatch(drafted, durability, this.#parts.overlay, { resolve, reject })
      for (const entry of pending.overlay) {
        if (entry.space === rowSpace.sector) this.#reader.touched?.add(entry.key)
      }
      this.#appender.submit(pending)
    })
    if (durability !== 'none') return written
    const early = this.#appender.queuedBytes < queuedBytesMax
    const watched = written.catch((error: unknown) => {
      this.#lostWrite = toStoreError(error, 'writing a batch that was acknowledged early')
    })
    return early ? Promise.resolve() : watched
  }

  /** A record is written once; again only when it comes with an inline sector that was not held. */
  #isHeld(record: StoredRecord): boolean {
    if (this.#parts.overlay.get(rowSpace.record, record.id) !== undefined) {
      return record.inline === undefined || this.#reader.readRecord(record.id)?.inline !== undefined
    }
    const place = this.#reader.place(rowSpace.record, record.id)
    return place !== undefined && (record.inline === undefined || place.inline)
  }

  #makeAppender({ end, roll }: Recovered): Appender {
    const { files, storeId, salt, overlay } = this.#parts
    return new Appender({
      files,
      storeId,
      salt,
      end,
      roll,
      segmentBytes: this.#options.segmentBytes ?? segmentBytesTarget,
      writeIndex: (rows) => this.#parts.index.write(rows),
      reviveIndex: () => this.#reviveIndex(),
      onSettled: (batch: PendingBatch) => overlay.settle(batch.overlay)
    })
  }

  /** LevelDB stays closed to writes after one failed: it is opened again, with the reserve given back first. */
  async #reviveIndex(): Promise<boolean> {
    await freeReserve(this.#parts.files)
    const former = this.#parts.index
    try {
      await former.close()
      const opened = await this.#parts.driver.open()
      if (opened === 'missing' || isIndexDamage(opened)) return false
      this.#parts.index = opened
    } catch {
      return false
    }
    return true
  }

  #collector(): {
    submit: (draft: DraftBatch) => Promise<void>
    rollNext: () => void
    end: () => Appender['end']
  } {
    return {
      end: () => this.#appender.end,
      rollNext: () => this.#appender.rollNext(),
      submit: (draft) =>
        new Promise((resolve, reject) => {
          this.#appender.submit({ ...draft, durability: 'group', overlay: [], resolve, reject })
        })
    }
  }

  /** Runs work that rearranges or reads the whole log; nothing of the kind runs beside it. */
  async #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#closing !== undefined) throw new StoreError('ERR_STORE_CLOSED', 'the store is closed')
    if (this.#collection !== undefined)
      throw new StoreError('ERR_STORE_BUSY', 'a collection or check is running')
    if (this.#iterations > 0) throw new StoreError('ERR_STORE_BUSY', 'the records are being read through')
    const running = work()
    this.#collection = running.catch(() => undefined)
    try {
      return await running
    } finally {
      this.#collection = undefined
    }
  }

  #reportDamage(error: StoreError): void {
    this.#options.onFinding?.(corruption(error.file ?? '', error.offset ?? 0, error.message))
    if (error.file === 'index') void this.#markIndex()
  }

  /** The next opening makes the index again; without the note it finds the damage by itself, later. */
  async #markIndex(): Promise<void> {
    try {
      await requestRebuild(this.#parts)
    } catch {
      // A disk that takes no file now has told so where it matters.
    }
  }

  async #scrubIndex(): Promise<void> {
    const { signal } = this.#scrubbing
    await pause(scrubDelayMs, undefined, { signal, ref: false }).catch(() => undefined)
    if (signal.aborted) return
    for await (const damage of this.#parts.driver.scrub(signal)) {
      this.#options.onFinding?.(corruption(damage.file, damage.offset, damage.problem))
      await this.#markIndex()
      return
    }
    // LevelDB rewrites tables without a look at their checksums: damage may have moved into a sound table.
    for await (const finding of damagedRows(this.#parts, signal)) {
      this.#options.onFinding?.(finding)
      await this.#markIndex()
    }
  }
}

function refuse(error: StoreError): Promise<never> {
  return Promise.reject(new StoreError(error.code, error.message, { cause: error }))
}
