/** Which files of a directory an import takes: those that are not there yet, and those whose size or time differ. */
import { type Id, blockKind } from '@blocktree/tree'
import type { ImportRun } from './import-run.ts'
import { putPlace } from './job.ts'
import { ReadKeys } from './read-keys.ts'
import type { Directory, Entry, Wanted } from './source-entries.ts'

export class ChangedFiles {
  readonly #run: ImportRun
  readonly #keys: ReadKeys

  constructor(run: ImportRun) {
    this.#run = run
    this.#keys = new ReadKeys(run.context, run.actor, run.job)
  }

  /** Leaves out what is there with the same size and time; names that something else has are noted as problems. */
  async of(directory: Directory, entries: readonly Entry[]): Promise<readonly Wanted[]> {
    if (directory.isFresh) return entries.map((entry) => ({ entry, isReplacing: false }))
    const wanted: Wanted[] = []
    const known: { readonly entry: Entry; readonly winner: Id }[] = []
    for (const entry of entries) {
      const existing = this.#run.existing(directory, entry.shown)
      if (existing === undefined) wanted.push({ entry, isReplacing: false })
      else if (existing.kind !== blockKind.file || existing.winner === undefined) {
        this.#run.problem(directory, entry, 'ERR_ENTRY_EXISTS', 'something that is no file has its name')
      } else known.push({ entry, winner: existing.winner })
    }
    if (known.length === 0) return wanted
    const opened = await this.#openKnown(directory, known)
    for (const [index, { entry }] of known.entries()) {
      if (opened.sizes[index] === entry.size && opened.modifiedMs[index] === entry.modifiedMs)
        this.#run.count.unchanged++
      else if (this.#run.replace) wanted.push({ entry, isReplacing: true })
      else this.#run.problem(directory, entry, 'ERR_ENTRY_EXISTS', 'another file has its name')
    }
    return wanted
  }

  /** Size and time of what is there, read by a worker. */
  #openKnown(
    directory: Directory,
    known: readonly { readonly winner: Id }[]
  ): Promise<{ readonly sizes: Float64Array; readonly modifiedMs: Float64Array }> {
    this.#keys.tell(directory.zone)
    const records = new Uint8Array(known.length * 32)
    const places = new Float64Array(known.length * 3)
    for (const [index, { winner }] of known.entries()) {
      records.set(winner, index * 32)
      putPlace(places, index, this.#run.parts.store, 'record', winner)
    }
    return this.#run.job.run('open', { records, places })
  }
}
