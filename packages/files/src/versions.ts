/** History of a block, going back to one of its versions, and bringing back what was removed (MODEL B.10). */
import { equalBytes, formatId } from '@blocktree/codec'
import { type HistoryEntry, type Id, TreeError, blockState, listReferences } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { checkExpectation } from './expectation.ts'
import { type FilesContext, type Located, accessDenied, locate, openFor } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { heldVersion } from './held-version.ts'
import { historyMax } from './limits.ts'
import { resolveName, resolvePath } from './resolve-path.ts'
import { sectorSource } from './content.ts'
import { type WriteOptions, type WriteReply, commitWrite, locateOrFail } from './write-file.ts'
import { makeVersion, openOrDeny } from './write-version.ts'

const tombstonePage = 1000

export interface VersionInfo {
  readonly versionId: Id
  /** Effective version; undefined when not in line. */
  readonly version: number | undefined
  readonly label: HistoryEntry['label']
  readonly deleted: boolean
  readonly signer: Id
  /** Of the sealed part: undefined when not readable. */
  readonly name: string | undefined
  readonly size: number | undefined
  readonly modifiedMs: number | undefined
  /** False when its content is no longer stored. */
  readonly restorable: boolean
}

/** Newest first; of a removed block by its id. */
export async function history(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: { readonly block?: Id; readonly limit?: number } = {}
): Promise<readonly VersionInfo[]> {
  const block = options.block ?? resolvePath(context, actor, path, { followLast: false }).block
  const limit = Math.min(options.limit ?? historyMax, historyMax)
  const versions: VersionInfo[] = []
  for await (const entry of context.tree.history(block)) {
    versions.push(describeVersion(context, actor, entry))
    if (versions.length >= limit) break
  }
  // who opens none of them learns nothing of them either
  if (versions.length > 0 && versions.every(({ name }) => name === undefined)) throw accessDenied(path)
  return versions
}

function describeVersion(
  context: FilesContext,
  actor: Actor,
  { header, label, version }: HistoryEntry
): VersionInfo {
  const opened = openFor(context, actor, header)
  const deleted = header.body.state === blockState.deleted
  return {
    versionId: header.id,
    version,
    label,
    deleted,
    signer: header.signer,
    name: opened?.name,
    size: opened?.size,
    modifiedMs: opened?.metadata.modifiedMs,
    restorable: opened !== undefined && !deleted && hasContent(context, header)
  }
}

/** A new version with the content and metadata of a former one; name and place stay. */
export async function restoreVersion(
  context: FilesContext,
  actor: Actor,
  path: string,
  version: Id,
  options: WriteOptions = {}
): Promise<WriteReply> {
  const place = resolvePath(context, actor, path, { followLast: false })
  const located = locateOrFail(context, place, path)
  checkExpectation(located, options.ifVersion, path)
  return commitRestored(context, actor, { located, version, path }, options)
}

/**
 * Brings back what was removed under its name, or under `as` when that is taken.
 * @param options.block which of several removed blocks; without it the one removed last
 * @throws ERR_FILE_NOT_FOUND, ERR_FILE_EXISTS
 */
export async function undelete(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: Pick<WriteOptions, 'durability'> & { readonly block?: Id } = {}
): Promise<WriteReply> {
  const named = resolveName(context, actor, path)
  if (named.existing !== undefined) {
    throw new FilesError('ERR_FILE_EXISTS', `"${path}" exists: give the removed one another name`, { path })
  }
  const removed =
    options.block === undefined
      ? await lastRemoved(context, actor, named.directory.block, named.name)
      : removedBlock(context, named.directory.block, options.block)
  if (removed === undefined) {
    throw new FilesError('ERR_FILE_NOT_FOUND', `"${path}": nothing of this name was removed here`, { path })
  }
  const version = await lastLiveVersion(context, removed, path)
  // between the look-ups somebody may have taken the name
  if (resolveName(context, actor, path).existing !== undefined) {
    throw new FilesError('ERR_FILE_EXISTS', `"${path}" exists: give the removed one another name`, { path })
  }
  return commitRestored(context, actor, { located: removed, version, path, name: named.name }, options)
}

/** Blocks removed from a directory, with the names they had; in block-id order. */
export async function* removedBlocks(
  context: FilesContext,
  actor: Actor,
  path: string
): AsyncIterable<{ readonly block: Id; readonly name: string | undefined }> {
  const directory = resolvePath(context, actor, path)
  for await (const located of tombstones(context, directory.block)) {
    yield { block: located.summary.block, name: openFor(context, actor, located.header)?.name }
  }
}

function commitRestored(
  context: FilesContext,
  actor: Actor,
  restored: {
    readonly located: Located
    readonly version: Id
    readonly path: string
    readonly name?: string
  },
  options: Pick<WriteOptions, 'durability'>
): Promise<WriteReply> {
  const { located, version, path, name } = restored
  const from = heldVersion(context, located.summary.block, version, path)
  if (from.body.state === blockState.deleted) {
    throw new FilesError(
      'ERR_VERSION_NOT_FOUND',
      `"${path}": version ${formatId(version)} is the removal: choose one before it`,
      { path }
    )
  }
  if (!hasWholeContent(context, from)) {
    throw new FilesError(
      'ERR_VERSION_PRUNED',
      `"${path}": the content of version ${formatId(version)} is no longer stored`,
      { path }
    )
  }
  const former = openOrDeny(context, actor, from, path)
  const current = openOrDeny(context, actor, located.header, path)
  const next = makeVersion(
    context,
    actor,
    located,
    { from, metadata: former.metadata, name: name ?? current.name },
    path
  )
  return commitWrite(context, next.records, [], options, {
    block: located.summary.block,
    versionId: next.header.id,
    size: next.opened.size,
    exposed: context.exposure.of(next.header.body.epoch)
  })
}

async function lastRemoved(
  context: FilesContext,
  actor: Actor,
  directory: Id,
  name: string
): Promise<Located | undefined> {
  let best: Located | undefined
  for await (const located of tombstones(context, directory)) {
    const opened = openFor(context, actor, located.header)
    if (opened?.name !== name) continue
    // moved to another zone: the block lives on there
    if (opened.ext.some(({ code }) => code === 1)) continue
    if (best === undefined || located.version > best.version) best = located
  }
  return best
}

async function* tombstones(context: FilesContext, directory: Id): AsyncIterable<Located> {
  let after: Id | undefined
  for (;;) {
    let seen = 0
    for await (const block of context.tree.removedChildren(directory, {
      limit: tombstonePage,
      ...(after && { after })
    })) {
      seen++
      after = block
      const located = removedBlock(context, directory, block)
      if (located !== undefined) yield located
    }
    if (seen < tombstonePage) return
  }
}

function removedBlock(context: FilesContext, directory: Id, block: Id): Located | undefined {
  const located = locate(context, block)
  if (located === undefined || !located.summary.deleted || located.summary.parent === undefined)
    return undefined
  return equalBytes(located.summary.parent, directory) ? located : undefined
}

async function lastLiveVersion(context: FilesContext, removed: Located, path: string): Promise<Id> {
  for await (const { header, label } of context.tree.history(removed.summary.block)) {
    const counts = label === 'ancestor' || label === 'adopted'
    if (counts && header.body.state === blockState.live) return header.id
  }
  throw new FilesError('ERR_VERSION_PRUNED', `"${path}": no version from before the removal is held`, {
    path
  })
}

/**
 * True when every part of the payload is still there. A collection keeps or drops whole segments, so the root may be
 * left where sectors below it are gone; and each part that is asked for is kept by a collection that is under way.
 */
function hasWholeContent(context: FilesContext, header: Located['header']): boolean {
  const { payload } = header.body
  if (payload === undefined || context.tree.inlineOf(header.id) !== undefined) return true
  const readSector = sectorSource(context, header)
  try {
    for (const { hash, level } of listReferences(payload, readSector))
      if (level === 0 && !context.store.hasSector(hash)) return false
    return true
  } catch (error) {
    if (error instanceof TreeError) return false // a node that is gone, or no node at all
    throw error
  }
}

/** True when the root of the payload is still there; holes need nothing. */
function hasContent(context: FilesContext, header: Located['header']): boolean {
  const { payload } = header.body
  if (payload === undefined || payload.rootHash.every((byte) => byte === 0)) return true
  if (context.store.hasSector(payload.rootHash)) return true
  return sectorSource(context, header)(payload.rootHash) !== undefined
}
