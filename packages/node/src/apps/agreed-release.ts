/**
 * To which release of an app a node's consent extends (doc/spec/23-installed-apps.md, section 3): to the one that a person
 * agreed to there, and to later ones of the same app by the same author that a node of the tree put in its place. Whoever
 * may write below /apps and no more replaces nothing that runs.
 */
import type { VerifiedPackage } from '@blocktree/app-package'
import { equalBytes } from '@blocktree/codec'
import type { Actor, Files } from '@blocktree/files'
import { type Id, type TreeState, right } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import type { AppPlace } from './app-place.ts'

export interface AgreedRelease {
  /** Of the author's key and the app's name. */
  readonly appId: Uint8Array
  readonly version: number
  readonly releaseId: Uint8Array
}

interface ReleaseDeps {
  readonly files: Files
  readonly tree: TreeState
  readonly owner: Actor
}

export function releaseOf({ appId, releaseId, manifest }: VerifiedPackage): AgreedRelease {
  return { appId, version: manifest.version, releaseId }
}

export function isSameRelease(one: AgreedRelease | undefined, other: AgreedRelease): boolean {
  return one !== undefined && equalBytes(one.releaseId, other.releaseId)
}

/** Whether what lies at `place` runs on this node without a new word of a person there. */
export function extendsTo(
  deps: ReleaseDeps,
  agreed: AgreedRelease | undefined,
  { place, found }: { readonly place: AppPlace; readonly found: VerifiedPackage }
): boolean {
  if (agreed === undefined || equalBytes(agreed.releaseId, found.releaseId)) return true
  const isNewer = equalBytes(agreed.appId, found.appId) && found.manifest.version > agreed.version
  return isNewer && [place.package, place.grant].every((path) => isFromNode(deps, path))
}

/** Written last by this node, the root, or one that holds `host` over where it lies. */
function isFromNode({ files, tree, owner }: ReleaseDeps, path: string): boolean {
  const { signer, zone } = files.stat(owner, path)
  return equalBytes(signer, owner.id) || isHost(tree, signer, zone)
}

function isHost(tree: TreeState, writer: Id, zone: Id): boolean {
  return tree.explainInside(writer, zone, right.host).allowed
}

/** What to say of one to which the consent does not extend. */
export function otherRelease(name: string, { manifest }: VerifiedPackage): NodeError {
  return new NodeError(
    'ERR_APP_CONSENT',
    `version ${manifest.version} of "${name}" is not what was agreed to on this node: another author's, an older one, or put there by somebody who is no node of this tree; look at it ("app info ${name}", "app grants ${name}") and agree to it ("app start ${name}"), or remove it`
  )
}
