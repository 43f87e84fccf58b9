/**
 * Revocations that a change of the root key undid. A former root's revocation counts neither against a cap that the
 * succession keeps (else the thief of the old key could take everything away, MODEL E12) nor against a grant that the new
 * root issued again. So what was taken back on a node that had not heard of the succession goes on, although it was
 * acknowledged there: records do not tell an honest revocation of that moment from a thief's. It is the owner who can,
 * and who takes back again, with the new root key, what is listed here.
 */
import {
  type Authority,
  CapChains,
  type GrantRecord,
  type Id,
  governingCuts,
  recordType
} from '@blocktree/tree'
import { equalBytes } from '@blocktree/codec'
import type { FilesContext } from '../files-context.ts'
import { formerGrants } from './renewed-grants.ts'

export interface UndoneRevocation {
  readonly kind: 'cap' | 'grant'
  /** The cap or grant that counts still; `revokeCap` or `revokeReader` takes it back. */
  readonly target: Id
  /** The revocation that has no effect on it. */
  readonly revocation: Id
  /** Who may write or read still. */
  readonly principal: Id
}

/** Empty when every revocation that is held has its effect. */
export function undoneRevocations(context: FilesContext): readonly UndoneRevocation[] {
  const { authority } = context.tree
  if (authority.successions.length === 0) return []
  return [...undoneForCaps(context), ...undoneForGrants(context)]
}

function* undoneForCaps({ tree: { authority }, crypto }: FilesContext): Generator<UndoneRevocation> {
  const chains = new CapChains(authority, crypto)
  for (const cap of authority.records()) {
    if (cap.type !== recordType.cap) continue
    const [revocation] = authority.revocationsOf(cap.id)
    if (revocation === undefined) continue
    const verdict = chains.ofCap(cap.id)
    if (verdict.verdict !== 'valid' || governingCuts(authority, verdict.chain) !== undefined) continue
    yield { kind: 'cap', target: cap.id, revocation: revocation.id, principal: cap.body.subject }
  }
}

function* undoneForGrants({ tree }: FilesContext): Generator<UndoneRevocation> {
  for (const grant of tree.authority.records()) {
    if (grant.type !== recordType.grant) continue
    const revocation = revokedBefore(tree.authority, grant)
    if (revocation === undefined) continue
    if (!tree.liveGrants(grant.body.target).some(({ id }) => equalBytes(id, grant.id))) continue
    yield { kind: 'grant', target: grant.id, revocation, principal: grant.body.recipient }
  }
}

/** The end of one of the grants of which this one is the renewal. */
function revokedBefore(authority: Authority, grant: GrantRecord): Id | undefined {
  for (const former of formerGrants(authority, grant)) {
    const [revocation] = authority.grantRevocationsOf(former)
    if (revocation !== undefined) return revocation.id
  }
  return undefined
}
