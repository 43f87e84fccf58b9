/**
 * Directories of an export at their destination: made when they are met, open until the last of their entries is written,
 * and given their mode and time then.
 */
import type { BlockMetadata, Id } from '@blocktree/tree'
import { reasonOf } from '../node-error.ts'
import type { ExportRun } from './export-run.ts'
import type { RealDirectory } from './real-directory.ts'
import { systemReason } from './transfer-problem.ts'

/** A directory of the tree that is to be exported. */
export interface Directory {
  readonly block: Id
  /** The zone of its children. */
  readonly zone: Id
  readonly metadata: BlockMetadata
  /** Open until this one is made in it; undefined at the top. */
  readonly parent: OpenDirectory | undefined
  readonly name: string
  readonly path: string
}

/** A directory that is open at the destination until the last of its entries is written. */
export interface OpenDirectory extends Directory {
  readonly real: RealDirectory
  /** Entries that are still to be written. */
  pending: number
  isRead: boolean
}

export class OpenDirectories {
  readonly #run: ExportRun
  readonly #open = new Set<OpenDirectory>()

  constructor(run: ExportRun) {
    this.#run = run
  }

  /** @param pending entries that are to be written already */
  add(directory: Directory, real: RealDirectory, pending = 0): OpenDirectory {
    const open: OpenDirectory = { ...directory, real, pending, isRead: false }
    this.#open.add(open)
    return open
  }

  /** Makes it in its parent. @returns undefined when it cannot be had there, which is noted */
  enter(directory: Directory, parent: OpenDirectory): OpenDirectory | undefined {
    try {
      return this.opened(directory, parent.real.enter(directory.name))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
      this.#noteRefusal(directory, error)
      return undefined
    } finally {
      this.written(parent)
    }
  }

  /** It is there, at the destination. */
  opened(directory: Directory, real: RealDirectory): OpenDirectory {
    this.#run.tellKeys(directory.zone)
    if (real.isFresh) this.#run.count.directories++
    return this.add(directory, real)
  }

  /** All of its entries are known. */
  read(directory: OpenDirectory): void {
    directory.isRead = true
    this.#finishWhenDone(directory)
  }

  /** One of its pending entries is done with. */
  written(directory: OpenDirectory): void {
    directory.pending--
    this.#finishWhenDone(directory)
  }

  /** At the end: those that were not finished. */
  close(): void {
    for (const directory of this.#open) directory.real.close()
  }

  #noteRefusal({ path }: Directory, error: Error & { code?: unknown }): void {
    const isTaken = error.code === 'ENOTDIR' || error.code === 'ELOOP' || error.code === 'EEXIST'
    if (isTaken)
      this.#run.count.problem(path, 'ERR_ENTRY_EXISTS', 'something that is no directory has its name')
    else this.#run.count.problem(path, 'ERR_ENTRY_UNWRITABLE', systemReason(error))
  }

  #finishWhenDone(directory: OpenDirectory): void {
    if (!directory.isRead || directory.pending > 0 || !this.#open.delete(directory)) return
    try {
      directory.real.finish(directory.metadata)
    } catch (error) {
      this.#run.count.problem(directory.path, 'ERR_ENTRY_UNWRITABLE', reasonOf(error))
    }
    directory.real.close()
  }
}
