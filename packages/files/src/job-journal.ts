/**
 * Long operations are written down before their first step, in the store's local rows, and struck out together with
 * their last: after a crash `resumeJobs` goes on. A job holds ids and one random seed, no key and no name in clear
 * beyond the two that its target needs. Value: canonical `[1, kind, source, target, arrival, final, flags, seed, actor]`.
 */
import { CanonicalReader, CanonicalWriter } from '@blocktree/codec'
import type { Id, IndexRow } from '@blocktree/tree'
import type { FilesContext } from './files-context.ts'

export const jobKind = { copy: 1, move: 2, remove: 3 } as const
export type JobKind = (typeof jobKind)[keyof typeof jobKind]

export interface Job {
  readonly id: Uint8Array // 16 random bytes
  readonly kind: JobKind
  readonly source: Id
  /** The directory that gets the copy; for a removal, the source again. */
  readonly target: Id
  /** The name under which the copy stands while it grows. */
  readonly arrivalName: string
  /** Its name at the end. */
  readonly finalName: string
  /** The top of the copy is made a zone root. */
  readonly zoneRoot: boolean
  readonly seed: Uint8Array // 32: nonces of the new births follow from it, so a resumed job finds what it made
  readonly actor: Id
}

const prefix: Uint8Array = new TextEncoder().encode('files/job/')
const format = 1
const nameBytesMax = 255
const kinds: readonly JobKind[] = Object.values(jobKind)

export function newJob(context: FilesContext, job: Omit<Job, 'id' | 'seed'>): Job {
  return { ...job, id: context.random.bytes(16), seed: context.random.bytes(32) }
}

/** The row that writes the job down. */
export function jobRow(job: Job): IndexRow {
  const writer = new CanonicalWriter(512).array(9).uint(format).uint(job.kind).bin(job.source).bin(job.target)
  writer.str(job.arrivalName).str(job.finalName).boolean(job.zoneRoot).bin(job.seed).bin(job.actor)
  return { key: jobKey(job.id), value: writer.finish() }
}

/** The row that strikes the job out. */
export function jobDoneRow(job: Job): IndexRow {
  return { key: jobKey(job.id), value: undefined }
}

/** Jobs that were begun and not finished; damaged rows are left out. */
export async function openJobs(context: FilesContext): Promise<readonly Job[]> {
  const end = prefix.slice()
  end[end.length - 1] = (end.at(-1) ?? 0) + 1
  const jobs: Job[] = []
  for await (const [key, value] of context.store.local.range({ from: prefix, to: end })) {
    const job = decodeJob(key.slice(prefix.length), value)
    if (job !== undefined) jobs.push(job)
  }
  return jobs
}

function jobKey(id: Uint8Array): Uint8Array {
  const key = new Uint8Array(prefix.length + id.length)
  key.set(prefix)
  key.set(id, prefix.length)
  return key
}

function decodeJob(id: Uint8Array, value: Uint8Array): Job | undefined {
  const reader = new CanonicalReader(value)
  reader.arrayOf(9)
  if (reader.uint() !== format) return undefined
  const code = reader.uint()
  const kind = kinds.find((known) => known === code)
  if (kind === undefined) return undefined
  return {
    id,
    kind,
    source: reader.binExact(32).slice(),
    target: reader.binExact(32).slice(),
    arrivalName: reader.str(nameBytesMax),
    finalName: reader.str(nameBytesMax),
    zoneRoot: reader.boolean(),
    seed: reader.binExact(32).slice(),
    actor: reader.binExact(32).slice()
  }
}
