/** A file of the host that is larger than one unit: all workers seal parts of it (doc/adr/0010-bulk-transfer.md). */
import { lstatSync, statSync } from 'node:fs'
import type { FilesContext } from '@blocktree/files'
import { type Id, PayloadAssembly } from '@blocktree/tree'
import { systemCode } from '../node-error.ts'
import { mapBounded } from './lanes.ts'
import { sectorLog2, tasksPerWorker, unitBytes } from './limits.ts'
import type { TransferProblemCode } from './transfer-problem.ts'
import { wholeMs } from './worker/seal-source.ts'
import type { SealedContent } from './worker-message.ts'
import type { WorkerJob } from './worker-pool.ts'

const leavesPerUnit = unitBytes / 2 ** sectorLog2

export interface LargeParts {
  readonly context: FilesContext
  readonly job: WorkerJob
  readonly signal: AbortSignal | undefined
  readonly followLinks: boolean
}

/** undefined when it is gone or no regular file any more. */
export function stateOfSource(
  path: string,
  followLinks: boolean
): { readonly size: number; readonly modifiedMs: number; readonly mode: number } | undefined {
  try {
    const status = followLinks ? statSync(path) : lstatSync(path)
    if (!status.isFile()) return undefined
    return { size: status.size, modifiedMs: wholeMs(status.mtimeMs), mode: status.mode & 0o7777 }
  } catch (error) {
    if (systemCode(error) === undefined) throw error
    return undefined
  }
}

/** Seals a file of many units with all workers; the nodes above them are made here. */
export async function sealLargeSource(
  parts: LargeParts,
  source: { readonly path: string; readonly size: number; readonly modifiedMs: number },
  target: { readonly number: number; readonly isPublic: boolean; readonly directory: Id }
): Promise<
  | Pick<SealedContent, 'aead' | 'levels' | 'stored' | 'rootHash' | 'rootKey'>
  | { readonly code: TransferProblemCode; readonly reason: string }
> {
  const { context, job, signal, followLinks } = parts
  const count = Math.ceil(source.size / unitBytes)
  const firstLeaves = Array.from({ length: count }, (_, unit) => unit * leavesPerUnit)
  let failed = false
  const units = await mapBounded(firstLeaves, job.workers * tasksPerWorker, async (firstLeaf) => {
    signal?.throwIfAborted()
    if (failed) return undefined
    const work = {
      ...source,
      followLinks,
      target: target.number,
      directory: target.directory
    }
    const unit = await job.run('unit', { ...work, firstLeaf, leaves: leavesPerUnit })
    failed ||= unit.failure !== undefined
    return unit
  })
  const failure = units.find((unit) => unit?.failure !== undefined)?.failure
  if (failure !== undefined) {
    return { code: failure.code === 'large' ? 'ERR_ENTRY_CHANGED' : failure.code, reason: failure.reason }
  }
  const { crypto, random, store } = context
  const sectors: { readonly reference: Id; readonly bytes: Uint8Array }[] = []
  const sealing = {
    crypto,
    random,
    block: target.directory,
    aead: target.isPublic ? (0 as const) : (1 as const)
  }
  const assembly = new PayloadAssembly(sealing, { sectorLog2, emit: (sector) => sectors.push(sector) })
  for (const unit of units) if (unit !== undefined) assembly.appendReference(1, unit, unit.stored)
  const { payload, rootKey } = assembly.finish(source.size)
  if (sectors.length > 0) await store.commit({ sectors }, { durability: 'none' })
  const { levels, stored, rootHash } = payload
  return { aead: sealing.aead, levels, stored, rootHash, rootKey }
}
