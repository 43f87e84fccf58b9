/** Zones of a tree and how they are nested, from their births alone (MODEL B.3). */
import { equalBytes } from '@blocktree/codec'
import { type Authority, type Id, isZoneInside, zoneChain } from '@blocktree/tree'

/** A zone and every zone below it that is known, outermost first. */
export function zonesInside(authority: Authority, outer: Id): readonly Id[] {
  const inside = [...authority.zoneBirths()].filter(
    ({ zone }) => isZoneInside(authority, zone, outer) === true
  )
  const nested = inside.map(({ zone }) => ({ zone, depth: zoneChain(authority, zone).zones.length }))
  return nested.toSorted((left, right) => left.depth - right.depth).map(({ zone }) => zone)
}

/** Every known zone, outermost first. */
export function allZones(authority: Authority): readonly Id[] {
  const root = [...authority.zoneBirths()].find(({ birth }) => birth.zone === undefined)
  return root === undefined ? [] : zonesInside(authority, root.zone)
}

export function outerZone(authority: Authority, zone: Id): Id | undefined {
  return authority.zoneBirth(zone)?.birth.zone
}

export function includesId(ids: Iterable<Id>, id: Id): boolean {
  for (const other of ids) if (equalBytes(other, id)) return true
  return false
}
