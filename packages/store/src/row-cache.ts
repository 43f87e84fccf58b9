/**
 * Derived rows that were read lately, above all those of directories. Exact without looking again, because the store
 * is the only writer: a row leaves the cache when a newer one goes from the overlay into the index.
 */
import type { OverlayEntry } from './overlay.ts'
import { rowSpace } from './index-rows.ts'

const generationRows = 1024 // two of them, of rows below 1 KiB: at most 2 MiB, mostly a quarter of it
const rowBytesMax = 1024

export class RowCache {
  #young = new Map<string, Uint8Array>()
  #old = new Map<string, Uint8Array>()

  /** @returns the bytes of the cache, not to be handed out */
  get(key: string): Uint8Array | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.add(key, old)
    return old
  }

  /** @param row the cache's own from now on; what the index has */
  add(key: string, row: Uint8Array): void {
    if (row.length > rowBytesMax) return
    if (this.#young.size >= generationRows) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, row)
  }

  /** The entries are in the index now, or were refused. */
  settle(entries: readonly OverlayEntry[]): void {
    for (const { space, key } of entries) {
      if (space !== rowSpace.derived) continue
      this.#young.delete(key)
      this.#old.delete(key)
    }
  }

  /** The index was made again. */
  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }
}
