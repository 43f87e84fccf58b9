/**
 * Which principals are nodes of the cluster of the own tree: those with `host` there that say where they are reached; and
 * what each of them may decide and lock (doc/spec/29-coordinator.md, section 10).
 */
import type { AddressBook } from '@blocktree/cluster'
import { equalBytes } from '@blocktree/codec'
import type { NameVerdict } from '@blocktree/coordinator'
import type { Id, TreeState } from '@blocktree/tree'
import type { TreeStanding } from '../cluster/tree-standing.ts'
import type { NodeParts } from '../create-node.ts'
import { lockedBlock } from './lock-name.ts'

/** The root and persons may hold `host` too: a node is what has an address, and this one. */
export function memberNodes({
  trees,
  standing,
  self,
  book
}: Pick<NodeParts, 'trees' | 'standing'> & {
  readonly self: Id
  readonly book: AddressBook | undefined
}): readonly Id[] {
  const { own } = trees
  const isNode = (id: Id): boolean =>
    book?.entry(id) !== undefined || own.tree.authority.endpointsOf(id).length > 0
  const others = standing
    .of(own)
    .members()
    .filter((id) => !equalBytes(id, self) && isNode(id))
  return [self, ...others]
}

/** The tree that locks are about, and who may do what in it. */
export interface LockedTree {
  readonly tree: Pick<TreeState, 'rootBlock' | 'zoneBirth' | 'zoneOf'>
  readonly standing: Pick<TreeStanding, 'hostsOf'>
}

/** A vote is for nodes that may keep the whole tree: who was given one directory does not decide about the others. */
export function mayVote({ tree, standing }: LockedTree, node: Id): boolean {
  return tree.rootBlock !== undefined && isHostOf(standing, node, tree.rootBlock)
}

/**
 * A node locks and numbers what is in a directory that it may keep. The zone of a block is in its birth, so whoever
 * leads, which keeps the whole tree, knows it as soon as any version of the block has come to it.
 */
export function mayName(locked: LockedTree, node: Id, name: string): NameVerdict {
  if (mayVote(locked, node)) return 'allowed'
  const block = lockedBlock(name)
  if (block === undefined) return 'refused'
  const { tree, standing } = locked
  const zone = tree.zoneBirth(block) === undefined ? tree.zoneOf(block) : block
  if (zone === undefined) return 'unknown'
  return isHostOf(standing, node, zone) ? 'allowed' : 'refused'
}

function isHostOf(standing: LockedTree['standing'], node: Id, zone: Id): boolean {
  return standing.hostsOf(zone).some((id) => equalBytes(id, node))
}
