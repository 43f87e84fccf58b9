/**
 * The directory view kept row by row (B.9): where each block is shown, how many blocks a directory shows, which names
 * stand in it. ./directory-view.ts says the same from scratch, and a property test compares the two. Every step is a
 * few look-ups; only the appearance or loss of a directory touches its children, and that is left to the caller.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import { zeroId } from './domain.ts'
import { IdSet } from './id-key.ts'
import {
  type BlockRow,
  emptyValue,
  encodeChildFlags,
  encodeUint48,
  readIds,
  readUint48,
  rowKey,
  rowPrefix
} from './index-rows.ts'
import type { Id } from './records.ts'
import { blockKind } from './records.ts'
import type { RowBatch } from './row-batch.ts'

/** A block row before the view has settled where it is shown. */
export type BlockFacts = Omit<BlockRow, 'shownParent' | 'orphan' | 'cycle' | 'revived'>

export function isSameId(left: Id | undefined, right: Id | undefined): boolean {
  return left === undefined || right === undefined ? left === right : equalBytes(left, right)
}

/** Where a row is shown; undefined for the root block, for hidden tombstones and without a winner. */
export function shownUnder(row: BlockRow | undefined): Id | undefined {
  return row !== undefined && isShown(row) ? row.shownParent : undefined
}

export function isShown(row: BlockRow): boolean {
  return row.heads.length > 0 && (!row.deleted || row.revived)
}

/** A parent under which the view shows: the zone root, or a known plain directory of the same zone (B.9.2, E13). */
function properParent(rows: RowBatch, row: BlockFacts): Id | undefined {
  const { parent, zone } = row
  if (parent === undefined || equalBytes(parent, zone)) return parent
  const directory = rows.block(parent)
  if (directory === undefined || directory.heads.length === 0) return undefined
  const isPlain = directory.kind === blockKind.directory && !directory.zoneRoot
  return isPlain && equalBytes(directory.zone, zone) ? parent : undefined
}

/** Writes the row of a block and settles the view around it. */
export function settleBlock(rows: RowBatch, block: Id, facts: BlockFacts): BlockRow {
  const before = rows.block(block)
  const isPlainDirectory = facts.kind === blockKind.directory && !facts.zoneRoot
  if (!isPlainDirectory || before === undefined) {
    // Nothing can hang below a block that was not there, but a directory whose children came first.
    if (!isPlainDirectory || !hasChildren(rows, block)) return showBlock(rows, block, before, facts, false)
  }
  if (before !== undefined && isSamePlace(before, facts) && isSettled(rows, before)) {
    return showBlock(rows, block, before, facts, before.cycle)
  }
  return settleDirectory(rows, block, before, facts)
}

function isSamePlace(before: BlockRow, facts: BlockFacts): boolean {
  return isSameId(before.parent, facts.parent) && before.heads.length > 0 === facts.heads.length > 0
}

function isSettled(rows: RowBatch, before: BlockRow): boolean {
  return before.orphan === (before.parent !== undefined && properParent(rows, before) === undefined)
}

function hasChildren(rows: RowBatch, block: Id): boolean {
  return rows.get(rowKey(rowPrefix.count, block, waitingSuffix)) !== undefined
}

/** Marks that blocks name this directory as parent though no winner of it is held. */
export const waitingSuffix: Uint8Array = Uint8Array.of(0)

/**
 * A directory that moves, comes or goes may open one cycle and close another. It is taken out of the view first, so
 * that no cycle is closed while counts run upwards.
 */
function settleDirectory(
  rows: RowBatch,
  block: Id,
  before: BlockRow | undefined,
  facts: BlockFacts
): BlockRow {
  const opened = before === undefined ? [] : cycleThrough(rows, block, before)
  const hidden = before === undefined ? undefined : hide(rows, block, before)
  if (facts.heads.length > 0) rows.putBlock(block, { ...facts, ...unlisted, deleted: false })
  for (const member of opened) reshow(rows, member, false)
  const closed = facts.heads.length === 0 ? [] : cycleThrough(rows, block, facts)
  const lowest = lowestOf([block, ...closed])
  const isRepaired = closed.length > 0 && equalBytes(lowest, block)
  if (closed.length > 0 && !isRepaired) reshow(rows, lowest, true)
  return showBlock(rows, block, hidden, facts, isRepaired)
}

/** Known to its children, and not in any listing. */
const unlisted = { shownParent: undefined, orphan: false, cycle: false, revived: false } as const

/** The other members of the cycle that `block` would be in with this parent; empty when there is none. */
function cycleThrough(rows: RowBatch, block: Id, row: BlockFacts): readonly Id[] {
  const members: Id[] = []
  const seen = new IdSet([block])
  let at: BlockFacts | undefined = row
  while (at !== undefined && at.heads.length > 0) {
    const parent = properParent(rows, at)
    if (parent === undefined || equalBytes(parent, at.zone)) return []
    if (equalBytes(parent, block)) return members.length === 0 ? [block] : members
    if (!seen.add(parent)) return []
    members.push(parent)
    at = rows.block(parent)
  }
  return []
}

function lowestOf(ids: readonly Id[]): Id {
  let lowest = ids[0] ?? zeroId
  for (const id of ids) if (compareBytes(id, lowest) < 0) lowest = id
  return lowest
}

function reshow(rows: RowBatch, block: Id, cycle: boolean): void {
  const row = rows.block(block)
  if (row !== undefined && row.cycle !== cycle) showBlock(rows, block, row, row, cycle)
}

function hide(rows: RowBatch, block: Id, row: BlockRow): BlockRow {
  const hidden: BlockRow = { ...row, ...unlisted, heads: [] }
  replaceRow(rows, block, row, hidden)
  return hidden
}

function showBlock(
  rows: RowBatch,
  block: Id,
  before: BlockRow | undefined,
  facts: BlockFacts,
  cycle: boolean
): BlockRow {
  const hasWinner = facts.heads.length > 0
  const orphan = hasWinner && facts.parent !== undefined && properParent(rows, facts) === undefined
  const relocated = orphan || (cycle && hasWinner)
  const after: BlockRow = {
    ...facts,
    orphan,
    cycle: cycle && hasWinner,
    shownParent: hasWinner ? (relocated ? facts.zone : facts.parent) : undefined,
    revived: hasWinner && facts.deleted && facts.kind === blockKind.directory && readCount(rows, block) > 0
  }
  if (orphan && facts.parent !== undefined)
    rows.put(rowKey(rowPrefix.count, facts.parent, waitingSuffix), emptyValue)
  replaceRow(rows, block, before, after)
  return after
}

/** Writes the row and every row that follows from it; counts of the directories above change at last. */
function replaceRow(rows: RowBatch, block: Id, before: BlockRow | undefined, after: BlockRow): void {
  rows.putBlock(block, after)
  if (before !== undefined) removeListing(rows, block, before, after)
  putListing(rows, block, before, after)
  const from = shownUnder(before)
  const to = shownUnder(after)
  if (isSameId(from, to)) return
  if (to !== undefined) changeCount(rows, to, 1)
  if (from !== undefined) changeCount(rows, from, -1)
}

function listingKey(block: Id, row: BlockRow): Uint8Array {
  const prefix = isShown(row) ? rowPrefix.child : rowPrefix.tombstone
  return rowKey(prefix, row.zone, row.parent ?? zeroId, block)
}

function removeListing(rows: RowBatch, block: Id, before: BlockRow, after: BlockRow): void {
  if (before.heads.length > 0) {
    const key = listingKey(block, before)
    if (after.heads.length === 0 || !equalBytes(key, listingKey(block, after))) rows.put(key, undefined)
  }
  if (isRelocated(before) && !isRelocated(after))
    rows.put(rowKey(rowPrefix.relocated, before.zone, block), undefined)
  const name = nameRowKey(before)
  const nameAfter = nameRowKey(after)
  if (name !== undefined && !isSameId(name, nameAfter)) removeName(rows, name, block)
}

function putListing(rows: RowBatch, block: Id, before: BlockRow | undefined, after: BlockRow): void {
  if (after.heads.length > 0) {
    const flags = encodeChildFlags(after)
    const key = listingKey(block, after)
    const isUnchanged =
      before !== undefined &&
      before.heads.length > 0 &&
      encodeChildFlags(before)[0] === flags[0] &&
      equalBytes(listingKey(block, before), key)
    if (!isUnchanged) {
      rows.put(key, flags)
      if (isRelocated(after)) rows.put(rowKey(rowPrefix.relocated, after.zone, block), flags)
    }
  }
  const name = nameRowKey(after)
  if (name !== undefined && (before === undefined || !isSameId(nameRowKey(before), name)))
    addName(rows, name, block)
}

function isRelocated(row: BlockRow): boolean {
  return isShown(row) && (row.orphan || row.cycle)
}

function nameRowKey(row: BlockRow): Uint8Array | undefined {
  const shown = shownUnder(row)
  return shown === undefined || row.nameKey === undefined
    ? undefined
    : rowKey(rowPrefix.name, shown, row.nameKey)
}

function addName(rows: RowBatch, key: Uint8Array, block: Id): void {
  const value = rows.get(key)
  if (value === undefined) return rows.put(key, block)
  if (readIds(value).some((id) => equalBytes(id, block))) return
  const ids = new Uint8Array(value.length + 32)
  ids.set(value)
  ids.set(block, value.length)
  rows.put(key, ids)
}

function removeName(rows: RowBatch, key: Uint8Array, block: Id): void {
  const rest = readIds(rows.get(key) ?? emptyValue).filter((id) => !equalBytes(id, block))
  const value = new Uint8Array(rest.length * 32)
  for (const [index, id] of rest.entries()) value.set(id, index * 32)
  rows.put(key, rest.length === 0 ? undefined : value)
}

/** Number of blocks shown under a directory. */
export function readCount(rows: Pick<RowBatch, 'get'>, directory: Id): number {
  const value = rows.get(rowKey(rowPrefix.count, directory))
  return value === undefined ? 0 : readUint48(value, 0)
}

/** Adds new children to the count of a directory in which they are properly shown; false when they would not be. */
export function addNewChildren(rows: RowBatch, zone: Id, directory: Id, count: number): boolean {
  if (!equalBytes(directory, zone)) {
    const row = rows.block(directory)
    if (row === undefined || row.heads.length === 0 || row.deleted) return false
    if (row.kind !== blockKind.directory || row.zoneRoot || !equalBytes(row.zone, zone)) return false
  }
  changeCount(rows, directory, count)
  return true
}

/**
 * The row of the count of a directory with one new child more; undefined when that child would not be properly shown
 * in it, or more than the count changes.
 */
export function countWithNewChild(
  held: { blockRow(block: Id): BlockRow | undefined; row(key: Uint8Array): Uint8Array | undefined },
  zone: Id,
  directory: Id
): { readonly key: Uint8Array; readonly value: Uint8Array } | undefined {
  const row = held.blockRow(directory)
  if (row === undefined || row.heads.length === 0 || row.deleted || row.kind !== blockKind.directory)
    return undefined
  const isProper = equalBytes(directory, zone) || (!row.zoneRoot && equalBytes(row.zone, zone))
  if (!isProper) return undefined
  const key = rowKey(rowPrefix.count, directory)
  const before = held.row(key)
  return { key, value: encodeUint48(1 + (before === undefined ? 0 : readUint48(before, 0))) }
}

/** A deleted directory is shown while something in it is: the change runs up through deleted directories. */
function changeCount(rows: RowBatch, directory: Id, delta: number): void {
  const count = Math.max(0, readCount(rows, directory) + delta)
  rows.put(rowKey(rowPrefix.count, directory), count === 0 ? undefined : encodeUint48(count))
  const row = rows.block(directory)
  if (row === undefined || !row.deleted || row.heads.length === 0 || row.kind !== blockKind.directory) return
  const revived = count > 0
  if (row.revived !== revived) replaceRow(rows, directory, row, { ...row, revived })
}
