/** Which principals are nodes of the cluster of the own tree: those with `host` there that say where they are reached. */
import type { AddressBook } from '@blocktree/cluster'
import { equalBytes } from '@blocktree/codec'
import type { Id } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'

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

/** A vote is for nodes that may keep the whole tree: who was given one directory does not decide about the others. */
export function mayVote({ trees, standing }: Pick<NodeParts, 'trees' | 'standing'>, node: Id): boolean {
  const { own } = trees
  const root = own.tree.rootBlock
  return (
    root !== undefined &&
    standing
      .of(own)
      .hostsOf(root)
      .some((id) => equalBytes(id, node))
  )
}
