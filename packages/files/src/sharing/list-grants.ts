/** Who may read, from the records: grants over one place or over the whole tree, with their state. */
import type { GrantRecord, Id } from '@blocktree/tree'
import { equalBytes } from '@blocktree/codec'
import { grantTarget, recipientType, recordType } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { pathOfBlock } from '../path-of-block.ts'
import { resolvePath } from '../resolve-path.ts'

export type GrantState =
  | 'live'
  | 'revoked' // taken back, for ever
  | 'expired' // past its end
  | 'void' // its issuer lost the right to share

export interface GrantView {
  readonly grant: GrantRecord
  readonly path: string | undefined
  readonly target: 'zone' | 'block'
  readonly recipient: Id
  readonly isLink: boolean
  readonly notAfterMs: number | undefined
  readonly state: GrantState
}

export interface ListGrantsOptions {
  /** Only grants over this zone or block; grants that reach it from an outer zone are not repeated. */
  readonly path?: string
  /** Revoked, expired and void ones too. */
  readonly all?: boolean
}

export function listGrants(
  context: FilesContext,
  actor: Actor,
  options: ListGrantsOptions = {}
): readonly GrantView[] {
  const only = options.path === undefined ? undefined : resolvePath(context, actor, options.path).block
  const views: GrantView[] = []
  for (const record of context.tree.authority.records()) {
    if (record.type !== recordType.grant) continue
    if (only !== undefined && !equalBytes(record.body.target, only)) continue
    const view = viewGrant(context, actor, record)
    if (options.all === true || view.state === 'live') views.push(view)
  }
  return views
}

export function viewGrant(context: FilesContext, actor: Actor, grant: GrantRecord): GrantView {
  const { body } = grant
  return {
    grant,
    path: pathOfBlock(context, actor, body.target),
    target: body.targetType === grantTarget.zone ? 'zone' : 'block',
    recipient: body.recipient,
    isLink: body.recipientType === recipientType.link,
    notAfterMs: body.notAfter,
    state: grantState(context, grant)
  }
}

export function grantState(context: FilesContext, grant: GrantRecord): GrantState {
  const { tree, clock } = context
  if (tree.authority.grantRevocationsOf(grant.id).length > 0) return 'revoked'
  if (grant.body.notAfter !== undefined && clock.now() > grant.body.notAfter) return 'expired'
  return tree.liveGrants(grant.body.target).some(({ id }) => equalBytes(id, grant.id)) ? 'live' : 'void'
}
