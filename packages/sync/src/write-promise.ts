/**
 * What can be said of the copies of a write at the moment it is answered, without asking anybody (spec 28.9): who may
 * promise it, how many copies are wanted, and whether those who should have it can be reached.
 */
import { type Id, type KeepPolicy, type TreeState, keepPolicyInForce } from '@blocktree/tree'
import type { ZoneHosts } from './zone-hosts.ts'

export interface WritePromise {
  /** Nodes that promised to keep it, this one counted where it may promise. */
  readonly kept: number
  /** Nodes that may promise to. */
  readonly of: number
  /** Copies that the policy of its directory asks for. */
  readonly wanted: number
  /** No majority of the nodes that should have it can be reached: it is kept here and sent when they are back. */
  readonly isPending: boolean
}

export interface WritePromiseDeps {
  readonly tree: Pick<TreeState, 'blockState' | 'blockSummary' | 'zoneOf'>
  readonly hosts: Pick<ZoneHosts, 'promisingIn'>
  readonly self: Id
  /** Whether this node may promise for a zone. */
  readonly mayPromise: (zone: Id) => boolean
  /** Principals of the peers that are connected and spoken to. */
  readonly reached: Iterable<Id>
  /** The policy of what is in a directory, where that is known already. */
  readonly policyIn?: (directory: Id) => KeepPolicy | undefined
}

/** Of a block that was just written here. @returns undefined when no such block is held */
export function promiseOfWrite(deps: WritePromiseDeps, block: Id): WritePromise | undefined {
  const zone = deps.tree.zoneOf(block)
  if (zone === undefined) return undefined
  const self = deps.self.toHex()
  const promising = new Set(deps.hosts.promisingIn(zone).map((id) => id.toHex()))
  const kept = deps.mayPromise(zone) ? 1 : 0
  const of = Math.max(promising.size, kept)
  const members = promising.add(self)
  const reached = new Set([self])
  for (const peer of deps.reached) if (members.has(peer.toHex())) reached.add(peer.toHex())
  return { kept, of, wanted: wantedOf(deps, block, of), isPending: 2 * reached.size <= members.size }
}

function wantedOf({ tree, policyIn }: WritePromiseDeps, block: Id, of: number): number {
  const directory = tree.blockSummary(block)?.shownParent
  if (directory === undefined) return of
  const policy = policyIn === undefined ? keepPolicyInForce(tree, directory)?.policy : policyIn(directory)
  if (policy?.kind === 'copies') return Math.min(policy.copies, of)
  return policy?.kind === 'on demand' ? Math.min(1, of) : of
}
