/** Replication, loaded with the first peer: a node that speaks to nobody pays nothing for it. */
import type { NodeParts } from '../create-node.ts'
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

type SyncParts = Pick<NodeParts, 'trees' | 'principals' | 'crypto' | 'clock' | 'log' | 'configuration'>

export function createLazySync(parts: () => SyncParts): LazySync {
  let opened: Promise<NodeSync> | undefined
  let isClosed = false
  const open = async (): Promise<NodeSync> => {
    const { NodeSync: Sync } = await import('./node-sync.ts')
    const { trees, principals, crypto, clock, log, configuration } = parts()
    return new Sync({ trees, principals, crypto, clock, log, settings: configuration.sync })
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
