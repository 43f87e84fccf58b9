/** Grants that a new root signed in place of those of a former one, which ended with it (page 07, section 4). */
import { equalBytes } from '@blocktree/codec'
import { type Authority, type GrantRecord, type Id, renewedGrant } from '@blocktree/tree'
import type { FilesContext } from '../files-context.ts'
import { idKey } from '../id-key.ts'

/** What this grant says it stands for, the newest first, up to one that is not held. */
export function* formerGrants(authority: Authority, grant: GrantRecord): Generator<Id> {
  const seen = new Set([idKey(grant.id)])
  for (let at: GrantRecord | undefined = grant; at !== undefined;) {
    const former: Id | undefined = renewedGrant(at)
    if (former === undefined || seen.has(idKey(former))) return
    seen.add(idKey(former))
    yield former
    at = authority.grant(former)
  }
}

/** Live grants that roots put in the place of this one. Others may say so too, of their own ones: those do not count. */
export function liveRenewals({ tree }: FilesContext, grant: GrantRecord): readonly GrantRecord[] {
  const { authority } = tree
  const { target, recipient } = grant.body
  const roots = new Set(authority.successions.map(({ body }) => idKey(body.newRoot)))
  return tree
    .liveGrants(target)
    .filter(({ signer, body }) => roots.has(idKey(signer)) && equalBytes(body.recipient, recipient))
    .filter((live) => [...formerGrants(authority, live)].some((former) => equalBytes(former, grant.id)))
}
