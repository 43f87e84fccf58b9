/**
 * Export of a part of the tree to a directory of the host (doc/adr/0010-bulk-transfer.md): what can be refused, and the
 * way through the directory index. Workers open headers, verify and decrypt sectors and write the files.
 */
import { mkdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, resolve as resolveReal } from 'node:path'
import {
  type Actor,
  FilesError,
  type Place,
  canReadZone,
  entryOf,
  resolvePath,
  zoneOfChildren
} from '@blocktree/files'
import { type BlockSummary, blockKind, isValidName, noMetadata } from '@blocktree/tree'
import { NodeError, reasonOf } from '../node-error.ts'
import { type Directory, OpenDirectories, type OpenDirectory } from './export-directories.ts'
import { type Item, exportBatch } from './export-files.ts'
import { listPages, shownName } from './export-listing.ts'
import { type ExportOptions, ExportRun } from './export-run.ts'
import type { TransferControl, TransferParts } from './job.ts'
import { type Step, runLanes } from './lanes.ts'
import { exportPageMax, lanesBeyondWorkers, tasksPerWorker } from './limits.ts'
import { openRealDirectory } from './real-directory.ts'
import type { TransferReport } from './transfer-count.ts'

/** @throws ERR_PATH_LOCAL, what the source's path throws, ERR_TRANSFER_WORKER, the signal's reason */
export async function exportTree(
  parts: TransferParts,
  actor: Actor,
  source: string,
  destination: string,
  options: ExportOptions,
  control: TransferControl
): Promise<TransferReport> {
  control.signal?.throwIfAborted()
  const context = parts.files.context
  const place = resolvePath(context, actor, source, { followLast: false })
  if (!isAbsolute(destination))
    throw new NodeError('ERR_PATH_LOCAL', `"${destination}" is not absolute: give the whole path`)
  const isDirectory = place.summary.kind === blockKind.directory
  const zone = isDirectory ? zoneOfChildren(place.summary) : place.summary.zone
  if (!canReadZone(context, actor, zone)) {
    throw new FilesError(
      'ERR_ACCESS_DENIED',
      `"${source}": no grant of yours opens what is in it: ask its owner`,
      { path: source }
    )
  }
  // places of everything that was committed so far are in the index afterwards
  await parts.store.flush()
  return await new Export(new ExportRun(parts, actor, options, control)).run(
    place,
    source,
    resolveReal(destination)
  )
}

class Export {
  readonly #run: ExportRun
  readonly #open: OpenDirectories
  /** Directories that were met and not read yet, the next one last. */
  readonly #stack: Directory[] = []

  constructor(run: ExportRun) {
    this.#run = run
    this.#open = new OpenDirectories(run)
  }

  async run(place: Place, source: string, destination: string): Promise<TransferReport> {
    const { count, job, signal } = this.#run
    const lanes = job.workers * tasksPerWorker + lanesBeyondWorkers
    try {
      await runLanes(this.#begin(place, source, destination), lanes, signal)
    } finally {
      job.end()
      this.#open.close()
    }
    return count.report()
  }

  #begin(place: Place, source: string, destination: string): AsyncGenerator<Step> {
    const parent = realParent(destination)
    if (place.summary.kind !== blockKind.directory)
      return this.#exportOnly(place, source, parent, basename(destination))
    const isFresh = makeTop(destination)
    const real = openRealDirectory(realpathSync(destination), isFresh)
    const metadata = entryOf(this.#run.context, this.#run.actor, place.block)?.metadata ?? noMetadata
    const top: Directory = {
      block: place.block,
      zone: zoneOfChildren(place.summary),
      metadata,
      parent: undefined,
      name: '',
      path: source.replace(/\/+$/, '')
    }
    return this.#walk(this.#open.opened(top, real))
  }

  /** One file or link, under the name that the caller gives it. */
  async *#exportOnly(place: Place, source: string, parent: string, name: string): AsyncGenerator<Step> {
    const { summary } = place
    this.#run.tellKeys(summary.zone)
    const [winner] = summary.heads
    if (winner === undefined)
      throw new FilesError('ERR_FILE_NOT_FOUND', `"${source}": no valid version of it is held`, {
        path: source
      })
    const above: Directory = {
      block: place.block,
      zone: summary.zone,
      metadata: noMetadata,
      parent: undefined,
      name: '',
      path: source.slice(0, source.lastIndexOf('/'))
    }
    // never read to its end: its own mode and time stay as they are
    const directory = this.#open.add(above, openRealDirectory(parent, false), 1)
    const item = {
      block: place.block,
      record: winner.id,
      isLink: summary.kind === blockKind.symlink,
      shownName: name
    }
    yield () => exportBatch(this.#run, this.#open, directory, [item])
  }

  async *#walk(top: OpenDirectory): AsyncGenerator<Step> {
    yield* this.#enter(top)
    for (let next = this.#stack.pop(); next !== undefined; next = this.#stack.pop()) {
      const directory = next.parent === undefined ? undefined : this.#open.enter(next, next.parent)
      if (directory !== undefined) yield* this.#enter(directory)
    }
  }

  async *#enter(directory: OpenDirectory): AsyncGenerator<Step> {
    if (!canReadZone(this.#run.context, this.#run.actor, directory.zone)) {
      this.#run.count.problem(directory.path, 'ERR_ENTRY_DENIED', 'no grant opens what is in it')
    } else yield* this.#entries(directory)
    this.#open.read(directory)
  }

  async *#entries(directory: OpenDirectory): AsyncGenerator<Step> {
    let batch: Item[] = []
    for await (const { entries, clashes } of listPages(this.#run, directory.block)) {
      for (const summary of entries) {
        const { block, kind } = summary
        const winner = summary.heads[0]
        if (winner === undefined) continue
        if (kind === blockKind.directory) this.#push(directory, summary)
        else
          batch.push({
            block,
            record: winner.id,
            isLink: kind === blockKind.symlink,
            shownName: shownName(this.#run, directory.block, summary, clashes)
          })
        if (batch.length < exportPageMax) continue
        yield this.#step(directory, batch)
        batch = []
      }
    }
    if (batch.length > 0) yield this.#step(directory, batch)
  }

  #step(directory: OpenDirectory, batch: readonly Item[]): Step {
    directory.pending++
    return () => exportBatch(this.#run, this.#open, directory, batch)
  }

  #push(directory: OpenDirectory, summary: BlockSummary): void {
    const { actor, context, count } = this.#run
    const entry = entryOf(context, actor, summary.block)
    const name = entry?.name ?? ''
    const path = `${directory.path}/${name}`
    if (entry === undefined || !isValidName(name))
      return count.problem(path, 'ERR_ENTRY_NAME', 'no file system can hold this name')
    if (!entry.readable) return count.problem(path, 'ERR_ENTRY_DENIED', 'no grant opens it')
    directory.pending++
    const zone = zoneOfChildren(summary)
    this.#stack.push({ block: summary.block, zone, metadata: entry.metadata, parent: directory, name, path })
  }
}

/** The real path of the directory that the destination is in; ERR_PATH_LOCAL. */
function realParent(destination: string): string {
  try {
    return realpathSync(dirname(destination))
  } catch (cause) {
    throw new NodeError('ERR_PATH_LOCAL', `"${dirname(destination)}" does not exist: make it first`, {
      cause
    })
  }
}

/** @returns true when the directory was made */
function makeTop(destination: string): boolean {
  const status = statSync(destination, { throwIfNoEntry: false })
  if (status?.isDirectory() === true) return false
  if (status !== undefined)
    throw new NodeError('ERR_PATH_LOCAL', `"${destination}" is no directory: choose another destination`)
  try {
    mkdirSync(destination, 0o700)
    return true
  } catch (cause) {
    throw new NodeError('ERR_PATH_LOCAL', `"${destination}" cannot be made: ${reasonOf(cause)}`, { cause })
  }
}
