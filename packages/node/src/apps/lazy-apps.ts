/** The apps of a node, loaded when one is installed or asked about: a node without apps pays nothing for them. */
import type { NodeParts } from '../create-node.ts'
import { NodeError } from '../node-error.ts'
import type { NodeApps } from './node-apps.ts'

export interface LazyApps {
  /** ERR_NODE_STOPPING after `close`. */
  get(): Promise<NodeApps>
  /** What was loaded; undefined when nothing was, or it failed. */
  loaded(): Promise<NodeApps | undefined>
  /** Why none can run; undefined when nothing failed. */
  failure(): Promise<unknown>
  close(): Promise<void>
}

export function createLazyApps(parts: () => NodeParts): LazyApps {
  let opened: Promise<NodeApps> | undefined
  let isClosed = false
  const open = async (): Promise<NodeApps> => {
    if (isClosed) throw new NodeError('ERR_NODE_STOPPING', 'the node stops, and its apps with it')
    return await (await import('./node-apps.ts')).openNodeApps(parts())
  }
  const loaded = async (): Promise<NodeApps | undefined> => await opened?.catch(() => undefined)
  return {
    get: () => (opened ??= open()),
    loaded,
    async failure() {
      try {
        await opened
        return undefined
      } catch (error) {
        return error
      }
    },
    async close() {
      isClosed = true
      await (await loaded())?.close()
    }
  }
}
