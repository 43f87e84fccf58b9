/**
 * What was committed but is not in the index yet, so that readers see it at once. The newest value of a key wins;
 * an entry leaves when its batch is settled, unless a newer batch has replaced it.
 */
import type { StoredRecord } from '@blocktree/tree'
import type { PlaceRow, RowSpace } from './index-rows.ts'
import { rowSpace, sealBytes } from './index-rows.ts'
import type { PackedBatch } from './packed-batch.ts'
import { TailCounts, tailOf } from './tail-counts.ts'

/** A row that was removed is present with this value. */
export const removedRow: unique symbol = Symbol('removed')
/** A sector or record that has its place. */
export const inTheLog: unique symbol = Symbol('in the log')
export type OverlayValue =
  | Uint8Array
  | StoredRecord
  | (() => StoredRecord)
  | typeof removedRow
  | typeof inTheLog

/** Once its batch is durable, an entry holds nothing of the caller's any more: it says where the bytes are. */
export interface OverlayEntry {
  readonly space: RowSpace
  readonly key: string
  value: OverlayValue
  /** Of a record or sector that is in the log. */
  place: PlaceRow | undefined
  /** `value` is a row of the index, with its checksum at the end. */
  isSealed: boolean
}

export class Overlay {
  readonly #packed: Set<PackedBatch> = new Set()
  readonly #packedTails: TailCounts = new TailCounts()
  readonly #maps: readonly Map<string, OverlayEntry>[] = Array.from({ length: 6 }, () => new Map())

  get(space: RowSpace, key: Uint8Array): OverlayEntry | undefined {
    const map = this.#map(space)
    const entry = map.size === 0 ? undefined : map.get(keyText(key))
    if (entry !== undefined || this.#packed.size === 0 || !this.#packedTails.has(tailOf(key))) return entry
    for (const batch of this.#packed) {
      const found = batch.find(space, key)
      if (found !== undefined) return found
    }
    return undefined
  }

  /** A packed batch answers for keys that nothing newer stands for. */
  addPacked(batch: PackedBatch): void {
    this.#packed.add(batch)
    this.#packedTails.add(batch.tails)
  }

  settlePacked(batch: PackedBatch): void {
    if (this.#packed.delete(batch)) this.#packedTails.remove(batch.tails)
  }

  /** @param from where the key begins in `key` */
  set(space: RowSpace, key: Uint8Array, value: OverlayValue, from = 0): OverlayEntry {
    const entry: OverlayEntry = { space, key: keyText(key, from), value, place: undefined, isSealed: false }
    this.#map(space).set(entry.key, entry)
    return entry
  }

  settle(entries: readonly OverlayEntry[]): void {
    for (const entry of entries) {
      const map = this.#map(entry.space)
      if (map.get(entry.key) === entry) map.delete(entry.key)
    }
  }

  /** Rows of a space between two keys, sorted; the values of removed rows are `removedRow`. */
  between(space: RowSpace, from: Uint8Array, to: Uint8Array): readonly OverlayEntry[] {
    const first = keyText(from)
    const last = keyText(to)
    const found: OverlayEntry[] = []
    const map = this.#map(space)
    for (const entry of map.values()) if (entry.key >= first && entry.key < last) found.push(entry)
    if (space === rowSpace.derived) {
      for (const batch of this.#packed)
        for (const entry of batch.between(first, last)) if (!map.has(entry.key)) found.push(entry)
    }
    return found.sort((left, right) => (left.key < right.key ? -1 : 1))
  }

  /** Records that are not in the log yet, in commit order. */
  records(): readonly OverlayEntry[] {
    const packed = [...this.#packed].flatMap((batch) => batch.records())
    return [...this.#map(rowSpace.record).values(), ...packed]
  }

  #map(space: RowSpace): Map<string, OverlayEntry> {
    const map = this.#maps[space]
    if (map === undefined) throw new RangeError(`no space ${space}`)
    return map
  }
}

/** The value of a row, a copy; undefined when it was removed. */
export function rowOf({ value, isSealed }: OverlayEntry): Uint8Array | undefined {
  if (!(value instanceof Uint8Array)) return undefined
  return new Uint8Array(isSealed ? value.subarray(0, value.length - sealBytes) : value)
}

declare global {
  interface Buffer<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
    /** Of Node; works on any view, which spares a Buffer around it. */
    readonly latin1Slice: (this: Uint8Array, start?: number, end?: number) => string
  }
}

const { latin1Slice } = Buffer.alloc(0)

/** Latin-1 text of the bytes: compares as the bytes do. */
export function keyText(key: Uint8Array, from = 0): string {
  return latin1Slice.call(key, from, key.length)
}

export function keyBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
