/**
 * Export of a part of the tree to a directory of the host (doc/adr/0010-bulk-transfer.md). The directory index is
 * walked here; workers open headers, verify and decrypt sectors and write the files.
 */
import { mkdirSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, isAbsolute, resolve as resolveReal } from 'node:path'
import {
  type Actor,
  type FilesContext,
  type Place,
  canReadZone,
  entryOf,
  isPublicZone,
  resolvePath,
  zoneOfChildren
} from '@blocktree/files'
import {
  type BlockMetadata,
  type BlockSummary,
  type Id,
  blockKind,
  isValidName,
  noMetadata
} from '@blocktree/tree'
import { FilesError } from '@blocktree/files'
import { NodeError, reasonOf } from '../node-error.ts'
import { type TransferControl, type TransferParts, jobHooks, putPlace } from './job.ts'
import { type Step, mapBounded, runLanes } from './lanes.ts'
import { exportPageMax, lanesBeyondWorkers, tasksPerWorker } from './limits.ts'
import { type RealDirectory, openRealDirectory } from './real-directory.ts'
import { TransferCount, type TransferReport } from './transfer-count.ts'
import { systemReason } from './transfer-problem.ts'
import { epochName } from './worker/open-headers.ts'
import { abandonPart, createPart, finishPart, partPath } from './worker/part-file.ts'
import { extendTo } from './worker/payload-writing.ts'
import type { LargeFile, UnpackResult } from './worker-message.ts'
import { type WorkerJob, WorkerTaskError } from './worker-pool.ts'

export interface ExportOptions {
  /** Files that are there and differ are replaced; default false. */
  readonly replace?: boolean
}

interface Directory {
  readonly block: Id
  /** The zone of its children. */
  readonly zone: Id
  readonly metadata: BlockMetadata
  /** Open until this one is made in it; undefined at the top. */
  readonly parent: OpenDirectory | undefined
  readonly name: string
  readonly path: string
}

/** A directory that is open at the destination until the last of its entries is written. */
interface OpenDirectory extends Directory {
  readonly real: RealDirectory
  /** Entries that are still to be written. */
  pending: number
  isRead: boolean
}

interface Item {
  readonly block: Id
  readonly record: Id
  readonly isLink: boolean
  readonly shownName: string | undefined
}

const nodesPerRange = 1 // 32 MiB of sectors of 128 KiB

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
  return await new Export(parts, actor, options, control).run(place, source, resolveReal(destination))
}

class Export {
  readonly #parts: TransferParts
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #replace: boolean
  readonly #signal: AbortSignal | undefined
  readonly #ensure: TransferControl['ensure']
  readonly #count: TransferCount
  readonly #job: WorkerJob
  readonly #epochs = new Set<string>()
  readonly #stack: Directory[] = []
  /** Directories of which entries are being written. */
  readonly #open = new Set<OpenDirectory>()
  #top: RealDirectory | undefined

  constructor(parts: TransferParts, actor: Actor, options: ExportOptions, control: TransferControl) {
    this.#parts = parts
    this.#context = parts.files.context
    this.#actor = actor
    this.#replace = options.replace ?? false
    this.#signal = control.signal
    this.#ensure = control.ensure
    this.#count = new TransferCount(() => performance.now(), control.onProgress)
    this.#job = parts.pool.openJob(jobHooks(parts, actor, false))
  }

  async run(place: Place, source: string, destination: string): Promise<TransferReport> {
    const lanes = this.#job.workers * tasksPerWorker + lanesBeyondWorkers
    try {
      await runLanes(this.#begin(place, source, destination), lanes, this.#signal)
    } finally {
      this.#job.end()
      for (const directory of this.#open) directory.real.close()
    }
    return this.#count.report()
  }

  #begin(place: Place, source: string, destination: string): AsyncGenerator<Step> {
    const parent = realParent(destination)
    if (place.summary.kind !== blockKind.directory)
      return this.#exportOnly(place, source, parent, basename(destination))
    const isFresh = makeTop(destination)
    this.#top = openRealDirectory(realpathSync(destination), isFresh)
    const metadata = entryOf(this.#context, this.#actor, place.block)?.metadata ?? noMetadata
    this.#stack.push({
      block: place.block,
      zone: zoneOfChildren(place.summary),
      metadata,
      parent: undefined,
      name: '',
      path: source.replace(/\/+$/, '')
    })
    return this.#walk()
  }

  /** One file or link, under the name that the caller gives it. */
  async *#exportOnly(place: Place, source: string, parent: string, name: string): AsyncGenerator<Step> {
    const { summary } = place
    this.#addEpochs(summary.zone)
    const [winner] = summary.heads
    if (winner === undefined)
      throw new FilesError('ERR_FILE_NOT_FOUND', `"${source}": no valid version of it is held`, {
        path: source
      })
    const real = openRealDirectory(parent, false)
    const directory: OpenDirectory = {
      block: place.block,
      zone: summary.zone,
      metadata: noMetadata,
      parent: undefined,
      name: '',
      path: source.slice(0, source.lastIndexOf('/')),
      real,
      pending: 1,
      isRead: false // its own mode and time stay as they are
    }
    this.#open.add(directory)
    const item = {
      block: place.block,
      record: winner.id,
      isLink: summary.kind === blockKind.symlink,
      shownName: name
    }
    yield () => this.#unpack(directory, [item])
  }

  async *#walk(): AsyncGenerator<Step> {
    for (let next = this.#stack.pop(); next !== undefined; next = this.#stack.pop()) {
      const directory = this.#enter(next)
      if (directory === undefined) continue
      if (!canReadZone(this.#context, this.#actor, directory.zone)) {
        this.#count.problem(directory.path, 'ERR_ENTRY_DENIED', 'no grant opens what is in it')
      } else yield* this.#entries(directory)
      directory.isRead = true
      this.#finishWhenDone(directory)
    }
  }

  #enter(directory: Directory): OpenDirectory | undefined {
    const { parent } = directory
    try {
      const real = parent === undefined ? this.#top : parent.real.enter(directory.name)
      if (real === undefined) return undefined
      this.#addEpochs(directory.zone)
      if (real.isFresh) this.#count.directories++
      const open: OpenDirectory = { ...directory, real, pending: 0, isRead: false }
      this.#open.add(open)
      return open
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
      const isTaken = error.code === 'ENOTDIR' || error.code === 'ELOOP' || error.code === 'EEXIST'
      if (isTaken)
        this.#count.problem(directory.path, 'ERR_ENTRY_EXISTS', 'something that is no directory has its name')
      else this.#count.problem(directory.path, 'ERR_ENTRY_UNWRITABLE', systemReason(error))
      return undefined
    } finally {
      if (parent !== undefined) {
        parent.pending--
        this.#finishWhenDone(parent)
      }
    }
  }

  async *#entries(directory: OpenDirectory): AsyncGenerator<Step> {
    const { tree } = this.#context
    let batch: Item[] = []
    let after: Id | undefined
    for (;;) {
      const page: BlockSummary[] = []
      let count = 0
      for await (const { block } of tree.children(directory.block, {
        limit: exportPageMax * 4,
        ...(after && { after })
      })) {
        count++
        after = block
        const summary = tree.blockSummary(block)
        if (summary !== undefined) page.push(summary)
      }
      const isAll = count < exportPageMax * 4
      const clashes =
        isAll && page.length === tree.childCount(directory.block) ? repeatedNames(page) : undefined
      for (const summary of page) {
        const { block, kind } = summary
        const winner = summary.heads[0]
        if (winner === undefined) continue
        if (kind === blockKind.directory) this.#push(directory, summary)
        else
          batch.push({
            block,
            record: winner.id,
            isLink: kind === blockKind.symlink,
            shownName: this.#clashName(directory, summary, clashes)
          })
        if (batch.length < exportPageMax) continue
        yield this.#step(directory, batch)
        batch = []
      }
      if (isAll) break
    }
    if (batch.length > 0) yield this.#step(directory, batch)
  }

  #step(directory: OpenDirectory, batch: readonly Item[]): Step {
    directory.pending++
    return () => this.#unpack(directory, batch)
  }

  #push(directory: OpenDirectory, summary: BlockSummary): void {
    const entry = entryOf(this.#context, this.#actor, summary.block)
    const name = entry?.name ?? ''
    const path = `${directory.path}/${name}`
    if (entry === undefined || !isValidName(name)) {
      this.#count.problem(path, 'ERR_ENTRY_NAME', 'no file system can hold this name')
      return
    }
    if (!entry.readable) {
      this.#count.problem(path, 'ERR_ENTRY_DENIED', 'no grant opens it')
      return
    }
    directory.pending++
    const zone = zoneOfChildren(summary)
    this.#stack.push({ block: summary.block, zone, metadata: entry.metadata, parent: directory, name, path })
  }

  /**
   * The name as the view shows it where others have the same, or where it was never registered.
   * @param clashes names that several have, where the whole directory was looked at
   */
  #clashName(
    directory: Directory,
    { block, nameKey }: BlockSummary,
    clashes: ReadonlySet<string> | undefined
  ): string | undefined {
    const { tree } = this.#context
    const isAlone =
      nameKey !== undefined &&
      (clashes === undefined
        ? tree.findByName(directory.block, nameKey).length < 2
        : clashes.size === 0 || !clashes.has(epochName(nameKey)))
    if (isAlone) return undefined
    return entryOf(this.#context, this.#actor, block)?.name
  }

  async #unpack(directory: OpenDirectory, batch: readonly Item[]): Promise<void> {
    const release = await this.#ensure?.(batch.map(({ record }) => record))
    try {
      await this.#unpackHeld(directory, batch)
    } finally {
      release?.()
    }
  }

  async #unpackHeld(directory: OpenDirectory, batch: readonly Item[]): Promise<void> {
    const records = new Uint8Array(batch.length * 32)
    const blocks = new Uint8Array(batch.length * 32)
    const places = new Float64Array(batch.length * 3)
    for (const [index, { record, block }] of batch.entries()) {
      records.set(record, index * 32)
      blocks.set(block, index * 32)
      putPlace(places, index, this.#parts.store, 'record', record)
    }
    const result = await this.#job.run('unpack', {
      path: directory.real.path,
      records,
      blocks,
      places,
      isLink: Uint8Array.from(batch, ({ isLink }) => (isLink ? 1 : 0)),
      shownNames: batch.map(({ shownName }) => shownName),
      replace: this.#replace,
      isFresh: directory.real.isFresh
    })
    this.#add(directory, result)
    await mapBounded(result.large, this.#job.workers * tasksPerWorker, async (large) => {
      const item = batch[large.index]
      if (item !== undefined) await this.#writeLarge(directory, item, large)
    })
    directory.pending--
    this.#finishWhenDone(directory)
    this.#count.tell(directory.path)
  }

  #add(directory: Directory, result: UnpackResult): void {
    this.#count.files += result.files
    this.#count.symlinks += result.symlinks
    this.#count.bytes += result.bytes
    this.#count.unchanged += result.unchanged
    for (const { name, code, reason } of result.failures) {
      this.#count.problem(
        `${directory.path}/${name}`,
        code === 'large' ? 'ERR_ENTRY_UNWRITABLE' : code,
        reason
      )
    }
  }

  /** All workers write one file, each a range of it. */
  async #writeLarge(directory: OpenDirectory, item: Item, file: LargeFile): Promise<void> {
    const descriptor = this.#context.tree.header(item.record)?.body.payload
    if (descriptor === undefined) return
    const path = partPath(directory.real.path, item.block)
    const nodes = Math.ceil(file.size / 2 ** (descriptor.sectorLog2 + 8))
    const perRange = Math.max(nodesPerRange, Math.ceil(nodes / 4096))
    const ranges = Array.from({ length: Math.ceil(nodes / perRange) }, (_, range) => range * perRange)
    let fd: number | undefined
    try {
      fd = createPart(path, file.mode)
      const opened = fd
      await mapBounded(ranges, this.#job.workers * tasksPerWorker, async (from) => {
        this.#signal?.throwIfAborted()
        const places = new Float64Array(3)
        putPlace(places, 0, this.#parts.store, 'record', item.record)
        const range = { records: item.record, places, fd: opened, from, to: Math.min(nodes, from + perRange) }
        await this.#job.run('range', range)
      })
      this.#finishLarge(directory, file, fd, path)
      fd = undefined
    } catch (error) {
      if (fd !== undefined) abandonPart(fd, path)
      this.#noteFailure(`${directory.path}/${file.name}`, error)
    }
  }

  #finishLarge(directory: OpenDirectory, file: LargeFile, fd: number, path: string): void {
    extendTo(fd, file.size)
    finishPart(fd, path, `${directory.real.path}/${file.name}`, file)
    this.#count.files++
    this.#count.bytes += file.size
  }

  /** What concerns one file is a problem of it; anything else ends the export. */
  #noteFailure(path: string, error: unknown): void {
    if (error instanceof WorkerTaskError && error.code === 'damaged') {
      this.#count.problem(path, 'ERR_ENTRY_DAMAGED', error.message)
    } else if (error instanceof WorkerTaskError || (error instanceof Error && 'syscall' in error)) {
      this.#count.problem(path, 'ERR_ENTRY_UNWRITABLE', systemReason(error))
    } else throw error
  }

  #finishWhenDone(directory: OpenDirectory): void {
    if (!directory.isRead || directory.pending > 0 || !this.#open.delete(directory)) return
    try {
      directory.real.finish(directory.metadata)
    } catch (error) {
      this.#count.problem(directory.path, 'ERR_ENTRY_UNWRITABLE', reasonOf(error))
    }
    directory.real.close()
  }

  #addEpochs(zone: Id): void {
    if (isPublicZone(this.#context, zone)) return
    for (const { id } of this.#context.tree.authority.epochsOf(zone)) {
      const key = this.#epochs.has(epochName(id)) ? undefined : this.#actor.zoneKey(id)
      if (key === undefined) continue
      this.#epochs.add(epochName(id))
      this.#job.addEpoch(id, key)
    }
  }
}

/** Keys of the names that more than one of these has. */
function repeatedNames(page: readonly BlockSummary[]): ReadonlySet<string> {
  const seen = new Set<string>()
  const repeated = new Set<string>()
  for (const { nameKey } of page) {
    if (nameKey === undefined) continue
    const key = epochName(nameKey)
    if (seen.has(key)) repeated.add(key)
    seen.add(key)
  }
  return repeated
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
