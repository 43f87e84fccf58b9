/**
 * Derived rows of one change: reads see the store and what was put here, nothing is written until the caller commits
 * `rows()` together with the records.
 */
import { idKey } from './id-key.ts'
import { type BlockRow, decodeBlockRow, encodeBlockRow, rowKey, rowPrefix } from './index-rows.ts'
import type { IndexReader, IndexRow } from './ports.ts'
import type { Id } from './records.ts'

export class RowBatch {
  readonly #index: IndexReader
  readonly #rows: Map<string, IndexRow> = new Map()
  /** Rows that were looked up, also those that are not there. */
  readonly #blocks: Map<string, BlockRow | undefined> = new Map()

  /** Rows that the caller knows not to be there. */
  readonly #absent: Set<string> = new Set()

  constructor(index: IndexReader) {
    this.#index = index
  }

  get size(): number {
    return this.#rows.size
  }

  get(key: Uint8Array): Uint8Array | undefined {
    if (this.#rows.size === 0 && this.#absent.size === 0) return this.#index.get(key)
    const name = idKey(key)
    const row = this.#rows.get(name)
    if (row !== undefined) return row.value
    return this.#absent.has(name) ? undefined : this.#index.get(key)
  }

  /** Spares the look-ups of a block that was made just now, and of its name. */
  assumeNew(block: Id, nameRow: Uint8Array | undefined): void {
    this.#blocks.set(idKey(block), undefined)
    if (nameRow !== undefined) this.#absent.add(idKey(nameRow))
  }

  put(key: Uint8Array, value: Uint8Array | undefined): void {
    this.#rows.set(idKey(key), { key, value })
  }

  block(id: Id): BlockRow | undefined {
    const key = idKey(id)
    const known = this.#blocks.get(key)
    if (known !== undefined || this.#blocks.has(key)) return known
    const bytes = this.#index.get(rowKey(rowPrefix.block, id))
    const row = bytes === undefined ? undefined : decodeBlockRow(bytes)
    this.#blocks.set(key, row)
    return row
  }

  putBlock(id: Id, row: BlockRow): void {
    this.#blocks.set(idKey(id), row)
    this.put(rowKey(rowPrefix.block, id), encodeBlockRow(row))
  }

  rows(): readonly IndexRow[] {
    return [...this.#rows.values()]
  }
}
