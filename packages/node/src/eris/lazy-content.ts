/** Content by URN, opened when it is first asked for, or at the start when the settings name a listener. */
import type { NodeParts } from '../create-node.ts'
import { NodeError } from '../node-error.ts'
import type { NodeContent } from './node-content.ts'

export interface LazyContent {
  /** ERR_NODE_STOPPING after `close`. */
  get(): Promise<NodeContent>
  close(): Promise<void>
}

export function createLazyContent(parts: () => NodeParts): LazyContent {
  let opened: Promise<NodeContent> | undefined
  let isClosed = false
  const open = async (): Promise<NodeContent> => {
    if (isClosed) throw new NodeError('ERR_NODE_STOPPING', 'the node stops, and answers no blocks any more')
    return await (await import('./node-content.ts')).openNodeContent(parts())
  }
  return {
    get() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined // a store that is away now may be there later
        throw error
      })
      return opened
    },
    async close() {
      isClosed = true
      await (await opened?.catch(() => undefined))?.close()
    }
  }
}
