/** The cluster of a node, loaded when it has one: a node alone pays nothing for it, and nothing of it listens. */
import type { NodeParts } from '../create-node.ts'
import { NodeError, reasonOf } from '../node-error.ts'
import { hasAddresses, hasInvitations } from './cluster-rows.ts'
import type { NodeCluster } from './node-cluster.ts'

export interface LazyCluster {
  /** Opens it when it is not open. @throws ERR_NETWORK_OFF, and what keeps it from listening */
  get(): Promise<NodeCluster>
  /** What is open; undefined when nothing is, or it failed. */
  loaded(): Promise<NodeCluster | undefined>
  /** Opens it when there are members of a tree kept here, somebody was invited, or others have been here. */
  start(): Promise<void>
  close(): Promise<void>
}

export function createLazyCluster(parts: () => NodeParts): LazyCluster {
  let opened: Promise<NodeCluster> | undefined
  let isClosed = false
  const loaded = async (): Promise<NodeCluster | undefined> => await opened?.catch(() => undefined)

  async function open(): Promise<NodeCluster> {
    const { openNodeCluster } = await import('./node-cluster.ts')
    const cluster = await openNodeCluster(parts())
    await parts().coordinator.attach(cluster)
    return cluster
  }

  /** Who may do what in a tree is known once it is open. */
  async function openHosted(): Promise<void> {
    const { trees, log } = parts()
    for (const name of trees.hosted.names) {
      if (isClosed) return
      try {
        await trees.hosted.open(name)
      } catch (error) {
        log.warn('a hosted tree cannot be opened', { tree: name, reason: reasonOf(error) })
      }
    }
  }

  async function get(): Promise<NodeCluster> {
    if (isClosed) throw new NodeError('ERR_NODE_STOPPING', 'the node stops and leaves the network')
    opened ??= open()
    try {
      return await opened
    } catch (error) {
      opened = undefined // what kept it may be gone at the next try
      throw error
    }
  }

  return {
    get,
    loaded,
    async start() {
      const { configuration, standing, store, log } = parts()
      if (!configuration.network.enabled || isClosed) return
      try {
        await openHosted()
        const isAlone = standing.members().length === 0
        if (isAlone && !(await hasInvitations(store)) && !(await hasAddresses(store))) return
        await get()
      } catch (error) {
        if (isClosed) return // what it asked was closed meanwhile
        log.error('the node cannot take part in the network', { reason: reasonOf(error) })
      }
    },
    async close() {
      isClosed = true
      await (await loaded())?.close()
    }
  }
}
