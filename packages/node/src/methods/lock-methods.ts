/** lock.*: handlers over the locks of the coordinator. */
import { equalBytes, formatId } from '@blocktree/codec'
import type { Lease } from '@blocktree/coordinator'
import { type Actor, FilesError, resolvePath } from '@blocktree/files'
import type { Handlers } from '@blocktree/rpc'
import { type Id, right } from '@blocktree/tree'
import type { NodeParts } from '../create-node.ts'
import type { HeldTree } from '../hosted-trees.ts'
import type { LockAnswer, LockMethods, LockSummary } from '../method-table/lock-methods.ts'
import { NodeError } from '../node-error.ts'
import type { Peer } from '../peer.ts'

type LockHandlers = Handlers<LockMethods, Peer>
type LockParts = Pick<NodeParts, 'trees' | 'principals' | 'names' | 'locks' | 'coordinator'>

const ttlMsDefault = 60_000

export function createLockHandlers(parts: LockParts): LockHandlers {
  const { trees, locks, coordinator, names } = parts
  return {
    'lock.acquire': ({ path, ttlMs = ttlMsDefault, waitMs = 0 }, { peer, signal }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const block = lockable(held, actor, path, right.write)
        const wanted = locks.acquire(block, { principal: actor.id, ttlMs, waitMs, signal })
        return answerOf(block, await wanted.catch((error: unknown) => failHeld(parts, block, path, error)))
      }),
    'lock.renew': ({ path, token }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const block = lockable(held, actor, path, right.write)
        return answerOf(block, await locks.renew(block, token, actor.id))
      }),
    'lock.release': ({ path, token }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => ({
        isReleased: await locks.release(lockable(held, actor, path), token, actor.id)
      })),
    async 'lock.list'({ path }, { peer }) {
      if (path === undefined) return { locks: locksHere(parts, peer.session.actor) }
      return await trees.within(peer.session, path, async (held, actor) => ({
        locks: await locksAt(parts, lockable(held, actor, path), path)
      }))
    },
    'lock.break': ({ path, token }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => ({
        isBroken: await locks.break(lockable(held, actor, path, right.admin), token)
      })),
    'lock.reset': ({ confirm }, { peer }) =>
      trees.within(peer.session, '/', async (held, actor) => {
        lockable(held, actor, '/', right.admin)
        if (confirm !== true) {
          throw new NodeError(
            'ERR_CONFIRMATION_ABSENT',
            'all locks end, and this node decides without the others; only when a majority of the voters is lost for good, and on one node alone: say "confirm": true'
          )
        }
        const { term, voters } = await coordinator.reset()
        const nameOf = names.current()
        return { term, voters: voters.map((voter) => nameOf(Uint8Array.fromHex(voter))) }
      }),
    'lock.sequence': ({ path, count = 1 }, { peer }) =>
      trees.within(peer.session, path, async (held, actor) => {
        const block = lockable(held, actor, path, right.write)
        return { id: formatId(block), first: await locks.numbers(block, count), count }
      })
  }
}

/** Says who holds it in the words of the caller: the coordinator knows no paths. */
async function failHeld(parts: LockParts, block: Id, path: string, error: unknown): Promise<never> {
  const isHeld = error instanceof Error && 'code' in error && error.code === 'ERR_COORDINATOR_HELD'
  if (!isHeld) throw error
  const [lock] = await locksAt(parts, block, path).catch(() => [])
  const who = lock === undefined ? 'somebody else' : lock.isThisNode ? 'this node' : lock.node
  const token = lock === undefined ? '' : ` under token ${lock.token}`
  throw new NodeError(
    'ERR_COORDINATOR_HELD',
    `"${path}" is locked by ${who}${token}; wait for it, or break the lock (lock.break, "blocktree unlock")`,
    { cause: error }
  )
}

/** The block at a path of the own tree. @throws ERR_LOCK_HOSTED, ERR_ACCESS_DENIED without the right, when one is named */
function lockable(held: HeldTree, actor: Actor, path: string, needed?: number): Id {
  if (!held.isOwn)
    throw new NodeError('ERR_LOCK_HOSTED', `"${path}" is in a tree of somebody else: locks are given there`)
  const { block, summary } = resolvePath(held.files.context, actor, path)
  const home = summary.zoneRoot ? block : summary.zone
  if (needed === undefined || actor.capFor({ home, block }, needed) !== undefined) return block
  const name = needed === right.admin ? 'admin' : 'write'
  throw new FilesError('ERR_ACCESS_DENIED', `the right "${name}" over "${path}" is missing`)
}

function answerOf(block: Id, lease: Lease): LockAnswer {
  return { id: formatId(block), token: lease.token, expiresInMs: Math.floor(lease.remainingMs()) }
}

async function locksAt(
  { locks, principals, names }: LockParts,
  block: Id,
  path: string
): Promise<readonly LockSummary[]> {
  const holder = await locks.holder(block)
  if (holder === undefined) return []
  const { member, token, ttlMs, waiting } = holder
  const node = Uint8Array.fromHex(member)
  const taken = locks.held().find((lock) => equalBytes(lock.block, block) && lock.lease.token === token)
  return [
    {
      path,
      id: formatId(block),
      node: names.current()(node),
      isThisNode: equalBytes(node, principals.node.id),
      ...(taken?.principal === undefined ? {} : { principal: principals.nameOf(taken.principal) }),
      token,
      ttlMs,
      waiting
    }
  ]
}

function locksHere({ locks, principals, names, trees }: LockParts, actor: Actor): readonly LockSummary[] {
  const node = names.current()(principals.node.id)
  return locks.held().map(({ block, principal, lease, ttlMs }) => {
    const path = trees.own.files.pathOf(actor, block)
    return {
      ...(path === undefined ? {} : { path }),
      id: formatId(block),
      node,
      isThisNode: true,
      ...(principal === undefined ? {} : { principal: principals.nameOf(principal) }),
      token: lease.token,
      ttlMs,
      waiting: 0
    }
  })
}
