/**
 * Records that come from elsewhere (a bundle, a backup, an access line, a replay of the log) are stored before their
 * names can be indexed, since names need keys. One row of the index says so from before the first record until after
 * the last name: whatever is cut short in between is made good at the next start.
 */
import type { BlockStore, IndexRow } from '@blocktree/tree'
import type { Actor } from './actor.ts'
import type { FilesContext } from './files-context.ts'
import { indexNames } from './index-names.ts'

const key = Uint8Array.of(0x75) // `u`, a letter that the rows of a tree do not use

/** Also written by whoever replays records into an index. */
export const namesPending: IndexRow = { key, value: Uint8Array.of(1) }
const namesSettled: IndexRow = { key, value: undefined }

export class Arrivals {
  readonly #store: BlockStore
  #running = 0
  /** Something ended before its names were indexed. */
  #isCutShort = false

  constructor(store: BlockStore) {
    this.#store = store
  }

  /** Runs what takes records in and then indexes their names; several may run at once. */
  async during<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#running++
    try {
      // the row reaches the index before what follows it, so there is no need to wait for the disk
      await this.#store.commit({ rows: [namesPending] }, { durability: 'none' })
      return await work()
    } catch (error) {
      this.#isCutShort = true
      throw error
    } finally {
      this.#running--
      if (this.#running === 0 && !this.#isCutShort) await this.#store.commit({ rows: [namesSettled] })
    }
  }

  /** Indexes what was left without names; one look-up when nothing was. */
  async settle(context: FilesContext, actor: Actor): Promise<void> {
    if (this.#store.index.get(key) === undefined) return
    this.#isCutShort = false
    await indexNames(context, actor)
    if (this.#running === 0) await this.#store.commit({ rows: [namesSettled] })
  }
}
