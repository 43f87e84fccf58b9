/**
 * Making a plain directory a zone of its own, and back (MODEL B.9.6). Zone membership is part of every block's id, so
 * both are a journalled copy below the same parent under new ids, with the content left where it is; a crash goes on by
 * the journal of copies.
 */
import { type Id, blockKind, grantTarget } from '@blocktree/tree'
import type { Actor } from '../actor.ts'
import { type CopyReply, copyTree } from '../cross-zone-copy.ts'
import type { FilesContext } from '../files-context.ts'
import { FilesError } from '../files-error.ts'
import { jobKind } from '../job-journal.ts'
import { resolveName } from '../resolve-path.ts'

export interface ShareOptions {
  /** `removeShare`, and shares inside: end their grants and caps instead of refusing. */
  readonly dropShares?: boolean
  readonly onProgress?: (blocks: number) => void
}

export interface ShareReport {
  /** The new id of the directory; links and caps to the old one lead nowhere. */
  readonly block: Id
  /** Blocks that were made anew, the directory included. */
  readonly blocks: number
  /** Live grants over the directory itself that ended with it. */
  readonly grantsEnded: number
}

/** @throws ERR_SHARE_EXISTS when it is a zone already, ERR_ACCESS_DENIED without `admin` */
export async function createShare(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: ShareOptions = {}
): Promise<ShareReport> {
  return rebuild(context, actor, path, options, true)
}

/** @throws ERR_SHARE_PLAIN when it is none; ERR_ACCESS_DENIED while it has live grants, unless told to drop them */
export async function removeShare(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: ShareOptions = {}
): Promise<ShareReport> {
  return rebuild(context, actor, path, options, false)
}

async function rebuild(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: ShareOptions,
  zoneRoot: boolean
): Promise<ShareReport> {
  const named = resolveName(context, actor, path)
  const place = named.existing
  if (place === undefined) throw new FilesError('ERR_FILE_NOT_FOUND', `there is no "${path}"`, { path })
  if (place.summary.kind !== blockKind.directory) {
    throw new FilesError(
      'ERR_FILE_NOT_DIRECTORY',
      `"${path}" is no directory: a file is shared by a grant of its own`,
      { path }
    )
  }
  if (place.summary.zoneRoot && zoneRoot) {
    throw new FilesError('ERR_SHARE_EXISTS', `"${path}" is a share already: grant access to it`, { path })
  }
  if (!place.summary.zoneRoot && !zoneRoot) {
    throw new FilesError('ERR_SHARE_PLAIN', `"${path}" is a plain directory already`, { path })
  }
  const ended = zoneRoot ? 0 : liveGrantsOf(context, place.block)
  const reply: CopyReply = await copyTree(context, actor, {
    kind: jobKind.move,
    place,
    named,
    options,
    zoneRoot
  })
  return { ...reply, grantsEnded: ended }
}

function liveGrantsOf(context: FilesContext, zone: Id): number {
  return context.tree.liveGrants(zone).filter(({ body }) => body.targetType === grantTarget.zone).length
}
