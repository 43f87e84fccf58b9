/**
 * Exclusive locks on files: leases that the coordinator gives, under the name `file/<block>`, the same on all nodes and for
 * persons and apps. Locks are for those who ask: a write that names a fencing token is refused when the lock has passed
 * on since; a write that names none goes on, and what it meets is a conflict that is shown (MODEL B.12, A56).
 */
import type { Lease, LockHolder } from '@blocktree/coordinator'
import { equalBytes } from '@blocktree/codec'
import type { BlockStore, Id } from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import type { FenceFloor } from './fence-floor.ts'
import type { LazyCoordinator } from './lazy-coordinator.ts'
import { lockName } from './lock-name.ts'

export interface LockRequest {
  /** In whose name: only the same may renew and release it. Undefined for an app. */
  readonly principal: Id | undefined
  readonly ttlMs: number
  readonly waitMs: number
  readonly signal?: AbortSignal
}

export interface GivenLock {
  readonly block: Id
  readonly principal: Id | undefined
  readonly lease: Lease
  readonly ttlMs: number
}

export interface FileLocks {
  /** Not renewed by itself. Errors: those of `Coordinator.acquire`. */
  acquire(block: Id, request: LockRequest): Promise<Lease>
  /** Errors: `ERR_COORDINATOR_LEASE_ENDED` when it is over or somebody else's, `ERR_COORDINATOR_NO_MAJORITY`. */
  renew(block: Id, token: number, principal: Id | undefined): Promise<Lease>
  /** False when it is over or somebody else's. */
  release(block: Id, token: number, principal: Id | undefined): Promise<boolean>
  /** As a majority sees it. Errors: `ERR_COORDINATOR_NO_MAJORITY`. */
  holder(block: Id): Promise<LockHolder | undefined>
  /** Ends the lease of whoever holds it now, or only the one under this token; false when there is none. */
  break(block: Id, token?: number): Promise<boolean>
  /** The first of so many numbers of the file, higher than all given before. Errors: those of `Coordinator.nextSequence`. */
  numbers(block: Id, count: number): Promise<number>
  /** Given on this node and not over. */
  held(): readonly GivenLock[]
  /**
   * Runs a write under a token, one at a time for each file.
   * Errors: `ERR_LOCK_FENCED` when the lock is not held under it any more, `ERR_COORDINATOR_NO_MAJORITY` when nobody can tell.
   */
  fenced<Result>(block: Id, token: number, write: () => Promise<Result>): Promise<Result>
  /** As `fenced` judges. */
  expectToken(block: Id, token: number): Promise<void>
}

interface LockDeps {
  readonly coordinator: Pick<LazyCoordinator, 'get'>
  readonly rows: Pick<BlockStore, 'local' | 'commit'>
  /** Loaded with the first write under a token when absent. */
  readonly floor?: FenceFloor
}

export function createFileLocks(deps: LockDeps): FileLocks {
  const { coordinator, rows } = deps
  const given = new Map<string, GivenLock>()
  const turns = new Map<string, Promise<unknown>>()
  let floor = deps.floor && Promise.resolve(deps.floor)
  const openFloor = async (): Promise<FenceFloor> => {
    const { FenceFloor: Floor } = await import('./fence-floor.ts')
    return new Floor(rows)
  }

  function mine(block: Id, token: number): GivenLock | undefined {
    const lock = given.get(block.toHex())
    return lock?.lease.token === token && lock.lease.remainingMs() > 0 ? lock : undefined
  }

  async function expectToken(block: Id, token: number): Promise<void> {
    const seen = await (floor ??= openFloor())
    const current =
      mine(block, token) === undefined
        ? (await (await coordinator.get()).holder(lockName(block)))?.token
        : token
    if (current !== undefined) await seen.raise(block, current)
    // When nobody holds it, somebody else may have held it since, on a node that this one heard nothing of.
    if (token === current && token >= seen.highest(block)) return
    throw new NodeError(
      'ERR_LOCK_FENCED',
      `the lock is not held under token ${token} any more; take it again and read what changed`
    )
  }

  return {
    async acquire(block, { principal, ttlMs, waitMs, signal }) {
      const open = await coordinator.get()
      const options = { ttlMs, waitMs, keepAlive: false, ...(signal === undefined ? {} : { signal }) }
      const lease = await open.acquire(lockName(block), options)
      const lock = { block, principal, lease, ttlMs }
      const key = block.toHex()
      given.set(key, lock)
      const forget = (): void => {
        if (given.get(key) === lock) given.delete(key)
      }
      lease.ended.addEventListener('abort', forget, { once: true })
      return lease
    },
    async renew(block, token, principal) {
      const lock = mine(block, token)
      if (lock === undefined || !isSame(lock.principal, principal)) {
        throw new NodeError('ERR_LOCK_ENDED', `no lock under token ${token} is held here; take it again`)
      }
      await lock.lease.renew()
      return lock.lease
    },
    async release(block, token, principal) {
      const lock = mine(block, token)
      if (lock === undefined || !isSame(lock.principal, principal)) return false
      await lock.lease.release()
      return true
    },
    holder: async (block) => await (await coordinator.get()).holder(lockName(block)),
    async break(block, token) {
      const open = await coordinator.get()
      const broken = token ?? (await open.holder(lockName(block)))?.token
      return broken !== undefined && (await open.breakLock(lockName(block), broken))
    },
    numbers: async (block, count) => await (await coordinator.get()).nextSequence(lockName(block), count),
    held: () => [...given.values()].filter(({ lease }) => lease.remainingMs() > 0),
    expectToken,
    async fenced(block, token, write) {
      const key = block.toHex()
      const before = turns.get(key) ?? Promise.resolve()
      const turn = before.then(async () => {
        await expectToken(block, token)
        return await write()
      })
      const done = turn.catch(() => undefined)
      turns.set(key, done)
      void done.then(() => {
        if (turns.get(key) === done) turns.delete(key)
      })
      return await turn
    }
  }
}

function isSame(one: Id | undefined, other: Id | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && equalBytes(one, other))
}
