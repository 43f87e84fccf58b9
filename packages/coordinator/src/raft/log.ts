/** The replicated log as one member holds it in memory: a snapshot of its beginning and the entries after it. */
import { type Entry, type Membership, nobody } from './entry.ts'

export interface Snapshot {
  /** Last entry that is in it; 0 for the empty beginning of everything. */
  readonly index: number
  readonly term: number
  /** In force at `index`. */
  readonly membership: Membership
  /** The agreed state after `index`, as bytes; empty at 0. */
  readonly state: Uint8Array
}

export const emptySnapshot: Snapshot = { index: 0, term: 0, membership: nobody, state: new Uint8Array(0) }

export class RaftLog {
  #snapshot: Snapshot
  #entries: Entry[]

  constructor(snapshot: Snapshot, entries: readonly Entry[]) {
    this.#snapshot = snapshot
    this.#entries = [...entries]
  }

  get snapshot(): Snapshot {
    return this.#snapshot
  }

  get lastIndex(): number {
    return this.#snapshot.index + this.#entries.length
  }

  get lastTerm(): number {
    return this.#entries.at(-1)?.term ?? this.#snapshot.term
  }

  /** Entries held after the snapshot. */
  get length(): number {
    return this.#entries.length
  }

  /** Term of an entry; undefined before the snapshot and after the end. */
  termAt(index: number): number | undefined {
    if (index === this.#snapshot.index) return this.#snapshot.term
    return this.#entries[index - this.#snapshot.index - 1]?.term
  }

  /** Held entries from `first` on, at most `max`. */
  slice(first: number, max: number): readonly Entry[] {
    const start = Math.max(0, first - this.#snapshot.index - 1)
    return this.#entries.slice(start, start + max)
  }

  append(entry: Entry): void {
    this.#entries.push(entry)
  }

  /** Drops `first` and everything after it. */
  truncate(first: number): void {
    this.#entries.length = Math.max(0, first - this.#snapshot.index - 1)
  }

  /** The first held index of the term that `index` has. */
  firstOfTerm(index: number): number {
    const term = this.termAt(index)
    let first = index
    while (first - 1 > this.#snapshot.index && this.termAt(first - 1) === term) first--
    return first
  }

  /** The membership in force at the end, and the index of the entry that set it. */
  membership(): { readonly index: number; readonly membership: Membership } {
    const entry = this.#entries.findLast((held) => held.content.kind === 'membership')
    if (entry?.content.kind !== 'membership') return this.#snapshot
    return { index: entry.index, membership: entry.content.membership }
  }

  membershipAt(index: number): Membership {
    const entry = this.#entries.findLast((held) => held.index <= index && held.content.kind === 'membership')
    return entry?.content.kind === 'membership' ? entry.content.membership : this.#snapshot.membership
  }

  /** Entries up to the snapshot are dropped; those after it stay when they follow on it. */
  replaceBeginning(snapshot: Snapshot): void {
    const follows = this.termAt(snapshot.index) === snapshot.term
    this.#entries = follows ? this.#entries.slice(snapshot.index - this.#snapshot.index) : []
    this.#snapshot = snapshot
  }
}
