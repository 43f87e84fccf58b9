/**
 * The locks of apps: those of the coordinator, so that an app excludes itself on another node, other apps and persons. Its
 * shortest lease is a second; a renewal lets the first time begin again, and the answer says how long that is.
 */
import { HostFailure, type Lease, type LockPort } from '@blocktree/apps'
import type { Lease as GivenLease } from '@blocktree/coordinator'
import type { FileLocks } from '../coordinator/file-locks.ts'
import { systemCode } from '../node-error.ts'

const ttlMsMin = 1000

export function createLockPort(locks: FileLocks): LockPort {
  return {
    async acquire(key, { ttlMs, waitMs, signal }) {
      const request = { principal: undefined, ttlMs: Math.max(ttlMsMin, ttlMs), waitMs, signal }
      return toLease(key, await told(locks.acquire(Uint8Array.fromHex(key), request)))
    },
    renew: async ({ key, token }) =>
      toLease(key, await told(locks.renew(Uint8Array.fromHex(key), token, undefined))),
    release({ key, token }) {
      locks.release(Uint8Array.fromHex(key), token, undefined).catch(() => undefined) // it runs out by itself
    },
    expectToken: async (key, token) => await told(locks.expectToken(Uint8Array.fromHex(key), token))
  }
}

function toLease(key: string, given: GivenLease): Lease {
  return { key, token: given.token, ttlMs: Math.floor(given.remainingMs()) }
}

/** What an app may know of a failure; anything else is a fault of the node. */
async function told<Result>(promise: Promise<Result>): Promise<Result> {
  try {
    return await promise
  } catch (cause) {
    throw failureOf(cause) ?? cause
  }
}

function failureOf(cause: unknown): HostFailure | undefined {
  const options = { cause }
  switch (systemCode(cause)) {
    case 'ERR_COORDINATOR_HELD':
    case 'ERR_COORDINATOR_CANCELLED':
      return new HostFailure('conflict', 'somebody else holds the lock', options)
    case 'ERR_COORDINATOR_FULL':
      return new HostFailure('busy', 'too many locks are held, or too many wait for this one', options)
    case 'ERR_COORDINATOR_NAME':
      return new HostFailure('denied', 'this node may not lock that', options)
    case 'ERR_COORDINATOR_NO_MAJORITY':
    case 'ERR_COORDINATOR_CLOSED':
      return new HostFailure('unreachable', 'too few nodes can be reached to agree on locks', options)
    case 'ERR_LOCK_ENDED':
    case 'ERR_LOCK_FENCED':
    case 'ERR_COORDINATOR_LEASE_ENDED':
      return new HostFailure('revoked', 'the lease of the lock is over', options)
    default:
      return undefined
  }
}
