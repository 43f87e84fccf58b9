/**
 * Import of a directory of the host (doc/adr/0010-bulk-transfer.md): the way through it, and the order of the work.
 * Workers read, seal and sign; directories are made, names compared with what is there, and finished files committed in
 * order. What was committed stays when the import is cut short: the next one finds it unchanged.
 */
import { basename, dirname, isAbsolute, resolve as resolveReal } from 'node:path'
import type { Actor } from '@blocktree/files'
import { NodeError } from '../node-error.ts'
import { ChangedFiles } from './changed-files.ts'
import { importLargeFile } from './import-content.ts'
import { enterDirectories, openDestination } from './import-directories.ts'
import { importLink } from './import-links.ts'
import { ImportPacks } from './import-packs.ts'
import { type ImportOptions, ImportRun } from './import-run.ts'
import type { TransferControl, TransferParts } from './job.ts'
import { type Step, runLanes } from './lanes.ts'
import { lanesBeyondWorkers, scansAhead, tasksPerWorker, unitBytes } from './limits.ts'
import {
  type Directory,
  type Entry,
  batches,
  sliceEntries,
  sortEntries,
  splitTreePath
} from './source-entries.ts'
import type { TransferReport } from './transfer-count.ts'
import { systemReason } from './transfer-problem.ts'
import { type ScanResult, entryKind } from './worker-message.ts'
import { WorkerTaskError } from './worker-pool.ts'
import { describeEntry } from './worker/scan-directory.ts'
import { wholeMs } from './worker/seal-source.ts'

/** An entry of the host that can be imported. */
type SourceEntry = ReturnType<typeof describeEntry> & {
  readonly status: NonNullable<ReturnType<typeof describeEntry>['status']>
}

/** @throws ERR_PATH_LOCAL, what the destination's path throws, ERR_STORE_FULL, ERR_TRANSFER_WORKER, the signal's reason */
export async function importTree(
  parts: TransferParts,
  actor: Actor,
  source: string,
  destination: string,
  options: ImportOptions,
  control: TransferControl
): Promise<TransferReport> {
  control.signal?.throwIfAborted()
  const run = new ImportRun(parts, actor, options, control)
  try {
    const steps = await new Import(run).begin(source, destination)
    await runLanes(steps, run.job.workers * tasksPerWorker + lanesBeyondWorkers, run.signal)
  } finally {
    run.job.end()
    await parts.store.flush()
  }
  return run.count.report()
}

class Import {
  readonly #run: ImportRun
  readonly #changed: ChangedFiles
  readonly #packs: ImportPacks
  /** Directories that were met and not read yet, the next one last. */
  readonly #stack: Directory[] = []

  constructor(run: ImportRun) {
    this.#run = run
    this.#changed = new ChangedFiles(run)
    this.#packs = new ImportPacks(run)
  }

  /** Everything that can be refused is refused here, before any work. */
  async begin(source: string, destination: string): Promise<AsyncGenerator<Step>> {
    if (!isAbsolute(source))
      throw new NodeError('ERR_PATH_LOCAL', `"${source}" is not absolute: give the whole path`)
    const real = resolveReal(source)
    const entry = importableEntry(describeEntry(real, this.#run.followLinks), source)
    if (entry.kind !== entryKind.directory) return await this.#beginOne(entry, real, destination)
    if (entry.text === this.#run.ownData) {
      throw new NodeError(
        'ERR_PATH_LOCAL',
        `"${source}" is the data directory of this node: it cannot hold itself`
      )
    }
    const metadata = { modifiedMs: wholeMs(entry.status.mtimeMs), mode: entry.status.mode & 0o7777 }
    this.#stack.push(await openDestination(this.#run, destination, real, [entry.text ?? ''], metadata))
    return this.#walk()
  }

  /** One file or link, under the name that the destination ends with. */
  async #beginOne(
    { kind, status, text }: SourceEntry,
    real: string,
    destination: string
  ): Promise<AsyncGenerator<Step>> {
    const { parent, name } = splitTreePath(destination)
    const directory = await openDestination(this.#run, parent, dirname(real), [])
    const only: Entry = {
      name: basename(real),
      shown: name,
      size: status.size,
      modifiedMs: wholeMs(status.mtimeMs),
      mode: status.mode & 0o7777,
      text
    }
    return this.#takeEntries(directory, kind === entryKind.file ? { files: [only] } : { links: [only] })
  }

  async *#walk(): AsyncGenerator<Step> {
    const { count } = this.#run
    for (let directory = this.#stack.pop(); directory !== undefined; directory = this.#stack.pop()) {
      const scan = await this.#scanned(directory)
      if (scan === undefined) continue
      count.tell(directory.path)
      const taken = new Set<string>()
      for (let from = 0; from < scan.names.length; from += sliceEntries) {
        const entries = sortEntries(directory, scan, { from, taken, count })
        const entered = await enterDirectories(this.#run, directory, entries.directories)
        this.#stack.push(...entered.toReversed())
        for (const next of this.#stack.slice(-scansAhead)) void this.#startScan(next)
        yield* this.#takeEntries(directory, entries)
      }
    }
  }

  #startScan(directory: Directory): Promise<ScanResult> {
    const { followLinks, job } = this.#run
    directory.scan ??= job.run('scan', { path: directory.source, followLinks })
    directory.scan.catch(() => undefined) // looked at when its turn comes
    return directory.scan
  }

  async #scanned(directory: Directory): Promise<ScanResult | undefined> {
    try {
      return await this.#startScan(directory)
    } catch (error) {
      if (!(error instanceof WorkerTaskError)) throw error
      this.#run.count.problem(directory.source, 'ERR_ENTRY_UNREADABLE', systemReason(error))
      return undefined
    } finally {
      directory.scan = undefined
    }
  }

  async *#takeEntries(
    directory: Directory,
    entries: { readonly files?: readonly Entry[]; readonly links?: readonly Entry[] }
  ): AsyncGenerator<Step> {
    const wanted = await this.#changed.of(directory, entries.files ?? [])
    for (const batch of batches(wanted.filter(({ entry }) => entry.size <= unitBytes))) {
      yield () => this.#packs.import(directory, batch)
    }
    for (const { entry, isReplacing } of wanted) {
      if (entry.size > unitBytes) yield () => importLargeFile(this.#run, directory, entry, isReplacing)
    }
    for (const entry of entries.links ?? []) yield () => importLink(this.#run, directory, entry)
  }
}

/** @throws ERR_PATH_LOCAL for what cannot be read, and for devices, pipes and sockets */
function importableEntry(entry: ReturnType<typeof describeEntry>, source: string): SourceEntry {
  const { kind, status, text } = entry
  if (kind === entryKind.unreadable || status === undefined)
    throw new NodeError('ERR_PATH_LOCAL', `"${source}" cannot be imported: ${text ?? 'it cannot be read'}`)
  if (kind === entryKind.special) {
    throw new NodeError(
      'ERR_PATH_LOCAL',
      `"${source}" is ${text ?? 'special'}: only files, directories and links are imported`
    )
  }
  return { ...entry, status }
}
