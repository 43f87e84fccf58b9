/**
 * What other nodes do to an installation that this node sees too: who upgrades it, who removed it. What another node has
 * begun is that node's to end, as long as it is one (doc/spec/23-installed-apps.md, section 5).
 */
import { equalBytes } from '@blocktree/codec'
import { type Id, right } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import type { AppDeps } from './app-deps.ts'
import { appsDirectory } from './app-place.ts'
import type { Installation } from './installation.ts'

/** The node that upgrades it, unless it is this one, or none any more. */
export function upgradingElsewhere(
  deps: AppDeps,
  { upgradingFrom, upgradingNode }: Installation['state']
): Id | undefined {
  return upgradingFrom === undefined || upgradingNode === undefined || isOurs(deps, upgradingNode)
    ? undefined
    : upgradingNode
}

/** @throws ERR_APP_ELSEWHERE */
export function expectNoUpgradeElsewhere(deps: AppDeps, { place, state }: Installation): void {
  const node = upgradingElsewhere(deps, state)
  if (node === undefined) return
  throw new NodeError(
    'ERR_APP_ELSEWHERE',
    `app "${place.name}" is upgraded on ${deps.principals.nameOf(node)}; wait until that is done (or, when that node is gone for good, "node remove" it)`
  )
}

/** Of what lies at `path`: written last by this node, or by one that is a node no more. */
export function isOursToEnd(deps: AppDeps, path: string): boolean {
  return isOurs(deps, deps.files.stat(deps.owner, path).signer)
}

function isOurs({ files, owner, tree }: AppDeps, node: Id): boolean {
  if (equalBytes(node, owner.id)) return true
  const { block, zone } = files.stat(owner, appsDirectory)
  return tree.capFor(node, { block, home: zone, rights: right.write }) === undefined
}
