/**
 * Exclusive locks on files: leases that end by themselves, in the order asked for, each with a fencing token that is
 * higher than every one before. Who holds an old token is refused when it writes, even if it never heard that its
 * lease ran out. In memory, for one process: the driver that tests use; a node asks its coordinator.
 */
import { HostFailure, fail } from './host-failure.ts'
import { lockWaitersMax } from './limits.ts'
import type { Lease, LockPort, TimerPort } from './ports.ts'

interface State {
  readonly token: number
  cancelTimer: () => void
}

interface Waiter {
  readonly ttlMs: number
  readonly give: (lease: Lease) => void
}

export class LockTable implements LockPort {
  readonly #timers: TimerPort
  readonly #nextToken: () => number
  readonly #held = new Map<string, State>()
  readonly #waiters = new Map<string, Set<Waiter>>()
  /** Highest token given out for each file that was locked since the start. */
  readonly #newest = new Map<string, number>()

  /** @param nextToken higher than every one that it gave before, also before a restart */
  constructor(deps: { readonly timers: TimerPort; readonly nextToken: () => number }) {
    this.#timers = deps.timers
    this.#nextToken = deps.nextToken
  }

  /** Fails with `conflict` when `waitMs` pass first, with `busy` when too many wait. */
  async acquire(
    key: string,
    options: { readonly ttlMs: number; readonly waitMs: number; readonly signal: AbortSignal }
  ): Promise<Lease> {
    if (!this.#held.has(key)) return this.#give(key, options.ttlMs)
    if (options.waitMs === 0) return fail('conflict', 'somebody else holds the lock')
    const waiters = this.#waiters.get(key) ?? new Set<Waiter>()
    if (waiters.size >= lockWaitersMax)
      return fail('busy', `${lockWaitersMax} callers wait for the lock already`)
    this.#waiters.set(key, waiters)
    return await this.#wait(waiters, options)
  }

  /** Fails with `revoked` when the lease is over. */
  renew(lease: Lease, ttlMs: number): Lease {
    const state = this.#held.get(lease.key)
    if (state?.token !== lease.token) return fail('revoked', 'the lease of the lock has run out')
    state.cancelTimer()
    this.#arm(lease.key, state, ttlMs)
    return { ...lease, ttlMs }
  }

  /** Without effect when the lease is over. */
  release(lease: Lease): void {
    const state = this.#held.get(lease.key)
    if (state?.token !== lease.token) return
    state.cancelTimer()
    this.#pass(lease.key)
  }

  /**
   * Whether a write may go on: fails with `revoked` under a token older than the newest one given out, or whose lease
   * is over.
   */
  expectToken(key: string, token: number): void {
    const newest = this.#newest.get(key)
    if (newest === undefined || token < newest || this.#held.get(key)?.token !== token) {
      fail('revoked', `the fencing token ${token} is not that of the lock as it is held now`)
    }
  }

  /** Locks held now. */
  get size(): number {
    return this.#held.size
  }

  #give(key: string, ttlMs: number): Lease {
    const token = this.#nextToken()
    const state: State = { token, cancelTimer: () => undefined }
    this.#held.set(key, state)
    this.#newest.set(key, token)
    this.#arm(key, state, ttlMs)
    return { key, token, ttlMs }
  }

  #arm(key: string, state: State, ttlMs: number): void {
    state.cancelTimer = this.#timers.start(ttlMs, () => {
      if (this.#held.get(key) === state) this.#pass(key)
    })
  }

  #pass(key: string): void {
    this.#held.delete(key)
    const waiters = this.#waiters.get(key)
    const [first] = waiters ?? []
    if (first === undefined) this.#waiters.delete(key)
    else first.give(this.#give(key, first.ttlMs))
  }

  #wait(
    waiters: Set<Waiter>,
    {
      ttlMs,
      waitMs,
      signal
    }: { readonly ttlMs: number; readonly waitMs: number; readonly signal: AbortSignal }
  ): Promise<Lease> {
    return new Promise((resolve, reject) => {
      const end = (act: () => void): void => {
        waiters.delete(waiter)
        cancelTimer()
        signal.removeEventListener('abort', onAbort)
        act()
      }
      const refuse = (message: string): void => end(() => reject(new HostFailure('conflict', message)))
      const onAbort = (): void => refuse('the caller has gone')
      const waiter: Waiter = { ttlMs, give: (lease) => end(() => resolve(lease)) }
      const cancelTimer = this.#timers.start(waitMs, () => refuse('somebody else holds the lock'))
      signal.addEventListener('abort', onAbort)
      waiters.add(waiter)
      if (signal.aborted) onAbort()
    })
  }
}
