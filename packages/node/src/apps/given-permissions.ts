/**
 * Which permissions of a grant count (doc/spec/23-installed-apps.md, section 3): a folder or file is granted only by who
 * could give the same to anybody. Nodes give the rights of a grant to their installations under their own rights; without
 * this, whoever may write below /apps could have them give what is not theirs to give.
 */
import type { AppGrant, GrantedPermission } from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import type { Actor } from '@blocktree/files'
import { type Id, type TreeState, right } from '@blocktree/tree'
import { bitsOf } from './file-rights.ts'

interface GivingDeps {
  readonly tree: TreeState
  readonly owner: Actor
}

/** @param writers who put this grant where it lies: one of them has to be allowed to give each of its objects */
export function givenBy(
  deps: GivingDeps,
  writers: readonly Id[],
  { permissions }: Pick<AppGrant, 'permissions'>
): readonly GrantedPermission[] {
  return permissions.filter((one) => writers.some((writer) => mayGive(deps, writer, one)))
}

function mayGive({ tree, owner }: GivingDeps, writer: Id, { scope, object }: GrantedPermission): boolean {
  if (scope.kind !== 'files' || object === undefined || equalBytes(writer, owner.id)) return true
  const bits = bitsOf(scope.rights)
  const wanted = bits === 0 ? right.grant : right.grant | right.delegate | bits
  const { block } = object
  const isZone = tree.zoneBirth(block) !== undefined
  return Object.values(right)
    .filter((bit) => (wanted & bit) !== 0)
    .every(
      (bit) => (isZone ? tree.explainInside(writer, block, bit) : tree.explain(writer, block, bit)).allowed
    )
}
