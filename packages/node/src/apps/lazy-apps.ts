/** The apps of a node, loaded when one is installed or asked about: a node without apps pays nothing for them. */
import { equalBytes } from '@blocktree/codec'
import type { NodeParts } from '../create-node.ts'
import { NodeError } from '../node-error.ts'
import { appPlace, appsDirectory } from './app-place.ts'
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

/**
 * Whether any app runs on this node, or was installed or removed from here: those that only came with the tree from
 * another node cost nothing.
 */
export async function hasOwnApps({
  files,
  principals
}: Pick<NodeParts, 'files' | 'principals'>): Promise<boolean> {
  const { node } = principals
  if (!files.exists(node, appsDirectory)) return false
  let cursor: string | undefined
  do {
    const page = await files.list(node, appsDirectory, cursor === undefined ? {} : { cursor })
    for (const { name, signer } of page.entries) {
      if (equalBytes(signer, node.id)) return true
      if (files.exists(node, `${appPlace(name).nodes}/${node.id.toHex()}`)) return true
    }
    cursor = page.cursor
  } while (cursor !== undefined)
  return false
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
