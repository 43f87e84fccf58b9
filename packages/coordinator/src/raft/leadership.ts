/**
 * A leader's part, for one term: what the others have of its log, what of it is committed with that, and which reads are
 * answered (Ongaro 2014, sections 3.5, 6.4).
 */
import { entriesPerMessageMax } from '../limits.ts'
import type { EntryContent, Membership } from './entry.ts'
import type { Message } from './message.ts'
import { type Progress, majorityValue, newProgress } from './progress.ts'
import type { RaftState } from './state.ts'

export interface RaftTiming {
  /** Between two signs of life of a leader that has nothing to say. */
  readonly beatMs: number
  /** Without a sign of life for this long, up to twice this long by chance, a voter stands. */
  readonly electionMs: number
}

interface PendingRead {
  readonly id: number
  readonly round: number
}

export class Leadership {
  readonly #state: RaftState
  readonly #timing: RaftTiming
  readonly #onOutvoted: (now: number) => void
  readonly #progress = new Map<string, Progress>()
  /** The first entry of this term: nothing is known to be committed before it is. */
  #beginIndex = 0
  #beatAt = 0
  #reads: PendingRead[] = []

  /** @param onOutvoted its own removal from the voters is committed */
  constructor(state: RaftState, timing: RaftTiming, onOutvoted: (now: number) => void) {
    this.#state = state
    this.#timing = timing
    this.#onOutvoted = onOutvoted
  }

  /** The moment at which `tick` has something to do. */
  get beatAt(): number {
    return this.#beatAt
  }

  begin(now: number): void {
    this.#trackMembers(now)
    this.#beginIndex = this.#state.log.lastIndex + 1
    this.propose(now, { kind: 'begin' })
  }

  /** False when it has not heard of a majority lately: somebody else may lead by now. */
  tick(now: number): boolean {
    const heard = majorityValue(this.#state.membership.voters, (voter) =>
      voter === this.#state.self ? now : (this.#progress.get(voter)?.heardAt ?? 0)
    )
    if (now - heard > this.#timing.electionMs) return false
    if (now < this.#beatAt) return true
    for (const progress of this.#progress.values()) {
      if (progress.waiting) progress.next = progress.match + 1
      progress.waiting = false
    }
    this.#broadcast(now)
    return true
  }

  /** @returns the index of the entry */
  propose(now: number, content: EntryContent): number {
    const index = this.#state.append(this.#state.term, content)
    this.#broadcast(now)
    return index
  }

  /** Undefined when the change before is not committed. Voters may differ by one. */
  proposeMembership(now: number, membership: Membership): number | undefined {
    const current = this.#state.log.membership()
    const { commit } = this.#state
    if (current.index > commit || commit < this.#beginIndex) return undefined
    const before = current.membership.voters
    const changed =
      membership.voters.filter((voter) => !before.includes(voter)).length +
      before.filter((voter) => !membership.voters.includes(voter)).length
    if (changed > 1 || membership.voters.length === 0) return undefined
    const index = this.propose(now, { kind: 'membership', membership })
    this.#trackMembers(now)
    return index
  }

  read(now: number, id: number): void {
    this.#state.round++
    this.#reads.push({ id, round: this.#state.round })
    this.#broadcast(now)
    this.#confirmReads()
  }

  /** Reads that were not confirmed are to be asked again. */
  dropReads(): void {
    for (const { id } of this.#reads) this.#state.outbox.answerRead({ id, index: 0, confirmed: false })
    this.#reads = []
  }

  /** How far a member is known to be. */
  matchOf(member: string): number {
    return this.#progress.get(member)?.match ?? 0
  }

  /** The voter that has everything and was heard of last; undefined when none has. */
  successor(): string | undefined {
    const { log, membership, self } = this.#state
    const ready = membership.voters.filter((voter) => voter !== self && this.matchOf(voter) === log.lastIndex)
    const [next] = ready.toSorted(
      (a, b) => (this.#progress.get(b)?.heardAt ?? 0) - (this.#progress.get(a)?.heardAt ?? 0)
    )
    return next
  }

  onAppended(now: number, from: string, message: Extract<Message, { kind: 'appended' }>): void {
    const { log, term } = this.#state
    const progress = this.#progress.get(from)
    if (message.term !== term || progress === undefined) return
    progress.heardAt = now
    progress.round = Math.max(progress.round, message.round)
    if (message.success) {
      progress.match = Math.max(progress.match, Math.min(message.index, log.lastIndex))
      progress.next = Math.max(progress.next, progress.match + 1)
      progress.waiting = progress.match < progress.next - 1
      this.advanceCommit(now)
      if (progress.next <= log.lastIndex) this.#sendEntries(from, progress)
    } else if (message.index > progress.match) {
      progress.next = Math.max(progress.match + 1, Math.min(message.index, log.lastIndex + 1))
      progress.waiting = false
      this.#sendEntries(from, progress)
    }
    this.#confirmReads()
  }

  /** What a majority of the voters has of this term, itself included, is committed. */
  advanceCommit(now: number): void {
    const { log, membership, outbox, self, term } = this.#state
    const common = majorityValue(membership.voters, (voter) =>
      voter === self ? outbox.savedIndex : this.matchOf(voter)
    )
    if (common <= this.#state.commit || log.termAt(common) !== term) return
    this.#state.commit = common
    this.#broadcast(now)
    this.#confirmReads()
    if (!membership.voters.includes(self) && log.membership().index <= common) this.#onOutvoted(now)
  }

  #trackMembers(now: number): void {
    const { log, membership, self } = this.#state
    const others = [...membership.voters, ...membership.learners].filter((member) => member !== self)
    for (const member of others) {
      if (!this.#progress.has(member)) this.#progress.set(member, newProgress(log.lastIndex, now))
    }
    for (const member of this.#progress.keys()) if (!others.includes(member)) this.#progress.delete(member)
  }

  #broadcast(now: number): void {
    this.#beatAt = now + this.#timing.beatMs
    for (const [member, progress] of this.#progress) this.#sendEntries(member, progress)
  }

  /** A member that lacks what was replaced by a snapshot gets that. */
  #sendEntries(member: string, progress: Progress): void {
    const { commit, log, outbox, round, term } = this.#state
    const previousIndex = progress.next - 1
    const previousTerm = log.termAt(previousIndex)
    if (previousTerm === undefined) return this.#sendSnapshot(member, progress)
    const entries = log.slice(progress.next, entriesPerMessageMax)
    progress.next += entries.length
    if (entries.length > 0) progress.waiting = true
    outbox.send(member, { kind: 'append', term, round, previousIndex, previousTerm, commit, entries })
  }

  #sendSnapshot(member: string, progress: Progress): void {
    if (progress.waiting) return
    const { log, outbox, round, term } = this.#state
    const { index: lastIndex, term: lastTerm, membership, state } = log.snapshot
    outbox.send(member, { kind: 'snapshot', term, round, lastIndex, lastTerm, membership, state })
    progress.waiting = true
  }

  #confirmReads(): void {
    const { commit, membership, outbox, round, self } = this.#state
    if (this.#reads.length === 0 || commit < this.#beginIndex) return
    const reached = majorityValue(membership.voters, (voter) =>
      voter === self ? round : (this.#progress.get(voter)?.round ?? 0)
    )
    const ready = this.#reads.filter((read) => read.round <= reached)
    if (ready.length === 0) return
    this.#reads = this.#reads.filter((read) => read.round > reached)
    for (const { id } of ready) outbox.answerRead({ id, index: commit, confirmed: true })
  }
}
