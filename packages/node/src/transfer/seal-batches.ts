/**
 * The `FileSealer` of the files package over the worker pool. A worker holds the key of a signer while that one creates
 * many files, and some seconds longer; before each batch the key is asked whether it is still open.
 */
import { wipe } from '@blocktree/crypto'
import type { Actor, BulkTarget, FileSealer, SealedBatch, SealingBatch } from '@blocktree/files'
import { type Id, decodeRecord, recordType } from '@blocktree/tree'
import { type TransferParts, jobHooks } from './job.ts'
import { sealingIdleMs, sealingJobsMax, sealingTargetsMax } from './limits.ts'
import type { SealResult, SealWork, ZoneTarget } from './worker-message.ts'
import type { WorkerJob } from './worker-pool.ts'

interface SealingJob {
  readonly job: WorkerJob
  /** Numbers of zone targets, by zone, cap and epoch. */
  readonly targets: Map<string, number>
  readonly idle: NodeJS.Timeout
  underWay: number
}

export class PoolSealer implements FileSealer {
  readonly #parts: TransferParts
  readonly #jobs = new Map<Actor, SealingJob>()

  constructor(parts: TransferParts) {
    this.#parts = parts
  }

  seal(actor: Actor, batch: SealingBatch): Promise<SealedBatch> | undefined {
    if (!mayLeave(actor)) {
      this.#end(actor)
      return undefined
    }
    const known = this.#jobs.get(actor)
    if (known === undefined && this.#jobs.size >= sealingJobsMax) return undefined
    const sealing = known ?? this.#open(actor)
    sealing.idle.refresh()
    return this.#run(actor, sealing, batch)
  }

  close(): void {
    for (const actor of [...this.#jobs.keys()]) this.#end(actor)
  }

  async #run(actor: Actor, sealing: SealingJob, batch: SealingBatch): Promise<SealedBatch> {
    const { crypto } = this.#parts.files.context
    sealing.underWay++
    try {
      const result = await sealing.job.run('seal', workOf(batch, this.#target(sealing, batch.target)))
      return this.#sealed(decodeRecord(crypto, result.sample), result)
    } catch (error) {
      // a pool that lost a thread fails the job for good: the next batch opens another, or has done so
      if (this.#jobs.get(actor) === sealing) this.#end(actor)
      throw error
    } finally {
      sealing.underWay--
    }
  }

  #sealed(
    sample: ReturnType<typeof decodeRecord>,
    { newFiles: { frames, blocks, records } }: SealResult
  ): SealedBatch {
    if (sample.type !== recordType.header) throw new Error('a worker seals headers')
    const append: SealedBatch['append'] = (rows) => this.#parts.store.appendPacked(frames, rows)
    return { sample, blocks, records, append }
  }

  #open(actor: Actor): SealingJob {
    const idle = setTimeout(() => {
      if (this.#jobs.get(actor)?.underWay === 0) this.#end(actor)
      else idle.refresh()
    }, sealingIdleMs)
    idle.unref()
    const job = this.#parts.pool.openJob(jobHooks(this.#parts, actor, true))
    const sealing: SealingJob = { job, targets: new Map(), idle, underWay: 0 }
    this.#jobs.set(actor, sealing)
    return sealing
  }

  /** Wipes the keys that the workers hold for it. */
  #end(actor: Actor): void {
    const sealing = this.#jobs.get(actor)
    if (sealing === undefined) return
    this.#jobs.delete(actor)
    clearTimeout(sealing.idle)
    sealing.job.end()
  }

  #target({ job, targets }: SealingJob, target: BulkTarget): number {
    const { zone, cap, writeKey } = target
    const name = [zone, cap.cap, writeKey.epoch].map(textOf).join(' ')
    const known = targets.get(name)
    if (known !== undefined) return known
    if (targets.size >= sealingTargetsMax) throw new RangeError('too many zones for one job')
    const number = job.addTarget(() => zoneTarget(target))
    targets.set(name, number)
    return number
  }
}

/** A key that is locked, or cannot be copied, signs where it is. */
function mayLeave(actor: Actor): boolean {
  try {
    wipe(actor.signer.key.exportSeed())
    return true
  } catch {
    return false
  }
}

function zoneTarget({ tree, zone, isPublic, cap, writeKey }: BulkTarget): ZoneTarget {
  const key = writeKey.key === undefined ? undefined : new Uint8Array(writeKey.key)
  return { tree, zone, isPublic, cap: cap.cap, rank: cap.rank, epoch: writeKey.epoch, key }
}

function workOf({ target, files, sectorLog2 }: SealingBatch, number: number): SealWork {
  const contents = new Uint8Array(files.reduce((sum, { bytes }) => sum + bytes.length, 0))
  const lengths = new Uint32Array(files.length)
  const modifiedMs = new Float64Array(files.length)
  let offset = 0
  for (const [index, file] of files.entries()) {
    contents.set(file.bytes, offset)
    offset += file.bytes.length
    lengths[index] = file.bytes.length
    modifiedMs[index] = file.modifiedMs
  }
  const names = files.map(({ name }) => name)
  return { target: number, directory: target.directory, sectorLog2, names, lengths, modifiedMs, contents }
}

function textOf(id: Id | undefined): string {
  return id?.toHex() ?? ''
}
