/**
 * The coordinator that needs nothing else: members of the cluster elect a leader by majority and agree on locks and
 * sequences (doc/spec/29-coordinator.md). With one member and no link it is the `local` coordinator.
 */
import { checkAcquire, checkCount, checkMember, checkName } from './arguments.ts'
import { CoordinatorError } from './coordinator-error.ts'
import { HeldLease, type LeaseActions } from './held-lease.ts'
import { type CallOptions, LeaderCalls } from './leader-calls.ts'
import type { CoordinatorLink } from './link.ts'
import { LockExpiry } from './lock-expiry.ts'
import { MemberSession } from './member-session.ts'
import type {
  AcquireOptions,
  Coordinator,
  CoordinatorClock,
  CoordinatorKind,
  CoordinatorStatus,
  Lease,
  LockHolder,
  NameRule
} from './port.ts'
import type { RaftTiming } from './raft/leadership.ts'
import type { RaftStorage } from './raft/storage.ts'
import { Replica } from './replica.ts'

export interface BuiltinOptions {
  /** Name of this member, the same on all of them: the text of its principal's id. */
  readonly self: string
  readonly link: CoordinatorLink
  readonly storage: RaftStorage
  readonly clock: CoordinatorClock
  readonly random: () => number
  /** True on the node that begins the cluster, at every start; others wait until `addMember` names them. */
  readonly first: boolean
  /** Asked where this member leads: who may not follows without a vote. All may when left out. */
  readonly mayVote?: (member: string) => boolean
  /** Asked where this member leads, of what others name. All names are for all members when left out. */
  readonly mayName?: NameRule
  readonly timing?: RaftTiming
  /** How long a call without a time of its own waits for a majority; 5,000 ms when left out. */
  readonly callMs?: number
  /** Told once when storing fails: from then on this member takes no part. */
  readonly failed?: (error: unknown) => void
}

/** A sign of life a second keeps an idle cluster quiet; a broken connection starts an election at once. */
const defaultTiming: RaftTiming = { beatMs: 1000, electionMs: 2500 }
const defaultCallMs = 5000
const closingMs = 500

export class BuiltinCoordinator implements Coordinator {
  readonly kind: CoordinatorKind
  readonly #options: BuiltinOptions
  readonly #replica: Replica
  readonly #calls: LeaderCalls
  readonly #session: MemberSession
  readonly #expiry: LockExpiry
  readonly #leases = new Set<HeldLease>()
  readonly #statusListeners = new Set<(status: CoordinatorStatus) => void>()
  #lastStatus: CoordinatorStatus
  #closing: Promise<void> | undefined

  private constructor(options: BuiltinOptions, replica: Replica, kind: CoordinatorKind) {
    this.kind = kind
    this.#options = options
    this.#replica = replica
    const { link, clock, self, mayName = () => 'allowed' } = options
    this.#calls = new LeaderCalls({ replica, link, clock, self, mayName })
    this.#session = new MemberSession({
      calls: this.#calls,
      self: options.self,
      random: options.random,
      lost: () => this.#endAll()
    })
    this.#expiry = new LockExpiry(replica, options.clock)
    this.#lastStatus = this.status()
    replica.onChange(() => this.#changed())
  }

  /** Errors: `ERR_COORDINATOR_STORAGE_DAMAGED`. */
  static async open(options: BuiltinOptions, kind: CoordinatorKind = 'builtin'): Promise<BuiltinCoordinator> {
    const timing = options.timing ?? defaultTiming
    const replica = await Replica.open({ ...options, timing })
    const coordinator = new BuiltinCoordinator(options, replica, kind)
    options.link.listen({
      message: (from, bytes) => replica.receive(from, bytes),
      ask: (from, bytes) => coordinator.#calls.answer(from, bytes),
      lost: (member) => replica.lost(member)
    })
    return coordinator
  }

  status(): CoordinatorStatus {
    const { term, leader, role, membership } = this.#replica.raft
    const { self } = this.#options
    const votes = membership.voters.includes(self)
    return {
      kind: this.kind,
      self,
      leader,
      term,
      role:
        role === 'leader' ? 'leader' : !votes ? 'learner' : role === 'follower' ? 'follower' : 'candidate',
      voters: membership.voters,
      learners: membership.learners
    }
  }

  /** The highest token that this member knows of: entries and tokens count alike. */
  get lastIndex(): number {
    return this.#replica.raft.log.lastIndex
  }

  onStatus(listener: (status: CoordinatorStatus) => void): () => void {
    this.#statusListeners.add(listener)
    return () => this.#statusListeners.delete(listener)
  }

  async acquire(name: string, options: AcquireOptions): Promise<Lease> {
    checkAcquire(name, options)
    const { ttlMs, waitMs, signal } = options
    const askedAt = this.#now()
    const call = this.#call(Math.max(waitMs, this.#callMs), signal)
    const { session, request, result } = await this.#session.request(
      (numbers) => ({ kind: 'acquire', ...numbers, name, ttlMs, queue: waitMs > 0 }),
      call
    )
    switch (result.outcome) {
      case 'done':
        return await this.#lease(name, result.value, session, options, askedAt)
      case 'queued':
        return await this.#waitInQueue(name, { session, request }, options, askedAt + waitMs)
      case 'held':
        throw heldError(name, this.#replica.state.locks.get(name)?.token)
      case 'full':
        throw new CoordinatorError('ERR_COORDINATOR_FULL', `no room for another lock or waiter at "${name}"`)
      case 'ended':
        throw new CoordinatorError(
          'ERR_COORDINATOR_LEASE_ENDED',
          'the session of this node ended again and again'
        )
    }
  }

  async holder(name: string): Promise<LockHolder | undefined> {
    checkName(name)
    await this.#catchUp()
    const lock = this.#replica.state.locks.get(name)
    if (lock === undefined) return undefined
    const member = this.#replica.state.sessions.get(lock.session)?.member ?? ''
    return { member, token: lock.token, ttlMs: lock.ttlMs, waiting: lock.waiters.length }
  }

  async breakLock(name: string, token: number): Promise<boolean> {
    checkName(name)
    const result = await this.#calls.command({ kind: 'break', name, token }, this.#call(this.#callMs))
    return result.outcome === 'done'
  }

  async nextSequence(name: string, count = 1): Promise<number> {
    checkName(name)
    checkCount(count)
    const { result } = await this.#session.request(
      (numbers) => ({ kind: 'sequence', ...numbers, name, count }),
      this.#call(this.#callMs)
    )
    if (result.outcome === 'done') return result.value
    throw new CoordinatorError(
      'ERR_COORDINATOR_FULL',
      `no room for the sequence "${name}", or it has no numbers left`
    )
  }

  async addMember(member: string): Promise<void> {
    checkMember(member)
    const { result } = await this.#calls.ask({ kind: 'add', member }, this.#call(this.#callMs))
    if (result.outcome === 'done') return
    throw new CoordinatorError('ERR_COORDINATOR_MEMBERSHIP', 'the cluster has as many members as it may have')
  }

  async removeMember(member: string): Promise<void> {
    checkMember(member)
    const { result } = await this.#calls.ask({ kind: 'remove', member }, this.#call(this.#callMs))
    if (result.outcome === 'done') return
    throw new CoordinatorError('ERR_COORDINATOR_MEMBERSHIP', `${member} is the only member with a vote`)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const until = this.#now() + closingMs
    if (!this.#replica.closed && this.#replica.raft.leader !== undefined) await this.#session.close(until)
    this.#endAll()
    if (this.#replica.handOn()) await this.#untilStatus((status) => status.role !== 'leader', until)
    this.#calls.close()
    this.#expiry.stop()
    await this.#replica.close()
  }

  get #callMs(): number {
    return this.#options.callMs ?? defaultCallMs
  }

  #now(): number {
    return this.#options.clock.now()
  }

  #call(timeMs: number, signal?: AbortSignal): CallOptions {
    return { until: this.#now() + timeMs, signal }
  }

  /** Everything acknowledged before the call is in the state of this member afterwards. */
  async #catchUp(): Promise<void> {
    const call = this.#call(this.#callMs)
    const { index } = await this.#calls.ask({ kind: 'read' }, call)
    await this.#until(() => this.#replica.appliedIndex >= index, call.until)
  }

  /** Resolves with whether the condition came true before the moment passed. */
  #until(condition: () => boolean, until: number, signal?: AbortSignal): Promise<boolean> {
    if (condition()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const finish = (): void => {
        stopTimer()
        stopListening()
        signal?.removeEventListener('abort', finish)
        resolve(condition())
      }
      const stopTimer = this.#options.clock.start(Math.max(1, until - this.#now()), finish)
      const stopListening = this.#replica.onChange(() => {
        if (condition() || this.#replica.closed) finish()
      })
      signal?.addEventListener('abort', finish, { once: true })
      if (signal?.aborted === true) finish()
    })
  }

  #untilStatus(condition: (status: CoordinatorStatus) => boolean, until: number): Promise<boolean> {
    return this.#until(() => condition(this.status()), until)
  }

  async #waitInQueue(
    name: string,
    place: { readonly session: number; readonly request: number },
    options: AcquireOptions,
    until: number
  ): Promise<Lease> {
    // as it was when seen: entries come in batches, and the lock may have passed on before this goes on
    let token: number | undefined
    const mine = (): boolean => {
      const lock = this.#replica.state.locks.get(name)
      if (lock?.session === place.session && lock.request === place.request) token = lock.token
      return token !== undefined
    }
    await this.#until(mine, until, options.signal)
    if (token !== undefined && options.signal?.aborted !== true) {
      const startedAt = this.#now() // the leader counts from earlier; renewing makes both begin again
      const call = this.#call(this.#callMs, options.signal)
      const renewed = await this.#calls.command({ kind: 'renew', session: place.session, name, token }, call)
      if (renewed.outcome === 'done') return await this.#lease(name, token, place.session, options, startedAt)
      const waitMs = until - startedAt // its time was over before this member heard of it
      if (waitMs > 0) return await this.acquire(name, { ...options, waitMs })
    } else await this.#leaveQueue(name, place)
    if (options.signal?.aborted === true) {
      throw new CoordinatorError('ERR_COORDINATOR_CANCELLED', `the caller gave up waiting for lock "${name}"`)
    }
    throw heldError(name, this.#replica.state.locks.get(name)?.token)
  }

  /** Also when the lock was given to it in the meantime. Out of reach: the lease runs out by itself. */
  async #leaveQueue(
    name: string,
    place: { readonly session: number; readonly request: number }
  ): Promise<void> {
    await this.#calls
      .command({ kind: 'cancel', name, ...place }, this.#call(this.#callMs))
      .catch((error: unknown) => {
        if (!(error instanceof CoordinatorError)) throw error
      })
  }

  /** Errors: `ERR_COORDINATOR_NO_MAJORITY` when the answer took longer than the lease lasts. */
  async #lease(
    name: string,
    token: number,
    session: number,
    options: AcquireOptions,
    startedAt: number
  ): Promise<Lease> {
    const actions: LeaseActions = {
      renew: async (until) => {
        const result = await this.#calls.command({ kind: 'renew', session, name, token }, { until })
        return result.outcome === 'done'
      },
      release: async () => {
        const call = this.#call(this.#callMs)
        await this.#calls.command({ kind: 'release', session, name, token }, call).catch((error: unknown) => {
          if (!(error instanceof CoordinatorError)) throw error // it runs out by itself
        })
      }
    }
    const keepAlive = options.keepAlive ?? true
    const terms = { name, token, ttlMs: options.ttlMs, startedAt, keepAlive }
    const lease = new HeldLease(terms, this.#options.clock, actions)
    if (lease.ended.aborted) {
      await actions.release()
      throw new CoordinatorError(
        'ERR_COORDINATOR_NO_MAJORITY',
        `the answer for lock "${name}" took longer than its lease of ${options.ttlMs} ms lasts; try again`
      )
    }
    this.#leases.add(lease)
    lease.ended.addEventListener('abort', () => this.#leases.delete(lease), { once: true })
    return lease
  }

  #changed(): void {
    for (const lease of this.#leases) {
      // a member that is behind sees former holders, never later ones
      const isBehind = this.#replica.appliedIndex < lease.token
      if (!isBehind && this.#replica.state.locks.get(lease.name)?.token !== lease.token) lease.end()
    }
    if (this.#replica.closed) this.#endAll()
    const status = this.status()
    if (sameStatus(status, this.#lastStatus)) return
    this.#lastStatus = status
    for (const listener of [...this.#statusListeners]) listener(status)
  }

  #endAll(): void {
    for (const lease of [...this.#leases]) lease.end()
  }
}

function sameStatus(a: CoordinatorStatus, b: CoordinatorStatus): boolean {
  return (
    a.term === b.term &&
    a.leader === b.leader &&
    a.role === b.role &&
    a.voters === b.voters &&
    a.learners === b.learners
  )
}

function heldError(name: string, token: number | undefined): CoordinatorError {
  return new CoordinatorError(
    'ERR_COORDINATOR_HELD',
    `lock "${name}" is held by somebody else${token === undefined ? '' : ` (token ${token})`}; wait longer, or break it`
  )
}
