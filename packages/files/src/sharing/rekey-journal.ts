/**
 * Key changes in progress, in the store's local rows: written together with the revocation, struck out at the end. A row
 * names the grant and nothing else; what is still to do follows from the records (./epoch-reach.ts), so that a resumed
 * change also covers what happened meanwhile. Value: canonical `[1, eager, started]`.
 */
import { CanonicalReader, CanonicalWriter, CodecError, concatBytes } from '@blocktree/codec'
import type { BlockStore, Id, IndexRow } from '@blocktree/tree'

export interface RekeyJob {
  readonly grant: Id
  /** Every header that the former reader could open is written anew. */
  readonly eager: boolean
  readonly startedMs: number
}

const prefix: Uint8Array = new TextEncoder().encode('sharing/rekey/')
const end: Uint8Array = new TextEncoder().encode('sharing/rekey0') // the byte after '/'
const format = 1

export function rekeyRow(job: RekeyJob): IndexRow {
  const value = new CanonicalWriter(32).array(3).uint(format).boolean(job.eager).uint(job.startedMs).finish()
  return { key: concatBytes(prefix, job.grant), value }
}

export function rekeyDoneRow(job: Pick<RekeyJob, 'grant'>): IndexRow {
  return { key: concatBytes(prefix, job.grant), value: undefined }
}

/** Key changes that were begun and not finished; a damaged row is left out. */
export async function openRekeys(store: BlockStore): Promise<readonly RekeyJob[]> {
  const jobs: RekeyJob[] = []
  for await (const [key, value] of store.local.range({ from: prefix, to: end })) {
    const job = decodeJob(key.slice(prefix.length), value)
    if (job !== undefined) jobs.push(job)
  }
  return jobs
}

function decodeJob(grant: Id, value: Uint8Array): RekeyJob | undefined {
  try {
    const reader = new CanonicalReader(value)
    reader.arrayOf(3)
    if (reader.uint() !== format) return undefined
    const job = { grant, eager: reader.boolean(), startedMs: reader.uint() }
    reader.end()
    return job
  } catch (error) {
    if (error instanceof CodecError) return undefined
    throw error
  }
}
