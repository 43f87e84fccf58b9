/** What listeners are told about a block, worked out from its row before and after a change. */
import { equalBytes } from '@blocktree/codec'
import type { BlockRow } from './index-rows.ts'
import { isSameId, shownUnder } from './placement.ts'
import type { Id } from './records.ts'
import type { BlockChange } from './tree-state.ts'

/** undefined when its winner is the same, and nothing new competes with it. */
export function changeOf(block: Id, before: BlockRow | undefined, after: BlockRow): BlockChange | undefined {
  const change = kindOfChange(before, after)
  return change === undefined
    ? undefined
    : { ...describeBlock(block, after), change, shownParentBefore: shownUnder(before) }
}

export function describeBlock(block: Id, row: BlockRow): Omit<BlockChange, 'change' | 'shownParentBefore'> {
  return { block, zone: row.zone, kind: row.kind, shownParent: shownUnder(row), winner: row.heads[0]?.id }
}

function kindOfChange(before: BlockRow | undefined, after: BlockRow): BlockChange['change'] | undefined {
  const winnerBefore = before?.heads[0]?.id
  const winner = after.heads[0]?.id
  if (before === undefined || winnerBefore === undefined) return winner === undefined ? undefined : 'created'
  if (winner === undefined) return 'lost'
  const isContested = after.heads.length > Math.max(1, before.heads.length)
  if (equalBytes(winner, winnerBefore)) return isContested ? 'conflicted' : undefined
  if (before.deleted !== after.deleted) return after.deleted ? 'deleted' : 'restored'
  if (!isSameId(before.parent, after.parent)) return 'moved'
  return isContested ? 'conflicted' : 'changed'
}
