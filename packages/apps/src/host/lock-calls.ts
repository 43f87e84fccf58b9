/** locks.*: exclusive locks on files, as leases. A lock goes with the process that took it. */
import { parseGuestPath, treePath } from '../grant-path.ts'
import type { CallContext, HandlerGroup, HeldLock } from '../host-context.ts'
import { fail } from '../host-failure.ts'
import { leaseMsMax } from '../limits.ts'
import type { Lease } from '../ports.ts'

export const lockCalls: HandlerGroup<'locks'> = {
  'locks.acquire': async ({ path, ttl, wait }, call) => {
    call.handles.expectRoom('lock')
    const guestPath = parseGuestPath(path)
    const { block } = await call.files.stat(treePath(call.grants, guestPath, 'lock'))
    const waitMs = Math.min(wait, call.limits.hostCallMs)
    const { signal } = call
    const lease = await call.locks.acquire(block.toHex(), { ttlMs: checkedTtl(ttl), waitMs, signal })
    if (signal.aborted) {
      call.locks.release(lease)
      return fail('closed', 'the caller has gone')
    }
    const held = holdLease(call, lease, guestPath.grant)
    try {
      call.grants.fileRoot(guestPath.grant, 'lock') // it may have been taken back while the lock was waited for
    } catch (error) {
      held.release()
      throw error
    }
    const lock = call.handles.add('lock', call.process, held)
    return { lock, token: lease.token, expiresIn: lease.ttlMs }
  },

  'locks.renew': async ({ lock, ttl }, call) => {
    const held = call.handles.get('lock', lock)
    call.grants.fileRoot(held.grant, 'lock')
    const { token, ttlMs } = await held.renew(checkedTtl(ttl))
    return { lock, token, expiresIn: ttlMs }
  },

  'locks.release': ({ lock }, call) => {
    call.handles.get('lock', lock)
    call.handles.close(lock)
    return undefined
  }
}

function holdLease({ locks }: CallContext, given: Lease, grant: string): HeldLock {
  let lease = given
  return {
    grant,
    renew: async (ttlMs) => (lease = await locks.renew(lease, ttlMs)),
    release: () => locks.release(lease)
  }
}

function checkedTtl(ttl: number): number {
  if (ttl === 0 || ttl > leaseMsMax) return fail('invalid', `a lease lasts 1 to ${leaseMsMax} ms, not ${ttl}`)
  return ttl
}
