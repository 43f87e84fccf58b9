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

  constructor(index: IndexReader) {
    this.#index = index
  }

  get size(): number {
    return this.#rows.size
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const row = this.#rows.size === 0 ? undefined : this.#rows.get(idKey(key))
    return row === undefined ? this.#index.get(key) : row.value
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
