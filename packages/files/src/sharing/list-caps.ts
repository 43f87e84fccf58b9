/** Who may write, from the records: caps over one place or the whole tree, with their state. */
import { equalBytes } from '@blocktree/codec'
import {
  type CapRecord,
  CapChains,
  type Id,
  capScope,
  governingCuts,
  recordType,
  scopeType
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { pathOfBlock } from '../path-of-block.ts'
import { resolvePath } from '../resolve-path.ts'
import { rightNames } from './right-names.ts'

export interface CapView {
  readonly cap: CapRecord
  readonly path: string | undefined
  readonly scope: 'zone' | 'block'
  readonly subject: Id
  readonly rights: readonly string[]
  readonly notBeforeMs: number | undefined
  readonly notAfterMs: number | undefined
  readonly depth: number
  /** `revoked`: it, a link above it, or the root that issued it counts no longer. */
  readonly state: 'live' | 'revoked' | 'expired'
}

export interface ListCapsOptions {
  /** Only caps for this zone or block. */
  readonly path?: string
  /** Revoked and expired ones too. */
  readonly all?: boolean
}

export function listCaps(
  context: FilesContext,
  actor: Actor,
  options: ListCapsOptions = {}
): readonly CapView[] {
  const only = options.path === undefined ? undefined : resolvePath(context, actor, options.path).block
  const chains = new CapChains(context.tree.authority, context.crypto)
  const views: CapView[] = []
  for (const record of context.tree.authority.records()) {
    if (record.type !== recordType.cap) continue
    if (only !== undefined && !equalBytes(capScope(context.crypto, record.body), only)) continue
    const view = viewCap(context, actor, record, chains)
    if (options.all === true || view.state === 'live') views.push(view)
  }
  return views
}

export function viewCap(
  context: FilesContext,
  actor: Actor,
  cap: CapRecord,
  chains: CapChains = new CapChains(context.tree.authority, context.crypto)
): CapView {
  const { body } = cap
  return {
    cap,
    path: pathOfBlock(context, actor, capScope(context.crypto, body)),
    scope: body.scopeType === scopeType.zone ? 'zone' : 'block',
    subject: body.subject,
    rights: rightNames(body.rights),
    notBeforeMs: body.notBefore,
    notAfterMs: body.notAfter,
    depth: body.depth,
    state: capState(context, cap, chains)
  }
}

function capState(context: FilesContext, cap: CapRecord, chains: CapChains): CapView['state'] {
  const verdict = chains.ofCap(cap.id)
  if (verdict.verdict !== 'valid' || governingCuts(context.tree.authority, verdict.chain) !== undefined)
    return 'revoked'
  return cap.body.notAfter !== undefined && context.clock.now() > cap.body.notAfter ? 'expired' : 'live'
}
