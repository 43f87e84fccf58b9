/**
 * Scopes: what a session covers (spec 28, section 3). A scope is a set of ids of zones and blocks; a block is in it when
 * it is one of them or when its home zone lies in one of them. What a peer may ask for follows from its caps and grants
 * as they are now; nothing is remembered that a revocation would have to reach.
 */
import { compareBytes } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import {
  type AnyRecord,
  type CapRecord,
  type Clock,
  type Id,
  type TreeState,
  capScope,
  grantTarget,
  recordType,
  right,
  scopeType,
  zoneChain
} from '@blocktree/tree'
import { scopeIdsMax } from './limits.ts'

/** Sorted, without duplicates. */
export type Scope = readonly Id[]

export function makeScope(ids: Iterable<Id>): Scope {
  const unique = new Map<string, Id>()
  for (const id of ids) unique.set(id.toHex(), id)
  return [...unique.values()].toSorted(compareBytes).slice(0, scopeIdsMax)
}

export function scopeKey(scope: Scope): string {
  return scope.map((id) => id.toHex()).join()
}

/** What lies in one scope, by the births that are held. */
export class ScopeView {
  readonly scope: Scope
  readonly #tree: TreeState
  readonly #crypto: CryptoProvider
  readonly #ids: ReadonlySet<string>
  readonly #zones: Map<string, boolean> = new Map()
  #change = -1

  constructor(tree: TreeState, crypto: CryptoProvider, scope: Scope) {
    this.scope = scope
    this.#tree = tree
    this.#crypto = crypto
    this.#ids = new Set(scope.map((id) => id.toHex()))
  }

  /** The whole tree: nothing has to be looked up. */
  get isWhole(): boolean {
    const { rootBlock } = this.#tree
    return rootBlock !== undefined && this.#ids.has(rootBlock.toHex())
  }

  hasZone(zone: Id): boolean {
    if (this.isWhole) return true
    const change = this.#tree.authority.changeCount
    if (change !== this.#change) this.#zones.clear()
    this.#change = change
    const key = zone.toHex()
    const known = this.#zones.get(key)
    if (known !== undefined) return known
    const answer = zoneChain(this.#tree.authority, zone).zones.some((id) => this.#ids.has(id.toHex()))
    this.#zones.set(key, answer)
    return answer
  }

  hasBlock(block: Id, home: Id): boolean {
    return this.isWhole || this.#ids.has(block.toHex()) || this.hasZone(home)
  }

  /** True when all of `other` lies in this one. */
  contains(other: Scope): boolean {
    return other.every(
      (id) => this.#ids.has(id.toHex()) || this.hasZone(this.#tree.zoneOf(id) ?? id) || this.hasZone(id)
    )
  }

  /**
   * Whether a record that is no header concerns this scope: what is about its zones and the zones around them; caps whose
   * scope meets it; what ends those; the people in all of these, and the tree itself.
   */
  concerns(record: AnyRecord): boolean {
    if (this.isWhole) return true
    switch (record.type) {
      case recordType.tree:
      case recordType.succession:
        return true
      case recordType.principal:
        return this.#isNamed(record.signer)
      case recordType.cap:
        return this.#meets(record)
      case recordType.revocation: {
        const cap = this.#tree.authority.cap(record.body.target)
        return cap === undefined || this.#meets(cap)
      }
      case recordType.epoch:
      case recordType.checkpoint:
      case recordType.receipt:
        return this.hasZone(record.body.zone)
      case recordType.grant:
        return this.#hasTarget(record.body.targetType, record.body.target)
      case recordType.delivery:
      case recordType.grantRevocation: {
        const grant = this.#tree.authority.grant(record.body.grant)
        return grant !== undefined && this.#hasTarget(grant.body.targetType, grant.body.target)
      }
      case recordType.endpoint:
        return this.#isNamed(record.signer)
      case recordType.header:
        return this.hasBlock(record.body.block, record.body.birth.zone ?? record.body.block)
    }
  }

  #hasTarget(type: number, target: Id): boolean {
    if (type === grantTarget.zone) return this.hasZone(target)
    return this.hasBlock(target, this.#tree.zoneOf(target) ?? target)
  }

  /** Inside the scope, or around it: such a cap may be part of a chain that writes there. */
  #meets(cap: CapRecord): boolean {
    const scope = capScope(this.#crypto, cap.body)
    if (cap.body.scopeType === scopeType.block) return this.hasBlock(scope, this.#tree.zoneOf(scope) ?? scope)
    if (this.hasZone(scope)) return true
    const { authority } = this.#tree
    return this.scope.some((id) => {
      const zone = authority.zoneBirth(id) === undefined ? (this.#tree.zoneOf(id) ?? id) : id
      return zoneChain(authority, zone).zones.some((outer) => outer.toHex() === scope.toHex())
    })
  }

  #isNamed(principal: Id): boolean {
    const { authority } = this.#tree
    if (authority.capsOf(principal).some((cap) => this.#meets(cap))) return true
    if (authority.tree?.signer.toHex() === principal.toHex()) return true
    if (
      authority.successions.some((one) =>
        [one.signer, one.body.newRoot].some((id) => id.toHex() === principal.toHex())
      )
    )
      return true
    return authority.grantsTo(principal).some(({ body }) => this.#hasTarget(body.targetType, body.target))
  }
}

const verdictMs = 10_000 // an interval of a cap may end: looked at again after this

interface Verdict {
  readonly change: number
  readonly until: number
  readonly scope: Scope
  readonly isHostOfAll: boolean
  readonly hosted: Map<string, boolean>
}

/** Rights of peers in one tree, worked out anew whenever an authority record came or went. */
export class PeerRights {
  readonly #tree: TreeState
  readonly #crypto: CryptoProvider
  readonly #clock: Clock
  readonly #verdicts: Map<string, Verdict> = new Map()

  constructor(tree: TreeState, crypto: CryptoProvider, clock: Clock) {
    this.#tree = tree
    this.#crypto = crypto
    this.#clock = clock
  }

  /** The largest scope a principal may read; empty for a stranger. */
  scopeOf(principal: Id): Scope {
    return this.#verdict(principal).scope
  }

  mayRead(principal: Id, scope: Scope): boolean {
    const allowed = this.scopeOf(principal)
    if (allowed.length === 0 || scope.length === 0) return false
    return new ScopeView(this.#tree, this.#crypto, allowed).contains(scope)
  }

  /** Holds `host` for the zone: its records are judged by validity alone (08, section 8.8). */
  isHost(principal: Id, zone: Id): boolean {
    const verdict = this.#verdict(principal)
    if (verdict.isHostOfAll) return true
    const key = zone.toHex()
    const known = verdict.hosted.get(key)
    if (known !== undefined) return known
    const answer = this.#tree.explainInside(principal, zone, right.host).allowed
    verdict.hosted.set(key, answer)
    return answer
  }

  isHostOfAll(principal: Id): boolean {
    return this.#verdict(principal).isHostOfAll
  }

  #verdict(principal: Id): Verdict {
    const key = principal.toHex()
    const change = this.#tree.authority.changeCount
    const known = this.#verdicts.get(key)
    const now = this.#clock.now()
    if (known !== undefined && known.change === change && now < known.until) return known
    const { rootBlock } = this.#tree
    const isHostOfAll =
      rootBlock !== undefined && this.#tree.explainInside(principal, rootBlock, right.host).allowed
    const scope = isHostOfAll ? makeScope([rootBlock]) : this.#outermost(this.#readable(principal))
    const verdict = { change, until: now + verdictMs, scope, isHostOfAll, hosted: new Map<string, boolean>() }
    if (this.#verdicts.size >= 4096) this.#verdicts.clear()
    this.#verdicts.set(key, verdict)
    return verdict
  }

  #readable(principal: Id): readonly Id[] {
    const ids: Id[] = []
    for (const cap of this.#tree.authority.capsOf(principal)) {
      const scope = capScope(this.#crypto, cap.body)
      const lowest = (cap.body.rights & -cap.body.rights) >>> 0
      if (lowest === 0) continue
      const isLive =
        cap.body.scopeType === scopeType.block
          ? this.#tree.explain(principal, scope, lowest).allowed
          : this.#tree.explainInside(principal, scope, lowest).allowed
      if (isLive) ids.push(scope)
    }
    for (const grant of this.#tree.authority.grantsTo(principal)) {
      const { target } = grant.body
      if (this.#tree.liveGrants(target).some(({ id }) => id.toHex() === grant.id.toHex())) ids.push(target)
    }
    return ids
  }

  /** Without what lies inside another one. */
  #outermost(ids: readonly Id[]): Scope {
    const all = makeScope(ids)
    return all.filter((id) => {
      const others = all.filter((other) => other !== id)
      return others.length === 0 || !new ScopeView(this.#tree, this.#crypto, others).contains([id])
    })
  }
}
