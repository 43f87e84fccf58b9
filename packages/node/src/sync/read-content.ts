/**
 * Reading content that may be kept by other nodes alone: fetched first, held while it is read, and said to be elsewhere
 * when nobody gives it.
 */
import { FilesError } from '@blocktree/files'
import type { ByteRange } from '@blocktree/sync'
import { type Id, listReferences } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import { NodeError } from '../node-error.ts'
import type { LazySync } from './lazy-sync.ts'

/**
 * @param version is asked only where nodes replicate
 * @param range the bytes that are read, fetched alone where the rest is elsewhere; all when left out
 * @throws ERR_FILE_ELSEWHERE, what `version` and `read` throw
 */
export async function withContent<Result>(
  sync: Pick<LazySync, 'loaded'>,
  held: HeldTree,
  version: () => Id,
  signal: AbortSignal,
  read: () => Promise<Result> | Result,
  range?: ByteRange
): Promise<Result> {
  const replication = await sync.loaded()
  const release = await replication?.ensureContent(held, version(), signal, range)
  try {
    return await read()
  } catch (error) {
    const isDamaged = error instanceof FilesError && error.code === 'ERR_FILE_DAMAGED'
    if (isDamaged && replication?.hasPeers !== true && isAbsent(held, version())) throw fileElsewhere([])
    throw error
  } finally {
    release?.()
  }
}

/** @param asked names of the nodes that were asked */
export function fileElsewhere(asked: readonly string[]): NodeError {
  const who =
    asked.length === 0
      ? 'no node that may have it is connected'
      : `${asked.join(', ')} ${asked.length === 1 ? 'was' : 'were'} asked and did not give it`
  return new NodeError(
    'ERR_FILE_ELSEWHERE',
    `the content is kept by other nodes of the tree: ${who}; see "blocktree sync status"`
  )
}

/** A part of it is not stored here at all; one that is damaged is another matter. */
function isAbsent({ store, tree }: Pick<HeldTree, 'store' | 'tree'>, version: Id): boolean {
  const payload = tree.header(version)?.body.payload
  if (payload === undefined) return false
  try {
    const parts = listReferences(payload, (id) => store.readSector(id), { onMissing: () => undefined })
    return parts.some(({ hash }) => !store.hasSector(hash))
  } catch {
    return false
  }
}
