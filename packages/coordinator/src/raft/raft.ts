/**
 * One member's part in electing a leader and agreeing on a log: the rules of Raft (Ongaro and Ousterhout 2014; Ongaro 2014,
 * sections 3, 4.1, 4.2.3, 6.4, 9.6) as a pure machine. Time comes in with every call; what is to be stored, sent and
 * applied goes out through `take`, in this order: store, then send, then apply. Roles and elections are here; what a leader
 * does is in `leadership.ts`, what a follower takes in `following.ts`.
 */
import { CoordinatorError } from '../coordinator-error.ts'
import { type Membership, isMember } from './entry.ts'
import { takeAppend, takeSnapshot } from './following.ts'
import { generationOf, termLeapMax } from './generation.ts'
import { Leadership, type RaftTiming } from './leadership.ts'
import type { RaftLog, Snapshot } from './log.ts'
import type { Message } from './message.ts'
import type { HardState, Ready } from './outbox.ts'
import { majorityOf } from './progress.ts'
import { RaftState } from './state.ts'
import type { StoredRaft } from './storage.ts'

export type RaftRole = 'leader' | 'follower' | 'trial' | 'candidate'

export class Raft {
  readonly #state: RaftState
  readonly #timing: RaftTiming
  readonly #random: () => number
  #role: RaftRole = 'follower'
  #leader: string | undefined
  /** While this member leads. */
  #leadership: Leadership | undefined
  #deadline = 0
  #heardLeaderAt = Number.NEGATIVE_INFINITY
  #granted = new Set<string>()

  /** @param random in [0, 1); spreads the moments at which members stand */
  constructor(self: string, stored: StoredRaft, timing: RaftTiming, random: () => number, now: number) {
    this.#state = new RaftState(self, stored)
    this.#timing = timing
    this.#random = random
    this.#restartTimer(now)
    if (this.#aloneVoter()) this.#deadline = now
  }

  get self(): string {
    return this.#state.self
  }

  get term(): number {
    return this.#state.term
  }

  get role(): RaftRole {
    return this.#role
  }

  get leader(): string | undefined {
    return this.#leader
  }

  /** Term and vote as they are to be stored. */
  get hardState(): HardState {
    return this.#state.hardState
  }

  /** First entry that `take` has not handed out. */
  get firstUnsaved(): number {
    return this.#state.outbox.firstUnsaved
  }

  get commitIndex(): number {
    return this.#state.commit
  }

  get log(): RaftLog {
    return this.#state.log
  }

  get membership(): Membership {
    return this.#state.membership
  }

  /** Whether it takes part, with or without a vote. */
  get isMember(): boolean {
    return isMember(this.membership, this.self)
  }

  /** Whether it leads and has heard of a majority lately. */
  get leads(): boolean {
    return this.#role === 'leader'
  }

  /** The moment at which `tick` has something to do. */
  get nextTick(): number {
    return this.#leadership?.beatAt ?? this.#deadline
  }

  /** Makes the first member of a cluster; only on an empty log. */
  bootstrap(now: number): void {
    if (this.log.lastIndex > 0 || this.term > 0) {
      throw new CoordinatorError('ERR_COORDINATOR_MEMBERSHIP', 'a log that has begun cannot be begun again')
    }
    this.#state.append(1, { kind: 'membership', membership: { voters: [this.self], learners: [] } })
    this.#deadline = now
  }

  tick(now: number): void {
    if (this.#leadership === undefined) {
      if (now >= this.#deadline) this.#stand(now, 'trial')
      return
    }
    if (this.#leadership.tick(now)) return
    this.#follow(now, this.term, undefined)
    this.#heardLeaderAt = Number.NEGATIVE_INFINITY
  }

  /** The connection to a member broke: a leader that is gone need not be waited for. */
  peerLost(now: number, member: string): void {
    if (this.#role === 'leader' || this.#leader !== member) return
    this.#leader = undefined
    this.#heardLeaderAt = Number.NEGATIVE_INFINITY
    this.#deadline = Math.min(this.#deadline, now + this.#timing.electionMs * 0.1 * (0.2 + this.#random()))
  }

  /** Index of the entry, or undefined when this member does not lead. It counts when `take` hands it out as committed with the same term. */
  propose(now: number, bytes: Uint8Array): number | undefined {
    return this.#leadership?.propose(now, { kind: 'command', bytes })
  }

  /** Undefined when this member does not lead or the change before is not committed. Voters may differ by one. */
  proposeMembership(now: number, membership: Membership): number | undefined {
    return this.#leadership?.proposeMembership(now, membership)
  }

  /** Asks for an index at which a read sees everything acknowledged so far; the answer comes with `take`. */
  read(now: number, id: number): void {
    if (this.#leadership === undefined) this.#state.outbox.answerRead({ id, index: 0, confirmed: false })
    else this.#leadership.read(now, id)
  }

  /** How far a member is known to be; 0 when this one does not lead. */
  matchOf(member: string): number {
    return this.#leadership?.matchOf(member) ?? 0
  }

  /** Hands leadership to the voter that is furthest, if it has everything. True when it was asked to stand. */
  handOn(): boolean {
    const next = this.#leadership?.successor()
    if (next === undefined) return false
    this.#send(next, { kind: 'stand', term: this.term })
    return true
  }

  /** The stored beginning is replaced by the state after `index`, which is applied. */
  compact(index: number, state: Uint8Array): Snapshot | undefined {
    const { log } = this
    const term = log.termAt(index)
    if (term === undefined || index <= log.snapshot.index || index > this.commitIndex) return undefined
    const snapshot = { index, term, membership: log.membershipAt(index), state }
    log.replaceBeginning(snapshot)
    return snapshot
  }

  /** What was handed out with these entries is durable now. */
  saved(now: number, lastIndex: number): void {
    this.#state.outbox.saved(lastIndex)
    this.#leadership?.advanceCommit(now)
  }

  take(): Ready {
    return this.#state.outbox.take(this.log, this.commitIndex, this.hardState)
  }

  receive(now: number, from: string, message: Message): void {
    if (generationOf(message.term) > generationOf(this.term))
      return this.#onLaterGeneration(now, from, message)
    if (this.#isForged(from, message)) return
    if (message.kind === 'ask-vote') return this.#onAskVote(now, from, message)
    if (message.kind === 'vote' && message.trial && message.granted)
      return this.#onTrialVote(now, from, message.term)
    if (message.term > this.term) this.#follow(now, message.term, undefined)
    switch (message.kind) {
      case 'vote':
        return this.#onVote(now, from, message)
      case 'append':
        return this.#onAppend(now, from, message)
      case 'snapshot':
        return this.#onSnapshot(now, from, message)
      case 'appended':
        return this.#leadership?.onAppended(now, from, message)
      case 'stand':
        if (message.term === this.term && this.#leader === from) this.#stand(now, 'handed-on')
    }
  }

  // --- what no honest member sends

  /** A term that no elections lead to, or a second leader of a term; a member without a log knows no term yet. */
  #isForged(from: string, { kind, term }: Message): boolean {
    if (term > this.term + termLeapMax && this.log.lastIndex > 0) return true
    if ((kind !== 'append' && kind !== 'snapshot') || term !== this.term) return false
    return this.#role === 'leader' || (this.#leader !== undefined && this.#leader !== from)
  }

  /**
   * The cluster was begun anew without those whose majority this member still counts on: only its state as a whole,
   * from a voter of it, takes a member over. Nothing else raises the generation.
   */
  #onLaterGeneration(now: number, from: string, message: Message): void {
    const { kind, term } = message
    if (kind === 'append')
      this.#send(from, { kind: 'appended', term, round: message.round, success: false, index: 1 })
    if (kind !== 'snapshot' || generationOf(message.lastTerm) !== generationOf(term)) return
    if (message.membership.voters.includes(from)) this.#onSnapshot(now, from, message)
  }

  // --- elections

  #aloneVoter(): boolean {
    const { voters } = this.membership
    return voters.length === 1 && voters[0] === this.self
  }

  #restartTimer(now: number): void {
    this.#deadline = now + this.#timing.electionMs * (1 + this.#random())
  }

  /** @param how `trial`: first ask whether there would be votes, without beginning a term */
  #stand(now: number, how: 'trial' | 'term' | 'handed-on'): void {
    this.#restartTimer(now)
    const { voters } = this.membership
    if (!voters.includes(this.self)) return
    const trial = how === 'trial'
    this.#leader = undefined
    this.#granted = new Set([this.self])
    this.#role = trial ? 'trial' : 'candidate'
    if (!trial) this.#state.setTerm(this.term + 1, this.self)
    if (this.#granted.size >= majorityOf(voters.length))
      return trial ? this.#stand(now, 'term') : this.#lead(now)
    const request = {
      kind: 'ask-vote',
      term: trial ? this.term + 1 : this.term,
      trial,
      handedOn: how === 'handed-on',
      lastIndex: this.log.lastIndex,
      lastTerm: this.log.lastTerm
    } as const
    for (const voter of voters) if (voter !== this.self) this.#send(voter, request)
  }

  #onAskVote(now: number, from: string, message: Extract<Message, { kind: 'ask-vote' }>): void {
    const led = this.#role === 'leader' || now - this.#heardLeaderAt < this.#timing.electionMs
    const upToDate =
      message.lastTerm > this.log.lastTerm ||
      (message.lastTerm === this.log.lastTerm && message.lastIndex >= this.log.lastIndex)
    if (led && !message.handedOn) return this.#answerVote(from, message.trial, false)
    if (message.trial) {
      if (message.term > this.term && upToDate) {
        this.#send(from, { kind: 'vote', term: message.term, trial: true, granted: true })
      } else this.#answerVote(from, true, false)
      return
    }
    if (message.term > this.term) this.#follow(now, message.term, undefined)
    const free = this.#state.vote === undefined || this.#state.vote === from
    const granted = message.term === this.term && this.#role === 'follower' && free && upToDate
    if (granted) {
      this.#state.setTerm(this.term, from)
      this.#restartTimer(now)
    }
    this.#answerVote(from, false, granted)
  }

  #answerVote(to: string, trial: boolean, granted: boolean): void {
    this.#send(to, { kind: 'vote', term: this.term, trial, granted })
  }

  #onTrialVote(now: number, from: string, term: number): void {
    if (this.#role !== 'trial' || term !== this.term + 1 || !this.membership.voters.includes(from)) return
    this.#granted.add(from)
    if (this.#granted.size >= majorityOf(this.membership.voters.length)) this.#stand(now, 'term')
  }

  #onVote(now: number, from: string, message: Extract<Message, { kind: 'vote' }>): void {
    if (message.trial || !message.granted || message.term !== this.term || this.#role !== 'candidate') return
    if (!this.membership.voters.includes(from)) return
    this.#granted.add(from)
    if (this.#granted.size >= majorityOf(this.membership.voters.length)) this.#lead(now)
  }

  #lead(now: number): void {
    this.#role = 'leader'
    this.#leader = this.self
    this.#leadership = new Leadership(this.#state, this.#timing, (at) => {
      this.handOn()
      this.#follow(at, this.term, undefined)
    })
    this.#leadership.begin(now)
  }

  #follow(now: number, term: number, leader: string | undefined): void {
    if (term > this.term) this.#state.setTerm(term, undefined)
    this.#leadership?.dropReads()
    this.#leadership = undefined
    if (this.#role !== 'follower') this.#restartTimer(now)
    this.#role = 'follower'
    this.#leader = leader
  }

  // --- followers

  #onAppend(now: number, from: string, message: Extract<Message, { kind: 'append' }>): void {
    if (!this.#hearLeader(now, from, message)) return
    const { success, index } = takeAppend(this.#state, message)
    this.#send(from, { kind: 'appended', term: this.term, round: message.round, success, index })
  }

  #onSnapshot(now: number, from: string, message: Extract<Message, { kind: 'snapshot' }>): void {
    const { lastIndex, round } = message
    const isLater = generationOf(message.term) > generationOf(this.term)
    if (!this.#hearLeader(now, from, message)) return
    if (lastIndex > this.commitIndex || isLater) takeSnapshot(this.#state, message)
    const index = Math.max(lastIndex, this.commitIndex)
    this.#send(from, { kind: 'appended', term: this.term, round, success: true, index })
  }

  /** False for a leader of a former term, which is told. */
  #hearLeader(now: number, from: string, { term, round }: { term: number; round: number }): boolean {
    if (term < this.term) {
      this.#send(from, { kind: 'appended', term: this.term, round, success: false, index: 0 })
      return false
    }
    this.#follow(now, term, from)
    this.#heardLeaderAt = now
    this.#restartTimer(now)
    return true
  }

  #send(to: string, message: Message): void {
    this.#state.outbox.send(to, message)
  }
}
