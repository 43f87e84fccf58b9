/**
 * The coordinator for those who run etcd already (v3 API). A lock is a queue of keys under leases: the oldest key holds it,
 * and the revision that made the key is the fencing token. The leader is whoever holds the lock `leader`.
 */
import { checkAcquire, checkCount, checkName } from './arguments.ts'
import { CoordinatorError } from './coordinator-error.ts'
import { EtcdClient, type EtcdClientOptions, EtcdRefusal } from './etcd-client.ts'
import { HeldLease } from './held-lease.ts'
import { nameError } from './name-error.ts'
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

export interface EtcdOptions extends EtcdClientOptions {
  readonly self: string
  /** Before all keys; the same on all nodes of the cluster and on no other. At most 64 characters. */
  readonly prefix: string
  readonly clock: CoordinatorClock
  /** Asked before this node names anything. etcd itself knows no names: any client of it may write any key. */
  readonly mayName?: NameRule
  /** How long a call waits for etcd; 5,000 ms when left out. */
  readonly callMs?: number
}

interface Place {
  readonly key: string
  readonly leaseId: string
  readonly token: number
  readonly startedAt: number
}

const pollMs = 100
const retryMs = 200
const leaderName = 'leader'
const leaderTtlMs = 3000

export class EtcdCoordinator implements Coordinator {
  readonly kind: CoordinatorKind = 'etcd'
  readonly #options: EtcdOptions
  readonly #client: EtcdClient
  readonly #clock: CoordinatorClock
  readonly #leases = new Set<HeldLease>()
  readonly #listeners = new Set<(status: CoordinatorStatus) => void>()
  readonly #closing = new AbortController()
  readonly #campaign: Promise<void>
  #leader: { readonly member: string; readonly term: number } | undefined
  #term = 0
  #closed: Promise<void> | undefined

  constructor(options: EtcdOptions) {
    this.#options = options
    this.#client = new EtcdClient(options)
    this.#clock = options.clock
    this.#campaign = this.#stand()
  }

  status(): CoordinatorStatus {
    const { self } = this.#options
    const leader = this.#leader?.member
    const role = leader === self ? 'leader' : 'follower'
    return { kind: this.kind, self, leader, term: this.#term, role, voters: [], learners: [] }
  }

  onStatus(listener: (status: CoordinatorStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async acquire(name: string, options: AcquireOptions): Promise<Lease> {
    checkAcquire(name, options)
    this.#expectOpen()
    this.#expectName(name)
    return await this.#queue(`lock/${name}`, name, options)
  }

  async holder(name: string): Promise<LockHolder | undefined> {
    checkName(name)
    const { entries, count } = await this.#call(() => this.#client.oldest(this.#folder(`lock/${name}`), 1))
    const [first] = entries
    if (first === undefined) return undefined
    const { member, ttlMs } = readPlace(first.value)
    return { member, token: first.createRevision, ttlMs, waiting: count - 1 }
  }

  async breakLock(name: string, token: number): Promise<boolean> {
    checkName(name)
    this.#expectName(name)
    const { entries } = await this.#call(() => this.#client.oldest(this.#folder(`lock/${name}`), 1))
    const [first] = entries
    if (first?.createRevision !== token) return false
    return await this.#call(() => this.#client.remove(first.key))
  }

  async nextSequence(name: string, count = 1): Promise<number> {
    checkName(name)
    this.#expectName(name)
    checkCount(count)
    const key = `${this.#options.prefix}/sequence/${hex(name)}`
    for (;;) {
      const entry = await this.#call(() => this.#client.get(key))
      const last = Number(entry?.value ?? 0)
      const modRevision = entry?.modRevision ?? 0
      const written = await this.#call(() => this.#client.put(key, String(last + count), { modRevision }))
      if (written !== undefined) return last + 1
    }
  }

  addMember(member: string): Promise<void> {
    return Promise.reject(unsupported(member))
  }

  removeMember(member: string): Promise<void> {
    return Promise.reject(unsupported(member))
  }

  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort()
    const leases = [...this.#leases]
    await Promise.allSettled([this.#campaign, ...leases.map((lease) => lease.release())])
  }

  /** Takes a place in a queue of keys and waits until it is the first. */
  async #queue(path: string, name: string, options: AcquireOptions): Promise<Lease> {
    const until = this.#clock.now() + options.waitMs
    let place = await this.#takePlace(path, options.ttlMs)
    for (;;) {
      const { entries } = await this.#call(() => this.#client.oldest(this.#folder(path), 1))
      const [first] = entries
      if (path === leaderName && first !== undefined)
        this.#follow(readPlace(first.value).member, first.createRevision)
      if (first?.key === place.key) return this.#lease(name, place, options)
      const gaveUp = options.signal?.aborted === true || this.#closing.signal.aborted
      if (gaveUp || this.#clock.now() >= until) {
        await this.#call(() => this.#client.revokeLease(place.leaseId))
        if (!gaveUp) throw heldError(name, first?.createRevision)
        throw new CoordinatorError(
          'ERR_COORDINATOR_CANCELLED',
          `the caller gave up waiting for lock "${name}"`
        )
      }
      await this.#pause(pollMs)
      place = await this.#keepPlace(path, place, options.ttlMs)
    }
  }

  async #takePlace(path: string, ttlMs: number): Promise<Place> {
    const startedAt = this.#clock.now()
    const leaseId = await this.#call(() => this.#client.grantLease(Math.ceil(ttlMs / 1000)))
    const key = `${this.#folder(path)}${BigInt(leaseId).toString(16)}`
    const value = writePlace(this.#options.self, ttlMs)
    const written = await this.#call(() => this.#client.put(key, value, { modRevision: 0, lease: leaseId }))
    // a first try that was carried out but not answered
    const token = written ?? (await this.#call(() => this.#client.get(key)))?.createRevision
    if (token === undefined) {
      throw new CoordinatorError('ERR_COORDINATOR_LEASE_ENDED', 'the lease ended before its key was written')
    }
    return { key, leaseId, token, startedAt }
  }

  /** Renews the lease of a place in time; one that was lost is taken anew, at the end of the queue. */
  async #keepPlace(path: string, place: Place, ttlMs: number): Promise<Place> {
    const startedAt = this.#clock.now()
    if (startedAt - place.startedAt < ttlMs / 3) return place
    const kept = await this.#call(() => this.#client.keepLease(place.leaseId))
    return kept ? { ...place, startedAt } : await this.#takePlace(path, ttlMs)
  }

  #lease(name: string, place: Place, options: AcquireOptions): Lease {
    const lease = new HeldLease(
      {
        name,
        token: place.token,
        ttlMs: options.ttlMs,
        startedAt: place.startedAt,
        keepAlive: options.keepAlive ?? true
      },
      this.#clock,
      {
        renew: async (until) => {
          const kept = await this.#call(() => this.#client.keepLease(place.leaseId), until)
          return kept && (await this.#call(() => this.#client.get(place.key), until)) !== undefined // not broken
        },
        release: async () => {
          await this.#call(() => this.#client.revokeLease(place.leaseId)).catch((error: unknown) => {
            if (!(error instanceof CoordinatorError)) throw error // out of reach: it runs out by itself
          })
        }
      }
    )
    if (lease.ended.aborted) {
      throw new CoordinatorError(
        'ERR_COORDINATOR_NO_MAJORITY',
        `etcd answered for lock "${name}" later than its lease of ${options.ttlMs} ms lasts; try again`
      )
    }
    this.#leases.add(lease)
    lease.ended.addEventListener('abort', () => this.#leases.delete(lease), { once: true })
    return lease
  }

  /** Tries to lead until closed; whoever waits sees who does. */
  async #stand(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        const options = { ttlMs: leaderTtlMs, waitMs: Number.MAX_SAFE_INTEGER, signal: this.#closing.signal }
        const lease = await this.#queue(leaderName, leaderName, options)
        this.#follow(this.#options.self, lease.token)
        await ended(lease.ended, this.#closing.signal)
        this.#follow(undefined, lease.token)
        await lease.release()
      } catch (error) {
        if (!(error instanceof CoordinatorError) && !(error instanceof EtcdRefusal)) throw error
        this.#follow(undefined, this.#term)
        await this.#pause(retryMs)
      }
    }
    this.#follow(undefined, this.#term)
  }

  #follow(member: string | undefined, term: number): void {
    if (this.#leader?.member === member && this.#term === term) return
    this.#term = Math.max(this.#term, term)
    this.#leader = member === undefined ? undefined : { member, term }
    const status = this.status()
    for (const listener of [...this.#listeners]) listener(status)
  }

  #folder(path: string): string {
    return path === leaderName
      ? `${this.#options.prefix}/${leaderName}/`
      : `${this.#options.prefix}/lock/${hex(path.slice('lock/'.length))}/`
  }

  #expectName(name: string): void {
    const { self, mayName = () => 'allowed' } = this.#options
    const verdict = mayName(self, name)
    if (verdict !== 'allowed') throw nameError(verdict === 'refused')
  }

  #expectOpen(): void {
    if (this.#closing.signal.aborted)
      throw new CoordinatorError('ERR_COORDINATOR_CLOSED', 'the coordinator was closed')
  }

  /** Asks again while no endpoint answers, until the time is over. */
  async #call<T>(
    ask: () => Promise<T>,
    until: number = this.#clock.now() + (this.#options.callMs ?? 5000)
  ): Promise<T> {
    for (;;) {
      try {
        return await ask()
      } catch (error) {
        const again = error instanceof CoordinatorError && error.code === 'ERR_COORDINATOR_NO_MAJORITY'
        if (!again || this.#closing.signal.aborted || this.#clock.now() >= until)
          throw asCoordinatorError(error)
        await this.#pause(retryMs)
      }
    }
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel()
        this.#closing.signal.removeEventListener('abort', finish)
        resolve()
      }
      const cancel = this.#clock.start(delayMs, finish)
      this.#closing.signal.addEventListener('abort', finish, { once: true })
      if (this.#closing.signal.aborted) finish()
    })
  }
}

function ended(...signals: readonly AbortSignal[]): Promise<void> {
  const any = AbortSignal.any([...signals])
  return new Promise((resolve) => {
    if (any.aborted) resolve()
    else any.addEventListener('abort', () => resolve(), { once: true })
  })
}

function writePlace(member: string, ttlMs: number): string {
  return `1 ${ttlMs} ${member}`
}

function readPlace(value: string): { member: string; ttlMs: number } {
  const [format, ttl, ...member] = value.split(' ')
  if (format !== '1')
    throw new CoordinatorError(
      'ERR_COORDINATOR_MALFORMED',
      `a key in etcd has the content "${value.slice(0, 40)}"`
    )
  return { member: member.join(' '), ttlMs: Number(ttl) }
}

/** Names may hold anything; as hexadecimal digits none is a prefix of another's folder. */
function hex(name: string): string {
  return Buffer.from(name).toString('hex')
}

function heldError(name: string, token: number | undefined): CoordinatorError {
  return new CoordinatorError(
    'ERR_COORDINATOR_HELD',
    `lock "${name}" is held by somebody else${token === undefined ? '' : ` (token ${token})`}; wait longer, or break it`
  )
}

function asCoordinatorError(error: unknown): unknown {
  if (!(error instanceof EtcdRefusal)) return error
  return new CoordinatorError('ERR_COORDINATOR_NO_MAJORITY', `etcd refused: ${error.message}`, {
    cause: error
  })
}

function unsupported(member: string): CoordinatorError {
  return new CoordinatorError(
    'ERR_COORDINATOR_UNSUPPORTED',
    `cannot change the membership of ${member}: members of etcd are administered with its own tools (etcdctl member)`
  )
}
