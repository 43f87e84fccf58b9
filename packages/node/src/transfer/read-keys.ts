/** The keys of epochs that workers open headers with: told to them when a zone is met, each once. */
import type { Actor, FilesContext } from '@blocktree/files'
import type { Id } from '@blocktree/tree'
import { epochName } from './worker/open-headers.ts'
import type { WorkerJob } from './worker-pool.ts'

export class ReadKeys {
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #job: WorkerJob
  readonly #told = new Set<string>()

  constructor(context: FilesContext, actor: Actor, job: WorkerJob) {
    this.#context = context
    this.#actor = actor
    this.#job = job
  }

  /** Those that the actor has, of all epochs of the zone. */
  tell(zone: Id): void {
    for (const { id } of this.#context.tree.authority.epochsOf(zone)) {
      const key = this.#told.has(epochName(id)) ? undefined : this.#actor.zoneKey(id)
      if (key === undefined) continue
      this.#told.add(epochName(id))
      this.#job.addEpoch(id, key)
    }
  }
}
