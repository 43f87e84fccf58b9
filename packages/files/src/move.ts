/**
 * Moving and renaming. Inside a zone it is one new header, whatever lies below; across zones the blocks are born again
 * in the target (./cross-zone-copy.ts), because membership of a zone never changes (MODEL B.9.1, B.9.6).
 */
import { equalBytes } from '@blocktree/codec'
import { type Id, blockKind, blockState } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { copyTree } from './cross-zone-copy.ts'
import { checkExpectation } from './expectation.ts'
import { type FilesContext, zoneOfChildren } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { jobKind } from './job-journal.ts'
import { pathDepthMax } from './limits.ts'
import { existingPlace } from './remove.ts'
import { type NamedPlace, type Place, resolveName } from './resolve-path.ts'
import { type WriteOptions, commitWrite, locateOrFail } from './write-file.ts'
import { makeVersion } from './write-version.ts'

export interface MoveOptions extends Pick<WriteOptions, 'durability' | 'ifVersion'> {
  /** Remove what has the target name (a file, a link or an empty directory) in the same step; else ERR_FILE_EXISTS. */
  readonly replace?: boolean
  /** Across zones: shared folders inside lose their readers and writers; else ERR_ACCESS_DENIED names the first. */
  readonly dropShares?: boolean
  readonly onProgress?: (blocks: number) => void
}

export interface MoveReply {
  /** The id at the target: another one when a zone was left. */
  readonly block: Id
  readonly crossedZone: boolean
  readonly blocks: number
}

export interface CopyOptions extends MoveOptions {}

/** @throws ERR_FILE_EXISTS, ERR_DIRECTORY_INTO_ITSELF, ERR_DIRECTORY_NOT_EMPTY, ERR_FILE_CHANGED and what a path throws */
export async function move(
  context: FilesContext,
  actor: Actor,
  source: string,
  target: string,
  options: MoveOptions = {}
): Promise<MoveReply> {
  const place = existingPlace(context, actor, source)
  const located = locateOrFail(context, place, source)
  checkExpectation(located, options.ifVersion, source)
  const named = resolveName(context, actor, target)
  const isSelf = named.existing !== undefined && equalBytes(named.existing.block, place.block)
  if (isSelf) return { block: place.block, crossedZone: false, blocks: 0 }
  checkNotInside(context, place, named, source)
  const replaced = checkReplaced(context, place, named, options.replace ?? false)
  if (!equalBytes(zoneOfChildren(named.directory.summary), place.summary.zone)) {
    const reply = await copyTree(context, actor, { kind: jobKind.move, place, named, options })
    return { ...reply, crossedZone: true }
  }
  const next = makeVersion(
    context,
    actor,
    located,
    { name: named.name, parent: named.directory.block },
    source
  )
  const records =
    replaced === undefined
      ? next.records
      : [
          makeVersion(
            context,
            actor,
            locateOrFail(context, replaced, target),
            { state: blockState.deleted },
            target
          ).local,
          ...next.records
        ]
  return commitWrite(context, records, [], options, { block: place.block, crossedZone: false, blocks: 1 })
}

/** New blocks with the same content: sectors are shared, none is read or written inside private zones. */
export async function copy(
  context: FilesContext,
  actor: Actor,
  source: string,
  target: string,
  options: CopyOptions = {}
): Promise<MoveReply> {
  const place = existingPlace(context, actor, source)
  checkExpectation(locateOrFail(context, place, source), options.ifVersion, source)
  const named = resolveName(context, actor, target)
  if (named.existing !== undefined && equalBytes(named.existing.block, place.block)) {
    throw new FilesError('ERR_FILE_EXISTS', `"${target}" is "${source}" itself: choose another name`, {
      path: target
    })
  }
  checkNotInside(context, place, named, source)
  checkReplaced(context, place, named, options.replace ?? false)
  const reply = await copyTree(context, actor, {
    kind: jobKind.copy,
    place,
    named,
    options: { ...options, dropShares: true }
  })
  const crossedZone = !equalBytes(zoneOfChildren(named.directory.summary), place.summary.zone)
  return { ...reply, crossedZone }
}

/** A directory cannot go below itself. */
function checkNotInside(context: FilesContext, place: Place, named: NamedPlace, source: string): void {
  let at: Id | undefined = named.directory.block
  for (let depth = 0; at !== undefined && depth <= pathDepthMax; depth++) {
    if (equalBytes(at, place.block)) {
      throw new FilesError(
        'ERR_DIRECTORY_INTO_ITSELF',
        `"${source}" cannot go to "${named.path}", which lies inside it`,
        { path: source }
      )
    }
    at = context.tree.blockSummary(at)?.shownParent
  }
}

/** What has the target name and may be replaced; as rename(2), a directory only by a directory and only when empty. */
function checkReplaced(
  context: FilesContext,
  place: Place,
  named: NamedPlace,
  replace: boolean
): Place | undefined {
  const { existing, path } = named
  if (existing === undefined) return undefined
  if (!replace) {
    throw new FilesError(
      'ERR_FILE_EXISTS',
      `"${path}" exists: replace it explicitly or choose another name`,
      { path }
    )
  }
  const isDirectory = existing.summary.kind === blockKind.directory
  if (isDirectory !== (place.summary.kind === blockKind.directory)) {
    const code = isDirectory ? 'ERR_FILE_IS_DIRECTORY' : 'ERR_FILE_NOT_DIRECTORY'
    throw new FilesError(code, `"${path}": a directory and a file do not replace each other`, { path })
  }
  if (isDirectory && context.tree.childCount(existing.block) > 0) {
    throw new FilesError('ERR_DIRECTORY_NOT_EMPTY', `"${path}" is not empty: remove it first`, { path })
  }
  return existing
}
