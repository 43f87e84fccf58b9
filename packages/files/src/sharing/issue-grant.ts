/**
 * Giving somebody read access: a grant, and the current key delivered in the same batch (MODEL B.5). A link grant is for
 * whoever has the link; its secret is returned once and kept nowhere in clear.
 */
import { formatId } from '@blocktree/codec'
import {
  type GrantRecord,
  type Id,
  type LocalRecord,
  type PrincipalRecord,
  createDelivery,
  createGrant,
  grantTarget,
  linkRecipient,
  recipientType,
  right
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, isPublicZone, locate } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { capFor, treeId, writeKeyFor } from '../write-version.ts'
import { openHeads } from './epoch-reach.ts'
import { formatLink, linkSecretBytes, sealLinkSecret } from './link-secret.ts'
import { makeRotation } from './rotate-zone.ts'
import { type ShareTarget, shareTarget } from './share-target.ts'

export type GrantRecipient =
  /** A principal whose record is held, or its record. */
  { readonly principal: Id | PrincipalRecord } | 'link'

export interface GrantRequest {
  readonly path: string
  readonly to: GrantRecipient
  /** The grant ends after this time; keys that were delivered are changed by the next upkeep. */
  readonly notAfterMs?: number
}

export interface IssuedGrant {
  readonly grant: GrantRecord
  readonly target: ShareTarget
  /** For a link: the text for the fragment of a URL. Whoever has it can read; it is not kept. */
  readonly link: string | undefined
}

/** A key with the epoch and, for one block, the key version that it stands for. */
interface SharedKey {
  readonly epoch: Id
  readonly keyVersion: number | undefined
  readonly key: Uint8Array
}

/** @throws ERR_SHARE_PLAIN, ERR_PRINCIPAL_UNKNOWN, ERR_ACCESS_DENIED without `grant`, ERR_KEY_MISSING */
export async function issueGrant(
  context: FilesContext,
  actor: Actor,
  request: GrantRequest
): Promise<IssuedGrant> {
  const target = shareTarget(context, actor, request.path)
  const zone = target.type === 'zone' ? target.zone : target.home
  if (!isPublicZone(context, zone)) await joinEpochs(context, actor, zone, request.path)
  const issued = makeGrant(context, actor, target, request)
  await context.tree.commitLocal({ records: issued.records }, { durability: context.durability })
  return { grant: issued.grant, target, link: issued.link }
}

/** Two current epochs would leave the new reader with half of what is written now (A26). */
async function joinEpochs(context: FilesContext, actor: Actor, zone: Id, path: string): Promise<void> {
  if (openHeads(context.tree.authority, actor, zone).length < 2) return
  const { records } = makeRotation(context, actor, zone, path)
  await context.tree.commitLocal({ records }, { durability: context.durability })
}

/** Grant and delivery, ready to commit. */
export function makeGrant(
  context: FilesContext,
  actor: Actor,
  target: ShareTarget,
  request: GrantRequest
): {
  readonly grant: GrantRecord
  readonly link: string | undefined
  readonly records: readonly LocalRecord[]
} {
  const { crypto, random } = context
  const isZone = target.type === 'zone'
  const home = isZone ? target.zone : target.home
  const place = { home, block: isZone ? undefined : target.block }
  const { cap } = capFor(actor, place, right.grant, request.path)
  const secret = request.to === 'link' ? random.bytes(linkSecretBytes) : undefined
  const principal = request.to === 'link' ? undefined : heldPrincipal(context, request.to.principal)
  const body = {
    tree: treeId(context),
    targetType: isZone ? grantTarget.zone : grantTarget.block,
    target: isZone ? target.zone : target.block,
    recipientType: principal === undefined ? recipientType.link : recipientType.principal,
    recipient: principal?.signer ?? linkRecipient(crypto, secret ?? new Uint8Array(0)),
    notAfter: request.notAfterMs,
    cap,
    nonce: random.bytes(16)
  }
  const ext = secret === undefined ? [] : [sealLinkSecret(context, actor.principal, body, secret)]
  const grant = createGrant(crypto, actor.signer, { ...body, ext })
  const to = principal === undefined ? { linkSecret: secret ?? new Uint8Array(0) } : { principal }
  const records: LocalRecord[] = []
  if (principal !== undefined) records.push({ record: principal })
  records.push({ record: grant })
  const shared = sharedKey(context, actor, target, request.path)
  if (shared !== undefined)
    records.push({ record: createDelivery(context, actor.signer, { grant, ...shared, to, cap }) })
  const link = secret && formatLink(crypto, { tree: body.tree, secret })
  secret?.fill(0)
  return { grant, link, records }
}

/** undefined in a public zone, which has no keys. */
function sharedKey(
  context: FilesContext,
  actor: Actor,
  target: ShareTarget,
  path: string
): SharedKey | undefined {
  if (target.type === 'zone') {
    const { epoch, key } = writeKeyFor(context, actor, target.zone, path)
    return epoch === undefined || key === undefined ? undefined : { epoch, keyVersion: undefined, key }
  }
  const header = locate(context, target.block)?.header.body
  if (header?.epoch === undefined) return undefined
  const key = actor.blockKey(header)
  if (key !== undefined) return { epoch: header.epoch, keyVersion: header.keyVersion, key: key.bytes.slice() }
  throw new FilesError(
    'ERR_KEY_MISSING',
    `"${path}": its key was not given to you, so you cannot pass it on`,
    { path }
  )
}

/** @throws ERR_PRINCIPAL_UNKNOWN when only an id is given and no record of it is held */
export function heldPrincipal(context: FilesContext, principal: Id | PrincipalRecord): PrincipalRecord {
  if ('type' in principal) return principal
  const held = context.tree.authority.principal(principal)
  if (held !== undefined) return held
  throw new FilesError(
    'ERR_PRINCIPAL_UNKNOWN',
    `no record of the principal ${formatId(principal)} is held here: import it, or let it send a request`
  )
}
