/**
 * Making all derived rows again from the records of a store (`check --rebuild-index`). The store hands over an empty
 * index; records are taken in the order of its log, in which everything stands behind what it names. Memory stays flat.
 */
import { decodeRecord } from './record.ts'
import type { AnyRecord } from './records.ts'
import type { FollowUp } from './open-change.ts'
import { openStoredTree } from './stored-tree.ts'
import type { RebuildProgress, TreeState, TreeStateOptions } from './tree-state.ts'

const recordsPerChange = 256

/**
 * @param options as for `createTreeState`; without `names` the name index stays empty until `registerName`
 * @returns the tree state over the rebuilt rows
 */
export async function reindex(
  options: TreeStateOptions & {
    readonly signal?: AbortSignal
    readonly onProgress?: (progress: RebuildProgress) => void
  }
): Promise<TreeState> {
  const tree = await openStoredTree(options)
  const followUps: FollowUp[] = []
  let some: { readonly record: AnyRecord }[] = []
  let records = 0
  const flush = async (): Promise<void> => {
    followUps.push(...(await tree.rebuildFrom(some)))
    some = []
    options.onProgress?.({ records })
  }
  for await (const stored of options.store.records()) {
    options.signal?.throwIfAborted()
    some.push({ record: decodeRecord(options.crypto, stored.bytes) })
    records++
    if (some.length >= recordsPerChange) await flush()
  }
  await flush()
  await tree.finishRebuild(followUps)
  return tree
}
