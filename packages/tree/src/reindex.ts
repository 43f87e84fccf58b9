/**
 * Making all derived rows again from the records of a store (`check --rebuild-index`). The store hands over an empty
 * index. Its log may have old records behind newer ones that rest on them: whatever headers are judged by (authority
 * records, births of zones) is taken in a first pass, headers in a second. Memory stays flat.
 */
import { decodeRecord } from './record.ts'
import type { AnyRecord } from './records.ts'
import type { FollowUp } from './open-change.ts'
import type { IndexRow } from './ports.ts'
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
    /** The first pass alone: for callers that hand records over in parts. */
    readonly authorityOnly?: boolean
    /** Rows that the log of the store has behind these records, beside none: ./logged-rows.ts. */
    readonly rows?: readonly IndexRow[]
    readonly onProgress?: (progress: RebuildProgress) => void
  }
): Promise<TreeState> {
  const tree = await openStoredTree(options)
  const followUps: FollowUp[] = []
  const passes =
    options.authorityOnly === true ? (['authority'] as const) : (['authority', 'headers'] as const)
  for (const pass of passes) {
    for await (const some of recordsInChunks(options)) followUps.push(...(await tree.rebuildFrom(some, pass)))
  }
  // without headers there is nothing to evaluate yet: their journal rows are taken up with the headers
  if (options.authorityOnly !== true) await tree.finishRebuild(followUps)
  if (options.rows !== undefined && options.rows.length > 0) await tree.replayRows(options.rows)
  return tree
}

async function* recordsInChunks(
  options: Parameters<typeof reindex>[0]
): AsyncGenerator<readonly { readonly record: AnyRecord }[]> {
  let some: { readonly record: AnyRecord }[] = []
  let records = 0
  for await (const stored of options.store.records()) {
    options.signal?.throwIfAborted()
    some.push({ record: decodeRecord(options.crypto, stored.bytes) })
    records++
    if (some.length < recordsPerChange) continue
    yield some
    some = []
    options.onProgress?.({ records })
  }
  if (some.length > 0) yield some
  options.onProgress?.({ records })
}
