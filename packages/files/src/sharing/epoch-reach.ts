/**
 * What opens an epoch: whoever holds its own key, the key of a later epoch (`past`) or of an outer one that it
 * inherits from, and so on upwards (MODEL B.5). A former reader can read what is written under an epoch exactly when
 * a key of his stands in this set; it is worked out from the records, so a key change that a crash cut short is found
 * again without a list of its own.
 */
import {
  type Authority,
  type EpochRecord,
  type GrantRecord,
  type Id,
  type TreeState,
  grantTarget,
  right
} from '@blocktree/tree'
import { idKey } from '../id-key.ts'

export interface EpochWay {
  readonly epoch: EpochRecord
  /** The epoch that this one opens on the way down; undefined for the one asked about. */
  readonly opens: EpochRecord | undefined
  readonly by: 'itself' | 'past' | 'inherit'
}

/** The epoch itself and everything above it, nearest first. */
export function waysInto(authority: Authority, epoch: Id): readonly EpochWay[] {
  const start = authority.epoch(epoch)
  if (start === undefined) return []
  const ways: EpochWay[] = [{ epoch: start, opens: undefined, by: 'itself' }]
  const seen = new Set([idKey(start.id)])
  const add = (way: EpochWay): void => {
    if (seen.has(idKey(way.epoch.id))) return
    seen.add(idKey(way.epoch.id))
    ways.push(way)
  }
  for (let index = 0; index < ways.length; index++) {
    const at = ways[index]?.epoch
    if (at === undefined) break
    const outer = at.body.inherit && authority.epoch(at.body.inherit.parentEpoch)
    if (outer !== undefined) add({ epoch: outer, opens: at, by: 'inherit' })
    for (const later of authority.epochsAfter(at.id)) add({ epoch: later, opens: at, by: 'past' })
  }
  return ways
}

/** What `openHeads` needs of an actor. */
export interface ZoneKeys {
  zoneKey(epoch: Id): Uint8Array | undefined
}

/**
 * Epochs of a zone that open here and that no other one that opens here replaces; more than one after concurrent
 * rotations (A26). Epochs that do not open do not count: else a sharer whose last act was an epoch for himself alone
 * would keep everybody else from ever changing the key again.
 */
export function openHeads(authority: Authority, keys: ZoneKeys, zone: Id): readonly EpochRecord[] {
  const open = authority.epochsOf(zone).filter(({ id }) => keys.zoneKey(id) !== undefined)
  const replaced = new Set(open.flatMap((epoch) => epoch.body.prev.map(idKey)))
  return open.filter((epoch) => !replaced.has(idKey(epoch.id)))
}

/** Zone grants whose delivered keys lead to this epoch although they are revoked, expired or void. */
export function formerReaders(tree: TreeState, epoch: Id): readonly GrantRecord[] {
  const { authority } = tree
  const former = new Map<string, GrantRecord>()
  const live = new Set<string>()
  for (const { epoch: at } of waysInto(authority, epoch)) {
    for (const grant of tree.liveGrants(at.body.zone)) {
      if (grant.body.targetType === grantTarget.zone) live.add(idKey(grant.body.recipient))
    }
    for (const delivery of authority.deliveriesUnder(at.id)) {
      const grant = authority.grant(delivery.body.grant)
      if (grant?.body.targetType === grantTarget.zone) former.set(idKey(grant.body.recipient), grant)
    }
  }
  for (const recipient of live) former.delete(recipient)
  return [...former.values()]
}

/**
 * Principals and links that hold a key which leads to this epoch and may not read any longer: former readers, and who
 * made one of the keys, whether delivered to himself or not, while he was a sharer.
 */
export function formerHolders(tree: TreeState, epoch: Id): readonly Id[] {
  const holders = new Map(
    formerReaders(tree, epoch).map(({ body }) => [idKey(body.recipient), body.recipient])
  )
  const ways = waysInto(tree.authority, epoch)
  const readers = new Set(ways.flatMap(({ epoch: at }) => recipientsOf(tree, at.body.zone)))
  for (const { signer, body } of ways.map((way) => way.epoch)) {
    const isReader = readers.has(idKey(signer))
    if (!isReader && !mayShare(tree, signer, body.zone)) holders.set(idKey(signer), signer)
  }
  return [...holders.values()]
}

function recipientsOf(tree: TreeState, zone: Id): readonly string[] {
  return tree
    .liveGrants(zone)
    .filter(({ body }) => body.targetType === grantTarget.zone)
    .map(({ body }) => idKey(body.recipient))
}

function mayShare(tree: TreeState, principal: Id, zone: Id): boolean {
  return tree.capFor(principal, { block: zone, home: zone, rights: right.grant }) !== undefined
}
