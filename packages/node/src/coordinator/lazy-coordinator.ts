/**
 * The coordinator of a node: opened when somebody locks or another node is in the tree, so that a node alone pays nothing.
 * Alone it is a cluster of one (`local`); the same one, with the same storage, goes on as `builtin` when nodes join, so
 * that tokens keep rising. Who is a member follows from the tree: whoever leads adds nodes that hold `host` there and
 * removes those that do no longer (doc/spec/29-coordinator.md, section 10).
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Coordinator, CoordinatorKind } from '@blocktree/coordinator'
import type { Id } from '@blocktree/tree'
import type { NodeCluster } from '../cluster/node-cluster.ts'
import type { NodeParts } from '../create-node.ts'
import { NodeError, reasonOf } from '../node-error.ts'
import { createLateLink } from './late-link.ts'
import { memberNodes } from './member-nodes.ts'
import type { RunningCoordinator } from './running-coordinator.ts'

export interface CoordinatorSummary {
  readonly kind: CoordinatorKind
  /** Member that leads; undefined while none is known: nothing is locked then. */
  readonly leader: string | undefined
  readonly term: number
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner'
  readonly voters: readonly string[]
  readonly learners: readonly string[]
}

export interface LazyCoordinator {
  /** Opens it when it is not open. @throws ERR_COORDINATOR_STORAGE_DAMAGED */
  get(): Promise<Coordinator>
  /** Undefined as long as nobody locked and no other node is in the tree. */
  loaded(): Promise<Coordinator | undefined>
  summary(): Promise<CoordinatorSummary | undefined>
  /** No token that was given is higher, as far as this node knows; undefined when nothing was, or etcd keeps them. */
  tokenFloor(): Promise<number | undefined>
  /**
   * This node begins the cluster anew without the others, who join it when they are reached.
   * @throws ERR_LOCK_RESET when a majority is there, or etcd keeps the locks
   */
  reset(): Promise<CoordinatorSummary>
  /** Other nodes can be reached from now on. */
  attach(cluster: NodeCluster): Promise<void>
  close(): Promise<void>
}

export type CoordinatorParts = Pick<
  NodeParts,
  'configuration' | 'directory' | 'log' | 'trees' | 'principals' | 'standing' | 'store'
>

export const coordinatorFolder = 'coordinator'
/** Nobody to ask, nothing to trust, or nothing could be stored. */
const lostCodes: readonly string[] = [
  'ERR_COORDINATOR_NO_MAJORITY',
  'ERR_COORDINATOR_STORAGE_DAMAGED',
  'ERR_COORDINATOR_CLOSED'
]
const lookEachMs = 1000 // how soon a node that came or went is seen

export function createLazyCoordinator(parts: () => CoordinatorParts): LazyCoordinator {
  let opened: Promise<RunningCoordinator> | undefined
  let cluster: NodeCluster | undefined
  let isClosed = false
  let timer: NodeJS.Timeout | undefined
  let disconnect = (): void => undefined
  const link = createLateLink(() => running())

  async function open(): Promise<RunningCoordinator> {
    const { openCoordinator } = await import('./running-coordinator.ts')
    return await openCoordinator(parts(), link)
  }

  async function running(): Promise<RunningCoordinator> {
    opened ??= open()
    try {
      return await opened
    } catch (error) {
      opened = undefined
      throw error
    }
  }

  const loaded = async (): Promise<RunningCoordinator | undefined> => await opened?.catch(() => undefined)

  function isMember(principal: Id): boolean {
    const { trees, standing } = parts()
    return standing.of(trees.own).standingOf(principal) === 'member'
  }

  async function look(): Promise<void> {
    const { trees, standing, principals, log } = parts()
    const nodes = memberNodes({ trees, standing, self: principals.node.id, book: cluster?.book })
    const isNeeded = nodes.length > 1
    const found = isNeeded && !isClosed ? await running() : await loaded()
    await found?.keepMembers(nodes).catch((error: unknown) => {
      log.debug('members of the coordinator stay as they are', { reason: reasonOf(error) })
    })
  }

  function lookAgain(): void {
    timer = setTimeout(() => {
      look()
        .catch((error: unknown) =>
          parts().log.error('locks cannot be agreed on with other nodes', { reason: reasonOf(error) })
        )
        .finally(() => {
          if (!isClosed) lookAgain()
        })
    }, lookEachMs)
    timer.unref()
  }

  async function expectLost(): Promise<void> {
    if (parts().configuration.cluster.coordinator === 'etcd')
      throw new NodeError('ERR_LOCK_RESET', 'locks are kept by etcd here; its own tools begin it anew')
    try {
      const { coordinator } = await running()
      await coordinator.holder('reset') // nothing is asked of the lock: only a majority answers
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (typeof code === 'string' && lostCodes.includes(code)) return
      throw error
    }
    throw new NodeError('ERR_LOCK_RESET', 'a majority of the voters is there: nothing has to begin anew')
  }

  async function reset(): Promise<CoordinatorSummary> {
    await expectLost()
    const { directory, principals, store, log } = parts()
    await (await loaded())?.close()
    opened = (async () => {
      const { beginAlone } = await import('./running-coordinator.ts')
      const { highestToken } = await import('./fence-floor.ts')
      await beginAlone(directory.path, principals.node.id, await highestToken(store))
      return await open()
    })()
    log.warn('locks begin anew: this node decides alone until others have joined it')
    return (await running()).summary()
  }

  return {
    get: async () => (await running()).coordinator,
    loaded: async () => (await loaded())?.coordinator,
    summary: async () => (await loaded())?.summary(),
    async tokenFloor() {
      const isKept = existsSync(join(parts().directory.path, coordinatorFolder))
      return (isKept ? await running() : await loaded())?.tokenFloor
    },
    reset,
    async attach(joined) {
      const { coordinator } = parts().configuration.cluster
      if (isClosed || coordinator === 'local' || coordinator === 'etcd') return
      const { createCoordinatorLink } = await import('../cluster/coordinator-link.ts')
      cluster = joined
      const way = createCoordinatorLink({ ...joined, accepts: isMember })
      disconnect = () => way.close()
      link.connect(way)
      if (timer === undefined) lookAgain()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      await (await loaded())?.close()
      disconnect()
    }
  }
}
