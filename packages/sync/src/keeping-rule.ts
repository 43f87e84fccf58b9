/**
 * Which content this node keeps (spec 28, section 7): by the policy of the directories around a block, the members of its
 * zone and a ranking of them that all work out alike. A member that this node has not seen for long, or that failed to
 * prove what it promised, is passed over: the next in the ranking makes a copy. Nobody has to agree to that; at worst
 * there is a copy too many.
 */
import { concatBytes } from '@blocktree/codec'
import { type Id, type KeepPolicy, blockKind, keepPolicyInForce } from '@blocktree/tree'
import type { SectorPolicy, SyncPorts } from './ports.ts'
import type { ZoneHosts } from './zone-hosts.ts'

export interface ContentOwner {
  readonly record: Id
  readonly block: Id
  readonly zone: Id
  /** The directory that it is in. */
  readonly parent: Id | undefined
}

export interface KeepingRuleDeps {
  readonly ports: SyncPorts
  readonly hosts: ZoneHosts
  /** What this node says for itself. */
  readonly policy: SectorPolicy
  /** False for a member that does not count for this record any more. */
  readonly counts: (member: Id, record: Id) => boolean
}

const label: Uint8Array = new TextEncoder().encode('blocktree/keeper/1\0')
const directoriesKept = 65_536 // whose policy is remembered

export class KeepingRule {
  readonly #deps: KeepingRuleDeps
  readonly #policies: Map<string, KeepPolicy> = new Map()
  readonly #endListening: () => void
  /** A directory with a policy was seen: what is kept depends on directories. */
  hasPolicies = false

  constructor(deps: KeepingRuleDeps) {
    this.#deps = deps
    this.#endListening = deps.ports.tree.onChange(({ kind }) => {
      // what holds for a directory may stand in any around it
      if (kind === blockKind.directory) this.#policies.clear()
    })
  }

  close(): void {
    this.#endListening()
  }

  /** Nothing has to be looked up: all content is kept here. */
  get keepsAll(): boolean {
    return this.#deps.policy === 'all' && !this.hasPolicies
  }

  get isOnDemand(): boolean {
    return this.#deps.policy === 'on demand'
  }

  /** undefined while the directories around it are not held. */
  policyOf({ parent }: Pick<ContentOwner, 'parent'>): KeepPolicy | undefined {
    if (parent === undefined) return { kind: 'all' } // manifests, and what has no place
    const key = parent.toHex()
    const known = this.#policies.get(key)
    if (known !== undefined) return known
    const found = keepPolicyInForce(this.#deps.ports.tree, parent)?.policy
    if (found === undefined) return undefined
    if (this.#policies.size >= directoriesKept) this.#policies.clear()
    this.#policies.set(key, found)
    return found
  }

  /** Whether this node keeps it; undefined while that cannot be known. */
  keeps(owner: ContentOwner): boolean | undefined {
    const { policy } = this.#deps
    if (policy === 'on demand') return false
    if (policy !== 'all') return policy(owner)
    if (!this.hasPolicies) return true
    const held = this.policyOf(owner)
    if (held?.kind !== 'copies') return held === undefined ? undefined : held.kind === 'all'
    return this.#isAmong(owner, held.copies)
  }

  /** Members that should keep a block, first the one that comes first; this node among them when it should. */
  keepersOf({ block, zone, record }: ContentOwner, copies: number): readonly Id[] {
    const self = this.#selfKey
    return this.ranking(block, zone)
      .filter((member) => member.toHex() === self || this.#deps.counts(member, record))
      .slice(0, copies)
  }

  /** By hash of block and member: every node finds the same order, and each block another one. */
  ranking(block: Id, zone: Id): readonly Id[] {
    const { crypto } = this.#deps.ports
    return this.#deps.hosts
      .keepersOf(zone)
      .map((member) => ({ member, score: crypto.sha256(concatBytes(label, block, member)).toHex() }))
      .toSorted((left, right) => (left.score < right.score ? -1 : 1))
      .map(({ member }) => member)
  }

  get #selfKey(): string {
    return this.#deps.ports.self.principal.toHex()
  }

  #isAmong(owner: ContentOwner, copies: number): boolean {
    const self = this.#selfKey
    return this.keepersOf(owner, copies).some((member) => member.toHex() === self)
  }
}
