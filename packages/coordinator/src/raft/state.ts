/** What a member knows in every role: its term and vote, the log, how far it is committed, and what is to be done next. */
import type { EntryContent, Membership } from './entry.ts'
import { RaftLog } from './log.ts'
import { type HardState, Outbox } from './outbox.ts'
import type { StoredRaft } from './storage.ts'

export class RaftState {
  readonly self: string
  readonly log: RaftLog
  readonly outbox: Outbox
  commit: number
  /** Rounds of messages that it sent as a leader, of whatever term. */
  round = 0
  #term: number
  #vote: string | undefined

  constructor(self: string, stored: StoredRaft) {
    this.self = self
    this.log = new RaftLog(stored.snapshot, stored.entries)
    this.outbox = new Outbox(this.log)
    this.commit = stored.snapshot.index
    this.#term = stored.term
    this.#vote = stored.vote
  }

  get term(): number {
    return this.#term
  }

  get vote(): string | undefined {
    return this.#vote
  }

  get hardState(): HardState {
    return { term: this.#term, vote: this.#vote }
  }

  get membership(): Membership {
    return this.log.membership().membership
  }

  setTerm(term: number, vote: string | undefined): void {
    this.#term = term
    this.#vote = vote
    this.outbox.storeVote()
  }

  /** @returns the index of the entry */
  append(term: number, content: EntryContent): number {
    const index = this.log.lastIndex + 1
    this.log.append({ index, term, content })
    return index
  }
}
