/**
 * Reading: first what is on its way to the disk, then the index, then the place in a segment that it names.
 * Everything is verified, and everything returned is owned by the caller.
 */
import type { Id, IndexReader, RangeOptions, StoredRecord } from '@blocktree/tree'
import { frameFlag, frameType } from './frame.ts'
import type { PlaceRow, RowSpace } from './index-rows.ts'
import { decodePlace, openRow, rowSpace, spaceKey } from './index-rows.ts'
import type { OverlayEntry, OverlayValue } from './overlay.ts'
import { keyBytes, keyText, removedRow, rowOf } from './overlay.ts'
import type { Frame } from './segment-files.ts'
import { StoreError } from './store-error.ts'
import type { StoreParts, StoreView } from './store-parts.ts'

type Row = readonly [key: Uint8Array, value: Uint8Array]

export class StoreReader implements StoreView {
  readonly index: IndexReader
  readonly local: IndexReader
  readonly #parts: StoreParts
  /** While a collection runs: sectors somebody asked for, which are therefore kept. */
  touched: Set<string> | undefined
  /** Sectors whose removal with this segment is on its way to the disk: nobody is told any more that they are there. */
  leaving: { readonly segment: number; readonly keys: ReadonlySet<string> } | undefined
  /** Why nothing can be read; undefined while the store is open. */
  refusal: StoreError | undefined
  /** Told of a damaged row or frame before the error is thrown. */
  onCorrupt: ((error: StoreError) => void) | undefined

  constructor(parts: StoreParts) {
    this.#parts = parts
    this.index = this.#rows(rowSpace.derived)
    this.local = this.#rows(rowSpace.local)
  }

  readSector(reference: Id, check?: 'hash' | 'checksum', into?: Uint8Array): Uint8Array | undefined {
    this.#assertReadable()
    this.touched?.add(keyText(reference))
    const pending = this.#parts.overlay.get(rowSpace.sector, reference)?.value
    if (pending instanceof Uint8Array) return new Uint8Array(pending)
    const place = this.place(rowSpace.sector, reference)
    if (place === undefined) return undefined
    const read = (): Uint8Array =>
      this.#parts.segments.readFrame(place, frameType.sector, reference, { check, into }).payload
    return this.#guard(read)
  }

  hasSector(reference: Id): boolean {
    this.#assertReadable()
    this.touched?.add(keyText(reference))
    const pending = this.#parts.overlay.get(rowSpace.sector, reference)
    return pending !== undefined || this.place(rowSpace.sector, reference) !== undefined
  }

  readRecord(id: Id): StoredRecord | undefined {
    this.#assertReadable()
    const pending = this.#parts.overlay.get(rowSpace.record, id)
    if (pending !== undefined && pending.place === undefined) return copyRecord(pending.value)
    const place = this.place(rowSpace.record, id)
    if (place === undefined) return undefined
    return this.#guard(() => toRecord(this.#parts.segments.readFrame(place, frameType.record, id)))
  }

  hasRecord(id: Id): boolean {
    this.#assertReadable()
    const pending = this.#parts.overlay.get(rowSpace.record, id)
    return pending === undefined
      ? this.place(rowSpace.record, id) !== undefined
      : pending.value !== removedRow
  }

  /** Where a record or sector lies; undefined when it is not in the log. */
  place(space: typeof rowSpace.record | typeof rowSpace.sector, reference: Id): PlaceRow | undefined {
    const pending = this.#parts.overlay.get(space, reference)
    if (pending?.place !== undefined) return pending.place
    if (pending?.value === removedRow) return undefined
    const key = spaceKey(space, reference)
    const row = this.#parts.index.get(key)
    const place = row === undefined ? undefined : this.#guard(() => decodePlace(key, row))
    if (place?.dropped === true) return undefined
    const isLeaving = space === rowSpace.sector && place?.segment === this.leaving?.segment
    return isLeaving && this.leaving?.keys.has(keyText(reference)) === true ? undefined : place
  }

  #rows(space: RowSpace): IndexReader {
    return {
      get: (key) => this.#getRow(space, key),
      range: (options) => this.#range(space, options)
    }
  }

  #getRow(space: RowSpace, key: Uint8Array): Uint8Array | undefined {
    this.#assertReadable()
    const { overlay, rows, index } = this.#parts
    const pending = overlay.get(space, key)
    if (pending !== undefined) return rowOf(pending)
    const text = keyText(key)
    const known = space === rowSpace.derived ? rows.get(text) : undefined
    if (known !== undefined) return new Uint8Array(known)
    const spaced = spaceKey(space, key)
    const sealed = index.get(spaced)
    if (sealed === undefined) return undefined
    const row = this.#guard(() => openRow(spaced, sealed))
    if (space === rowSpace.derived) rows.add(text, Buffer.from(row)) // from a pool
    return row
  }

  #range(space: RowSpace, options: RangeOptions): AsyncIterable<Row> {
    this.#assertReadable()
    const { limit, reverse = false } = options
    const pending = this.#parts.overlay.between(space, options.from, options.to)
    // Removed rows take the place of stored ones, so more than `limit` may have to be read.
    const enough = limit === undefined ? {} : { limit: limit + pending.length }
    const stored = this.#parts.index.range({
      from: spaceKey(space, options.from),
      to: spaceKey(space, options.to),
      reverse,
      ...enough
    })
    return this.#merged(stored, reverse ? [...pending].reverse() : pending, reverse, limit ?? Infinity)
  }

  async *#merged(
    stored: AsyncIterable<Row>,
    pending: readonly OverlayEntry[],
    reverse: boolean,
    limit: number
  ): AsyncGenerator<Row> {
    let left = limit
    let next = 0
    const before = (one: string, other: string): boolean => (reverse ? one > other : one < other)
    const takePending = function* (until: string | undefined): Generator<Row> {
      for (let entry = pending[next]; entry !== undefined; entry = pending[next]) {
        if (until !== undefined && !before(entry.key, until)) return
        next++
        const row = rowOf(entry)
        if (row !== undefined) yield [keyBytes(entry.key), row]
      }
    }
    if (left <= 0) return
    for await (const [spaced, sealed] of stored) {
      const key = new Uint8Array(spaced.subarray(1))
      const text = keyText(key)
      for (const row of takePending(text)) {
        yield row
        if (--left <= 0) return
      }
      if (pending[next]?.key === text) continue // the newer value comes with the next row or at the end
      yield [key, this.#guard(() => openRow(spaced, sealed))]
      if (--left <= 0) return
    }
    for (const row of takePending(undefined)) {
      yield row
      if (--left <= 0) return
    }
  }

  #guard<Value>(read: () => Value): Value {
    try {
      return read()
    } catch (error) {
      if (error instanceof StoreError && error.code === 'ERR_STORE_CORRUPT') this.onCorrupt?.(error)
      throw error
    }
  }

  #assertReadable(): void {
    if (this.refusal !== undefined) throw new StoreError(this.refusal.code, this.refusal.message)
  }
}

/** A record out of its frame; its bytes are parts of the payload. */
export function toRecord(frame: Frame): StoredRecord {
  const { header, payload } = frame
  return {
    id: new Uint8Array(header.reference),
    type: header.subtype,
    bytes: payload.subarray(0, header.part),
    inline: (header.flags & frameFlag.inline) !== 0 ? payload.subarray(header.part) : undefined
  }
}

function copyRecord(value: OverlayValue): StoredRecord | undefined {
  const record = typeof value === 'function' ? value() : value
  if (typeof record === 'symbol' || record instanceof Uint8Array) return undefined
  return {
    id: new Uint8Array(record.id),
    type: record.type,
    bytes: new Uint8Array(record.bytes),
    inline: record.inline === undefined ? undefined : new Uint8Array(record.inline)
  }
}
