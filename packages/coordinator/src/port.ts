/**
 * The port to whoever orders things in a cluster: one leader at a time, exclusive locks as leases with fencing tokens,
 * and sequence numbers. Drivers: `local` (one node), `builtin` (a majority of the members, by Raft) and `etcd`.
 *
 * A token protects only where the protected store keeps the highest one it has seen and refuses lower ones; `TokenFloor`
 * does that. Nothing here decides whether a record is valid (MODEL B.12): a node that is cut off goes on by itself.
 */

export type CoordinatorKind = 'local' | 'builtin' | 'etcd'

/**
 * Whether a member may take and break the lock of a name and take its numbers. `unknown`: what has the name is not known
 * here yet, so that the member asks again until its caller's time is over.
 */
export type NameVerdict = 'allowed' | 'refused' | 'unknown'

export type NameRule = (member: string, name: string) => NameVerdict

export interface CoordinatorStatus {
  readonly kind: CoordinatorKind
  readonly self: string
  /** Member that leads as far as this one knows; undefined while none is known. */
  readonly leader: string | undefined
  /** Never decreases; 0 before the first. At most one leader in each. */
  readonly term: number
  readonly role: 'leader' | 'follower' | 'candidate' | 'learner'
  readonly voters: readonly string[]
  /** Members that follow without a vote. */
  readonly learners: readonly string[]
}

export interface AcquireOptions {
  /** Milliseconds until the lease ends when it is not renewed: 1,000 to 3,600,000. */
  readonly ttlMs: number
  /** Milliseconds to wait in the queue; 0 takes it now or fails with `ERR_COORDINATOR_HELD`. */
  readonly waitMs: number
  /** Renewed in the background until released; true when left out. */
  readonly keepAlive?: boolean
  readonly signal?: AbortSignal
}

export interface Lease {
  readonly name: string
  /** Higher than that of every lease of this name before. */
  readonly token: number
  /** Milliseconds left by the clock of this node, which ends it earlier than anybody else does. 0 when it is over. */
  remainingMs(): number
  /** Aborted when the lease is over: released, run out, broken, or the session lost. */
  readonly ended: AbortSignal
  /** From now on the whole time again. `ERR_COORDINATOR_LEASE_ENDED` when it is over. */
  renew(): Promise<void>
  /** Without effect when it is over. */
  release(): Promise<void>
}

export interface LockHolder {
  readonly member: string
  readonly token: number
  readonly ttlMs: number
  readonly waiting: number
}

export interface Coordinator {
  readonly kind: CoordinatorKind
  status(): CoordinatorStatus
  onStatus(listener: (status: CoordinatorStatus) => void): () => void
  /**
   * @param name at most 128 bytes
   * Errors: `ERR_COORDINATOR_HELD` (waitMs passed), `ERR_COORDINATOR_NO_MAJORITY`, `ERR_COORDINATOR_FULL`,
   * `ERR_COORDINATOR_NAME`, `ERR_COORDINATOR_CANCELLED`, `ERR_COORDINATOR_CLOSED`, `ERR_COORDINATOR_ARGUMENT`.
   */
  acquire(name: string, options: AcquireOptions): Promise<Lease>
  /** Who holds the lock now, as a majority sees it; undefined when nobody does. */
  holder(name: string): Promise<LockHolder | undefined>
  /** Ends somebody's lease; false when the lock is not held under this token any more. `ERR_COORDINATOR_NAME`. */
  breakLock(name: string, token: number): Promise<boolean>
  /**
   * The first of `count` (1 to 1,000,000; 1 when left out) consecutive numbers, all higher than any given before under
   * this name; the first ever is 1. `ERR_COORDINATOR_NAME`.
   */
  nextSequence(name: string, count?: number): Promise<number>
  /** Without effect when it is a member. Becomes a voter when it has caught up and there are fewer than 7. */
  addMember(member: string): Promise<void>
  /** Without effect when it is none. */
  removeMember(member: string): Promise<void>
  /** Releases what is held, hands leadership on where it can, stops. */
  close(): Promise<void>
}

/** Time and chance, passed in so that the simulator can run the same code. */
export interface CoordinatorClock {
  /** Milliseconds that never go back. */
  now(): number
  /** Calls once after `delayMs`, unless the returned function was called before. */
  start(delayMs: number, call: () => void): () => void
}
