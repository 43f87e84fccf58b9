/**
 * The store that joins the parts: reads go to the reader, batches to the appender, long work runs alone. Each of
 * the parts has a file of its own.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Durability, Id, IndexReader, IndexRow, StoreBatch, StoredRecord } from '@blocktree/tree'
import { Appender } from './appender.ts'
import { draftBatch, draftPacked, draftPrepared, ownedDraft, pendBatch } from './batch-frames.ts'
import type { DraftBatch } from './batch-frames.ts'
import { checkStore } from './store-check.ts'
import type { CheckOptions, CheckReport } from './store-check.ts'
import { collectGarbage } from './garbage-collection.ts'
import type { CollectionOptions, CollectionReport } from './garbage-collection.ts'
import { createReserve, freeReserve } from './disk-reserve.ts'
import { eachRow, isIndexDamage } from './index-store.ts'
import { remadeUpTo, rowSpace } from './index-rows.ts'
import { queuedBytesMax, reserveBytes, segmentBytesTarget } from './limits.ts'
import { type Location, type Position, decodeLogPlace, encodeLogPlace, isBefore } from './location.ts'
import { keyText, removedRow } from './overlay.ts'
import type { PackedFrames } from './packed-batch.ts'
import type { PreparedFrames } from './pending-batch.ts'
import { damagedRows } from './row-scrub.ts'
import { recover, requestRebuild } from './recovery.ts'
import type { Recovered, Recovery } from './recovery.ts'
import type { DiskStore, RebuildOptions, StoreOptions } from './disk-store.ts'
import type { StoreLock } from './store-lock.ts'
import { StoreError, toStoreError } from './store-error.ts'
import { corruption } from './store-parts.ts'
import type { StoreParts } from './store-parts.ts'
import { StoreReader } from './store-reader.ts'
import { storedRecords } from './stored-records.ts'
import { storeStatistics } from './store-statistics.ts'
import type { StoreStatistics } from './store-statistics.ts'

const scrubDelayMs = 1000 // the first requests after a start come first

export class SegmentStore implements DiskStore {
  readonly recovery: Recovery
  readonly frameSalt: number
  readonly index: IndexReader
  readonly local: IndexReader
  readonly #parts: StoreParts
  readonly #reader: StoreReader
  readonly #lock: StoreLock
  readonly #options: StoreOptions
  readonly #ending = new AbortController()
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

  readSector(reference: Id, check?: 'hash' | 'checksum', into?: Uint8Array): Uint8Array | undefined {
    return this.#reader.readSector(reference, check, into)
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

  records(): AsyncGenerator<StoredRecord> {
    return this.#records(undefined)
  }

  logEnd(): Uint8Array {
    return encodeLogPlace(this.#parts.storeId, this.#appender.end)
  }

  recordsAfter(place: Uint8Array, bytesMax: number): AsyncIterable<StoredRecord> | undefined {
    const start = decodeLogPlace(this.#parts.storeId, place)
    const { end } = this.#appender
    if (start === undefined || isBefore(end, start)) return undefined
    // Damage took records away that were held at the place: what comes after it is not all that changed.
    const remade = remadeUpTo(this.#parts.index)
    if (remade !== undefined && isBefore(start, remade)) return undefined
    let bytes = -start.offset
    for (const segment of this.#parts.segments.numbers()) {
      if (segment < start.segment || bytes > bytesMax) continue
      bytes += segment >= end.segment ? end.offset : this.#parts.segments.file(segment).size()
    }
    return bytes > bytesMax ? undefined : this.#records(start)
  }

  async *#records(start: Position | undefined): AsyncGenerator<StoredRecord> {
    while (this.#collection !== undefined) await this.#collection
    this.#iterations++
    try {
      yield* storedRecords(this.#parts, this.#reader, () => this.#appender.end, start)
    } finally {
      this.#iterations--
    }
  }

  commit(batch: StoreBatch, options?: { readonly durability?: Durability }): Promise<void> {
    return this.#submit(
      () =>
        draftBatch(
          batch,
          (record) => this.#isHeld(record),
          (id) => this.#reader.place(rowSpace.record, id)
        ),
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

  appendPacked(
    frames: PackedFrames,
    rows: readonly IndexRow[] = [],
    options?: { readonly durability?: 'group' | 'each' }
  ): Promise<void> {
    return this.#submit(() => draftPacked(frames, rows), options?.durability ?? 'group')
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
        const signal = this.#untilClosed(options.signal)
        return await collectGarbage(this.#parts, this.#reader, this.#collector(), live, {
          ...options,
          signal
        })
      } finally {
        this.#reader.touched = undefined
      }
    })
  }

  async check(options: CheckOptions = {}): Promise<CheckReport> {
    return this.#alone(async () => {
      await this.#appender.flush().catch(() => undefined)
      const signal = this.#untilClosed(options.signal)
      return checkStore(this.#parts, this.#appender.end, { ...options, signal })
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
      this.#parts.rows.clear()
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
    this.#ending.abort()
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
      drafted = durability === 'none' ? ownedDraft(draft()) : draft()
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
      if (this.#reader.touched !== undefined && pending.packed !== undefined)
        for (const reference of pending.packed.sectors()) this.#reader.touched.add(keyText(reference))
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
    if (record.isNew === true) return false
    const pending = this.#parts.overlay.get(rowSpace.record, record.id)
    if (pending?.value === removedRow) return false
    if (pending !== undefined && pending.place === undefined) {
      return record.inline === undefined || this.#reader.readRecord(record.id)?.inline !== undefined
    }
    const place = this.#reader.place(rowSpace.record, record.id)
    return place !== undefined && (record.inline === undefined || place.inline)
  }

  #makeAppender({ end, roll }: Recovered): Appender {
    const { files, storeId, salt, overlay, rows } = this.#parts
    return new Appender({
      files,
      storeId,
      salt,
      end,
      roll,
      segmentBytes: this.#options.segmentBytes ?? segmentBytesTarget,
      writeIndex: (rows) => this.#parts.index.write(eachRow(rows)),
      reviveIndex: () => this.#reviveIndex(),
      onSettled: (batch) => {
        overlay.settle(batch.overlay)
        if (batch.packed !== undefined) overlay.settlePacked(batch.packed)
        rows.settle(batch.overlay)
      }
    })
  }

  /**
   * LevelDB stays closed to writes after one failed, and is opened again once there is room; the reserve is given
   * back first. Until then it goes on answering reads.
   */
  async #reviveIndex(): Promise<boolean> {
    const { files, driver, index: former } = this.#parts
    const reserve = this.#options.reserveBytes ?? reserveBytes
    await freeReserve(files)
    if ((await files.freeBytes()) < reserve) return false
    this.#reader.refusal = new StoreError(
      'ERR_STORE_BUSY',
      'the index is being opened again; try again later'
    )
    try {
      await former.close()
      const opened = await driver.open()
      if (opened === 'missing' || isIndexDamage(opened))
        throw new StoreError('ERR_STORE_IO', 'the index is damaged')
      this.#parts.index = opened
      this.#reader.refusal = undefined
      await createReserve(files, reserve)
      return true
    } catch (error) {
      const { message } = toStoreError(error, 'opening the index again')
      this.#reader.refusal = new StoreError('ERR_STORE_IO', `${message}; close the store and open it again`)
      return false
    }
  }

  #collector(): {
    submit: (draft: DraftBatch) => Promise<void>
    rollNext: (share: number) => void
    end: () => Appender['end']
    flush: () => Promise<void>
  } {
    return {
      end: () => this.#appender.end,
      flush: () => this.#appender.flush(),
      rollNext: (share) => this.#appender.rollNext(share),
      submit: (draft) =>
        new Promise((resolve, reject) => {
          const onIndexed = { durability: 'group', overlay: [], untilIndexed: true } as const
          this.#appender.submit({ ...draft, ...onIndexed, resolve, reject })
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

  /** Long work ends when its caller says so, and when the store is closed. */
  #untilClosed(signal: AbortSignal | undefined): AbortSignal {
    return signal === undefined ? this.#ending.signal : AbortSignal.any([signal, this.#ending.signal])
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
    const { signal } = this.#ending
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
