/** Content by URN, opened when it is first asked for, or at the start when the settings name a listener. */
import type { NodeParts } from '../create-node.ts'
import type { NodeContent } from './node-content.ts'

export interface LazyContent {
  get(): Promise<NodeContent>
  close(): Promise<void>
}

export function createLazyContent(parts: () => NodeParts): LazyContent {
  let opened: Promise<NodeContent> | undefined
  const open = async (): Promise<NodeContent> => (await import('./node-content.ts')).openNodeContent(parts())
  return {
    get() {
      opened ??= open().catch((error: unknown) => {
        opened = undefined // a store that is away now may be there later
        throw error
      })
      return opened
    },
    async close() {
      await (await opened?.catch(() => undefined))?.close()
    }
  }
}
