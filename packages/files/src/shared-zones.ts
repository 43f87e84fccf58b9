/** Which folders below a place have shares of their own, which a move into another zone would end. */
import { equalBytes } from '@blocktree/codec'
import { type Id, capScope, recordType, scopeType } from '@blocktree/tree'
import type { FilesContext } from './files-context.ts'
import { idKey } from './id-key.ts'
import { pathDepthMax } from './limits.ts'

/** The first zone at or below `top` with a live grant, a cap for it alone, or keys kept from the outer zone. */
export function firstSharedZone(context: FilesContext, top: Id): Id | undefined {
  const { authority } = context.tree
  const scopes = new Set<string>()
  for (const record of authority.records()) {
    if (record.type !== recordType.cap || record.body.scopeType !== scopeType.zone) continue
    if (authority.revocationsOf(record.id).length > 0) continue
    scopes.add(idKey(capScope(context.crypto, record.body)))
  }
  for (const { zone } of authority.zoneBirths()) {
    const hasShares =
      scopes.has(idKey(zone)) ||
      authority.grantsOver(zone).some((grant) => authority.grantRevocationsOf(grant.id).length === 0) ||
      authority.epochsOf(zone).some((epoch) => epoch.body.inherit === undefined)
    if (hasShares && isBelow(context, zone, top)) return zone
  }
  return undefined
}

function isBelow(context: FilesContext, block: Id, top: Id): boolean {
  let at: Id | undefined = block
  for (let depth = 0; at !== undefined && depth <= pathDepthMax; depth++) {
    if (equalBytes(at, top)) return true
    const summary = context.tree.blockSummary(at)
    if (summary === undefined || (summary.deleted && !summary.revived)) return false
    at = summary.shownParent
  }
  return false
}
