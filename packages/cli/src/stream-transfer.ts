/**
 * Files and directories as streams over the connection, one after another: for a node that cannot see this machine's
 * files itself. Slower than its own import and export, and neither resumable nor sparse.
 */
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { lstat, mkdir, opendir, readlink, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type {
  FileStatus,
  ImportReport,
  TransferReport,
  Wait,
  WritePromise
} from '@blocktree/node/method-table'
import { CliError } from './cli-error.ts'
import { listDirectory } from './list-directory.ts'
import type { NodeClient } from './node-client.ts'
import type { ProgressReport } from './output.ts'
import { joinPath } from './tree-path.ts'

interface Job {
  readonly node: NodeClient
  readonly source: string
  readonly destination: string
  readonly replace: boolean
  readonly followLinks?: boolean
  readonly wait?: Wait
  readonly signal: AbortSignal
  readonly onProgress: (report: ProgressReport) => void
}

interface Count {
  files: number
  directories: number
  symlinks: number
  bytes: number
  unchanged: number
}

const nothing: Count = { files: 0, directories: 0, symlinks: 0, bytes: 0, unchanged: 0 }

interface PutCount extends Count {
  /** Of what fewest nodes promised to keep. */
  promise: WritePromise | undefined
}

export async function putByStreams(job: Job): Promise<ImportReport> {
  const count: PutCount = { ...nothing, promise: undefined }
  await putEntry(job, job.source, job.destination, count)
  const promise = count.promise ?? { kept: 0, of: 0, wanted: 0, isPending: false }
  return { ...count, promise, problems: [], problemCount: 0 }
}

function notePromise(count: PutCount, { promise }: { readonly promise: WritePromise }): void {
  if (count.promise === undefined || promise.kept < count.promise.kept) count.promise = promise
}

async function putEntry(job: Job, source: string, path: string, count: PutCount): Promise<void> {
  const waiting = job.wait === undefined ? {} : { wait: job.wait }
  job.signal.throwIfAborted()
  const status = job.followLinks === true ? await stat(source) : await lstat(source)
  if (status.isDirectory()) {
    notePromise(count, await job.node.call('file.mkdir', { path, parents: true, ...waiting }))
    count.directories++
    for await (const child of await opendir(source))
      await putEntry(job, join(source, child.name), joinPath(path, child.name.normalize('NFC')), count)
  } else if (status.isSymbolicLink()) {
    const target = await readlink(source)
    notePromise(count, await job.node.call('file.symlink', { path, target, ...waiting }))
    count.symlinks++
  } else if (status.isFile()) {
    const metadata = { modifiedMs: Math.floor(status.mtimeMs), mode: status.mode & 0o7777 }
    const upload = createReadStream(source)
    const params = { path, replace: job.replace, ...metadata, ...waiting }
    notePromise(count, await job.node.call('file.put', params, { upload, signal: job.signal }))
    count.files++
    count.bytes += status.size
    job.onProgress({ done: count.bytes, unit: 'bytes', text: path })
  }
}

export async function getByStreams(job: Job): Promise<TransferReport> {
  const count: Count = { ...nothing }
  await getEntry(
    job,
    await job.node.call('file.stat', { path: job.source, followLink: false }),
    job.source,
    job.destination,
    count
  )
  return { ...count, problems: [], problemCount: 0 }
}

async function getEntry(
  job: Job,
  status: FileStatus,
  path: string,
  target: string,
  count: Count
): Promise<void> {
  job.signal.throwIfAborted()
  if (status.kind === 'directory') {
    await mkdir(target, { recursive: true })
    count.directories++
    for await (const child of listDirectory(job.node, path, 'id')) {
      await getEntry(job, child, joinPath(path, child.name), join(target, child.name), count)
    }
  } else if (status.kind === 'symlink') {
    await symlink(status.target ?? '', target)
    count.symlinks++
  } else await getFile(job, status, path, target, count)
}

async function getFile(
  job: Job,
  status: FileStatus,
  path: string,
  target: string,
  count: Count
): Promise<void> {
  if (!job.replace && existsSync(target)) {
    throw new CliError('ERR_LOCAL_EXISTS', `"${target}" exists`, { advice: 'use --replace to replace it' })
  }
  const partial = `${target}.blocktree-part`
  const call = job.node.callStream('file.get', { path }, { signal: job.signal })
  try {
    await pipeline(call.download, createWriteStream(partial, { mode: status.mode ?? 0o644 }))
    await call.result
    if (status.modifiedMs !== undefined)
      await utimes(partial, status.modifiedMs / 1000, status.modifiedMs / 1000)
    await rename(partial, target)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
  count.files++
  count.bytes += status.size
  job.onProgress({ done: count.bytes, unit: 'bytes', text: path })
}
