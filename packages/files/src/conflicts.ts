/** Conflicts: blocks with more than one head, or with versions that wait, came late or were quarantined. */
import { equalBytes } from '@blocktree/codec'
import { type BlockLabels, type Id, limits } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import { type Entry, entryOf } from './entry.ts'
import { checkExpectation } from './expectation.ts'
import type { FilesContext } from './files-context.ts'
import { FilesError } from './files-error.ts'
import { heldVersion } from './held-version.ts'
import { conflictsMax } from './limits.ts'
import { pathOfBlock } from './path-of-block.ts'
import { resolvePath } from './resolve-path.ts'
import { besideOf, formerPath } from './unshown-conflict.ts'
import { type WriteOptions, type WriteReply, commitWrite, locateOrFail } from './write-file.ts'
import { makeVersion, openOrDeny } from './write-version.ts'

export interface Conflict {
  readonly block: Id
  /** undefined when nothing of the block is shown: it was removed for good while somebody wrote in it, say. */
  readonly entry: Entry | undefined
  /** undefined when a directory on the way cannot be named. Of what is not shown: where it was. */
  readonly path: string | undefined
  /** Best first: the first is shown. Of what is not shown: the versions that wait. */
  readonly heads: readonly Id[]
  readonly labels: BlockLabels
}

/** In block-id order; what the actor cannot read is listed without a name. */
export async function conflicts(
  context: FilesContext,
  actor: Actor,
  options: { readonly after?: Id; readonly limit?: number } = {}
): Promise<readonly Conflict[]> {
  const limit = Math.min(options.limit ?? 1000, conflictsMax)
  const found: Conflict[] = []
  for await (const state of context.tree.conflicts({
    limit,
    ...(options.after && { after: options.after })
  })) {
    const { block, labels } = state
    const entry = entryOf(context, actor, block)
    if (entry === undefined) found.push(unshown(context, actor, block, labels))
    else {
      const path = pathOfBlock(context, actor, block)
      found.push({ block, entry, path, heads: state.heads.map(({ id }) => id), labels })
    }
  }
  return found
}

function unshown(context: FilesContext, actor: Actor, block: Id, labels: BlockLabels): Conflict {
  const heads = besideOf(context, block)
  const newest = heads[0] === undefined ? undefined : context.tree.header(heads[0])
  const path = newest === undefined ? undefined : formerPath(context, actor, newest)
  return { block, entry: undefined, path, heads, labels }
}

/**
 * Ends a conflict: a new version that names all heads, with the content of the one that is kept.
 * @param keep a head, or any held version (also one in quarantine, which is taken over); default what is shown
 * @param drop settles versions that wait, are late or in quarantine too: they become history of what is kept. Default false
 */
export async function resolveConflict(
  context: FilesContext,
  actor: Actor,
  path: string,
  options: WriteOptions & { readonly keep?: Id; readonly drop?: boolean } = {}
): Promise<WriteReply> {
  const place = resolvePath(context, actor, path, { followLast: false })
  const located = locateOrFail(context, place, path)
  checkExpectation(located, options.ifVersion, path)
  const { heads } = located.summary
  const keep = options.keep ?? located.header.id
  const isHead = heads.some(({ id }) => equalBytes(id, keep))
  const dropped = options.drop === true ? besideOf(context, place.block, keep) : []
  if (heads.length < 2 && dropped.length === 0 && (isHead || !located.summary.conflict)) {
    throw new FilesError('ERR_CONFLICT_NONE', `"${path}" has no conflict`, { path })
  }
  const from = heldVersion(context, place.block, keep, path)
  const kept = openOrDeny(context, actor, from, path)
  const named = [...heads.map(({ id }) => id), ...(isHead ? [] : [keep])]
  const settles = [...named, ...dropped.slice(0, limits.previousMax - named.length)]
  const change = { from, metadata: kept.metadata, name: kept.name, settles }
  const next = makeVersion(context, actor, located, change, path)
  return commitWrite(context, next.records, [], options, {
    block: place.block,
    versionId: next.header.id,
    size: next.opened.size,
    exposed: context.exposure.of(next.header.body.epoch)
  })
}
