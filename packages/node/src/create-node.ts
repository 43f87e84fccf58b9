/**
 * The composition root: joins store, tree, files, keys, clock and randomness into one node, and makes one where there
 * is none. Everything it opens is closed by `close`, in the reverse order.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { formatId, parseId } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import { createKeyFileStorage } from '@blocktree/crypto/key-file-storage'
import { createFiles, createSharing, type Files, jobKind, type Sharing } from '@blocktree/files'
import { type BoundHandlers, bindHandlers } from '@blocktree/rpc'
import { type DiskStore, nodeDrivers, openStore } from '@blocktree/store'
import { type Clock, createTreeState, type TreeState } from '@blocktree/tree'
import { createLazyApps, hasOwnApps, type LazyApps } from './apps/lazy-apps.ts'
import type { JoinRequest } from './cluster/join-node.ts'
import { createLazyCluster, type LazyCluster } from './cluster/lazy-cluster.ts'
import { type MemberNames, openMemberNames } from './cluster/member-names.ts'
import { MessageTopics } from './cluster/message-topics.ts'
import { NodeStanding } from './cluster/node-standing.ts'
import { createLazyCoordinator, type LazyCoordinator } from './coordinator/lazy-coordinator.ts'
import { createFileLocks, type FileLocks } from './coordinator/file-locks.ts'
import { createLazyContent, type LazyContent } from './eris/lazy-content.ts'
import type { Configuration } from './configuration.ts'
import { type BulkWrites, createBulkWrites } from './bulk-writes.ts'
import { chooseCrypto } from './choose-crypto.ts'
import { type DataDirectory, type NodeRecord, readNodeRecord } from './data-directory.ts'
import { recoverFirstStart } from './first-start-journal.ts'
import type { Environment } from './location.ts'
import type { Log } from './log.ts'
import { type NodeMethods, nodeMethodTable } from './method-table.ts'
import { namePaths } from './hosted-paths.ts'
import { createHostedTrees, type HeldTree } from './hosted-trees.ts'
import { createHandlers } from './methods/handlers.ts'
import { deriveNameSecret } from './name-secret.ts'
import { NodeError, reasonOf } from './node-error.ts'
import type { Peer } from './peer.ts'
import { openPrincipalDirectory, type PrincipalDirectory } from './principal-directory.ts'
import { addReceipts } from './receipt-signing.ts'
import type { RestoreRequest } from './restore-node.ts'
import { createRootKey, type RootKey } from './root-key.ts'
import { createSession, type Session } from './session.ts'
import { createLazyTransfer, type LazyTransfer } from './lazy-transfer.ts'
import { createLazySync, type LazySync } from './sync/lazy-sync.ts'
import { WritePromises } from './sync/write-promises.ts'
import { createSpaceGuard, freeBytesAt, type SpaceGuard } from './space-guard.ts'
import { completeSuccession } from './succession.ts'
import { createTreeRouter, type TreeRouter } from './tree-router.ts'
import { createTreeReindex } from './tree-reindex.ts'
import { releasedMs } from './version.ts'

/** What the handlers work with. */
export interface NodeParts {
  readonly configuration: Configuration
  readonly directory: DataDirectory
  readonly record: NodeRecord
  readonly log: Log
  readonly clock: Clock
  readonly crypto: CryptoProvider
  readonly keys: ReturnType<typeof createKeyFileStorage>
  readonly store: DiskStore
  readonly tree: TreeState
  readonly files: Files
  readonly sharing: Sharing
  readonly bulkWrites: BulkWrites
  /** Import and export; loaded, and its threads started, when first used. */
  readonly transfer: LazyTransfer
  /** Installed apps; loaded when there are any. */
  readonly apps: LazyApps
  /** Other nodes; opened when there are any. */
  readonly cluster: LazyCluster
  /** Programs of this machine that take messages to this node. */
  readonly topics: MessageTopics
  /** What nodes are called. */
  readonly names: MemberNames
  /** What other principals may do in the trees kept here. */
  readonly standing: NodeStanding
  /** Replication with other nodes; loaded with the first of them. */
  readonly sync: LazySync
  /** What writes say of their copies. */
  readonly promises: WritePromises
  /** Who gives locks; opened when somebody locks, or with the first other node. */
  readonly coordinator: LazyCoordinator
  /** Exclusive locks on files of the own tree. */
  readonly locks: FileLocks
  /** Content by URN; opened when first used, or when the settings name a listener. */
  readonly content: LazyContent
  readonly root: RootKey
  readonly principals: PrincipalDirectory
  /** The own tree, and those of other owners that are kept here. */
  readonly trees: TreeRouter
  readonly space: SpaceGuard
  /** What the last opening had to repair, in sentences. */
  readonly recovery: readonly string[]
  readonly connectionCount: () => number
  readonly requestShutdown: () => void
}

export interface BlocktreeNode {
  readonly treeId: string
  /** True when this start made it. */
  readonly isNew: boolean
  readonly handlers: BoundHandlers<NodeMethods, Peer>
  openSession(): Session
  /** The session's connection ended. */
  closeSession(session: Session): void
  onShutdownRequest(listener: () => void): void
  close(): Promise<void>
}

export interface OpenNodeOptions {
  readonly configuration: Configuration
  readonly directory: DataDirectory
  readonly log: Log
  readonly environment: Environment
  /** Shows what is shown once and kept nowhere. */
  readonly showSecret: (lines: readonly string[]) => void
  /** Makes the node from a backup instead of anew; ERR_DATA_EXISTS when there is one. */
  readonly restore?: RestoreRequest | undefined
  /** Makes the node by joining the tree of another one; ERR_DATA_EXISTS when there is one. */
  readonly join?: JoinRequest | undefined
}

/** Opens the node of a data directory, and makes it first where there is none. The caller holds the instance lock. */
export async function openNode(options: OpenNodeOptions): Promise<BlocktreeNode> {
  const { configuration, directory, log } = options
  const crypto = await chooseCrypto(configuration.crypto.provider)
  const leftover = recoverFirstStart(directory)
  if (leftover === 'discarded')
    log.warn('threw away a first start that was cut short; a passphrase it may have shown is void')
  const found = readNodeRecord(directory)
  if (found !== undefined && (options.restore !== undefined || options.join !== undefined)) {
    throw new NodeError(
      'ERR_DATA_EXISTS',
      `there is a node in "${directory.path}" already; ${
        options.join === undefined
          ? 'choose another --data for the restored one'
          : 'start it to join a further tree, or choose another --data for a new one'
      }`
    )
  }
  const record = found ?? (await makeNode(options, crypto))
  const parts = await openParts(options, crypto, record)
  const sessions = new Set<Session>()
  let shutdown = (): void => undefined
  const apps = createLazyApps(() => all)
  const cluster = createLazyCluster(() => all)
  const sync = createLazySync(() => parts)
  const content = createLazyContent(() => all)
  const coordinator = createLazyCoordinator(() => parts)
  const locks = createFileLocks({ coordinator, rows: parts.store })
  const all: NodeParts = {
    ...parts,
    apps,
    cluster,
    topics: new MessageTopics(),
    sync,
    promises: new WritePromises({ sync, principals: parts.principals }),
    coordinator,
    locks,
    content,
    connectionCount: () => sessions.size,
    requestShutdown: () => shutdown()
  }
  let isClosed = false
  // Who only makes a data directory closes at once: what would begin then is not begun.
  setImmediate(() => {
    if (isClosed) return
    void startApps(all)
    void cluster.start()
    if (configuration.eris.listen !== undefined) void startContent(all)
  })
  return {
    treeId: record.treeId,
    isNew: found === undefined,
    handlers: bindHandlers<NodeMethods, Peer>(nodeMethodTable, createHandlers(all)),
    openSession() {
      const session = createSession(parts.principals)
      sessions.add(session)
      return session
    },
    closeSession: (session) => void sessions.delete(session),
    onShutdownRequest(listener) {
      shutdown = listener
    },
    async close() {
      isClosed = true
      await apps.close()
      await coordinator.close()
      await cluster.close()
      await sync.close()
      await content.close()
      await closeParts(parts)
    }
  }
}

async function makeNode(options: OpenNodeOptions, crypto: CryptoProvider): Promise<NodeRecord> {
  const { firstStart, startByJoining, startFromBackup } = await import('./first-start.ts') // once in the life of a node
  const { restore, join } = options
  if (join !== undefined) return startByJoining({ ...options, crypto }, join)
  return restore === undefined
    ? firstStart({ ...options, crypto })
    : startFromBackup({ ...options, crypto }, restore)
}

/** After the node is ready: what goes wrong with apps is no reason for it not to run. */
async function startApps(parts: NodeParts): Promise<void> {
  const { apps, log } = parts
  try {
    if (await hasOwnApps(parts)) await apps.get()
  } catch (error) {
    log.error('apps cannot run', { reason: reasonOf(error) })
  }
}

/** A listener that cannot be had is no reason for the node not to run. */
async function startContent({ content, log }: NodeParts): Promise<void> {
  try {
    const { urls } = await content.get()
    for (const url of urls) log.info('blocks are answered', { url })
  } catch (error) {
    log.error('blocks are not answered', { reason: reasonOf(error) })
  }
}

type OpenParts = Omit<
  NodeParts,
  | 'apps'
  | 'content'
  | 'cluster'
  | 'topics'
  | 'sync'
  | 'promises'
  | 'coordinator'
  | 'locks'
  | 'connectionCount'
  | 'requestShutdown'
>

async function openParts(
  options: OpenNodeOptions,
  crypto: CryptoProvider,
  record: NodeRecord
): Promise<OpenParts> {
  const { configuration, directory, log } = options
  const clock: Clock = { now: Date.now }
  const keys = createKeyFileStorage({ folder: directory.keys, crypto })
  const derived = deriveNameSecret(keys, crypto) // reads its file while the store opens
  derived.catch(() => undefined)
  const store = await openStore(nodeDrivers(directory.store), {
    reindex: createTreeReindex({ crypto, clock }),
    segmentBytes: configuration.store.segmentBytes,
    onFinding: (finding) => log.error('damage was found in the store', { finding }),
    onRebuildProgress: (progress) => log.debug('reading the log', { ...progress })
  })
  try {
    const nameSecret = await derived
    const tree = await createTreeState({ store, crypto, clock, releasedMs, refusesInsecure: true })
    expectTree(tree, record)
    const files = createFiles({
      tree,
      store,
      crypto,
      random: crypto.random,
      clock,
      nameSecret,
      durability: configuration.store.durability,
      sealer: { seal: (actor, batch) => transfer.sealer.seal(actor, batch) }
    })
    const root = createRootKey({
      storage: keys,
      crypto,
      now: Date.now,
      startTimer: startUnheldTimer,
      autoLockMs: configuration.root.autoLockMs
    })
    const sharing = createSharing(files.context)
    const bulkWrites = createBulkWrites(sleep)
    const { workers } = configuration.store
    const transfer = createLazyTransfer({
      files,
      store,
      storeDirectory: directory.store,
      dataDirectory: directory.path,
      nameSecret,
      ...(workers === undefined ? {} : { workers })
    })
    await completeSuccession({ directory, keys, tree, log })
    const principals = await openPrincipalDirectory({ keys, crypto, tree, store, files, root })
    addReceipts(tree, { crypto, clock, node: () => principals.node })
    const own: HeldTree = {
      id: parseId(record.treeId),
      name: record.treeId,
      isOwn: true,
      store,
      tree,
      files,
      sharing,
      transfer,
      actorOf: (actor) => actor
    }
    const hosted = createHostedTrees({ directory, configuration, crypto, clock, log, nameSecret, principals })
    const trees = createTreeRouter(own, hosted)
    const standing = new NodeStanding({ trees, crypto, clock }, () => principals.node.id)
    const names = await openMemberNames({ store, principals, standing })
    principals.knowAlso((text) => names.idOf(text))
    const space = createSpaceGuard({
      reserveBytes: configuration.space.reserveBytes,
      now: () => performance.now(),
      freeBytes: () => freeBytesAt(directory.path),
      startTimer: startUnheldTimer
    })
    await namePaths(own) // a node that joined for one share sees it though the folder around it is closed
    const recovery = await finishRecovery({ store, files, sharing, principals, log })
    return {
      configuration,
      directory,
      record,
      log,
      clock,
      crypto,
      keys,
      store,
      tree,
      files,
      sharing,
      bulkWrites,
      transfer,
      root,
      principals,
      trees,
      standing,
      names,
      space,
      recovery
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

function expectTree(tree: TreeState, record: NodeRecord): void {
  const held = tree.tree === undefined ? 'none' : formatId(tree.tree)
  if (held === record.treeId) return
  throw new NodeError(
    'ERR_DATA_INCOMPLETE',
    `the store holds tree ${held}, node.json names ${record.treeId}; put the store of this node back from a backup`
  )
}

/** Goes on with what a crash cut short, and says what opening had to repair. */
async function finishRecovery(
  parts: Pick<OpenParts, 'store' | 'files' | 'sharing' | 'principals' | 'log'>
): Promise<readonly string[]> {
  const { store, files, sharing, principals, log } = parts
  const { replayed, truncatedBytes, rebuilt, findings } = store.recovery
  const sentences: string[] = []
  if (truncatedBytes > 0) sentences.push(`cut off ${truncatedBytes} bytes of an unfinished write`)
  if (replayed > 0) sentences.push(`replayed ${replayed} batches into the index`)
  if (rebuilt !== undefined) sentences.push(`made the index again: ${rebuilt}`)
  for (const { file, offset, problem } of findings)
    sentences.push(`damage in ${file} at ${offset}: ${problem}`)
  await files.settleArrivals(principals.node)
  for (const { job, error } of await files.resumeJobs(principals.node)) {
    const name = Object.entries(jobKind).find(([, kind]) => kind === job.kind)?.[0] ?? 'job'
    sentences.push(
      error === undefined
        ? `finished a ${name} that was cut short`
        : `a ${name} that was cut short cannot go on: ${reasonOf(error)}`
    )
  }
  const { rekeys, revocations } = await sharing.resume(principals.node)
  for (const { rekeyed } of rekeys)
    sentences.push(`finished a change of keys that was cut short (${rekeyed.length} zones)`)
  if (revocations > 0) sentences.push(`finished ${revocations} revocations that were cut short`)
  for (const sentence of sentences) log.warn('recovery', { action: sentence })
  return sentences
}

async function closeParts({
  files,
  tree,
  store,
  principals,
  root,
  transfer,
  trees
}: OpenParts): Promise<void> {
  root.lock()
  await trees.hosted.close()
  await transfer.close()
  await store.flush()
  files.close()
  tree.close()
  await store.close()
  principals.close()
}

/** A timer that does not keep the process alive. */
function startUnheldTimer(milliseconds: number, callback: () => void): () => void {
  const timer = setTimeout(callback, milliseconds)
  timer.unref()
  return () => clearTimeout(timer)
}
