/** The functions behind the method table, area by area. */
import type { Handlers } from '@blocktree/rpc'
import type { NodeParts } from '../create-node.ts'
import type { NodeMethods } from '../method-table.ts'
import type { Peer } from '../peer.ts'
import { createAppHandlers } from './app-methods.ts'
import { createClusterHandlers } from './cluster-methods.ts'
import { createContentHandlers } from './content-methods.ts'
import { createFileHandlers } from './file-methods.ts'
import { createLockHandlers } from './lock-methods.ts'
import { createProcessHandlers } from './node-methods.ts'
import { createPrincipalHandlers } from './principal-methods.ts'
import { createSharingHandlers } from './sharing-methods.ts'
import { createStoreHandlers } from './store-methods.ts'
import { createSyncHandlers } from './sync-methods.ts'
import { createTreeHandlers } from './tree-methods.ts'

export function createHandlers(parts: NodeParts): Handlers<NodeMethods, Peer> {
  return {
    ...createProcessHandlers(parts),
    ...createFileHandlers(parts),
    ...createPrincipalHandlers(parts),
    ...createSharingHandlers(parts),
    ...createStoreHandlers(parts),
    ...createSyncHandlers(parts),
    ...createTreeHandlers(parts),
    ...createAppHandlers(parts),
    ...createClusterHandlers(parts),
    ...createContentHandlers(parts),
    ...createLockHandlers(parts)
  }
}
