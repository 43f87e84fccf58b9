/** What the steps of one export share: the parts of the node, the choices of the caller, the job, and what is counted. */
import type { Actor, FilesContext } from '@blocktree/files'
import { isPublicZone } from '@blocktree/files'
import type { Id } from '@blocktree/tree'
import { type TransferControl, type TransferParts, jobHooks } from './job.ts'
import { ReadKeys } from './read-keys.ts'
import { TransferCount } from './transfer-count.ts'
import type { WorkerJob } from './worker-pool.ts'

export interface ExportOptions {
  /** Files that are there and differ are replaced; default false. */
  readonly replace?: boolean
}

export class ExportRun {
  readonly parts: TransferParts
  readonly context: FilesContext
  readonly actor: Actor
  readonly replace: boolean
  readonly signal: AbortSignal | undefined
  readonly ensure: TransferControl['ensure']
  readonly count: TransferCount
  readonly job: WorkerJob
  readonly #keys: ReadKeys

  constructor(parts: TransferParts, actor: Actor, options: ExportOptions, control: TransferControl) {
    this.parts = parts
    this.context = parts.files.context
    this.actor = actor
    this.replace = options.replace ?? false
    this.signal = control.signal
    this.ensure = control.ensure
    this.count = new TransferCount(() => performance.now(), control.onProgress)
    this.job = parts.pool.openJob(jobHooks(parts, actor, false))
    this.#keys = new ReadKeys(this.context, actor, this.job)
  }

  /** What workers need to open headers of this zone. */
  tellKeys(zone: Id): void {
    if (!isPublicZone(this.context, zone)) this.#keys.tell(zone)
  }
}
