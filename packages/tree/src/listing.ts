/** Reading the rows of the directory view: pages of children, blocks of a zone, conflicts; flat memory. */
import { compareBytes } from '@blocktree/codec'
import { afterKey, afterPrefix, decodeBlockRow, decodeChildFlags, rowKey, rowPrefix } from './index-rows.ts'
import type { IndexReader } from './ports.ts'
import type { Id } from './records.ts'
import type { BlockTips, ChildEntry, IdRange, Page } from './tree-state.ts'

type Rows = AsyncIterable<readonly [key: Uint8Array, value: Uint8Array]>

const pageDefault = 1000

/** All rows below a key, or those after `after` (an id that follows the prefix). */
export function rowsBelow(index: IndexReader, prefix: Uint8Array, after?: Id, limit?: number): Rows {
  const from = after === undefined ? prefix : afterKey(rowKey(prefix[0] ?? 0, prefix.subarray(1), after))
  const range = { from, to: afterPrefix(prefix) }
  return index.range(limit === undefined ? range : { ...range, limit })
}

/** Shown children in block-id order; at a zone root also what is shown there for want of a better place. */
export function listChildren(
  index: IndexReader,
  directory: Id,
  zone: Id,
  page: Page
): AsyncIterable<ChildEntry> {
  const limit = page.limit ?? pageDefault
  const isZoneRoot = compareBytes(directory, zone) === 0
  const proper = rowsBelow(index, rowKey(rowPrefix.child, zone, directory), page.after)
  if (!isZoneRoot) return pageOf(proper, limit)
  return pageOf(mergeById(proper, rowsBelow(index, rowKey(rowPrefix.relocated, zone), page.after)), limit)
}

/** Deleted blocks whose winner names this directory and that are not shown, in block-id order. */
export function listRemoved(index: IndexReader, directory: Id, zone: Id, page: Page): AsyncIterable<Id> {
  const rows = rowsBelow(index, rowKey(rowPrefix.tombstone, zone, directory), page.after)
  return idsOf(rows, page.limit ?? pageDefault)
}

async function* idsOf(rows: Rows, limit: number): AsyncGenerator<Id> {
  let count = 0
  for await (const [key] of rows) {
    if (count++ >= limit) return
    yield key.slice(-32)
  }
}

async function* pageOf(rows: Rows, limit: number): AsyncGenerator<ChildEntry> {
  let count = 0
  if (limit <= 0) return
  for await (const [key, value] of rows) {
    const flags = decodeChildFlags(value)
    const isRelocatedRow = key[0] === rowPrefix.relocated
    if ((flags.cycle || flags.orphan) !== isRelocatedRow) continue
    yield { block: key.slice(-32), ...flags }
    count++
    if (count >= limit) return
  }
}

/** Block rows of a range of ids, decoded as far as replication needs them. */
export async function* listTips(
  index: IndexReader,
  range: IdRange
): AsyncGenerator<BlockTips & { readonly isShown: boolean; readonly conflict: boolean }> {
  for await (const [key, value] of rowsWithin(index, rowPrefix.block, range)) {
    const { zone, tips, incomplete, heads, conflict } = decodeBlockRow(value)
    yield { block: key.slice(1), zone, tips, incomplete, isShown: heads.length > 0, conflict }
  }
}

/** Ids that follow a prefix letter, within a range. */
export async function* listIds(index: IndexReader, prefix: number, range: IdRange): AsyncGenerator<Id> {
  for await (const [key] of rowsWithin(index, prefix, range)) yield key.slice(1)
}

function rowsWithin(index: IndexReader, prefix: number, { from, to }: IdRange): Rows {
  const end = to === undefined ? afterPrefix(rowKey(prefix)) : rowKey(prefix, to)
  return index.range({ from: rowKey(prefix, from), to: end })
}

/** Blocks of a zone with a winner, shown or not, by (parent, block). */
export async function* listZone(
  index: IndexReader,
  zone: Id
): AsyncGenerator<{ readonly parent: Id | undefined; readonly block: Id }> {
  const shown = rowsBelow(index, rowKey(rowPrefix.child, zone))
  const hidden = rowsBelow(index, rowKey(rowPrefix.tombstone, zone))
  for await (const [key] of mergeRows(shown, hidden, (row) => row.subarray(33))) {
    const parent = key.slice(33, 65)
    yield { parent: parent.every((byte) => byte === 0) ? undefined : parent, block: key.slice(65) }
  }
}

function mergeById(left: Rows, right: Rows): Rows {
  return mergeRows(left, right, (key) => key.subarray(-32))
}

async function* mergeRows(
  left: Rows,
  right: Rows,
  sortKey: (key: Uint8Array) => Uint8Array
): AsyncGenerator<readonly [Uint8Array, Uint8Array]> {
  const leftRows = left[Symbol.asyncIterator]()
  const rightRows = right[Symbol.asyncIterator]()
  try {
    let fromLeft = await leftRows.next()
    let fromRight = await rightRows.next()
    while (fromLeft.done !== true || fromRight.done !== true) {
      const takesLeft =
        fromRight.done === true ||
        (fromLeft.done !== true && compareBytes(sortKey(fromLeft.value[0]), sortKey(fromRight.value[0])) <= 0)
      if (takesLeft && fromLeft.done !== true) {
        yield fromLeft.value
        fromLeft = await leftRows.next()
      } else if (fromRight.done !== true) {
        yield fromRight.value
        fromRight = await rightRows.next()
      }
    }
  } finally {
    await leftRows.return?.()
    await rightRows.return?.()
  }
}
