/** The main thread's part of a bulk creation: what a batch may be built for, and its commit with the names checked. */
import { equalBytes } from '@blocktree/codec'
import { type Id, type LocalRecord, type StoredSector, blockKind, isValidName, right } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import type { BulkTarget, PreparedFile } from './build-file.ts'
import { type FilesContext, isPublicZone, zoneOfChildren } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { preparedMax } from './limits.ts'
import { placeOf, resolveDirectory } from './resolve-path.ts'
import type { WriteOptions } from './write-file.ts'
import { capFor, localRecord, treeId, writeKeyFor } from './write-version.ts'

export interface PreparedOutcome {
  readonly name: string
  readonly block: Id
  /** `exists`: the name was taken meanwhile, nothing of this file was stored. */
  readonly outcome: 'committed' | 'exists'
}

/** What workers need to build files for this directory; valid until the zone's epoch or the actor's caps change. */
export function bulkTarget(context: FilesContext, actor: Actor, path: string): BulkTarget {
  const directory = resolveDirectory(context, actor, path)
  const zone = zoneOfChildren(directory.summary)
  return {
    tree: treeId(context),
    directory: directory.block,
    zone,
    isPublic: isPublicZone(context, zone),
    cap: capFor(actor, { home: zone, block: undefined }, right.create, path),
    writeKey: writeKeyFor(context, actor, zone, path)
  }
}

/**
 * Commits files that were built for `target`, all in one batch.
 * @throws ERR_BATCH_INVALID when they were built for another place, signer or epoch: build them again
 */
export async function commitPrepared(
  context: FilesContext,
  actor: Actor,
  target: BulkTarget,
  prepared: readonly PreparedFile[],
  options: Pick<WriteOptions, 'durability'> = {}
): Promise<readonly PreparedOutcome[]> {
  checkTarget(context, actor, target, prepared)
  const records: LocalRecord[] = []
  const sectors: StoredSector[] = []
  const names = new Set<string>()
  const outcomes = prepared.map((file): PreparedOutcome => {
    const isTaken =
      names.has(file.name) ||
      context.tree.findByName(target.directory, context.names.keyOf(target.zone, file.name)).length > 0
    if (!isTaken) {
      names.add(file.name)
      records.push(localRecord(file.header, file.inline, file.nameKey))
      for (const sector of file.sectors) sectors.push(sector)
    }
    return { name: file.name, block: file.block, outcome: isTaken ? 'exists' : 'committed' }
  })
  if (records.length > 0) {
    await context.tree.commitLocal(
      { records, sectors },
      { durability: options.durability ?? context.durability }
    )
  }
  return outcomes
}

function checkTarget(
  context: FilesContext,
  actor: Actor,
  target: BulkTarget,
  prepared: readonly PreparedFile[]
): void {
  if (prepared.length > preparedMax) {
    throw new FilesError(
      'ERR_BATCH_INVALID',
      `a batch of ${prepared.length} files is larger than ${preparedMax}: split it`
    )
  }
  const directory = placeOf(context, target.directory)
  if (directory === undefined || directory.summary.kind !== blockKind.directory) {
    throw new FilesError('ERR_FILE_NOT_FOUND', 'the directory of a batch was removed: make it again')
  }
  const epoch = target.isPublic ? undefined : actor.writeKey(target.zone)?.epoch
  if (!isSame(epoch, target.writeKey.epoch)) {
    throw new FilesError(
      'ERR_BATCH_INVALID',
      'the key of the zone was changed since a batch was built: build it again'
    )
  }
  for (const { header, name } of prepared) {
    const { parent } = header.body
    const fits =
      parent !== undefined &&
      equalBytes(parent, target.directory) &&
      equalBytes(header.signer, actor.id) &&
      isSame(header.body.epoch, epoch) &&
      isValidName(name)
    if (!fits)
      throw new FilesError(
        'ERR_BATCH_INVALID',
        `"${name}" was not built for this directory, actor and epoch: build it again`
      )
  }
}

function isSame(left: Id | undefined, right: Id | undefined): boolean {
  return left === undefined || right === undefined ? left === right : equalBytes(left, right)
}
