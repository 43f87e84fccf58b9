/**
 * What a member of the cluster has to do next, gathered until its driver takes it: store, then send, then apply
 * (`Ready`). It knows how far the log was handed out, and how far it is durable.
 */
import type { Entry } from './entry.ts'
import type { RaftLog, Snapshot } from './log.ts'
import type { Message } from './message.ts'

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

/** Term and vote as they are to be stored. */
export interface HardState {
  readonly term: number
  readonly vote: string | undefined
}

/** What the driver does next. Nothing in `messages` may leave before the rest of it is durable. */
export interface Ready {
  readonly vote: HardState | undefined
  /** Replaces everything that is stored. */
  readonly snapshot: Snapshot | undefined
  /** Stored entries from this one on are dropped before `entries` are appended. */
  readonly truncateFrom: number | undefined
  readonly entries: readonly Entry[]
  readonly messages: readonly OutgoingMessage[]
  readonly committed: readonly Entry[]
  readonly reads: readonly ConfirmedRead[]
}

export class Outbox {
  /** The last entry whose being committed was told. */
  #taken: number
  /** The first entry that was not handed out. */
  #unsaved: number
  /** The last entry that is durable. */
  #saved: number
  #voteChanged = false
  #installed: Snapshot | undefined
  #truncatedFrom: number | undefined
  #messages: OutgoingMessage[] = []
  #confirmed: ConfirmedRead[] = []

  /** @param log as it is stored */
  constructor(log: RaftLog) {
    this.#taken = log.snapshot.index
    this.#saved = log.lastIndex
    this.#unsaved = this.#saved + 1
  }

  get firstUnsaved(): number {
    return this.#unsaved
  }

  get savedIndex(): number {
    return this.#saved
  }

  send(to: string, message: Message): void {
    this.#messages.push({ to, message })
  }

  answerRead(read: ConfirmedRead): void {
    this.#confirmed.push(read)
  }

  /** Term or vote are others than those that are stored. */
  storeVote(): void {
    this.#voteChanged = true
  }

  /** Entries from this one on are others than those that were handed out. */
  truncate(index: number): void {
    this.#saved = Math.min(this.#saved, index - 1)
    if (index >= this.#unsaved) return
    this.#truncatedFrom = Math.min(this.#truncatedFrom ?? index, index)
    this.#unsaved = index
  }

  /** The whole log was replaced. */
  install(snapshot: Snapshot): void {
    this.#installed = snapshot
    this.#truncatedFrom = undefined
    this.#taken = snapshot.index
    this.#saved = snapshot.index
    this.#unsaved = snapshot.index + 1
  }

  /** What was handed out is durable up to this entry. */
  saved(lastIndex: number): void {
    this.#saved = Math.min(Math.max(this.#saved, lastIndex), this.#unsaved - 1)
  }

  take(log: RaftLog, commit: number, hardState: HardState): Ready {
    const ready: Ready = {
      vote: this.#voteChanged ? hardState : undefined,
      snapshot: this.#installed,
      truncateFrom: this.#truncatedFrom,
      entries: log.slice(this.#unsaved, Number.MAX_SAFE_INTEGER),
      messages: this.#messages,
      committed: log.slice(this.#taken + 1, commit - this.#taken),
      reads: this.#confirmed
    }
    this.#voteChanged = false
    this.#installed = undefined
    this.#truncatedFrom = undefined
    this.#unsaved = log.lastIndex + 1
    this.#messages = []
    this.#confirmed = []
    this.#taken = Math.max(this.#taken, commit)
    return ready
  }
}
