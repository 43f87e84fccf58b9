/**
 * Rollback (B.8, E_ROLLBACK): what is held is the memory of what was once shown. A peer that offers as newest what lies
 * below the winner or the anchors known here shows an old state, by mistake or on purpose.
 */
import { equalBytes } from '@blocktree/codec'
import type { HeldRecords } from './held-records.ts'
import { IdSet } from './id-key.ts'
import type { Id } from './records.ts'
import { isCheckpointAncestor } from './revocation-cut.ts'

/** What a peer says is the newest: the winner of a block, or a checkpoint of a zone. */
export type StateClaim =
  | { readonly block: Id; readonly winner: Id }
  | { readonly zone: Id; readonly checkpoint: Id }

/**
 * True when the claim lies strictly below what is known here. False for the same, for something newer, for another branch,
 * and for what is not held.
 * @param known the winner of the block; undefined when nothing of it is shown
 */
export function isRollback(held: HeldRecords, claim: StateClaim, known: Id | undefined): boolean {
  if ('block' in claim) return known !== undefined && isHeaderBelow(held, claim.winner, known)
  const anchors = held.anchors(claim.zone)
  if (anchors.some(({ id }) => equalBytes(id, claim.checkpoint))) return false
  const before = anchors.flatMap(({ body }) => body.prev)
  return isCheckpointAncestor(held.authority, claim.checkpoint, before)
}

function isHeaderBelow(held: HeldRecords, below: Id, from: Id): boolean {
  const seen = new IdSet()
  const open = [...(held.header(from)?.body.prev ?? [])]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (equalBytes(id, below)) return true
    if (seen.add(id)) open.push(...(held.header(id)?.body.prev ?? []))
  }
  return false
}
