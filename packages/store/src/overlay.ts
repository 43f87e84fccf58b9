/**
 * What was committed but is not in the index yet, so that readers see it at once. The newest value of a key wins;
 * an entry leaves when its batch is settled, unless a newer batch has replaced it.
 */
import type { StoredRecord } from '@blocktree/tree'
import type { RowSpace } from './index-rows.ts'
import { rowSpace } from './index-rows.ts'

/** A row that was removed is present with this value. */
export const removedRow: unique symbol = Symbol('removed')
export type OverlayValue = Uint8Array | StoredRecord | (() => StoredRecord) | typeof removedRow

export interface OverlayEntry {
  readonly space: RowSpace
  readonly key: string
  readonly value: OverlayValue
}

export class Overlay {
  readonly #maps: readonly Map<string, OverlayEntry>[] = Array.from({ length: 6 }, () => new Map())

  get(space: RowSpace, key: Uint8Array): OverlayValue | undefined {
    const map = this.#map(space)
    return map.size === 0 ? undefined : map.get(keyText(key))?.value
  }

  set(space: RowSpace, key: Uint8Array, value: OverlayValue): OverlayEntry {
    const entry: OverlayEntry = { space, key: keyText(key), value }
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
    for (const entry of this.#map(space).values())
      if (entry.key >= first && entry.key < last) found.push(entry)
    return found.sort((left, right) => (left.key < right.key ? -1 : 1))
  }

  /** Records that are not in the log yet, in commit order. */
  records(): readonly OverlayEntry[] {
    return [...this.#map(rowSpace.record).values()]
  }

  #map(space: RowSpace): Map<string, OverlayEntry> {
    const map = this.#maps[space]
    if (map === undefined) throw new RangeError(`no space ${space}`)
    return map
  }
}

/** Latin-1 text of the bytes: compares as the bytes do. */
export function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

export function keyBytes(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'latin1'))
}
