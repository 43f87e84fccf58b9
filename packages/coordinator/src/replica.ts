/**
 * One member's copy of the agreed state, running: feeds the Raft machine with messages and time, stores, sends and applies
 * what it hands out in the order it demands, and answers who waits for an entry.
 */
import { type Command, decodeCommand, encodeCommand } from './command.ts'
import type { CommandResult } from './command-result.ts'
import { CoordinatorError } from './coordinator-error.ts'
import { CoordinatorState } from './coordinator-state.ts'
import { entriesPerSnapshot, votersMax } from './limits.ts'
import type { CoordinatorLink } from './link.ts'
import type { CoordinatorClock } from './port.ts'
import { type Entry, type Membership, isMember } from './raft/entry.ts'
import { decodeMessage, encodeMessage } from './raft/message.ts'
import type { RaftTiming } from './raft/leadership.ts'
import type { Ready } from './raft/outbox.ts'
import { Raft } from './raft/raft.ts'
import type { RaftStorage } from './raft/storage.ts'
import { decodeState, encodeState } from './state-snapshot.ts'

export interface ReplicaOptions {
  readonly self: string
  readonly link: CoordinatorLink
  readonly storage: RaftStorage
  readonly clock: CoordinatorClock
  readonly random: () => number
  readonly timing: RaftTiming
  /** Makes the first member when nothing is stored; a member that joins waits to be added. */
  readonly first: boolean
  /** Who may become a voter; all may when left out. */
  readonly mayVote?: (member: string) => boolean
  /** Told once when storing fails: from then on this member takes no part. */
  readonly failed?: (error: unknown) => void
}

/** What one waits for at the leader; undefined when it stopped leading first: ask again, elsewhere. */
export interface Applied {
  readonly index: number
  readonly result: CommandResult
}

interface Pending {
  readonly term: number
  readonly settle: (applied: Applied | undefined) => void
}

const nothing: CommandResult = { outcome: 'done', value: 0 }
const refused: CommandResult = { outcome: 'ended', value: 0 }

export class Replica {
  readonly #options: ReplicaOptions
  readonly #raft: Raft
  readonly #pending = new Map<number, Pending>()
  readonly #reads = new Map<number, (index: number | undefined) => void>()
  readonly #listeners = new Set<(entry: Command | undefined) => void>()
  #state: CoordinatorState
  #applied: number
  #readId = 0
  #running = false
  #again = false
  #closed = false
  #cancelTimer: () => void = () => undefined

  private constructor(options: ReplicaOptions, raft: Raft) {
    this.#options = options
    this.#raft = raft
    const { snapshot } = raft.log
    this.#applied = snapshot.index
    this.#state = snapshot.index === 0 ? new CoordinatorState() : decodeState(snapshot.state)
  }

  /** Errors: `ERR_COORDINATOR_STORAGE_DAMAGED`. */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const stored = await options.storage.load()
    const now = options.clock.now()
    const raft = new Raft(options.self, stored, options.timing, options.random, now)
    if (options.first && raft.log.lastIndex === 0 && raft.term === 0) raft.bootstrap(now)
    const replica = new Replica(options, raft)
    replica.#run()
    return replica
  }

  get state(): CoordinatorState {
    return this.#state
  }

  get raft(): Pick<
    Raft,
    'term' | 'role' | 'leader' | 'membership' | 'leads' | 'commitIndex' | 'matchOf' | 'log'
  > {
    return this.#raft
  }

  get appliedIndex(): number {
    return this.#applied
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Called after each applied entry with its command, and with undefined after anything else may have changed. */
  onChange(listener: (command: Command | undefined) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Bytes of a member; what cannot be read is dropped, as a lost message would be. */
  receive(from: string, bytes: Uint8Array): void {
    if (this.#closed) return
    try {
      const message = decodeMessage(bytes)
      // who has no vote answers, and leads nobody
      if (message.kind !== 'appended' && message.kind !== 'vote' && !this.mayDecide(from)) return
      this.#raft.receive(this.#now(), from, message)
    } catch (error) {
      if (error instanceof Error && 'code' in error) return
      throw error
    }
    this.#run()
  }

  /** Whether this member has a vote or may get one: others neither lead nor change who is a member. */
  mayDecide(member: string): boolean {
    const { mayVote = () => true } = this.#options
    return this.#raft.membership.voters.includes(member) || mayVote(member)
  }

  lost(member: string): void {
    if (this.#closed) return
    this.#raft.peerLost(this.#now(), member)
    this.#run()
  }

  /** Undefined when this member does not lead, or stops before the command is in force. */
  propose(command: Command): Promise<Applied | undefined> {
    return this.#await(this.#closed ? undefined : this.#raft.propose(this.#now(), encodeCommand(command)))
  }

  proposeMembership(membership: Membership): Promise<Applied | undefined> {
    return this.#await(this.#closed ? undefined : this.#raft.proposeMembership(this.#now(), membership))
  }

  /** An index at which a read sees everything acknowledged before; undefined when this member does not lead. */
  readIndex(): Promise<number | undefined> {
    if (this.#closed) return Promise.resolve(undefined)
    const id = ++this.#readId
    return new Promise((resolve) => {
      this.#reads.set(id, resolve)
      this.#raft.read(this.#now(), id)
      this.#run()
    })
  }

  /** Asks another member to lead; true when one was there that has everything. */
  handOn(): boolean {
    const asked = !this.#closed && this.#raft.handOn()
    this.#run()
    return asked
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#stop()
    await this.#options.storage.close()
  }

  #now(): number {
    return this.#options.clock.now()
  }

  #await(index: number | undefined): Promise<Applied | undefined> {
    if (index === undefined) return Promise.resolve(undefined)
    return new Promise((settle) => {
      this.#pending.set(index, { term: this.#raft.term, settle })
      this.#run()
    })
  }

  /** Stores, sends and applies until there is nothing left; one at a time, so that no message overtakes what it promises. */
  #run(): void {
    this.#again = true
    if (this.#running) return
    this.#running = true
    this.#drain().then(
      () => {
        this.#running = false
        this.#setTimer()
      },
      (error: unknown) => this.#fail(error)
    )
  }

  async #drain(): Promise<void> {
    while (this.#again && !this.#closed) {
      this.#again = false
      const ready = this.#raft.take()
      if (needsStorage(ready)) {
        await this.#store(ready)
        this.#again = true // what came in meanwhile, and what is durable now
      }
      if (this.#closed) return
      for (const { to, message } of ready.messages) this.#options.link.send(to, encodeMessage(message))
      await this.#applyAll(ready)
      this.#settleReads(ready)
      if (!this.#raft.leads) this.#dropPending()
      this.#promote()
      this.#notify(undefined)
    }
  }

  async #store(ready: Ready): Promise<void> {
    const last = ready.entries.at(-1)?.index ?? 0
    if (ready.snapshot === undefined) await this.#options.storage.save(ready)
    else {
      const { snapshot, entries } = ready
      await this.#options.storage.replace({ ...this.#raft.hardState, snapshot, entries })
      this.#state = decodeState(snapshot.state)
      this.#applied = snapshot.index
    }
    this.#raft.saved(this.#now(), last)
  }

  async #applyAll(ready: Ready): Promise<void> {
    for (const entry of ready.committed) {
      if (entry.index > this.#applied) this.#apply(entry)
    }
    if (this.#raft.log.length >= entriesPerSnapshot) await this.#compact()
  }

  #apply(entry: Entry): void {
    this.#applied = entry.index
    let result = nothing
    let command: Command | undefined
    if (entry.content.kind === 'command') {
      command = readCommand(entry.content.bytes)
      result = command === undefined ? refused : this.#state.apply(entry.index, command)
    } else if (entry.content.kind === 'membership') this.#dropStrangers(entry.index, entry.content.membership)
    const pending = this.#pending.get(entry.index)
    this.#pending.delete(entry.index)
    pending?.settle(pending.term === entry.term ? { index: entry.index, result } : undefined)
    this.#notify(command)
  }

  #dropStrangers(index: number, membership: Membership): void {
    const members = new Set([...this.#state.sessions.values()].map((session) => session.member))
    for (const member of members) if (!isMember(membership, member)) this.#state.dropMember(index, member)
  }

  async #compact(): Promise<void> {
    const { storage } = this.#options
    const snapshot = this.#raft.compact(this.#applied, encodeState(this.#state))
    if (snapshot === undefined) return
    const entries = this.#raft.log.slice(snapshot.index + 1, Number.MAX_SAFE_INTEGER)
    await storage.replace({
      ...this.#raft.hardState,
      snapshot,
      entries: entries.filter((entry) => entry.index < this.#raft.firstUnsaved)
    })
  }

  #settleReads(ready: Ready): void {
    for (const read of ready.reads) {
      this.#reads.get(read.id)?.(read.confirmed ? read.index : undefined)
      this.#reads.delete(read.id)
    }
  }

  #dropPending(): void {
    for (const { settle } of this.#pending.values()) settle(undefined)
    this.#pending.clear()
  }

  /**
   * Learners that have caught up become voters, up to the limit, but never so that an even number stays: two voters
   * survive no more losses than one.
   */
  #promote(): void {
    const { voters, learners } = this.#raft.membership
    if (!this.#raft.leads || learners.length === 0) return
    const room = votersMax - voters.length
    const { mayVote = () => true } = this.#options
    const caughtUp = learners.filter(
      (member) =>
        this.#raft.matchOf(member) >= this.#raft.commitIndex &&
        this.#raft.matchOf(member) > 0 &&
        mayVote(member)
    )
    const [next] = caughtUp
    if (next === undefined || room < 1) return
    if (voters.length % 2 === 1 && (caughtUp.length < 2 || room < 2)) return
    const membership = { voters: [...voters, next], learners: learners.filter((member) => member !== next) }
    if (this.#raft.proposeMembership(this.#now(), membership) !== undefined) this.#again = true
  }

  #notify(command: Command | undefined): void {
    for (const listener of [...this.#listeners]) listener(command)
  }

  #setTimer(): void {
    this.#cancelTimer()
    if (this.#closed) return
    const delay = Math.max(1, this.#raft.nextTick - this.#now())
    this.#cancelTimer = this.#options.clock.start(delay, () => {
      if (this.#closed) return
      this.#raft.tick(this.#now())
      this.#run()
    })
  }

  #fail(error: unknown): void {
    this.#stop()
    this.#options.failed?.(error)
  }

  #stop(): void {
    this.#closed = true
    this.#cancelTimer()
    this.#dropPending()
    for (const settle of this.#reads.values()) settle(undefined)
    this.#reads.clear()
    this.#notify(undefined)
  }
}

/** A command that no member can read is one without effect, on all of them alike. */
function readCommand(bytes: Uint8Array): Command | undefined {
  try {
    return decodeCommand(bytes)
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}

function needsStorage(ready: Ready): boolean {
  return (
    ready.vote !== undefined ||
    ready.snapshot !== undefined ||
    ready.truncateFrom !== undefined ||
    ready.entries.length > 0
  )
}

/** For those that have nothing to wait for any more. */
export function closedError(): CoordinatorError {
  return new CoordinatorError(
    'ERR_COORDINATOR_CLOSED',
    'the coordinator was closed, or could not store and stopped'
  )
}
