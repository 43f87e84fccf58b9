/**
 * What a cluster agrees on: sessions, locks with their queues, sequences. A pure function of the commands in their order
 * (doc/spec/29-coordinator.md, section 4): no clock, no chance. The index of the entry that gives a lease is its token.
 */
import type { Command } from './command.ts'
import type { CommandResult } from './command-result.ts'
import { resultsPerSessionMax, stateBytesMax, waitersMax } from './limits.ts'

export interface Waiter {
  readonly session: number
  readonly request: number
  readonly ttlMs: number
}

export interface Lock {
  readonly token: number
  readonly session: number
  readonly request: number
  readonly ttlMs: number
  /** Times the lease was renewed; an `expire` that has not seen the last one does nothing. */
  readonly renewals: number
  readonly waiters: readonly Waiter[]
}

export interface Session {
  readonly member: string
  readonly nonce: number
  floor: number
  readonly results: Map<number, CommandResult>
}

const ended: CommandResult = { outcome: 'ended', value: 0 }
const done: CommandResult = { outcome: 'done', value: 0 }
const queued: CommandResult = { outcome: 'queued', value: 0 }
const held: CommandResult = { outcome: 'held', value: 0 }
const full: CommandResult = { outcome: 'full', value: 0 }

/** Bytes that each part counts for, beside its text; about what a snapshot takes. */
const cost = { session: 48, result: 24, lock: 64, waiter: 32, sequence: 24 }

/** Under this name, which nobody can ask for, the number that all sequences begin after. */
export const sequenceFloor = ''

type AcquireCommand = Extract<Command, { kind: 'acquire' }>
type SequenceCommand = Extract<Command, { kind: 'sequence' }>
type Requesting = AcquireCommand | SequenceCommand

export class CoordinatorState {
  readonly sessions: Map<number, Session>
  readonly locks: Map<string, Lock>
  readonly sequences: Map<string, number>
  #size = 0

  constructor(content?: {
    readonly sessions: Map<number, Session>
    readonly locks: Map<string, Lock>
    readonly sequences: Map<string, number>
  }) {
    this.sessions = content?.sessions ?? new Map<number, Session>()
    this.locks = content?.locks ?? new Map<string, Lock>()
    this.sequences = content?.sequences ?? new Map<string, number>()
    this.#size = measure(this)
  }

  /** Bytes by the table of costs; new things are refused beyond `stateBytesMax`. */
  get size(): number {
    return this.#size
  }

  /** Locks that a member holds, and places in queues. */
  placesOf(member: string): number {
    const isTheirs = ({ session }: { readonly session: number }): boolean =>
      this.sessions.get(session)?.member === member
    let count = 0
    for (const lock of this.locks.values())
      count += (isTheirs(lock) ? 1 : 0) + lock.waiters.filter(isTheirs).length
    return count
  }

  /** @param index of the entry, higher than that of every command before */
  apply(index: number, command: Command): CommandResult {
    switch (command.kind) {
      case 'open':
        return this.#open(index, command.member, command.nonce)
      case 'acquire':
        return this.#once(command, () => this.#acquire(index, command))
      case 'renew':
        return this.#renew(command)
      case 'release':
        return this.#owns(command) ? this.#free(index, command.name) : ended
      case 'cancel':
        return this.#cancel(index, command)
      case 'expire':
        return this.#expire(index, command)
      case 'break':
        return this.locks.get(command.name)?.token === command.token ? this.#free(index, command.name) : ended
      case 'sequence':
        return this.#once(command, () => this.#number(command))
      case 'close':
        return this.#close(index, command.session)
    }
  }

  /** Ends the sessions of a member that was removed. */
  dropMember(index: number, member: string): void {
    for (const [id, session] of this.sessions) if (session.member === member) this.#close(index, id)
  }

  #open(index: number, member: string, nonce: number): CommandResult {
    for (const [id, session] of this.sessions) {
      if (session.member === member && session.nonce === nonce) return { outcome: 'done', value: id }
    }
    this.dropMember(index, member)
    if (!this.#grow(cost.session + member.length)) return full
    this.sessions.set(index, { member, nonce, floor: 0, results: new Map() })
    return { outcome: 'done', value: index }
  }

  /** Runs a command that may arrive twice once, and answers the second with the result of the first. */
  #once(command: Requesting, run: () => CommandResult): CommandResult {
    const session = this.sessions.get(command.session)
    if (session === undefined || command.request < session.floor) return ended
    this.#raiseFloor(session, Math.min(command.floor, command.request))
    const known = session.results.get(command.request)
    if (known !== undefined) return known
    if (session.results.size >= resultsPerSessionMax || !this.#grow(cost.result)) return full
    const result = run()
    session.results.set(command.request, result)
    return result
  }

  #raiseFloor(session: Session, floor: number): void {
    if (floor <= session.floor) return
    session.floor = floor
    for (const request of session.results.keys()) {
      if (request < floor && session.results.delete(request)) this.#size -= cost.result
    }
  }

  #acquire(index: number, command: AcquireCommand): CommandResult {
    const { session, request, ttlMs, name } = command
    const lock = this.locks.get(name)
    if (lock === undefined) {
      if (!this.#grow(cost.lock + name.length)) return full
      this.locks.set(name, { token: index, session, request, ttlMs, renewals: 0, waiters: [] })
      return { outcome: 'done', value: index }
    }
    if (!command.queue) return held
    if (lock.waiters.length >= waitersMax || !this.#grow(cost.waiter)) return full
    this.locks.set(name, { ...lock, waiters: [...lock.waiters, { session, request, ttlMs }] })
    return queued
  }

  #owns(command: { readonly session: number; readonly name: string; readonly token: number }): boolean {
    const lock = this.locks.get(command.name)
    return lock?.token === command.token && lock.session === command.session
  }

  #renew(command: Extract<Command, { kind: 'renew' }>): CommandResult {
    const lock = this.locks.get(command.name)
    if (lock === undefined || !this.#owns(command)) return ended
    this.locks.set(command.name, { ...lock, renewals: lock.renewals + 1 })
    return { outcome: 'done', value: lock.token }
  }

  #cancel(index: number, command: Extract<Command, { kind: 'cancel' }>): CommandResult {
    const { name, session, request } = command
    const lock = this.locks.get(name)
    if (lock?.session === session && lock.request === request) return this.#free(index, name)
    return this.#leaveQueue(name, (waiter) => waiter.session === session && waiter.request === request)
  }

  #leaveQueue(name: string, leaves: (waiter: Waiter) => boolean): CommandResult {
    const lock = this.locks.get(name)
    if (lock === undefined) return ended
    const waiters = lock.waiters.filter((waiter) => !leaves(waiter))
    if (waiters.length === lock.waiters.length) return ended
    this.#size -= cost.waiter * (lock.waiters.length - waiters.length)
    this.locks.set(name, { ...lock, waiters })
    return done
  }

  #expire(index: number, command: Extract<Command, { kind: 'expire' }>): CommandResult {
    const lock = this.locks.get(command.name)
    if (lock?.token !== command.token || lock.renewals !== command.renewals) return ended
    return this.#free(index, command.name)
  }

  /** Gives the lock to the first in the queue, or ends it. */
  #free(index: number, name: string): CommandResult {
    const [next, ...waiters] = this.locks.get(name)?.waiters ?? []
    if (next === undefined) {
      this.locks.delete(name)
      this.#size -= cost.lock + name.length
      return done
    }
    this.#size -= cost.waiter
    this.locks.set(name, { ...next, token: index, renewals: 0, waiters })
    return done
  }

  #number(command: SequenceCommand): CommandResult {
    const given = this.sequences.get(command.name)
    if (given === undefined && !this.#grow(cost.sequence + command.name.length)) return full
    const last = given ?? this.sequences.get(sequenceFloor) ?? 0
    if (last + command.count > Number.MAX_SAFE_INTEGER) return full
    this.sequences.set(command.name, last + command.count)
    return { outcome: 'done', value: last + 1 }
  }

  /** All waiting places first, so that no lock passes to the session that ends. Its locks then pass one index each: they differ by name. */
  #close(index: number, id: number): CommandResult {
    const session = this.sessions.get(id)
    if (session === undefined) return ended
    for (const name of this.locks.keys()) this.#leaveQueue(name, (waiter) => waiter.session === id)
    for (const [name, lock] of [...this.locks]) if (lock.session === id) this.#free(index, name)
    this.#size -= cost.session + session.member.length + cost.result * session.results.size
    this.sessions.delete(id)
    return done
  }

  #grow(bytes: number): boolean {
    if (this.#size + bytes > stateBytesMax) return false
    this.#size += bytes
    return true
  }
}

function measure(state: CoordinatorState): number {
  let size = 0
  for (const session of state.sessions.values()) {
    size += cost.session + session.member.length + cost.result * session.results.size
  }
  for (const [name, lock] of state.locks) size += cost.lock + name.length + cost.waiter * lock.waiters.length
  for (const name of state.sequences.keys()) size += cost.sequence + name.length
  return size
}
