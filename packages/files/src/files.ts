/**
 * The file operations over one tree, for any number of actors. Pure over its ports: the store, the cryptographic
 * provider, randomness and the clock are given; there is no state here but caches, listings and the ring of changes.
 */
import type { CryptoProvider, Random } from '@blocktree/crypto'
import type {
  BlockChange,
  BlockStore,
  Clock,
  Durability,
  Id,
  KeepPolicy,
  Principal,
  TreeState
} from '@blocktree/tree'
import { type Actor, createActor } from './actor.ts'
import { Arrivals } from './arrivals.ts'
import type { BulkTarget, PreparedFile } from './build-file.ts'
import { ChangeRing } from './change-ring.ts'
import { type PreparedOutcome, bulkTarget, commitPrepared } from './commit-prepared.ts'
import { type Conflict, conflicts, resolveConflict } from './conflicts.ts'
import { CreateLane } from './create-lane.ts'
import { DirectoryCache } from './directory-cache.ts'
import { type Entry, describe } from './entry.ts'
import { Exposure } from './exposure.ts'
import type { FileSealer } from './file-sealer.ts'
import type { FilesContext, OpenSector } from './files-context.ts'
import { indexNames } from './index-names.ts'
import { type Job, openJobs } from './job-journal.ts'
import { batchRecordsMax, headersCached, readersKept, sectorLog2Default, watchEventsKept } from './limits.ts'
import { type ShownKeepPolicy, keepPolicyAt, setKeepPolicy } from './keep-policy.ts'
import { DirectoryLister, type ListOptions, type ListPage } from './list.ts'
import { LruCache } from './lru-cache.ts'
import { type DirectoryOptions, makeDirectory } from './make-directory.ts'
import { makeSymlink, readLink } from './make-symlink.ts'
import type { MetadataChange } from './metadata.ts'
import { type CopyOptions, type MoveOptions, type MoveReply, copy, move } from './move.ts'
import { createNameKeyMaker } from './name-key.ts'
import { pathOfBlock } from './path-of-block.ts'
import {
  type ContentSource,
  type FileContent,
  type FileStream,
  type ReadOptions,
  contentSource,
  readFile,
  readStream
} from './read-file.ts'
import { type RemoveOptions, type RemoveReply, remove } from './remove.ts'
import { resolveKnown } from './resolve-path.ts'
import { type ResumedJob, abandonJob, resumeJobs } from './resume-jobs.ts'
import { safeWriteKey } from './sharing/rotate-first.ts'
import { type SettleOptions, type SettleReply, settleUnshown } from './unshown-conflict.ts'
import { type VersionInfo, history, removedBlocks, restoreVersion, undelete } from './versions.ts'
import { type FileEvent, type LostEvents, type WatchOptions, Watches } from './watch.ts'
import {
  type CreateOptions,
  type LargeContent,
  type StreamOptions,
  type WriteOptions,
  type WriteReply,
  append,
  commitLargeFile,
  createFile,
  locateOrFail,
  setMetadata,
  truncate,
  writeAt,
  writeStream
} from './write-file.ts'

export interface FilesOptions {
  readonly tree: TreeState
  readonly store: BlockStore
  readonly crypto: CryptoProvider
  readonly random: Random
  readonly clock: Clock
  /** 32 bytes known to this node alone, the same for the life of its index. */
  readonly nameSecret: Uint8Array
  /** What a reply promises when a call does not say; default `group`. */
  readonly durability?: Durability
  /** Opens sealed sectors of streams in another thread, a few at a time; without it they are opened in place. */
  readonly openSector?: OpenSector
  /** Seals new files in another thread while many are created at once; without it all are sealed in place. */
  readonly sealer?: FileSealer
  /** Bounds that tests and small machines lower. */
  readonly limits?: {
    readonly headersCached?: number
    readonly watchEventsKept?: number
    readonly sectorLog2?: number
    readonly batchRecords?: number
  }
}

/**
 * Paths are `/<tree>/a/b` or `/a/b`. Every call is done in the name of its actor: it fails with ERR_ACCESS_DENIED or
 * ERR_KEY_MISSING where the actor has no cap or key. Replies come when the write is durable in the class asked for;
 * reads see it at once, but for a new file while many others are created: that one when its reply comes (ADR 0011).
 */
export interface Files {
  /** What every operation works with; for packages that build on this one. */
  readonly context: FilesContext
  actor(principal: Principal): Actor

  stat(actor: Actor, path: string, options?: { readonly followLast?: boolean }): Entry
  exists(actor: Actor, path: string): boolean
  list(actor: Actor, path: string, options?: ListOptions): Promise<ListPage>
  read(actor: Actor, path: string, options?: ReadOptions): FileContent
  readStream(actor: Actor, path: string, options?: ReadOptions): FileStream
  /** For readers with threads of their own. */
  content(actor: Actor, path: string, options?: Pick<ReadOptions, 'version'>): ContentSource
  readLink(actor: Actor, path: string): string
  /** undefined when the actor cannot name it. */
  pathOf(actor: Actor, block: Id): string | undefined

  makeDirectory(actor: Actor, path: string, options?: DirectoryOptions): Promise<WriteReply>
  create(actor: Actor, path: string, bytes: Uint8Array, options?: CreateOptions): Promise<WriteReply>
  writeStream(
    actor: Actor,
    path: string,
    source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
    options?: StreamOptions
  ): Promise<WriteReply>
  write(
    actor: Actor,
    path: string,
    offset: number,
    bytes: Uint8Array,
    options?: WriteOptions
  ): Promise<WriteReply>
  append(actor: Actor, path: string, bytes: Uint8Array, options?: WriteOptions): Promise<WriteReply>
  truncate(actor: Actor, path: string, size: number, options?: WriteOptions): Promise<WriteReply>
  symlink(actor: Actor, path: string, target: string, options?: CreateOptions): Promise<WriteReply>
  setMetadata(
    actor: Actor,
    path: string,
    change: MetadataChange,
    options?: WriteOptions & { readonly followLast?: boolean }
  ): Promise<WriteReply>
  /** Which nodes keep what is at the path. */
  keepPolicy(actor: Actor, path: string): ShownKeepPolicy
  /** For what is below a directory; undefined: as the directory above. */
  setKeepPolicy(
    actor: Actor,
    path: string,
    policy: KeepPolicy | undefined,
    options?: Pick<WriteOptions, 'ifVersion' | 'durability'>
  ): Promise<WriteReply>
  move(actor: Actor, source: string, target: string, options?: MoveOptions): Promise<MoveReply>
  copy(actor: Actor, source: string, target: string, options?: CopyOptions): Promise<MoveReply>
  remove(actor: Actor, path: string, options?: RemoveOptions): Promise<RemoveReply>

  history(
    actor: Actor,
    path: string,
    options?: { readonly block?: Id; readonly limit?: number }
  ): Promise<readonly VersionInfo[]>
  restore(actor: Actor, path: string, version: Id, options?: WriteOptions): Promise<WriteReply>
  removed(
    actor: Actor,
    path: string
  ): AsyncIterable<{ readonly block: Id; readonly name: string | undefined }>
  undelete(
    actor: Actor,
    path: string,
    options?: Pick<WriteOptions, 'durability'> & { readonly block?: Id }
  ): Promise<WriteReply>
  conflicts(
    actor: Actor,
    options?: { readonly after?: Id; readonly limit?: number }
  ): Promise<readonly Conflict[]>
  resolveConflict(
    actor: Actor,
    path: string,
    options?: WriteOptions & { readonly keep?: Id; readonly drop?: boolean }
  ): Promise<WriteReply>

  /** Ends a conflict in a block of which nothing is shown. */
  settleUnshown(actor: Actor, block: Id, options?: SettleOptions): Promise<SettleReply>

  /** The token of now; list, then watch after it. */
  readonly watchToken: string
  watch(actor: Actor, path: string, options?: WatchOptions): AsyncIterable<FileEvent | LostEvents>

  bulkTarget(actor: Actor, path: string): BulkTarget
  commitPrepared(
    actor: Actor,
    target: BulkTarget,
    prepared: readonly PreparedFile[],
    options?: Pick<WriteOptions, 'durability'>
  ): Promise<readonly PreparedOutcome[]>
  commitLargeFile(
    actor: Actor,
    path: string,
    content: LargeContent,
    options?: CreateOptions
  ): Promise<WriteReply>
  indexNames(actor: Actor, blocks?: Iterable<Id> | AsyncIterable<Id>, signal?: AbortSignal): Promise<number>
  /** Runs what takes records of elsewhere in and then indexes their names: when it is cut short, `settleArrivals` does. */
  arriving<Result>(work: () => Promise<Result>): Promise<Result>
  /** After each opening and rebuild: names of what arrived or was replayed and has none yet. One look-up when nothing did. */
  settleArrivals(actor: Actor): Promise<void>

  jobs(): Promise<readonly Job[]>
  resumeJobs(actor: Actor): Promise<readonly ResumedJob[]>
  abandonJob(id: Uint8Array): Promise<void>
  close(): void
}

export function createFiles(options: FilesOptions): Files {
  const context = createContext(options)
  const { tree } = options
  const epoch = [...options.random.bytes(8)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  const lister = new DirectoryLister(context)
  const ring = new ChangeRing<BlockChange>(epoch, options.limits?.watchEventsKept ?? watchEventsKept)
  const endChanges = tree.onChange((change) => {
    context.directories.take(change)
    lister.take(change)
    ring.push(change)
  })
  const arrivals = new Arrivals(options.store)
  const watches = new Watches(context, ring)
  return {
    context,
    actor: (principal) => createActor({ tree, crypto: options.crypto, clock: options.clock, principal }),
    stat: (actor, path, stat) => {
      const place = resolveKnown(context, actor, path, stat)
      return describe(context, actor, locateOrFail(context, place, path))
    },
    exists: (actor, path) => exists(context, actor, path),
    list: (actor, path, list) => lister.list(actor, path, list),
    read: (actor, path, read) => readFile(context, actor, path, read),
    readStream: (actor, path, read) => readStream(context, actor, path, read),
    content: (actor, path, read) => contentSource(context, actor, path, read),
    readLink: (actor, path) => readLink(context, actor, path),
    pathOf: (actor, block) => pathOfBlock(context, actor, block),
    makeDirectory: (actor, path, make) => makeDirectory(context, actor, path, make),
    create: (actor, path, bytes, create) => createFile(context, actor, path, bytes, create),
    writeStream: (actor, path, source, write) => writeStream(context, actor, path, source, write),
    write: (actor, path, offset, bytes, write) => writeAt(context, actor, path, { offset, bytes }, write),
    append: (actor, path, bytes, write) => append(context, actor, path, bytes, write),
    truncate: (actor, path, size, write) => truncate(context, actor, path, size, write),
    symlink: (actor, path, target, create) => makeSymlink(context, actor, path, target, create),
    setMetadata: (actor, path, change, write) => setMetadata(context, actor, path, change, write),
    keepPolicy: (actor, path) => keepPolicyAt(context, actor, path),
    setKeepPolicy: (actor, path, policy, write) => setKeepPolicy(context, actor, path, policy, write),
    move: (actor, source, target, moving) => move(context, actor, source, target, moving),
    copy: (actor, source, target, copying) => copy(context, actor, source, target, copying),
    remove: (actor, path, removing) => remove(context, actor, path, removing),
    history: (actor, path, limit) => history(context, actor, path, limit),
    restore: (actor, path, version, write) => restoreVersion(context, actor, path, version, write),
    removed: (actor, path) => removedBlocks(context, actor, path),
    undelete: (actor, path, write) => undelete(context, actor, path, write),
    conflicts: (actor, page) => conflicts(context, actor, page),
    resolveConflict: (actor, path, resolve) => resolveConflict(context, actor, path, resolve),
    settleUnshown: (actor, block, settling) => settleUnshown(context, actor, block, settling),
    get watchToken() {
      return watches.token
    },
    watch: (actor, path, watch) => watches.watch(actor, path, watch),
    bulkTarget: (actor, path) => bulkTarget(context, actor, path),
    commitPrepared: (actor, target, prepared, write) =>
      commitPrepared(context, actor, target, prepared, write),
    commitLargeFile: (actor, path, content, create) => commitLargeFile(context, actor, path, content, create),
    indexNames: (actor, blocks, signal) => indexNames(context, actor, blocks, signal),
    arriving: (work) => arrivals.during(work),
    settleArrivals: (actor) => arrivals.settle(context, actor),
    jobs: () => openJobs(context),
    resumeJobs: (actor) => resumeJobs(context, actor),
    abandonJob: (id) => abandonJob(context, id),
    close: () => {
      endChanges()
      context.opened.clear()
      context.readers.clear()
    }
  }
}

function createContext(options: FilesOptions): FilesContext {
  const { tree, store, crypto, random, clock, sealer } = options
  const context: Omit<FilesContext, 'lane'> & { lane: CreateLane | undefined } = {
    tree,
    store,
    crypto,
    random,
    clock,
    names: createNameKeyMaker(crypto, options.nameSecret),
    durability: options.durability ?? 'group',
    opened: new LruCache(options.limits?.headersCached ?? headersCached),
    readers: new LruCache(readersKept),
    sectorLog2: options.limits?.sectorLog2 ?? sectorLog2Default,
    exposure: new Exposure(tree, options.clock),
    batchRecords: options.limits?.batchRecords ?? batchRecordsMax,
    openSector: options.openSector,
    directories: new DirectoryCache(tree),
    safeWriteKey: (actor, zone, path) => safeWriteKey(context, actor, zone, path),
    lane: undefined
  }
  if (sealer !== undefined) context.lane = new CreateLane(context, sealer)
  return context
}

/** False also where the actor may not know. */
function exists(context: FilesContext, actor: Actor, path: string): boolean {
  try {
    resolveKnown(context, actor, path, { followLast: false })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && notThere.has(error.code)) return false
    throw error
  }
}

const notThere: ReadonlySet<unknown> = new Set([
  'ERR_FILE_NOT_FOUND',
  'ERR_FILE_NOT_DIRECTORY',
  'ERR_ACCESS_DENIED'
])
