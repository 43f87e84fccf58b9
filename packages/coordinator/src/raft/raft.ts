/**
 * One member's part in electing a leader and agreeing on a log: the rules of Raft (Ongaro and Ousterhout 2014; Ongaro 2014,
 * sections 3, 4.1, 4.2.3, 6.4, 9.6) as a pure machine. Time comes in with every call; what is to be stored, sent and
 * applied goes out through `take`, in this order: store, then send, then apply.
 */
import { CoordinatorError } from '../coordinator-error.ts'
import { entriesPerMessageMax } from '../limits.ts'
import { type Entry, type EntryContent, type Membership, isMember } from './entry.ts'
import { RaftLog, type Snapshot, emptySnapshot } from './log.ts'
import type { Message } from './message.ts'
import { generationOf, termLeapMax } from './generation.ts'
import { type Progress, majorityOf, majorityValue, newProgress } from './progress.ts'

export interface RaftTiming {
  /** Between two signs of life of a leader that has nothing to say. */
  readonly beatMs: number
  /** Without a sign of life for this long, up to twice this long by chance, a voter stands. */
  readonly electionMs: number
}

export interface StoredRaft {
  readonly term: number
  readonly vote: string | undefined
  readonly snapshot: Snapshot
  readonly entries: readonly Entry[]
}

export const nothingStored: StoredRaft = { term: 0, vote: undefined, snapshot: emptySnapshot, entries: [] }

export type RaftRole = 'leader' | 'follower' | 'trial' | 'candidate'

export interface OutgoingMessage {
  readonly to: string
  readonly message: Message
}

export interface ConfirmedRead {
  readonly id: number
  /** State after this entry answers the read. */
  readonly index: number
  /** False: this member leads no longer, ask again. */
  readonly confirmed: boolean
}

/** What the driver does next. Nothing in `messages` may leave before the rest of it is durable. */
export interface Ready {
  readonly vote: { readonly term: number; readonly vote: string | undefined } | undefined
  /** Replaces everything that is stored. */
  readonly snapshot: Snapshot | undefined
  /** Stored entries from this one on are dropped before `entries` are appended. */
  readonly truncateFrom: number | undefined
  readonly entries: readonly Entry[]
  readonly messages: readonly OutgoingMessage[]
  readonly committed: readonly Entry[]
  readonly reads: readonly ConfirmedRead[]
}

interface PendingRead {
  readonly id: number
  readonly round: number
}

export class Raft {
  readonly self: string
  readonly #timing: RaftTiming
  readonly #random: () => number
  readonly #log: RaftLog
  #term: number
  #vote: string | undefined
  #role: RaftRole = 'follower'
  #leader: string | undefined
  #commit: number
  #taken: number
  #deadline = 0
  #beatAt = 0
  #heardLeaderAt = Number.NEGATIVE_INFINITY
  #granted = new Set<string>()
  #progress = new Map<string, Progress>()
  #round = 0
  #beginIndex = 0
  #reads: PendingRead[] = []
  // what the next `take` hands out
  #voteChanged = false
  #installed: Snapshot | undefined
  #truncatedFrom: number | undefined
  #unsaved: number
  #saved: number
  #messages: OutgoingMessage[] = []
  #confirmed: ConfirmedRead[] = []

  /** @param random in [0, 1); spreads the moments at which members stand */
  constructor(self: string, stored: StoredRaft, timing: RaftTiming, random: () => number, now: number) {
    this.self = self
    this.#timing = timing
    this.#random = random
    this.#log = new RaftLog(stored.snapshot, stored.entries)
    this.#term = stored.term
    this.#vote = stored.vote
    this.#commit = stored.snapshot.index
    this.#taken = stored.snapshot.index
    this.#saved = this.#log.lastIndex
    this.#unsaved = this.#saved + 1
    this.#restartTimer(now)
    if (this.#aloneVoter()) this.#deadline = now
  }

  get term(): number {
    return this.#term
  }

  get role(): RaftRole {
    return this.#role
  }

  get leader(): string | undefined {
    return this.#leader
  }

  /** Term and vote as they are to be stored. */
  get hardState(): { readonly term: number; readonly vote: string | undefined } {
    return { term: this.#term, vote: this.#vote }
  }

  /** First entry that `take` has not handed out. */
  get firstUnsaved(): number {
    return this.#unsaved
  }

  get commitIndex(): number {
    return this.#commit
  }

  get log(): RaftLog {
    return this.#log
  }

  get membership(): Membership {
    return this.#log.membership().membership
  }

  /** Whether it leads and has heard of a majority lately. */
  get leads(): boolean {
    return this.#role === 'leader'
  }

  /** The moment at which `tick` has something to do. */
  get nextTick(): number {
    return this.#role === 'leader' ? this.#beatAt : this.#deadline
  }

  /** Makes the first member of a cluster; only on an empty log. */
  bootstrap(now: number): void {
    if (this.#log.lastIndex > 0 || this.#term > 0) {
      throw new CoordinatorError('ERR_COORDINATOR_MEMBERSHIP', 'a log that has begun cannot be begun again')
    }
    this.#append(1, { kind: 'membership', membership: { voters: [this.self], learners: [] } })
    this.#deadline = now
  }

  tick(now: number): void {
    if (this.#role === 'leader') this.#tickLeader(now)
    else if (now >= this.#deadline) this.#stand(now, 'trial')
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
    return this.#role === 'leader' ? this.#proposeEntry(now, { kind: 'command', bytes }) : undefined
  }

  /** Undefined when this member does not lead or the change before is not committed. Voters may differ by one. */
  proposeMembership(now: number, membership: Membership): number | undefined {
    const current = this.#log.membership()
    if (this.#role !== 'leader' || current.index > this.#commit || this.#commit < this.#beginIndex)
      return undefined
    const before = current.membership.voters
    const changed =
      membership.voters.filter((voter) => !before.includes(voter)).length +
      before.filter((voter) => !membership.voters.includes(voter)).length
    if (changed > 1 || membership.voters.length === 0) return undefined
    const index = this.#proposeEntry(now, { kind: 'membership', membership })
    this.#trackMembers(now)
    return index
  }

  /** Asks for an index at which a read sees everything acknowledged so far; the answer comes with `take`. */
  read(now: number, id: number): void {
    if (this.#role !== 'leader') {
      this.#confirmed.push({ id, index: 0, confirmed: false })
      return
    }
    this.#round++
    this.#reads.push({ id, round: this.#round })
    this.#broadcast(now)
    this.#confirmReads()
  }

  /** How far a member is known to be; 0 when this one does not lead. */
  matchOf(member: string): number {
    return this.#progress.get(member)?.match ?? 0
  }

  /** Hands leadership to the voter that is furthest, if it has everything. True when it was asked to stand. */
  handOn(): boolean {
    if (this.#role !== 'leader') return false
    const ready = this.membership.voters.filter(
      (voter) => voter !== this.self && this.matchOf(voter) === this.#log.lastIndex
    )
    const [next] = ready.toSorted(
      (a, b) => (this.#progress.get(b)?.heardAt ?? 0) - (this.#progress.get(a)?.heardAt ?? 0)
    )
    if (next === undefined) return false
    this.#send(next, { kind: 'stand', term: this.#term })
    return true
  }

  /** The stored beginning is replaced by the state after `index`, which is applied. */
  compact(index: number, state: Uint8Array): Snapshot | undefined {
    const term = this.#log.termAt(index)
    if (term === undefined || index <= this.#log.snapshot.index || index > this.#commit) return undefined
    const snapshot = { index, term, membership: this.#log.membershipAt(index), state }
    this.#log.replaceBeginning(snapshot)
    return snapshot
  }

  /** What was handed out with these entries is durable now. */
  saved(now: number, lastIndex: number): void {
    this.#saved = Math.min(Math.max(this.#saved, lastIndex), this.#unsaved - 1)
    if (this.#role === 'leader') this.#advanceCommit(now)
  }

  take(): Ready {
    const entries = this.#log.slice(this.#unsaved, Number.MAX_SAFE_INTEGER)
    const committed = this.#log.slice(this.#taken + 1, this.#commit - this.#taken)
    const ready: Ready = {
      vote: this.#voteChanged ? { term: this.#term, vote: this.#vote } : undefined,
      snapshot: this.#installed,
      truncateFrom: this.#truncatedFrom,
      entries,
      messages: this.#messages,
      committed,
      reads: this.#confirmed
    }
    this.#voteChanged = false
    this.#installed = undefined
    this.#truncatedFrom = undefined
    this.#unsaved = this.#log.lastIndex + 1
    this.#messages = []
    this.#confirmed = []
    this.#taken = Math.max(this.#taken, this.#commit)
    return ready
  }

  receive(now: number, from: string, message: Message): void {
    if (generationOf(message.term) > generationOf(this.#term))
      return this.#onLaterGeneration(now, from, message)
    if (this.#isForged(from, message)) return
    if (message.kind === 'ask-vote') return this.#onAskVote(now, from, message)
    if (message.kind === 'vote' && message.trial && message.granted)
      return this.#onTrialVote(now, from, message.term)
    if (message.term > this.#term) this.#follow(now, message.term, undefined)
    switch (message.kind) {
      case 'vote':
        return this.#onVote(now, from, message)
      case 'append':
        return this.#onAppend(now, from, message)
      case 'snapshot':
        return this.#onSnapshot(now, from, message)
      case 'appended':
        return this.#onAppended(now, from, message)
      case 'stand':
        if (message.term === this.#term && this.#leader === from) this.#stand(now, 'handed-on')
    }
  }

  // --- what no honest member sends

  /** A term that no elections lead to, or a second leader of a term; a member without a log knows no term yet. */
  #isForged(from: string, { kind, term }: Message): boolean {
    if (term > this.#term + termLeapMax && this.#log.lastIndex > 0) return true
    if ((kind !== 'append' && kind !== 'snapshot') || term !== this.#term) return false
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
    if (!trial) this.#setTerm(this.#term + 1, this.self)
    if (this.#granted.size >= majorityOf(voters.length))
      return trial ? this.#stand(now, 'term') : this.#lead(now)
    const request = {
      kind: 'ask-vote',
      term: trial ? this.#term + 1 : this.#term,
      trial,
      handedOn: how === 'handed-on',
      lastIndex: this.#log.lastIndex,
      lastTerm: this.#log.lastTerm
    } as const
    for (const voter of voters) if (voter !== this.self) this.#send(voter, request)
  }

  #onAskVote(now: number, from: string, message: Extract<Message, { kind: 'ask-vote' }>): void {
    const led = this.#role === 'leader' || now - this.#heardLeaderAt < this.#timing.electionMs
    const upToDate =
      message.lastTerm > this.#log.lastTerm ||
      (message.lastTerm === this.#log.lastTerm && message.lastIndex >= this.#log.lastIndex)
    if (led && !message.handedOn) return this.#answerVote(from, message.trial, false)
    if (message.trial) {
      if (message.term > this.#term && upToDate) {
        this.#send(from, { kind: 'vote', term: message.term, trial: true, granted: true })
      } else this.#answerVote(from, true, false)
      return
    }
    if (message.term > this.#term) this.#follow(now, message.term, undefined)
    const free = this.#vote === undefined || this.#vote === from
    const granted = message.term === this.#term && this.#role === 'follower' && free && upToDate
    if (granted) {
      this.#setTerm(this.#term, from)
      this.#restartTimer(now)
    }
    this.#answerVote(from, false, granted)
  }

  #answerVote(to: string, trial: boolean, granted: boolean): void {
    this.#send(to, { kind: 'vote', term: this.#term, trial, granted })
  }

  #onTrialVote(now: number, from: string, term: number): void {
    if (this.#role !== 'trial' || term !== this.#term + 1 || !this.membership.voters.includes(from)) return
    this.#granted.add(from)
    if (this.#granted.size >= majorityOf(this.membership.voters.length)) this.#stand(now, 'term')
  }

  #onVote(now: number, from: string, message: Extract<Message, { kind: 'vote' }>): void {
    if (message.trial || !message.granted || message.term !== this.#term || this.#role !== 'candidate') return
    if (!this.membership.voters.includes(from)) return
    this.#granted.add(from)
    if (this.#granted.size >= majorityOf(this.membership.voters.length)) this.#lead(now)
  }

  #lead(now: number): void {
    this.#role = 'leader'
    this.#leader = this.self
    this.#progress = new Map()
    this.#trackMembers(now)
    this.#beginIndex = this.#log.lastIndex + 1
    this.#proposeEntry(now, { kind: 'begin' })
  }

  #follow(now: number, term: number, leader: string | undefined): void {
    if (term > this.#term) this.#setTerm(term, undefined)
    if (this.#role === 'leader') this.#dropReads()
    if (this.#role !== 'follower') this.#restartTimer(now)
    this.#role = 'follower'
    this.#leader = leader
    this.#progress.clear()
  }

  #setTerm(term: number, vote: string | undefined): void {
    this.#term = term
    this.#vote = vote
    this.#voteChanged = true
  }

  // --- the leader

  #tickLeader(now: number): void {
    const heard = majorityValue(this.membership.voters, (voter) =>
      voter === this.self ? now : (this.#progress.get(voter)?.heardAt ?? 0)
    )
    if (now - heard > this.#timing.electionMs) {
      this.#follow(now, this.#term, undefined)
      this.#heardLeaderAt = Number.NEGATIVE_INFINITY
      return
    }
    if (now < this.#beatAt) return
    for (const progress of this.#progress.values()) {
      if (progress.waiting) progress.next = progress.match + 1
      progress.waiting = false
    }
    this.#broadcast(now)
  }

  #trackMembers(now: number): void {
    const { voters, learners } = this.membership
    const others = [...voters, ...learners].filter((member) => member !== this.self)
    for (const member of others) {
      if (!this.#progress.has(member)) this.#progress.set(member, newProgress(this.#log.lastIndex, now))
    }
    for (const member of this.#progress.keys()) if (!others.includes(member)) this.#progress.delete(member)
  }

  #proposeEntry(now: number, content: EntryContent): number {
    const index = this.#append(this.#term, content)
    this.#broadcast(now)
    return index
  }

  #append(term: number, content: EntryContent): number {
    const index = this.#log.lastIndex + 1
    this.#log.append({ index, term, content })
    return index
  }

  #broadcast(now: number): void {
    this.#beatAt = now + this.#timing.beatMs
    for (const [member, progress] of this.#progress) this.#sendEntries(member, progress)
  }

  #sendEntries(member: string, progress: Progress): void {
    const previousIndex = progress.next - 1
    const previousTerm = this.#log.termAt(previousIndex)
    const head = { term: this.#term, round: this.#round }
    if (previousTerm === undefined) {
      if (progress.waiting) return
      const { index, term, membership, state } = this.#log.snapshot
      this.#send(member, { kind: 'snapshot', ...head, lastIndex: index, lastTerm: term, membership, state })
      progress.waiting = true
      return
    }
    const entries = this.#log.slice(progress.next, entriesPerMessageMax)
    progress.next += entries.length
    if (entries.length > 0) progress.waiting = true
    this.#send(member, {
      kind: 'append',
      ...head,
      previousIndex,
      previousTerm,
      commit: this.#commit,
      entries
    })
  }

  #onAppended(now: number, from: string, message: Extract<Message, { kind: 'appended' }>): void {
    const progress = this.#progress.get(from)
    if (this.#role !== 'leader' || message.term !== this.#term || progress === undefined) return
    progress.heardAt = now
    progress.round = Math.max(progress.round, message.round)
    if (message.success) {
      progress.match = Math.max(progress.match, Math.min(message.index, this.#log.lastIndex))
      progress.next = Math.max(progress.next, progress.match + 1)
      progress.waiting = progress.match < progress.next - 1
      this.#advanceCommit(now)
      if (progress.next <= this.#log.lastIndex) this.#sendEntries(from, progress)
    } else if (message.index > progress.match) {
      progress.next = Math.max(progress.match + 1, Math.min(message.index, this.#log.lastIndex + 1))
      progress.waiting = false
      this.#sendEntries(from, progress)
    }
    this.#confirmReads()
  }

  #advanceCommit(now: number): void {
    const { voters } = this.membership
    const common = majorityValue(voters, (voter) => (voter === this.self ? this.#saved : this.matchOf(voter)))
    if (common <= this.#commit || this.#log.termAt(common) !== this.#term) return
    this.#commit = common
    this.#broadcast(now)
    this.#confirmReads()
    if (!voters.includes(this.self) && this.#log.membership().index <= this.#commit) {
      this.handOn()
      this.#follow(now, this.#term, undefined)
    }
  }

  #confirmReads(): void {
    if (this.#reads.length === 0 || this.#commit < this.#beginIndex) return
    const reached = majorityValue(this.membership.voters, (voter) =>
      voter === this.self ? this.#round : (this.#progress.get(voter)?.round ?? 0)
    )
    const ready = this.#reads.filter((read) => read.round <= reached)
    if (ready.length === 0) return
    this.#reads = this.#reads.filter((read) => read.round > reached)
    for (const { id } of ready) this.#confirmed.push({ id, index: this.#commit, confirmed: true })
  }

  #dropReads(): void {
    for (const { id } of this.#reads) this.#confirmed.push({ id, index: 0, confirmed: false })
    this.#reads = []
  }

  // --- followers

  #onAppend(now: number, from: string, message: Extract<Message, { kind: 'append' }>): void {
    if (!this.#hearLeader(now, from, message.term, message.round)) return
    const { previousIndex, entries, round } = message
    const answer = (success: boolean, index: number): void => {
      this.#send(from, { kind: 'appended', term: this.#term, round, success, index })
    }
    if (previousIndex > this.#log.lastIndex) return answer(false, this.#log.lastIndex + 1)
    const known = this.#log.termAt(previousIndex)
    if (known !== undefined && known !== message.previousTerm) {
      return answer(false, Math.max(this.#log.firstOfTerm(previousIndex), this.#commit + 1))
    }
    for (const entry of entries) this.#takeEntry(entry)
    const last = previousIndex + entries.length
    this.#commit = Math.max(this.#commit, Math.min(message.commit, last))
    answer(true, last)
  }

  /** False for a leader of a former term, which is told. */
  #hearLeader(now: number, from: string, term: number, round: number): boolean {
    if (term < this.#term) {
      this.#send(from, { kind: 'appended', term: this.#term, round, success: false, index: 0 })
      return false
    }
    this.#follow(now, term, from)
    this.#heardLeaderAt = now
    this.#restartTimer(now)
    return true
  }

  #takeEntry(entry: Entry): void {
    const known = this.#log.termAt(entry.index)
    if (known === entry.term || entry.index <= this.#commit) return
    if (known !== undefined) {
      this.#log.truncate(entry.index)
      this.#saved = Math.min(this.#saved, entry.index - 1)
      if (entry.index < this.#unsaved) {
        this.#truncatedFrom = Math.min(this.#truncatedFrom ?? entry.index, entry.index)
        this.#unsaved = entry.index
      }
    }
    this.#log.append(entry)
  }

  #onSnapshot(now: number, from: string, message: Extract<Message, { kind: 'snapshot' }>): void {
    const { lastIndex, lastTerm, membership, state, round } = message
    const isLater = generationOf(message.term) > generationOf(this.#term)
    if (!this.#hearLeader(now, from, message.term, round)) return
    if (lastIndex > this.#commit || isLater) {
      const snapshot = { index: lastIndex, term: lastTerm, membership, state }
      this.#log.replaceBeginning(snapshot)
      this.#installed = snapshot
      this.#truncatedFrom = undefined
      this.#commit = lastIndex
      this.#taken = lastIndex
      this.#saved = lastIndex
      this.#unsaved = lastIndex + 1
    }
    this.#send(from, {
      kind: 'appended',
      term: this.#term,
      round,
      success: true,
      index: Math.max(lastIndex, this.#commit)
    })
  }

  #send(to: string, message: Message): void {
    this.#messages.push({ to, message })
  }

  /** Whether it takes part, with or without a vote. */
  get isMember(): boolean {
    return isMember(this.membership, this.self)
  }
}
