/**
 * Deliveries: the key of a zone's epoch, or of one block, to those whose grants are live (MODEL B.5). The grant says
 * who, the delivery carries the key; whoever changes a key makes the new deliveries in the same batch.
 */
import { equalBytes } from '@blocktree/codec'
import {
  type DeliveryRecord,
  type EpochRecord,
  type GrantRecord,
  type HeaderRecord,
  type Id,
  type LocalRecord,
  type PrincipalRecord,
  createDelivery,
  grantTarget,
  recipientType,
  right
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { openLinkSecret } from './link-secret.ts'

type Recipient = { readonly principal: PrincipalRecord } | { readonly linkSecret: Uint8Array }

export interface ZoneKey {
  readonly epoch: EpochRecord
  readonly key: Uint8Array
}

export interface Deliveries {
  readonly records: readonly LocalRecord[]
  /** Live grants that could not be served from here: a link of another issuer, a principal without a record. */
  readonly undelivered: readonly Id[]
}

/** One delivery of a zone key to every live reader of the zone. */
export function deliverZoneKey(
  context: FilesContext,
  actor: Actor,
  { epoch, key }: ZoneKey,
  grants: readonly GrantRecord[],
  cap: Id | undefined
): Deliveries {
  return deliver(grants, context, actor, (grant, to) =>
    createDelivery(context, actor.signer, { grant, epoch: epoch.id, keyVersion: undefined, key, to, cap })
  )
}

/**
 * Deliveries that belong into the batch of a new version of `block`, so that those who may read this one block keep
 * reading it (A25); nothing when (epoch, key version) did not change or no block grant is live.
 */
export function deliverBlockKey(
  context: FilesContext,
  actor: Actor,
  header: HeaderRecord,
  before?: HeaderRecord,
  excluding?: Id
): Deliveries {
  const { block, epoch, keyVersion } = header.body
  if (epoch === undefined || (before !== undefined && isSameKey(before, header))) return noDeliveries
  const grants = liveBlockGrants(context, block).filter(
    ({ id }) => excluding === undefined || !equalBytes(id, excluding)
  )
  if (grants.length === 0) return noDeliveries
  const key = actor.blockKey(header.body)?.bytes
  if (key === undefined) return { records: [], undelivered: grants.map(({ id }) => id) }
  const place = { home: context.tree.zoneOf(block) ?? block, block }
  const cap = actor.capFor(place, right.grant) ?? actor.capFor(place, right.write)
  return deliver(grants, context, actor, (grant, to) =>
    createDelivery(context, actor.signer, { grant, epoch, keyVersion, key, to, cap: cap?.cap })
  )
}

export function liveBlockGrants(context: FilesContext, block: Id): readonly GrantRecord[] {
  if (context.tree.authority.grantsOver(block).length === 0) return []
  return context.tree.liveGrants(block).filter(({ body }) => body.targetType === grantTarget.block)
}

export function liveZoneGrants(context: FilesContext, zone: Id): readonly GrantRecord[] {
  return context.tree.liveGrants(zone).filter(({ body }) => body.targetType === grantTarget.zone)
}

const noDeliveries: Deliveries = { records: [], undelivered: [] }

function isSameKey(before: HeaderRecord, after: HeaderRecord): boolean {
  const { epoch } = before.body
  return (
    before.body.keyVersion === after.body.keyVersion &&
    epoch !== undefined &&
    after.body.epoch !== undefined &&
    equalBytes(epoch, after.body.epoch)
  )
}

function deliver(
  grants: readonly GrantRecord[],
  context: FilesContext,
  actor: Actor,
  make: (grant: GrantRecord, to: Recipient) => DeliveryRecord
): Deliveries {
  const records: LocalRecord[] = []
  const undelivered: Id[] = []
  for (const grant of grants) {
    const to = recipientOf(context, actor, grant)
    if (to === undefined) undelivered.push(grant.id)
    else records.push({ record: make(grant, to) })
  }
  return { records, undelivered }
}

function recipientOf(context: FilesContext, actor: Actor, grant: GrantRecord): Recipient | undefined {
  if (grant.body.recipientType === recipientType.principal) {
    const principal = context.tree.authority.principal(grant.body.recipient)
    return principal && { principal }
  }
  const linkSecret = openLinkSecret(context.crypto, actor.principal, grant)
  return linkSecret && { linkSecret }
}
