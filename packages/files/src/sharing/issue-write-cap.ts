/** Giving somebody the right to write: a cap within the actor's own, for one zone or one block (MODEL B.7). */
import { equalBytes, formatId } from '@blocktree/codec'
import {
  type Authority,
  type CapRecord,
  type Id,
  type LocalRecord,
  type PrincipalRecord,
  type Quota,
  currentRoot,
  issueCap,
  right,
  scopeType
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, locate } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { capFor, treeId } from '../write-version.ts'
import { heldPrincipal } from './issue-grant.ts'
import { type CapView, viewCap } from './list-caps.ts'
import { type ShareTarget, shareTarget } from './share-target.ts'

export type { CapView } from './list-caps.ts'

export interface CapRequest {
  readonly path: string
  /** A principal whose record is held, or its record. */
  readonly to: Id | PrincipalRecord
  /** Bits of `right`; for one block at most write and delegate. */
  readonly rights: number
  /** Further delegations that are allowed; 0 when absent. */
  readonly depth?: number
  readonly notBeforeMs?: number
  readonly notAfterMs?: number
  readonly quota?: Quota
}

/** @throws ERR_SHARE_PLAIN, ERR_PRINCIPAL_UNKNOWN, ERR_ACCESS_DENIED; ERR_CAP_WIDER beyond the actor's own cap */
export async function issueWriteCap(
  context: FilesContext,
  actor: Actor,
  request: CapRequest
): Promise<CapView> {
  const target = shareTarget(context, actor, request.path)
  const { cap, records } = makeWriteCap(context, actor, target, request)
  await context.tree.commitLocal({ records }, { durability: context.durability })
  return viewCap(context, actor, cap)
}

/** The cap, ready to commit. */
export function makeWriteCap(
  context: FilesContext,
  actor: Actor,
  target: ShareTarget,
  request: CapRequest
): { readonly cap: CapRecord; readonly records: readonly LocalRecord[] } {
  const { crypto, random, tree } = context
  const { authority } = tree
  const subject = heldPrincipal(context, request.to)
  const isZone = target.type === 'zone'
  const place = { home: isZone ? target.zone : target.home, block: isZone ? undefined : target.block }
  const own = capFor(actor, place, right.delegate | request.rights, request.path)
  const parent = own.cap === undefined ? undefined : authority.cap(own.cap)
  const cap = issueCap(
    crypto,
    actor.signer,
    {
      tree: treeId(context),
      rootGeneration: parent?.body.rootGeneration ?? rootGeneration(authority, actor.id),
      subject: subject.signer,
      scopeType: isZone ? scopeType.zone : scopeType.block,
      scopeBirth: scopeBirth(context, target, request.path),
      rights: request.rights,
      depth: request.depth ?? 0,
      notBefore: request.notBeforeMs ?? parent?.body.notBefore,
      notAfter: request.notAfterMs ?? parent?.body.notAfter,
      quota: request.quota ?? parent?.body.quota,
      nonce: random.bytes(16)
    },
    parent && { parent, zoneBirth: (zone) => authority.zoneBirth(zone)?.birth }
  )
  return { cap, records: [{ record: subject }, { record: cap }] }
}

function scopeBirth(context: FilesContext, target: ShareTarget, path: string): Uint8Array {
  const bytes =
    target.type === 'zone'
      ? context.tree.zoneBirth(target.zone)
      : locate(context, target.block)?.header.body.birthBytes
  if (bytes !== undefined) return bytes
  throw new FilesError('ERR_FILE_NOT_FOUND', `"${path}": its birth is not held here`, { path })
}

/** @throws ERR_ROOT_NEEDED for a principal that is not the root of today */
export function rootGeneration(authority: Authority, principal: Id): number {
  const root = currentRoot(authority)
  if (root === undefined || !equalBytes(root, principal)) {
    throw new FilesError(
      'ERR_ROOT_NEEDED',
      `${formatId(principal)} is not the root of this tree: unlock the root key`
    )
  }
  const generations = authority.successions
    .filter(({ body }) => equalBytes(body.newRoot, principal))
    .map(({ body }) => body.generation)
  return Math.max(0, ...generations)
}
