/**
 * Zone chains: from a zone outwards to the root block, over births that never change (B.3). Containment of a scope is
 * decided by this walk alone, never by parents (A3, A6).
 */
import { equalBytes } from '@blocktree/codec'
import type { Authority } from './authority.ts'
import { zoneChainMax } from './limits.ts'
import type { Id } from './records.ts'

/** Zones from the inside out; `missing` is the first one whose birth is not held. */
export interface ZoneChain {
  readonly zones: readonly Id[]
  readonly missing: Id | undefined
  readonly tooLong: boolean
}

export function zoneChain(authority: Authority, zone: Id): ZoneChain {
  const zones: Id[] = []
  let next: Id | undefined = zone
  while (next !== undefined) {
    if (zones.length === zoneChainMax) return { zones, missing: undefined, tooLong: true }
    zones.push(next)
    const held = authority.zoneBirth(next)
    if (held === undefined) return { zones, missing: next, tooLong: false }
    next = held.birth.zone
  }
  return { zones, missing: undefined, tooLong: false }
}

/**
 * True when `zone` is `outer` or lies somewhere below it; the missing zone when that cannot be told yet. A chain that
 * is too long contains nothing.
 */
export function isZoneInside(authority: Authority, zone: Id, outer: Id): boolean | { readonly missing: Id } {
  if (equalBytes(zone, outer)) return true
  const chain = zoneChain(authority, zone)
  if (chain.tooLong) return false
  if (chain.zones.some((link) => equalBytes(link, outer))) return true
  return chain.missing === undefined ? false : { missing: chain.missing }
}
