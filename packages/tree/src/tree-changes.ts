/**
 * The changes of one tree, one at a time: what was worked out in an ./open-change.ts goes to the store as one batch and
 * to the listeners; when the store refuses it, memory is brought back to what is stored.
 */
import { homeZone } from './birth.ts'
import { rowPrefix } from './index-rows.ts'
import { TreeError } from './tree-error.ts'
import { type FollowUp, OpenChange } from './open-change.ts'
import type { Durability, IndexRow, StoreBatch } from './ports.ts'
import type { Id } from './records.ts'
import { recordType } from './records.ts'
import { countersRow, isSameCounters, noCounters, readCounters } from './tree-counters.ts'
import type { TreeParts } from './tree-parts.ts'
import type { BlockChange, LocalBatch, TakenRecord, TreeStatistics } from './tree-state.ts'

/** Work that follows a change (./follow-ups.ts). */
interface LaterWork {
  add(followUps: readonly FollowUp[]): Promise<void>
  later(followUps: readonly FollowUp[]): void
  capsCame(ids: readonly Id[]): Promise<void>
}

type TakenListener = (taken: readonly TakenRecord[], durable: Promise<void>) => void
type RowsListener = (blocks: readonly Id[]) => void

/** What a change put into memory. */
type TakenParts = Pick<OpenChange, 'taken' | 'births'>

const nothingTaken: TakenParts = { taken: [], births: [] }

export class TreeChanges {
  readonly #parts: TreeParts
  readonly #followUps: LaterWork
  readonly #listeners: Set<(change: BlockChange) => void> = new Set()
  readonly #takenListeners: Set<TakenListener> = new Set()
  readonly #rowsListeners: Set<RowsListener> = new Set()
  #counters: TreeStatistics
  #isClosed = false

  constructor(parts: TreeParts, followUps: LaterWork) {
    this.#parts = parts
    this.#followUps = followUps
    this.#counters = readCounters(parts.store) ?? noCounters
  }

  get counters(): TreeStatistics {
    return this.#counters
  }

  onChange(listener: (change: BlockChange) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  onTaken(listener: TakenListener): () => void {
    this.#takenListeners.add(listener)
    return () => this.#takenListeners.delete(listener)
  }

  onBlockRows(listener: RowsListener): () => void {
    this.#rowsListeners.add(listener)
    return () => this.#rowsListeners.delete(listener)
  }

  close(): void {
    this.#isClosed = true
    this.#rowsListeners.clear()
    this.#listeners.clear()
    this.#takenListeners.clear()
  }

  /** Rows and headers of the change are seen by readers of `held` until it is finished or abandoned. */
  begin(): OpenChange {
    if (this.#isClosed) throw new TreeError('ERR_RECORD_MISSING', 'the tree state is closed')
    const open = new OpenChange(this.#parts.store, this.#counters)
    this.#parts.held.open = open
    return open
  }

  /** Commits the change. What it holds is visible when this returns, durable when the promise resolves. */
  finish(
    open: OpenChange,
    batch: StoreBatch | LocalBatch,
    options?: { readonly durability?: Durability }
  ): Promise<void> {
    this.#parts.held.open = undefined
    // Counters as they were are not written again: in a replay they would stand for more than this change did.
    const counters = isSameCounters(open.counters, this.#counters) ? [] : [countersRow(open.counters)]
    const rows = [...open.rows.rows(), ...counters]
    const durable = this.#parts.store.commit(
      {
        records: open.records,
        rows,
        ...(open.drops.length === 0 ? {} : { drops: open.drops }),
        ...(batch.sectors === undefined ? {} : { sectors: batch.sectors }),
        ...(batch.local === undefined ? {} : { local: batch.local })
      },
      options
    )
    for (const record of open.taken) {
      if (record.type === recordType.header) this.#parts.held.headerCache.set(record.id, record)
      if (record.type === recordType.receipt) this.#parts.held.forgetAnchors()
    }
    for (const id of open.drops) this.#parts.held.headerCache.delete(id)
    const blocks = this.#tellRows(rows)
    this.#publish(open.counters, open.changes)
    const stored = this.#whenDurable(durable, open, blocks)
    if (this.#takenListeners.size > 0 && open.records.length > 0) this.#tellTaken(takenOf(open), stored)
    const caps = open.taken.filter(({ type }) => type === recordType.cap).map(({ id }) => id)
    const followed = caps.length === 0 ? stored : stored.then(() => this.#followUps.capsCame(caps))
    return open.followUps.length === 0 ? followed : followed.then(() => this.#followUps.add(open.followUps))
  }

  /** For a change whose rows somebody else stores: `append` is given the row of the counters too. */
  finishAppended(
    open: OpenChange,
    changes: Iterable<BlockChange>,
    append: (rows: readonly IndexRow[]) => Promise<void>
  ): Promise<void> {
    this.#parts.held.open = undefined
    const durable = append([...open.rows.rows(), countersRow(open.counters)])
    const isHeard = this.#listeners.size + this.#takenListeners.size + this.#rowsListeners.size > 0
    const made = isHeard ? [...changes] : []
    const blocks = this.#tellBlocks(made.map(({ block }) => block))
    this.#publish(open.counters, made)
    const safe = this.#whenDurable(durable, nothingTaken, blocks)
    if (this.#takenListeners.size > 0) this.#tellTaken(made.flatMap(takenBy), safe)
    return safe
  }

  /** For a change that is worked out without an open one, and that has nothing in memory to take back. */
  commit(
    batch: StoreBatch,
    counters: TreeStatistics,
    change: BlockChange,
    options?: { readonly durability?: Durability }
  ): Promise<void> {
    if (this.#isClosed) throw new TreeError('ERR_RECORD_MISSING', 'the tree state is closed')
    const durable = this.#parts.store.commit(
      { ...batch, rows: [...(batch.rows ?? []), countersRow(counters)] },
      options
    )
    const blocks = this.#tellRows(batch.rows ?? [])
    this.#publish(counters, [change])
    const safe = this.#whenDurable(durable, nothingTaken, blocks)
    if (this.#takenListeners.size > 0) this.#tellTaken(takenBy(change), safe)
    return safe
  }

  #tellTaken(taken: readonly TakenRecord[], durable: Promise<void>): void {
    for (const listener of this.#takenListeners) listener(taken, durable)
  }

  /**
   * The only place that says which rows of blocks were written: it reads the batch itself, so that no writer can forget
   * it, in the same turn in which readers see the rows. @returns the blocks
   */
  #tellRows(rows: readonly IndexRow[]): readonly Id[] {
    if (this.#rowsListeners.size === 0) return []
    return this.#tellBlocks(rows.flatMap(({ key }) => (key[0] === rowPrefix.block ? [key.slice(1)] : [])))
  }

  #tellBlocks(blocks: readonly Id[]): readonly Id[] {
    if (blocks.length > 0) for (const listener of this.#rowsListeners) listener(blocks)
    return blocks
  }

  /** Takes the change back before anything of it was stored. */
  abandon(open: OpenChange): void {
    this.#revert(open)
    this.#parts.held.open = undefined
  }

  #publish(counters: TreeStatistics, changes: Iterable<BlockChange>): void {
    this.#counters = counters
    if (this.#listeners.size === 0) return
    for (const change of changes) for (const listener of this.#listeners) listener(change)
  }

  /** What waits for the disk holds no more than it needs: not the whole change. */
  #whenDurable(durable: Promise<void>, { taken, births }: TakenParts, blocks: readonly Id[]): Promise<void> {
    return durable.catch((error: unknown) => {
      this.#revert({ taken, births })
      this.#parts.held.headerCache.clear()
      this.#counters = readCounters(this.#parts.store) ?? this.#counters
      this.#tellBlocks(blocks) // as they were again
      throw error
    })
  }

  /** Takes back what was put into memory for a change that is not stored. */
  #revert({ taken, births }: TakenParts): void {
    for (const record of taken) this.#parts.authority.remove(record)
    for (const zone of births) this.#parts.authority.removeZoneBirth(zone)
    this.#parts.chains.clear()
    this.#parts.held.forgetAnchors()
  }

  /** For follow-ups: rows only. */
  run(work: (open: OpenChange) => void): Promise<void> {
    const open = this.begin()
    work(open)
    this.#followUps.later(open.followUps.splice(0))
    return this.finish(open, {})
  }
}

function takenOf(open: OpenChange): readonly TakenRecord[] {
  return open.records.map(({ id, type }) => {
    const body = open.headers.get(id)?.body
    const zone = body === undefined ? undefined : homeZone(body.birth, body.block)
    return { id, type, block: body?.block, zone }
  })
}

/** Of a change that made one new block. */
function takenBy({ block, zone, winner }: BlockChange): readonly TakenRecord[] {
  return winner === undefined ? [] : [{ id: winner, type: recordType.header, block, zone }]
}
