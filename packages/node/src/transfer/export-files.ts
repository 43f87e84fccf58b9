/** Files and links of an export: workers write the small ones batch by batch, and all of them together a large one. */
import type { Id } from '@blocktree/tree'
import type { OpenDirectories, OpenDirectory } from './export-directories.ts'
import type { ExportRun } from './export-run.ts'
import { putPlace } from './job.ts'
import { mapBounded } from './lanes.ts'
import { tasksPerWorker } from './limits.ts'
import { systemReason } from './transfer-problem.ts'
import { WorkerTaskError } from './worker-pool.ts'
import type { LargeFile, UnpackResult } from './worker-message.ts'
import { abandonPart, createPart, finishPart, partPath } from './worker/part-file.ts'
import { extendTo } from './worker/payload-writing.ts'

/** A file or link that is to be written. */
export interface Item {
  readonly block: Id
  readonly record: Id
  readonly isLink: boolean
  /** In place of the name in its header. */
  readonly shownName: string | undefined
}

const nodesPerRange = 1 // 32 MiB of sectors of 128 KiB
const rangesMax = 4096

/** Writes the batch, which is one pending entry of its directory; content that is elsewhere is fetched first. */
export async function exportBatch(
  run: ExportRun,
  open: OpenDirectories,
  directory: OpenDirectory,
  batch: readonly Item[]
): Promise<void> {
  const release = await run.ensure?.(batch.map(({ record }) => record))
  try {
    await unpackHeld(run, directory, batch)
    open.written(directory)
    run.count.tell(directory.path)
  } finally {
    release?.()
  }
}

async function unpackHeld(run: ExportRun, directory: OpenDirectory, batch: readonly Item[]): Promise<void> {
  const records = new Uint8Array(batch.length * 32)
  const blocks = new Uint8Array(batch.length * 32)
  const places = new Float64Array(batch.length * 3)
  for (const [index, { record, block }] of batch.entries()) {
    records.set(record, index * 32)
    blocks.set(block, index * 32)
    putPlace(places, index, run.parts.store, 'record', record)
  }
  const result = await run.job.run('unpack', {
    path: directory.real.path,
    records,
    blocks,
    places,
    isLink: Uint8Array.from(batch, ({ isLink }) => (isLink ? 1 : 0)),
    shownNames: batch.map(({ shownName }) => shownName),
    replace: run.replace,
    isFresh: directory.real.isFresh
  })
  addResult(run, directory, result)
  await mapBounded(result.large, run.job.workers * tasksPerWorker, async (large) => {
    const item = batch[large.index]
    if (item !== undefined) await writeLarge(run, directory, item, large)
  })
}

function addResult({ count }: ExportRun, { path }: OpenDirectory, result: UnpackResult): void {
  count.files += result.files
  count.symlinks += result.symlinks
  count.bytes += result.bytes
  count.unchanged += result.unchanged
  for (const { name, code, reason } of result.failures)
    count.problem(`${path}/${name}`, code === 'large' ? 'ERR_ENTRY_UNWRITABLE' : code, reason)
}

/** All workers write one file, each a range of it. */
async function writeLarge(
  run: ExportRun,
  directory: OpenDirectory,
  item: Item,
  file: LargeFile
): Promise<void> {
  const descriptor = run.context.tree.header(item.record)?.body.payload
  if (descriptor === undefined) return
  const path = partPath(directory.real.path, item.block)
  const nodes = Math.ceil(file.size / 2 ** (descriptor.sectorLog2 + 8))
  const perRange = Math.max(nodesPerRange, Math.ceil(nodes / rangesMax))
  const ranges = Array.from({ length: Math.ceil(nodes / perRange) }, (_, range) => range * perRange)
  let fd: number | undefined
  try {
    fd = createPart(path, file.mode)
    const opened = fd
    await mapBounded(ranges, run.job.workers * tasksPerWorker, async (from) => {
      run.signal?.throwIfAborted()
      const places = new Float64Array(3)
      putPlace(places, 0, run.parts.store, 'record', item.record)
      const range = { records: item.record, places, fd: opened, from, to: Math.min(nodes, from + perRange) }
      await run.job.run('range', range)
    })
    extendTo(fd, file.size)
    finishPart(fd, path, `${directory.real.path}/${file.name}`, file)
    run.count.files++
    run.count.bytes += file.size
    fd = undefined
  } catch (error) {
    if (fd !== undefined) abandonPart(fd, path)
    noteFailure(run, `${directory.path}/${file.name}`, error)
  }
}

/** What concerns one file is a problem of it; anything else ends the export. */
function noteFailure({ count }: ExportRun, path: string, error: unknown): void {
  if (error instanceof WorkerTaskError && error.code === 'damaged') {
    count.problem(path, 'ERR_ENTRY_DAMAGED', error.message)
  } else if (error instanceof WorkerTaskError || (error instanceof Error && 'syscall' in error)) {
    count.problem(path, 'ERR_ENTRY_UNWRITABLE', systemReason(error))
  } else throw error
}
