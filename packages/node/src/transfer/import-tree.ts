/**
 * Import of a directory of the host (doc/adr/0010-bulk-transfer.md). Workers read, seal and sign; here directories
 * are made, names compared with what is there, and finished files committed in order. What was committed stays when
 * the import is cut short: the next one finds it unchanged.
 */
import { statSync } from 'node:fs'
import { basename, dirname, isAbsolute, resolve as resolveReal } from 'node:path'
import {
  type Actor,
  type FilesContext,
  applyMetadata,
  newDirectory,
  resolveDirectory,
  zoneOfChildren
} from '@blocktree/files'
import {
  type HeaderRecord,
  type Id,
  type LocalRecord,
  blockKind,
  limits as treeLimits,
  noMetadata
} from '@blocktree/tree'
import { NodeError } from '../node-error.ts'
import { type TransferControl, type TransferParts, jobHooks, putPlace } from './job.ts'
import { type Step, runLanes } from './lanes.ts'
import { lanesBeyondWorkers, scansAhead, sectorLog2, tasksPerWorker, unitBytes } from './limits.ts'
import { sealLargeSource, stateOfSource } from './large-source.ts'
import { type Target, WriteTargets } from './write-targets.ts'
import {
  type Directory,
  type Entry,
  type Wanted,
  batches,
  below,
  sliceEntries,
  sortEntries,
  splitTreePath
} from './source-entries.ts'
import { unpackHeaders } from './packed-headers.ts'
import { TransferCount, type TransferReport } from './transfer-count.ts'
import { systemReason } from './transfer-problem.ts'
import { epochName } from './worker/open-headers.ts'
import { describeEntry } from './worker/scan-directory.ts'
import { wholeMs } from './worker/seal-source.ts'
import {
  type NewFilesResult,
  type PackResult,
  type ScanResult,
  type SealedContent,
  entryKind
} from './worker-message.ts'
import { WorkerTaskError } from './worker-pool.ts'
import type { WorkerJob } from './worker-pool.ts'

export interface ImportOptions {
  /** Files that are there and differ get a new version; default true. */
  readonly replace?: boolean
  /** Symbolic links are imported as what they lead to. */
  readonly followLinks?: boolean
}

interface Existing {
  readonly block: Id
  readonly kind: number
  readonly zoneRoot: boolean
  readonly zone: Id
  readonly winner: Id | undefined
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
  return new Import(parts, actor, options, control).run(source, destination)
}

class Import {
  readonly #parts: TransferParts
  readonly #context: FilesContext
  readonly #actor: Actor
  readonly #replace: boolean
  readonly #followLinks: boolean
  readonly #signal: AbortSignal | undefined
  readonly #count: TransferCount
  readonly #job: WorkerJob
  readonly #targets: WriteTargets
  readonly #epochs = new Set<string>()
  readonly #stack: Directory[] = []
  readonly #ownData: string
  /** The headers of new files were taken as frames so far: no rule asks to look at them one by one. */
  #mayFrame = true

  constructor(parts: TransferParts, actor: Actor, options: ImportOptions, control: TransferControl) {
    this.#parts = parts
    this.#context = parts.files.context
    this.#actor = actor
    this.#replace = options.replace ?? true
    this.#followLinks = options.followLinks ?? false
    this.#signal = control.signal
    this.#count = new TransferCount(() => performance.now(), control.onProgress)
    const own = statSync(parts.dataDirectory, { throwIfNoEntry: false })
    this.#ownData = own === undefined ? '' : `${own.dev}:${own.ino}`
    this.#job = parts.pool.openJob(jobHooks(parts, actor, true))
    this.#targets = new WriteTargets(this.#context, actor, this.#job)
  }

  async run(source: string, destination: string): Promise<TransferReport> {
    try {
      const steps = await this.#begin(source, destination)
      const lanes = this.#job.workers * tasksPerWorker + lanesBeyondWorkers
      await runLanes(steps, lanes, this.#signal)
    } finally {
      this.#job.end()
      await this.#parts.store.flush()
    }
    return this.#count.report()
  }

  /** Everything that can be refused is refused here, before any work. */
  async #begin(source: string, destination: string): Promise<AsyncGenerator<Step>> {
    if (!isAbsolute(source))
      throw new NodeError('ERR_PATH_LOCAL', `"${source}" is not absolute: give the whole path`)
    const real = resolveReal(source)
    const entry = describeEntry(real, this.#followLinks)
    if (entry.kind === entryKind.unreadable || entry.status === undefined) {
      throw new NodeError(
        'ERR_PATH_LOCAL',
        `"${source}" cannot be imported: ${entry.text ?? 'it cannot be read'}`
      )
    }
    if (entry.kind === entryKind.special) {
      throw new NodeError(
        'ERR_PATH_LOCAL',
        `"${source}" is ${entry.text ?? 'special'}: only files, directories and links are imported`
      )
    }
    if (entry.kind !== entryKind.directory) {
      const { parent, name } = splitTreePath(destination)
      const directory = await this.#openDestination(parent, dirname(real), [])
      const { size, mtimeMs, mode } = entry.status
      const only: Entry = {
        name: basename(real),
        shown: name,
        size,
        modifiedMs: wholeMs(mtimeMs),
        mode: mode & 0o7777,
        text: entry.text
      }
      return this.#takeEntries(
        directory,
        entry.kind === entryKind.file ? { files: [only] } : { links: [only] }
      )
    }
    if (entry.text === this.#ownData) {
      throw new NodeError(
        'ERR_PATH_LOCAL',
        `"${source}" is the data directory of this node: it cannot hold itself`
      )
    }
    const metadata = { modifiedMs: wholeMs(entry.status.mtimeMs), mode: entry.status.mode & 0o7777 }
    this.#stack.push(await this.#openDestination(destination, real, [entry.text ?? ''], metadata))
    return this.#walk()
  }

  async #openDestination(
    path: string,
    source: string,
    above: readonly string[],
    metadata?: { readonly modifiedMs: number; readonly mode: number }
  ): Promise<Directory> {
    const { files } = this.#parts
    let isFresh = false
    if (!files.exists(this.#actor, path)) {
      await files.makeDirectory(this.#actor, path, {
        parents: true,
        durability: 'none',
        ...(metadata && { metadata })
      })
      this.#count.directories++
      isFresh = true
    }
    const place = resolveDirectory(this.#context, this.#actor, path)
    const zone = zoneOfChildren(place.summary)
    this.#targets.of(zone, path)
    const depth = path.split('/').filter((component) => component !== '').length
    const isRoot = place.summary.parent === undefined
    return {
      source,
      path: path.replace(/\/+$/, ''),
      block: place.block,
      zone,
      isFresh,
      isRoot,
      depth,
      above,
      scan: undefined,
      committed: 0
    }
  }

  async *#walk(): AsyncGenerator<Step> {
    for (let directory = this.#stack.pop(); directory !== undefined; directory = this.#stack.pop()) {
      const scan = await this.#scanned(directory)
      if (scan === undefined) continue
      this.#count.tell(directory.path)
      const taken = new Set<string>()
      for (let from = 0; from < scan.names.length; from += sliceEntries) {
        const entries = sortEntries(directory, scan, { from, taken, count: this.#count })
        await this.#enterDirectories(directory, entries.directories)
        for (const next of this.#stack.slice(-scansAhead)) void this.#startScan(next)
        yield* this.#takeEntries(directory, entries)
      }
    }
  }

  #startScan(directory: Directory): Promise<ScanResult> {
    directory.scan ??= this.#job.run('scan', { path: directory.source, followLinks: this.#followLinks })
    directory.scan.catch(() => undefined) // looked at when its turn comes
    return directory.scan
  }

  async #scanned(directory: Directory): Promise<ScanResult | undefined> {
    try {
      return await this.#startScan(directory)
    } catch (error) {
      if (!(error instanceof WorkerTaskError)) throw error
      this.#count.problem(directory.source, 'ERR_ENTRY_UNREADABLE', systemReason(error))
      return undefined
    } finally {
      directory.scan = undefined
    }
  }

  // --- directories

  async #enterDirectories(directory: Directory, entries: readonly Entry[]): Promise<void> {
    const records: LocalRecord[] = []
    const entered: Directory[] = []
    for (const entry of entries) {
      if (!this.#mayEnter(directory, entry)) continue
      const existing = directory.isFresh ? undefined : this.#existing(directory, entry.shown)
      if (existing === undefined && directory.isRoot) {
        entered.push(await this.#newZone(directory, entry))
        this.#count.directories++
      } else if (existing === undefined) {
        const made = this.#newDirectory(directory, entry)
        records.push(...made.records)
        entered.push(below(directory, entry, { block: made.block, zone: directory.zone, isFresh: true }))
        this.#count.directories++
      } else if (existing.kind !== blockKind.directory) {
        this.#problem(directory, entry, 'ERR_ENTRY_EXISTS', 'something that is no directory has its name')
      } else {
        const zone = existing.zoneRoot ? existing.block : existing.zone
        entered.push(below(directory, entry, { block: existing.block, zone, isFresh: false }))
        if (!existing.zoneRoot) await this.#updateDirectory(directory, entry)
      }
    }
    if (records.length > 0) {
      const committed = this.#context.tree.commitLocal({ records }, { durability: 'none' })
      directory.committed += records.length
      await committed
    }
    this.#stack.push(...entered.toReversed())
  }

  #mayEnter(directory: Directory, entry: Entry): boolean {
    if (entry.text === this.#ownData) {
      this.#problem(directory, entry, 'ERR_ENTRY_OWN_DATA', 'it is the data directory of this node')
    } else if (directory.depth + 1 >= treeLimits.pathDepthMax) {
      this.#problem(
        directory,
        entry,
        'ERR_ENTRY_DEPTH',
        `it is deeper than ${treeLimits.pathDepthMax} directories`
      )
    } else if (this.#followLinks && directory.above.includes(entry.text ?? '')) {
      this.#problem(directory, entry, 'ERR_ENTRY_LINK', 'links lead back to a directory above')
    } else return true
    return false
  }

  #newDirectory(directory: Directory, entry: Entry): ReturnType<typeof newDirectory> {
    const path = `${directory.path}/${entry.shown}`
    const metadata = { modifiedMs: entry.modifiedMs, mode: entry.mode }
    const draft = {
      parent: directory.block,
      zone: directory.zone,
      name: entry.shown,
      metadata,
      zoneRoot: false,
      path
    }
    return newDirectory(this.#context, this.#actor, draft)
  }

  /** A directory at the top of the tree: a zone root, as when a person makes it. */
  async #newZone(directory: Directory, entry: Entry): Promise<Directory> {
    const path = `${directory.path}/${entry.shown}`
    const metadata = { modifiedMs: entry.modifiedMs, mode: entry.mode }
    const { block } = await this.#parts.files.makeDirectory(this.#actor, path, {
      metadata,
      durability: 'none'
    })
    return below(directory, entry, { block, zone: block, isFresh: true })
  }

  /** Time and mode of a directory that is there already. */
  async #updateDirectory(directory: Directory, entry: Entry): Promise<void> {
    const path = `${directory.path}/${entry.shown}`
    const { files } = this.#parts
    const { metadata } = files.stat(this.#actor, path, { followLast: false })
    if (metadata.modifiedMs === entry.modifiedMs && metadata.mode === entry.mode) return
    const change = { modifiedMs: entry.modifiedMs, mode: entry.mode }
    await files.setMetadata(this.#actor, path, change, { durability: 'none', followLast: false })
  }

  // --- files and links

  async *#takeEntries(
    directory: Directory,
    entries: { readonly files?: readonly Entry[]; readonly links?: readonly Entry[] }
  ): AsyncGenerator<Step> {
    const wanted = await this.#changedFiles(directory, entries.files ?? [])
    for (const batch of batches(wanted.filter(({ entry }) => entry.size <= unitBytes))) {
      yield () => this.#pack(directory, batch)
    }
    for (const { entry, isReplacing } of wanted) {
      if (entry.size > unitBytes) yield () => this.#takeLarge(directory, entry, isReplacing)
    }
    for (const entry of entries.links ?? []) yield () => this.#takeLink(directory, entry)
  }

  /** Leaves out what is there with the same size and time. */
  async #changedFiles(directory: Directory, entries: readonly Entry[]): Promise<readonly Wanted[]> {
    if (directory.isFresh) return entries.map((entry) => ({ entry, isReplacing: false }))
    const wanted: Wanted[] = []
    const known: { readonly entry: Entry; readonly winner: Id }[] = []
    for (const entry of entries) {
      const existing = this.#existing(directory, entry.shown)
      if (existing === undefined) wanted.push({ entry, isReplacing: false })
      else if (existing.kind !== blockKind.file || existing.winner === undefined) {
        this.#problem(directory, entry, 'ERR_ENTRY_EXISTS', 'something that is no file has its name')
      } else known.push({ entry, winner: existing.winner })
    }
    if (known.length === 0) return wanted
    const opened = await this.#openKnown(directory, known)
    for (const [index, { entry }] of known.entries()) {
      if (opened.sizes[index] === entry.size && opened.modifiedMs[index] === entry.modifiedMs)
        this.#count.unchanged++
      else if (this.#replace) wanted.push({ entry, isReplacing: true })
      else this.#problem(directory, entry, 'ERR_ENTRY_EXISTS', 'another file has its name')
    }
    return wanted
  }

  #openKnown(
    directory: Directory,
    known: readonly { readonly winner: Id }[]
  ): Promise<{ readonly sizes: Float64Array; readonly modifiedMs: Float64Array }> {
    this.#addEpochs(directory.zone)
    const records = new Uint8Array(known.length * 32)
    const places = new Float64Array(known.length * 3)
    for (const [index, { winner }] of known.entries()) {
      records.set(winner, index * 32)
      putPlace(places, index, this.#parts.store, 'record', winner)
    }
    return this.#job.run('open', { records, places })
  }

  #addEpochs(zone: Id): void {
    for (const { id } of this.#context.tree.authority.epochsOf(zone)) {
      const key = this.#epochs.has(epochName(id)) ? undefined : this.#actor.zoneKey(id)
      if (key === undefined) continue
      this.#epochs.add(epochName(id))
      this.#job.addEpoch(id, key)
    }
  }

  async #pack(directory: Directory, batch: readonly Wanted[], attempt = 0): Promise<void> {
    const target = this.#targets.of(directory.zone, directory.path)
    const result = await this.#job.run('pack', {
      path: directory.source,
      names: batch.map(({ entry }) => entry.name),
      shownNames: batch.map(({ entry }) => (entry.shown === entry.name ? undefined : entry.shown)),
      replaces: Uint8Array.from(batch, ({ isReplacing }) => (isReplacing ? 1 : 0)),
      isFresh: attempt < 2 && this.#mayFrame && this.#isOwn(directory),
      followLinks: this.#followLinks,
      target: target.number,
      directory: directory.block
    })
    // the key or the caps changed meanwhile: what was signed under the former ones is thrown away
    if (attempt === 0 && this.#targets.of(directory.zone, directory.path) !== target)
      return this.#pack(directory, batch, 1)
    // somebody else puts files there: one by one
    if (!(await this.#commitPacked(directory, batch, target, result))) return this.#pack(directory, batch, 2)
    for (const { index, code, reason } of result.failures) {
      const wanted = batch[index]
      if (wanted === undefined) continue
      if (code === 'large') await this.#takeLarge(directory, wanted.entry, wanted.isReplacing)
      else this.#problem(directory, wanted.entry, code, reason)
    }
    const last = batch.at(-1)
    if (last !== undefined) this.#count.tell(`${directory.path}/${last.entry.shown}`)
  }

  /** @returns false when headers that were framed already cannot be stored as they are */
  async #commitPacked(
    directory: Directory,
    batch: readonly Wanted[],
    target: Target,
    result: PackResult
  ): Promise<boolean> {
    const { tree } = this.#context
    if (tree.blockSummary(directory.block)?.deleted !== false) {
      for (const { entry } of batch)
        this.#problem(directory, entry, 'ERR_ENTRY_EXISTS', 'its directory was removed meanwhile')
      return true
    }
    const shared = {
      zone: { ...target.zone, key: undefined },
      directory: directory.block,
      signer: this.#actor.id
    }
    const { newFiles } = result
    if (newFiles !== undefined) {
      const [sample] = unpackHeaders(result.headers, shared)
      const committed =
        sample !== undefined && this.#isOwn(directory)
          ? this.#commitNewFiles(sample.header, newFiles)
          : undefined
      this.#mayFrame = committed !== undefined
      if (committed === undefined) return false
      const count = newFiles.blocks.length / 32
      directory.committed += count
      await committed
      this.#count.files += count
      this.#count.bytes += result.bytes
      return true
    }
    const records: LocalRecord[] = []
    let bytes = 0
    // one look-up for all: in a directory that holds only what this import put there, no name can be taken
    const isOwn = this.#isOwn(directory)
    for (const { index, header, inline, nameKey, size } of unpackHeaders(result.headers, shared)) {
      const entry = batch[index]?.entry
      if (entry === undefined) continue
      if (!isOwn && tree.findByName(directory.block, nameKey).length > 0) {
        this.#problem(directory, entry, 'ERR_ENTRY_EXISTS', 'its name was taken meanwhile')
        continue
      }
      records.push({ record: header, nameKey, isNew: isOwn, ...(inline === undefined ? {} : { inline }) })
      bytes += size
    }
    const committed =
      records.length === 0 ? undefined : tree.commitLocal({ records }, { durability: 'group' })
    directory.committed += records.length
    for (const content of result.replaced) {
      const entry = batch[content.index]?.entry
      if (entry !== undefined) await this.#commitContent(directory, entry, content, true)
    }
    await committed
    this.#count.files += records.length
    this.#count.bytes += bytes
    return true
  }

  #isOwn({ isFresh, block, committed }: Directory): boolean {
    return isFresh && this.#context.tree.childCount(block) === committed
  }

  #commitNewFiles(
    sample: HeaderRecord,
    { frames, blocks, records }: NewFilesResult
  ): Promise<void> | undefined {
    return this.#context.tree.commitNewFiles({ sample, blocks, records }, (rows) =>
      this.#parts.store.appendPacked(frames, rows)
    )
  }

  async #commitContent(
    directory: Directory,
    entry: Entry,
    content: Omit<SealedContent, 'index'>,
    isReplacing: boolean
  ): Promise<void> {
    const path = `${directory.path}/${entry.shown}`
    const { aead, levels, stored, rootHash, rootKey, size, modifiedMs, mode } = content
    const large = { descriptor: { aead, sectorLog2, levels, stored, rootHash }, rootKey, size }
    try {
      const options = { replace: isReplacing, metadata: { modifiedMs, mode }, durability: 'group' } as const
      await this.#parts.files.commitLargeFile(this.#actor, path, large, options)
    } catch (error) {
      const isTaken = error instanceof Error && 'code' in error && error.code === 'ERR_FILE_EXISTS'
      if (!isTaken) throw error
      this.#problem(directory, entry, 'ERR_ENTRY_EXISTS', 'its name was taken meanwhile')
      return
    }
    this.#count.files++
    this.#count.bytes += size
  }

  // --- large files

  /** A file of many units, which all workers seal; one more attempt when it changes meanwhile. */
  async #takeLarge(directory: Directory, entry: Entry, isReplacing: boolean): Promise<void> {
    const path = `${directory.source}/${entry.name}`
    const parts = {
      context: this.#context,
      job: this.#job,
      signal: this.#signal,
      followLinks: this.#followLinks
    }
    for (let attempt = 0; ; attempt++) {
      const state = stateOfSource(path, this.#followLinks)
      if (state === undefined) return this.#problem(directory, entry, 'ERR_ENTRY_CHANGED', 'it is gone')
      const { number, zone } = this.#targets.of(directory.zone, directory.path)
      const target = { number, isPublic: zone.isPublic, directory: directory.block }
      const sealed = await sealLargeSource(parts, { ...state, path }, target)
      if (!('code' in sealed))
        return await this.#commitContent(directory, entry, { ...sealed, ...state }, isReplacing)
      if (sealed.code === 'ERR_ENTRY_CHANGED' && attempt === 0) continue
      return this.#problem(directory, entry, sealed.code, sealed.reason)
    }
  }

  async #takeLink(directory: Directory, entry: Entry): Promise<void> {
    const { files } = this.#parts
    const path = `${directory.path}/${entry.shown}`
    const target = entry.text ?? ''
    const existing = directory.isFresh ? undefined : this.#existing(directory, entry.shown)
    if (existing?.kind === blockKind.symlink && files.readLink(this.#actor, path) === target) {
      this.#count.unchanged++
      return
    }
    if (existing !== undefined && (existing.kind !== blockKind.symlink || !this.#replace)) {
      return this.#problem(directory, entry, 'ERR_ENTRY_EXISTS', 'something else has its name')
    }
    try {
      const metadata = applyMetadata(noMetadata, { modifiedMs: entry.modifiedMs })
      const { modifiedMs } = metadata
      await files.symlink(this.#actor, path, target, {
        metadata: { modifiedMs },
        durability: 'none',
        replace: true
      })
      this.#count.symlinks++
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ERR_SYMLINK_TARGET')) throw error
      this.#problem(directory, entry, 'ERR_ENTRY_LINK', error.message)
    }
  }

  // --- look-ups

  #existing(directory: Directory, name: string): Existing | undefined {
    const { tree, names } = this.#context
    const [block] = tree.findByName(directory.block, names.keyOf(directory.zone, name))
    const summary = block === undefined ? undefined : tree.blockSummary(block)
    if (block === undefined || summary === undefined) return undefined
    const { kind, zoneRoot, zone, heads } = summary
    return { block, kind, zoneRoot, zone, winner: heads[0]?.id }
  }

  #problem(
    directory: Directory,
    entry: Entry,
    code: Parameters<TransferCount['problem']>[1],
    reason: string
  ): void {
    this.#count.problem(`${directory.source}/${entry.name}`, code, reason)
  }
}
