/**
 * Rows that the log of a store has beside no record (names, re-evaluations, burials), in a replay. They say how things
 * stood when they were written, next to rows that are lost: others than those that were made again meanwhile from
 * records, without names and with all their re-evaluations done. So nothing that follows from the row of a block is
 * taken over: listings, names, counts and counters are worked out from what each block becomes here.
 */
import { equalBytes } from '@blocktree/codec'
import type { HeaderTaking } from './header-taking.ts'
import { IdMap } from './id-key.ts'
import { type BlockRow, decodeBlockRow, rowPrefix } from './index-rows.ts'
import type { OpenChange } from './open-change.ts'
import { isSameId, settleBlock, waitingSuffix } from './placement.ts'
import type { IndexRow } from './ports.ts'
import type { Id } from './records.ts'
import { decodeCounters } from './tree-counters.ts'
import type { TreeParts } from './tree-parts.ts'

const waitingKeyBytes = 33 + waitingSuffix.length

/**
 * Takes rows into a change that comes after the records before them.
 * @returns checkpoints that count as complete from now on: their blocks are still to be evaluated
 */
export function takeLoggedRows(
  { held }: TreeParts,
  headers: HeaderTaking,
  open: OpenChange,
  rows: readonly IndexRow[]
): readonly Id[] {
  const blocks = new IdMap<{ readonly id: Id; readonly row: BlockRow | undefined }>()
  const completed: Id[] = []
  for (const { key, value } of rows) {
    const id = key.subarray(1)
    if (key[0] === rowPrefix.block) {
      blocks.set(id, { id, row: value === undefined ? undefined : decodeBlockRow(value) })
    } else if (key[0] === rowPrefix.statistics) takeCounters(open, value)
    else if (!followsFromBlocks(key)) open.rows.put(key, value)
    if (key[0] !== rowPrefix.complete || value === undefined || held.isComplete(id)) continue
    held.complete.add(id)
    held.forgetAnchors()
    completed.push(id)
  }
  for (const { id, row } of blocks.values()) takeBlock(headers, open, id, row)
  return completed
}

function followsFromBlocks(key: Uint8Array): boolean {
  switch (key[0]) {
    case rowPrefix.child:
    case rowPrefix.tombstone:
    case rowPrefix.relocated:
    case rowPrefix.name:
    case rowPrefix.conflict:
      return true
    case rowPrefix.count:
      return key.length !== waitingKeyBytes
    default:
      return false
  }
}

/** How many are held is the same however blocks were evaluated; the other counters change with each block. */
function takeCounters(open: OpenChange, value: Uint8Array | undefined): void {
  if (value === undefined) return
  const { records, headers } = decodeCounters(value)
  Object.assign(open.counters, { records, headers })
}

function takeBlock(headers: HeaderTaking, open: OpenChange, block: Id, logged: BlockRow | undefined): void {
  if (logged === undefined) return headers.forget(open, block)
  const before = open.rows.block(block)
  if (before === undefined) return
  if (!isEvaluatedAlike(before, logged)) headers.evaluate(open, block)
  const row = open.rows.block(block) ?? before
  if (logged.nameKey === undefined || isSameId(row.nameKey, logged.nameKey)) return
  // the name that another version has says nothing of this one
  if (isSameId(row.heads[0]?.id, logged.heads[0]?.id))
    settleBlock(open.rows, block, { ...row, nameKey: logged.nameKey })
}

function isEvaluatedAlike(left: BlockRow, right: BlockRow): boolean {
  return (
    left.conflict === right.conflict &&
    left.incomplete === right.incomplete &&
    left.heads.length === right.heads.length &&
    left.heads.every(({ id, version }, at) => {
      const other = right.heads[at]
      return other !== undefined && version === other.version && equalBytes(id, other.id)
    })
  )
}
