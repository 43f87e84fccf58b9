/** Collects records of a long operation and commits them in bounded batches, in order. */
import { type IndexRow, type LocalRecord, type StoredSector, TreeError } from '@blocktree/tree'
import type { FilesContext } from './files-context.ts'
import { batchSectorBytesMax } from './limits.ts'

export class CommitBatch {
  readonly #context: FilesContext
  #records: LocalRecord[] = []
  #sectors: StoredSector[] = []
  #local: IndexRow[] = []
  #sectorBytes = 0
  #committed = 0

  constructor(context: FilesContext) {
    this.#context = context
  }

  /** Records handed over so far, committed or waiting. */
  get count(): number {
    return this.#committed + this.#records.length
  }

  add(record: LocalRecord, sectors: readonly StoredSector[] = []): void {
    this.#records.push(record)
    for (const sector of sectors) {
      this.#sectors.push(sector)
      this.#sectorBytes += sector.bytes.length
    }
  }

  addLocal(row: IndexRow): void {
    this.#local.push(row)
  }

  get isFull(): boolean {
    return this.#records.length >= this.#context.batchRecords || this.#sectorBytes >= batchSectorBytesMax
  }

  /** Commits what waits; resolves when it is durable. */
  async commit(): Promise<void> {
    if (this.#records.length === 0 && this.#local.length === 0) return
    const batch = { records: this.#records, sectors: this.#sectors, local: this.#local }
    this.#committed += this.#records.length
    this.#records = []
    this.#sectors = []
    this.#local = []
    this.#sectorBytes = 0
    try {
      await this.#context.tree.commitLocal(batch, { durability: this.#context.durability })
    } catch (error) {
      // An epoch that the store refused a moment ago is gone again: the failure of the store is the one to report.
      if (error instanceof TreeError && error.code === 'ERR_RECORD_MISSING') await this.#context.store.flush()
      throw error
    }
  }
}
