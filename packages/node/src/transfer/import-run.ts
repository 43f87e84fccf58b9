/** What the steps of one import share: the parts of the node, the choices of the caller, the job, and what is counted. */
import { statSync } from 'node:fs'
import type { Actor, FilesContext } from '@blocktree/files'
import type { Id } from '@blocktree/tree'
import { type TransferControl, type TransferParts, jobHooks } from './job.ts'
import type { Directory, Entry } from './source-entries.ts'
import { TransferCount } from './transfer-count.ts'
import type { WorkerJob } from './worker-pool.ts'
import { WriteTargets } from './write-targets.ts'

export interface ImportOptions {
  /** Files that are there and differ get a new version; default true. */
  readonly replace?: boolean
  /** Symbolic links are imported as what they lead to. */
  readonly followLinks?: boolean
}

/** What has a name in a directory of the tree. */
export interface Existing {
  readonly block: Id
  readonly kind: number
  readonly zoneRoot: boolean
  readonly zone: Id
  readonly winner: Id | undefined
}

export class ImportRun {
  readonly parts: TransferParts
  readonly context: FilesContext
  readonly actor: Actor
  readonly replace: boolean
  readonly followLinks: boolean
  readonly signal: AbortSignal | undefined
  readonly count: TransferCount
  readonly job: WorkerJob
  readonly targets: WriteTargets
  /** Device and inode of the node's data directory, as `describeEntry` gives them; empty when there is none. */
  readonly ownData: string

  constructor(parts: TransferParts, actor: Actor, options: ImportOptions, control: TransferControl) {
    this.parts = parts
    this.context = parts.files.context
    this.actor = actor
    this.replace = options.replace ?? true
    this.followLinks = options.followLinks ?? false
    this.signal = control.signal
    this.count = new TransferCount(() => performance.now(), control.onProgress)
    const own = statSync(parts.dataDirectory, { throwIfNoEntry: false })
    this.ownData = own === undefined ? '' : `${own.dev}:${own.ino}`
    this.job = parts.pool.openJob(jobHooks(parts, actor, true))
    this.targets = new WriteTargets(this.context, actor, this.job)
  }

  /** undefined when the name is free. */
  existing(directory: Directory, name: string): Existing | undefined {
    const { tree, names } = this.context
    const [block] = tree.findByName(directory.block, names.keyOf(directory.zone, name))
    const summary = block === undefined ? undefined : tree.blockSummary(block)
    if (block === undefined || summary === undefined) return undefined
    const { kind, zoneRoot, zone, heads } = summary
    return { block, kind, zoneRoot, zone, winner: heads[0]?.id }
  }

  /** True as long as the directory holds only what this import put there: no name can be taken then. */
  isOwn({ isFresh, block, committed }: Directory): boolean {
    return isFresh && this.context.tree.childCount(block) === committed
  }

  problem(
    directory: Directory,
    entry: Entry,
    code: Parameters<TransferCount['problem']>[1],
    reason: string
  ): void {
    this.count.problem(`${directory.source}/${entry.name}`, code, reason)
  }
}
