/** Content that apps read: fetched first where other nodes keep it, and here for as long as it is read. */
import type { Id } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'

export interface AppContent {
  /** @returns what ends that. @throws ERR_FILE_ELSEWHERE */
  hold(version: Id): Promise<() => void>
}

export function createAppContent({ sync, trees }: Pick<NodeParts, 'sync' | 'trees'>): AppContent {
  const never = new AbortController().signal // it waits its own time
  return {
    async hold(version) {
      const replication = await sync.loaded()
      return (await replication?.ensureContent(trees.own, version, never)) ?? (() => undefined)
    }
  }
}
