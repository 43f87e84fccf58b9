/**
 * A new epoch for one zone: a fresh key, the keys before it sealed inside, and one delivery for each live reader, in one
 * atomic batch (MODEL B.5). Several current epochs, left by rotations that did not know of each other, are joined (A26).
 */
import {
  type EpochRecord,
  type Id,
  type LocalRecord,
  type OpenEpoch,
  createEpoch,
  limits,
  right
} from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type FilesContext, isPublicZone } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { capFor, treeId } from '../write-version.ts'
import { openHeads } from './epoch-reach.ts'
import { includesId, outerZone } from './zone-tree.ts'
import { deliverZoneKey, liveZoneGrants } from './zone-delivery.ts'

export interface Rotation {
  readonly epoch: EpochRecord
  readonly records: readonly LocalRecord[]
  readonly undelivered: readonly Id[]
}

/**
 * Ready to commit.
 * @throws ERR_ACCESS_DENIED without `grant`, ERR_KEY_MISSING when no current epoch opens
 */
export function makeRotation(context: FilesContext, actor: Actor, zone: Id, path: string): Rotation {
  const { authority } = context.tree
  if (isPublicZone(context, zone)) throw new Error('a public zone has no keys to rotate')
  const cap = capFor(actor, { home: zone, block: undefined }, right.grant, path).cap
  const heads = openHeads(authority, actor, zone)
  const previous = heads.flatMap((head): readonly OpenEpoch[] => {
    const key = actor.zoneKey(head.id)
    return key === undefined ? [] : [{ id: head.id, number: head.body.number, key }]
  })
  if (previous.length === 0) {
    throw new FilesError('ERR_KEY_MISSING', `"${path}": the current key of this zone was not given to you`, {
      path
    })
  }
  const made = createEpoch(context, actor.signer, {
    tree: treeId(context),
    zone,
    previous: previous.slice(0, limits.epochPreviousMax),
    inherit: isInheriting(context, zone, heads) ? outerKey(context, actor, zone, path) : undefined,
    cap
  })
  const zoneKey = { epoch: made.record, key: made.key }
  const deliveries = deliverZoneKey(context, actor, zoneKey, liveZoneGrants(context, zone), cap)
  made.key.fill(0)
  return {
    epoch: made.record,
    records: [{ record: made.record }, ...deliveries.records],
    undelivered: deliveries.undelivered
  }
}

/**
 * Of two rotations of which one shut the readers of the outer zone out, that one holds. What a former sharer decided
 * counts only when there is nothing else to go by.
 */
export function isInheriting(context: FilesContext, zone: Id, heads: readonly EpochRecord[]): boolean {
  const current = context.tree.currentEpochs(zone).map(({ id }) => id)
  const standing = heads.filter(({ id }) => includesId(current, id))
  return (standing.length > 0 ? standing : heads).every(({ body }) => body.inherit !== undefined)
}

function outerKey(
  context: FilesContext,
  actor: Actor,
  zone: Id,
  path: string
): { readonly id: Id; readonly key: Uint8Array } | undefined {
  const outer = outerZone(context.tree.authority, zone)
  if (outer === undefined || isPublicZone(context, outer)) return undefined
  const current = actor.writeKey(outer)
  if (current !== undefined) return { id: current.epoch, key: current.key }
  throw new FilesError(
    'ERR_KEY_MISSING',
    `"${path}": readers of the zone around it read here too, and its key is not yours: ask its owner to change the key`,
    { path }
  )
}
