/** The apps of a node, loaded when one is installed or asked about: a node without apps pays nothing for them. */
import type { NodeParts } from '../create-node.ts'
import type { NodeApps } from './node-apps.ts'

export interface LazyApps {
  get(): Promise<NodeApps>
  /** What was loaded; undefined when nothing was, or it failed. */
  loaded(): Promise<NodeApps | undefined>
  /** Why none can run; undefined when nothing failed. */
  failure(): Promise<unknown>
  close(): Promise<void>
}

export function createLazyApps(parts: () => NodeParts): LazyApps {
  let opened: Promise<NodeApps> | undefined
  const loaded = async (): Promise<NodeApps | undefined> => await opened?.catch(() => undefined)
  return {
    get: () => (opened ??= import('./node-apps.ts').then(({ openNodeApps }) => openNodeApps(parts()))),
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
      await (await loaded())?.close()
    }
  }
}
