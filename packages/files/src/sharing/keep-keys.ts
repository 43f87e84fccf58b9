/**
 * Upkeep of keys, for every start and after records came in: zones that somebody whose grant ended can still open, or
 * that two owners rotated at once (A26), get a new epoch; live readers without the current key get it delivered.
 */
import { equalBytes } from '@blocktree/codec'
import { type Id, right } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { CommitBatch } from '../commit-batch.ts'
import { type FilesContext, isPublicZone } from '../files-context.ts'
import { type RekeyOutcome, rekeyZones } from './rekey-zones.ts'
import { deliverZoneKey, liveZoneGrants } from './zone-delivery.ts'
import { allZones } from './zone-tree.ts'

export interface KeyUpkeepReport extends RekeyOutcome {
  /** Deliveries made for grants that had none. */
  readonly delivered: number
}

/** Cheap when nothing is due. Does what the actor may do and leaves the rest to others. */
export async function keepKeys(context: FilesContext, actor: Actor): Promise<KeyUpkeepReport> {
  const outcome = await rekeyZones(context, actor)
  const batch = new CommitBatch(context)
  const undelivered: Id[] = [...outcome.undelivered]
  for (const zone of allZones(context.tree.authority)) {
    const due = undeliveredGrants(context, actor, zone)
    if (due === undefined) continue
    const deliveries = deliverZoneKey(context, actor, due.zoneKey, due.grants, due.cap)
    for (const record of deliveries.records) batch.add(record)
    undelivered.push(...deliveries.undelivered)
    if (batch.isFull) await batch.commit()
  }
  const delivered = batch.count
  await batch.commit()
  return { ...outcome, undelivered, delivered }
}

function undeliveredGrants(
  context: FilesContext,
  actor: Actor,
  zone: Id
):
  | {
      readonly zoneKey: Parameters<typeof deliverZoneKey>[2]
      readonly grants: ReturnType<typeof liveZoneGrants>
      readonly cap: Id | undefined
    }
  | undefined {
  if (isPublicZone(context, zone)) return undefined
  const { authority } = context.tree
  const current = actor.writeKey(zone)
  const cap = actor.capFor({ home: zone, block: undefined }, right.grant)
  const epoch = current && authority.epoch(current.epoch)
  if (current === undefined || cap === undefined || epoch === undefined) return undefined
  const grants = liveZoneGrants(context, zone).filter(
    ({ id }) => !authority.deliveriesOf(id).some(({ body }) => equalBytes(body.epoch, epoch.id))
  )
  return grants.length === 0 ? undefined : { zoneKey: { epoch, key: current.key }, grants, cap: cap.cap }
}
