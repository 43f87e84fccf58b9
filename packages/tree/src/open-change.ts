/**
 * One change of a tree while it is worked out: records taken, headers that the store does not hold yet, derived rows and
 * what is to be told and done afterwards. Either all of it is committed or none.
 */
import { IdLists, IdMap } from './id-key.ts'
import { rowKey, rowPrefix } from './index-rows.ts'
import type { BlockStore, StoredRecord } from './ports.ts'
import type { AnyRecord, HeaderRecord, Id, ReceiptRecord } from './records.ts'
import { RowBatch } from './row-batch.ts'
import type { BlockChange, TreeStatistics } from './tree-state.ts'

/** Work that follows a change and may take long; its journal row makes it resume after a crash. */
export type FollowUp =
  | { readonly work: 'authority'; readonly record: Id }
  | { readonly work: 'children'; readonly directory: Id }

export type Counters = { -readonly [Name in keyof TreeStatistics]: number }

export class OpenChange {
  readonly rows: RowBatch
  readonly headers: IdMap<HeaderRecord> = new IdMap()
  /** Headers of a block that are not in its row yet. */
  readonly newTips: IdLists<Id> = new IdLists()
  readonly receipts: IdLists<ReceiptRecord> = new IdLists()
  readonly records: StoredRecord[] = []
  /**
   * Records to keep in memory, or to take back. First versions are read when they are asked for: kept, each would live
   * just long enough to cost the collector most.
   */
  readonly taken: AnyRecord[] = []
  readonly births: Id[] = []
  /** Headers that are held no longer. */
  readonly drops: Id[] = []
  readonly changes: BlockChange[] = []
  readonly followUps: FollowUp[] = []
  readonly counters: Counters

  constructor(store: BlockStore, counters: TreeStatistics) {
    this.rows = new RowBatch(store.index)
    this.counters = { ...counters }
  }

  addRecord(record: AnyRecord, inline: Uint8Array | undefined, isNew = false): void {
    const { id, type, bytes } = record
    this.records.push(isNew ? { id, type, bytes, inline, isNew } : { id, type, bytes, inline })
    if (!isNew) this.taken.push(record)
    this.counters.records++
  }

  addFollowUp(followUp: FollowUp): void {
    this.followUps.push(followUp)
    this.rows.put(journalKey(followUp), journalValue(followUp.work))
  }
}

export function journalKey(followUp: FollowUp): Uint8Array {
  return rowKey(rowPrefix.journal, followUp.work === 'authority' ? followUp.record : followUp.directory)
}

export function journalValue(work: FollowUp['work']): Uint8Array {
  return Uint8Array.of(work === 'authority' ? 1 : 2)
}
