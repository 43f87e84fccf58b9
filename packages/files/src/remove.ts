/**
 * Removing: a tombstone for each block, children before their directory, in bounded batches (MODEL B.9.4). A removal
 * of a whole directory is journalled; what a crash leaves is a smaller directory, and the job goes on later.
 */
import { type Id, blockKind, blockState } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { CommitBatch } from './commit-batch.ts'
import { checkExpectation } from './expectation.ts'
import { type FilesContext, locate } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { type Job, jobDoneRow, jobKind, jobRow, newJob } from './job-journal.ts'
import { type Place, resolveName } from './resolve-path.ts'
import { walkTree } from './walk-tree.ts'
import { type WriteOptions, commitWrite, locateOrFail } from './write-file.ts'
import { makeVersion } from './write-version.ts'

export interface RemoveOptions extends Pick<WriteOptions, 'durability' | 'ifVersion'> {
  /** Also what is in the directory; else ERR_DIRECTORY_NOT_EMPTY. */
  readonly recursive?: boolean
  readonly onProgress?: (removed: number) => void
}

export interface RemoveReply {
  readonly removed: number
}

/** @throws ERR_FILE_NOT_FOUND, ERR_DIRECTORY_NOT_EMPTY, ERR_FILE_CHANGED, ERR_ROOT_IMMUTABLE */
export async function remove(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: RemoveOptions = {}
): Promise<RemoveReply> {
  const place = existingPlace(context, actor, path)
  const located = locateOrFail(context, place, path)
  checkExpectation(located, options.ifVersion, path)
  const isFilled = place.summary.kind === blockKind.directory && context.tree.childCount(place.block) > 0
  if (!isFilled) {
    const { local } = makeVersion(context, actor, located, { state: blockState.deleted }, path)
    return commitWrite(context, [local], [], options, { removed: 1 })
  }
  if (options.recursive !== true) {
    throw new FilesError(
      'ERR_DIRECTORY_NOT_EMPTY',
      `"${path}" is not empty: remove it with everything in it`,
      { path }
    )
  }
  const job = newJob(context, {
    kind: jobKind.remove,
    source: place.block,
    target: place.block,
    arrivalName: '',
    finalName: '',
    zoneRoot: false,
    actor: actor.id
  })
  return runRemoval(context, actor, job, path, options.onProgress)
}

/** Does, or goes on with, a journalled removal. */
export async function runRemoval(
  context: FilesContext,
  actor: Actor,
  job: Job,
  path: string,
  onProgress?: (removed: number) => void
): Promise<RemoveReply> {
  const batch = new CommitBatch(context)
  batch.addLocal(jobRow(job))
  await walkTree(context, job.source, true, {
    enter: () => true,
    leave: async (block) => {
      addTombstone(context, actor, batch, block, path)
      if (!batch.isFull) return
      await batch.commit()
      onProgress?.(batch.count)
    }
  })
  batch.addLocal(jobDoneRow(job))
  await batch.commit()
  return { removed: batch.count }
}

function addTombstone(
  context: FilesContext,
  actor: Actor,
  batch: CommitBatch,
  block: Id,
  path: string
): void {
  const located = locate(context, block)
  // a revived directory has its tombstone already
  if (located === undefined || located.summary.deleted) return
  batch.add(makeVersion(context, actor, located, { state: blockState.deleted }, path).local)
}

/** What `path` names itself, links not followed; ERR_FILE_NOT_FOUND, ERR_ROOT_IMMUTABLE. */
export function existingPlace(context: FilesContext, actor: Actor, path: string): Place {
  const named = resolveName(context, actor, path)
  if (named.existing !== undefined) return named.existing
  throw new FilesError('ERR_FILE_NOT_FOUND', `"${path}": there is no "${named.name}"`, { path })
}
