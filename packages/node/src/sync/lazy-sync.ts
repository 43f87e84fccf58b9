/** Replication, loaded with the first peer: a node that speaks to nobody pays nothing for it. */
import { collectStore } from '../collect-store.ts'
import type { NodeParts } from '../create-node.ts'
import type { HeldTree } from '../hosted-trees.ts'
import { NodeError } from '../node-error.ts'
import type { NodeSync } from './node-sync.ts'

export interface LazySync {
  get(): Promise<NodeSync>
  /** What was loaded; undefined when no peer was ever there. */
  loaded(): Promise<NodeSync | undefined>
  /** A hosted tree is about to be closed and removed. */
  forget(name: string): Promise<void>
  close(): Promise<void>
}

type SyncParts = Pick<
  NodeParts,
  'trees' | 'principals' | 'crypto' | 'clock' | 'log' | 'configuration' | 'bulkWrites'
>

const minimumLive = 0.75 // of a segment that a collection leaves alone: a cache is to be near its size

export function createLazySync(parts: () => SyncParts): LazySync {
  let opened: Promise<NodeSync> | undefined
  let isClosed = false
  const open = async (): Promise<NodeSync> => {
    const { NodeSync: Sync } = await import('./node-sync.ts')
    const { trees, principals, crypto, clock, log, configuration, bulkWrites } = parts()
    const collect = async (held: HeldTree, signal: AbortSignal): Promise<number> => {
      const choice = { minimumLive, dropRemoved: false }
      const report = await collectStore({ bulkWrites, crypto }, held, choice, { signal })
      return report.freedBytes - report.copiedBytes
    }
    return new Sync({ trees, principals, crypto, clock, log, collect, settings: configuration.sync })
  }
  const loaded = async (): Promise<NodeSync | undefined> => await opened?.catch(() => undefined)
  return {
    async get() {
      if (isClosed) throw new NodeError('ERR_NODE_STOPPING', 'the node stops, and replicates no more')
      opened ??= open()
      return await opened
    },
    loaded,
    async forget(name) {
      await (await loaded())?.forget(name)
    },
    async close() {
      isClosed = true
      await (await loaded())?.close()
    }
  }
}
