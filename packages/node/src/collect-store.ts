/** A collection of garbage in the store of one tree: what no version names, or other nodes keep, is given up. */
import type { CollectionReport } from '@blocktree/store'
import type { NodeParts } from './create-node.ts'
import type { HeldTree } from './hosted-trees.ts'

export interface CollectionChoice {
  /** Share of a segment that must be live for it to be left alone. */
  readonly minimumLive: number
  /** Content of removed files goes too. */
  readonly dropRemoved: boolean
}

export interface CollectionControl {
  readonly signal: AbortSignal
  readonly onProgress?: (done: { readonly segments: number; readonly ofSegments: number }) => void
}

/** Mark while writes go on, wait until no long write is under way, then let the store sweep. */
export async function collectStore(
  { bulkWrites, crypto }: Pick<NodeParts, 'bulkWrites' | 'crypto'>,
  { store, tree }: Pick<HeldTree, 'store' | 'tree'>,
  { minimumLive, dropRemoved }: CollectionChoice,
  control: CollectionControl
): Promise<CollectionReport> {
  const { markLiveSectors } = await import('./live-sectors.ts')
  const { signal } = control
  const live = await markLiveSectors({ store, tree, crypto }, { signal, dropRemoved })
  try {
    await bulkWrites.idle()
    return await store.collect(live.ids(), { minimumLive, ...control })
  } finally {
    live.close()
  }
}
