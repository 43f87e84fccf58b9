/** What workers need to sign in the zones of an import: told them when a zone is met, and again when it changed. */
import { equalBytes } from '@blocktree/codec'
import {
  type Actor,
  type FilesContext,
  type WriterCap,
  capFor,
  isPublicZone,
  writeKeyFor
} from '@blocktree/files'
import { type Id, TreeError, right } from '@blocktree/tree'
import { epochName } from './worker/open-headers.ts'
import type { ZoneTarget } from './worker-message.ts'
import type { WorkerJob } from './worker-pool.ts'

export interface Target {
  readonly number: number
  readonly zone: Omit<ZoneTarget, 'key'>
}

export class WriteTargets {
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #job: WorkerJob
  readonly #targets = new Map<string, Target>()

  constructor(context: FilesContext, actor: Actor, job: WorkerJob) {
    this.#context = context
    this.#actor = actor
    this.#job = job
  }

  /** What workers need to sign in a zone; another one when its key or the actor's caps changed. */
  of(zone: Id, path: string): Target {
    const cap = capFor(this.#actor, { home: zone, block: undefined }, right.create, path)
    const writeKey = writeKeyFor(this.#context, this.#actor, zone, path)
    const known = this.#targets.get(epochName(zone))
    if (known !== undefined && isSameTarget(known, cap, writeKey.epoch)) return known
    const { tree } = this.#context.tree
    if (tree === undefined) throw new TreeError('ERR_RECORD_MISSING', 'there is no tree here yet')
    const isPublic = isPublicZone(this.#context, zone)
    const fields = { tree, zone, isPublic, cap: cap.cap, rank: cap.rank, epoch: writeKey.epoch }
    const { key } = writeKey
    const number = this.#job.addTarget(() => ({
      ...fields,
      key: key === undefined ? undefined : new Uint8Array(key)
    }))
    const target = { number, zone: fields }
    this.#targets.set(epochName(zone), target)
    return target
  }
}

function isSameTarget({ zone }: Target, cap: WriterCap, epoch: Id | undefined): boolean {
  return isSameId(zone.cap, cap.cap) && zone.rank === cap.rank && isSameId(zone.epoch, epoch)
}

function isSameId(one: Id | undefined, other: Id | undefined): boolean {
  return one === undefined || other === undefined ? one === other : equalBytes(one, other)
}
