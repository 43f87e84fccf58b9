/**
 * Frames and rows that a worker has made, kept as they came: a few arrays for some hundred files, where an object for
 * each row would be most of the work of the thread that writes the log. Readers find single entries by the last four
 * bytes of their keys, which are random in all of them.
 */
import { crc32 } from 'node:zlib'
import type { IndexRow, StoredRecord } from '@blocktree/tree'
import { asBuffer, frameHeaderBytes, frameType } from './frame.ts'
import { encodePlace, rowSpace, sealBytes, spaceKey } from './index-rows.ts'
import type { PlaceRow, RowSpace } from './index-rows.ts'
import type { IndexWrite } from './index-store.ts'
import type { Position } from './location.ts'
import type { OverlayEntry, OverlayValue } from './overlay.ts'
import type { PreparedFrames } from './pending-batch.ts'
import { StoreError } from './store-error.ts'
import { toRecord } from './store-reader.ts'
import { tailOf } from './tail-counts.ts'

/** What a worker sends; all arrays may be transferred. */
export interface PackedFrames {
  readonly bytes: Uint8Array
  /** Of each frame, 32 bytes. */
  readonly references: Uint8Array
  /** Of each frame: offset in `bytes`, length of the payload. */
  readonly spans: Uint32Array
  /** Of each frame: one of `packedKind`. */
  readonly kinds: Uint8Array
  /** Derived rows of blocks that no other batch has touched: length of the key, of the value, key, value. */
  readonly rows: Uint8Array
  readonly rowCount: number
  /** The last four bytes of each reference and key, sorted. */
  readonly tails: Uint32Array
}

export const packedKind = { sector: 0, record: 1, recordWithInline: 2 } as const

const rowHeadBytes = 4
const { latin1Slice } = Buffer.alloc(0)

/** For workers: what `DiskStore.appendPacked` takes. Rows are derived rows that are new, each key once. */
export function packFrames(prepared: PreparedFrames, rows: readonly IndexRow[]): PackedFrames {
  const { bytes, entries } = prepared
  const references = new Uint8Array(entries.length * 32)
  const spans = new Uint32Array(entries.length * 2)
  const kinds = new Uint8Array(entries.length)
  const tails = new Uint32Array(entries.length + rows.length)
  for (let index = 0; index < entries.length; index++) {
    const entry = entries[index]
    if (entry === undefined) continue
    references.set(entry.reference, index * 32)
    spans[index * 2] = entry.offset
    spans[index * 2 + 1] = entry.length
    const record = entry.inline === true ? packedKind.recordWithInline : packedKind.record
    kinds[index] = entry.type === 'sector' ? packedKind.sector : record
    tails[index] = tailOf(entry.reference)
  }
  const packed = packRows(rows)
  for (let index = 0; index < rows.length; index++) {
    const key = rows[index]?.key
    if (key !== undefined) tails[entries.length + index] = tailOf(key)
  }
  return { bytes, references, spans, kinds, rows: packed, rowCount: rows.length, tails: tails.sort() }
}

/** With the space byte and the checksum, as the index has them; the checksum runs over key and value in one piece. */
function packRows(rows: readonly IndexRow[]): Uint8Array {
  let length = 0
  for (const { key, value } of rows)
    length += rowHeadBytes + 1 + key.length + (value?.length ?? 0) + sealBytes
  const packed = Buffer.from(new ArrayBuffer(length))
  let offset = 0
  for (const { key, value } of rows) {
    const start = offset + rowHeadBytes
    const keyEnd = start + 1 + key.length
    const end = keyEnd + (value?.length ?? 0)
    packed.writeUInt16BE(keyEnd - start, offset)
    packed.writeUInt16BE(end - keyEnd + sealBytes, offset + 2)
    packed[start] = rowSpace.derived
    packed.set(key, start + 1)
    if (value !== undefined) packed.set(value, keyEnd)
    packed.writeUInt32BE(crc32(packed.subarray(start, end)), end)
    offset = end + sealBytes
  }
  return new Uint8Array(packed.buffer)
}

/** One of them on its way into the index. */
export class PackedBatch {
  readonly #frames: Omit<PackedFrames, 'bytes'>
  /** Until the batch is durable. */
  #bytes: Uint8Array | undefined
  #start: Position = { segment: 0, offset: 0 }

  /** ERR_STORE_ARGUMENT when the spans do not cover the bytes. */
  constructor(frames: PackedFrames) {
    let offset = 0
    for (let index = 0; index < frames.kinds.length; index++) {
      if (frames.spans[index * 2] !== offset) break
      offset += frameHeaderBytes + (frames.spans[index * 2 + 1] ?? 0)
    }
    if (offset !== frames.bytes.length) {
      throw new StoreError(
        'ERR_STORE_ARGUMENT',
        `packed frames: they end at ${offset}, the bytes at ${frames.bytes.length}`
      )
    }
    const { bytes, ...rest } = frames
    this.#bytes = bytes
    this.#frames = rest
  }

  /** The tails of its keys. */
  get tails(): Uint32Array {
    return this.#frames.tails
  }

  /** Rows that the index gets. */
  get rowCount(): number {
    return this.#frames.kinds.length + this.#frames.rowCount
  }

  /** Where its first frame lies in the log. */
  place(start: Position): void {
    this.#start = start
  }

  /** It is durable: the bytes are read from the log from now on. */
  settle(): void {
    this.#bytes = undefined
  }

  /** @param from where the key begins in `key` */
  find(space: RowSpace, key: Uint8Array, from = 0): OverlayEntry | undefined {
    if (!this.#mayHold(tailOf(key))) return undefined
    if (space === rowSpace.derived) return this.#findRow(key, from)
    return space === rowSpace.sector || space === rowSpace.record ? this.#findFrame(space, key) : undefined
  }

  /** Its records, in order. */
  records(): readonly OverlayEntry[] {
    const { kinds } = this.#frames
    const found: OverlayEntry[] = []
    for (let index = 0; index < kinds.length; index++) {
      if (kinds[index] !== packedKind.sector) found.push(this.#frameEntry(index))
    }
    return found
  }

  *sectors(): Generator<Uint8Array> {
    const { kinds } = this.#frames
    for (let index = 0; index < kinds.length; index++) {
      if (kinds[index] === packedKind.sector) yield this.#reference(index)
    }
  }

  /** Derived rows between two keys, in no order. */
  between(first: string, last: string): readonly OverlayEntry[] {
    const found: OverlayEntry[] = []
    for (const { key, value } of this.#rows()) {
      const text = latin1Slice.call(key, 1)
      if (text >= first && text < last) found.push(rowEntry(text, value))
    }
    return found
  }

  /** For the index, once the place is known; views that live as long as the batch. */
  *writes(): Generator<IndexWrite> {
    const { kinds } = this.#frames
    for (let index = 0; index < kinds.length; index++) {
      const key = spaceKey(this.#space(index), this.#reference(index))
      yield { key, value: encodePlace(key, this.#placeOf(index)) }
    }
    yield* this.#rows()
  }

  *#rows(): Generator<{ readonly key: Uint8Array; readonly value: Uint8Array }> {
    const { rows } = this.#frames
    for (let offset = 0; offset < rows.length;) {
      const keyEnd = offset + rowHeadBytes + (((rows[offset] ?? 0) << 8) | (rows[offset + 1] ?? 0))
      const end = keyEnd + (((rows[offset + 2] ?? 0) << 8) | (rows[offset + 3] ?? 0))
      yield { key: rows.subarray(offset + rowHeadBytes, keyEnd), value: rows.subarray(keyEnd, end) }
      offset = end
    }
  }

  #findRow(key: Uint8Array, from: number): OverlayEntry | undefined {
    const wanted = asBuffer(key).subarray(from)
    for (const row of this.#rows()) {
      if (row.key.length === wanted.length + 1 && wanted.equals(row.key.subarray(1)))
        return rowEntry(latin1Slice.call(row.key, 1), row.value)
    }
    return undefined
  }

  #findFrame(space: RowSpace, reference: Uint8Array): OverlayEntry | undefined {
    const wanted = asBuffer(reference)
    for (let index = 0; index < this.#frames.kinds.length; index++) {
      if (this.#space(index) === space && wanted.equals(this.#reference(index)))
        return this.#frameEntry(index)
    }
    return undefined
  }

  #frameEntry(index: number): OverlayEntry {
    const space = this.#space(index)
    const key = latin1Slice.call(this.#reference(index))
    if (this.#bytes === undefined) {
      return { space, key, value: noBytes, place: this.#placeOf(index), isSealed: false }
    }
    const offset = this.#frames.spans[index * 2] ?? 0
    const length = this.#frames.spans[index * 2 + 1] ?? 0
    const frame = this.#bytes.subarray(offset, offset + frameHeaderBytes + length)
    const payload = frame.subarray(frameHeaderBytes)
    const value: OverlayValue = space === rowSpace.sector ? payload : unframe(frame, payload)
    return { space, key, value, place: undefined, isSealed: false }
  }

  #reference(index: number): Uint8Array {
    return this.#frames.references.subarray(index * 32, index * 32 + 32)
  }

  #space(index: number): typeof rowSpace.sector | typeof rowSpace.record {
    return this.#frames.kinds[index] === packedKind.sector ? rowSpace.sector : rowSpace.record
  }

  #placeOf(index: number): PlaceRow {
    const { spans, kinds } = this.#frames
    return {
      segment: this.#start.segment,
      offset: this.#start.offset + (spans[index * 2] ?? 0),
      length: spans[index * 2 + 1] ?? 0,
      inline: kinds[index] === packedKind.recordWithInline
    }
  }

  #mayHold(tail: number): boolean {
    const { tails } = this.#frames
    let low = 0
    let high = tails.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((tails[middle] ?? 0) < tail) low = middle + 1
      else high = middle
    }
    return tails[low] === tail
  }
}

/** In the place of the bytes when they are to be read from the log. */
const noBytes: OverlayValue = () => {
  throw new RangeError('a record in the log is read from there')
}

function rowEntry(key: string, value: Uint8Array): OverlayEntry {
  return { space: rowSpace.derived, key, value, place: undefined, isSealed: true }
}

/** A record out of a frame of our own, whose checksum was made just now. */
export function unframe(frame: Uint8Array, payload: Uint8Array): StoredRecord {
  const source = asBuffer(frame)
  const header = {
    type: frameType.record,
    flags: source[5] ?? 0,
    subtype: source.readUInt16BE(6),
    length: payload.length,
    part: source.readUInt32BE(12),
    reference: source.subarray(16, 48),
    payloadChecksum: 0
  }
  return toRecord({ header, payload })
}
