/**
 * Joins the store's recovery to the tree's rules: records the store found beyond its index are handed to the tree over
 * a view, and the rows the tree writes are caught and given back. Names need keys, which are not at hand then: one row
 * says that they are still to be indexed, until `settleArrivals` of the files has done it.
 */
import { compareBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { namesPending } from '@blocktree/files'
import type { Reindex, StoreView } from '@blocktree/store'
import {
  type BlockStore,
  type Clock,
  type IndexReader,
  type IndexRow,
  type RangeOptions,
  reindex,
  type StoreBatch,
  type StoredRecord
} from '@blocktree/tree'

export function createTreeReindex(deps: { readonly crypto: CryptoProvider; readonly clock: Clock }): Reindex {
  const rowsOf =
    (authorityOnly: boolean) =>
    async (
      records: readonly StoredRecord[],
      view: StoreView,
      logged: readonly IndexRow[] = []
    ): Promise<readonly IndexRow[]> => {
      const rows = new CaughtRows(view.index)
      const store = replayStore(records, view, rows)
      const tree = await reindex({ ...deps, store, authorityOnly, rows: logged })
      if (!authorityOnly) await tree.settled()
      tree.close()
      return rows.all()
    }
  const make = rowsOf(false)
  return Object.assign((records: readonly StoredRecord[], view: StoreView) => make(records, view), {
    early: rowsOf(true),
    replay: make,
    after: [namesPending]
  })
}

/** Rows that were written over rows that are there. */
class CaughtRows implements IndexReader {
  readonly #below: IndexReader
  readonly #rows = new Map<string, IndexRow>()

  constructor(below: IndexReader) {
    this.#below = below
  }

  add(rows: readonly IndexRow[]): void {
    for (const row of rows)
      this.#rows.set(textOf(row.key), { key: row.key.slice(), value: row.value?.slice() })
  }

  all(): readonly IndexRow[] {
    return [...this.#rows.values()]
  }

  get(key: Uint8Array): Uint8Array | undefined {
    const own = this.#rows.get(textOf(key))
    return own === undefined ? this.#below.get(key) : own.value
  }

  async *range(options: RangeOptions): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
    const { from, to, reverse = false, limit = Number.POSITIVE_INFINITY } = options
    const found = new Map<string, readonly [Uint8Array, Uint8Array]>()
    for await (const [key, value] of this.#below.range({ from, to })) found.set(textOf(key), [key, value])
    for (const [text, { key, value }] of this.#rows) {
      if (compareBytes(key, from) < 0 || compareBytes(key, to) >= 0) continue
      if (value === undefined) found.delete(text)
      else found.set(text, [key, value])
    }
    const sorted = [...found.values()].sort(([left], [right]) => compareBytes(left, right))
    if (reverse) sorted.reverse()
    yield* sorted.slice(0, limit)
  }
}

function textOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}

/** The records to replay as a store of their own, over what can be read. */
function replayStore(records: readonly StoredRecord[], view: StoreView, rows: CaughtRows): BlockStore {
  return {
    index: rows,
    local: view.local,
    readSector: (reference) => view.readSector(reference),
    hasSector: (reference) => view.hasSector(reference),
    readRecord: (id) => view.readRecord(id),
    hasRecord: (id) => view.hasRecord(id),
    async *records() {
      yield* records
    },
    async commit(batch: StoreBatch) {
      rows.add(batch.rows ?? []) // local facts and records are in the log already
    },
    async flush() {},
    async close() {}
  }
}
