/** What a path means when access to it is given: a zone as a whole, or one block. */
import { type Id, blockKind } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { type Place, resolvePath } from '../resolve-path.ts'

export type ShareTarget =
  | { readonly type: 'zone'; readonly zone: Id; readonly place: Place }
  | { readonly type: 'block'; readonly block: Id; readonly home: Id; readonly place: Place }

/** @throws ERR_SHARE_PLAIN for a directory that is no zone, and what a path throws */
export function shareTarget(context: FilesContext, actor: Actor, path: string): ShareTarget {
  const place = resolvePath(context, actor, path)
  const { block, summary } = place
  if (summary.zoneRoot) return { type: 'zone', zone: block, place }
  if (summary.kind === blockKind.directory) {
    throw new FilesError('ERR_SHARE_PLAIN', `"${path}" is a plain directory: make it a share first`, { path })
  }
  return { type: 'block', block, home: summary.zone, place }
}
