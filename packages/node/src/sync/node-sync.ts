/**
 * Replication of the trees of a node: one `TreeSync` for each tree that a connected peer may share, opened with the first
 * such peer, so that a node without a network pays nothing. Messages carry the id of their tree and are handed to it.
 */
import { formatId } from '@blocktree/codec'
import type { CryptoProvider } from '@blocktree/crypto'
import type { Connection, ConnectionHandlers } from '@blocktree/network'
import {
  type ByteRange,
  type Pace,
  type PromiseReport,
  type ScrubOptions,
  type ScrubReport,
  type Self,
  type SyncNote,
  type SyncStatus,
  SyncError,
  TreeSync,
  type WritePromise,
  ZoneHosts,
  promiseOfWrite,
  treeOfMessage
} from '@blocktree/sync'
import { type Clock, type Id, right } from '@blocktree/tree'
import type { HeldTree } from '../hosted-trees.ts'
import type { Log } from '../log.ts'
import { reasonOf } from '../node-error.ts'
import type { PrincipalDirectory } from '../principal-directory.ts'
import type { TreeRouter } from '../tree-router.ts'
import { ArrivingNames } from './arriving-names.ts'
import { fileElsewhere } from './read-content.ts'

/** A peer whose principal its hello proved. */
export interface NodePeer {
  readonly connection: Connection
  readonly principal: Id
}

export interface NodeSyncOptions {
  readonly trees: Pick<TreeRouter, 'own' | 'held'> & {
    readonly hosted: Pick<TreeRouter['hosted'], 'names' | 'isHosted'>
  }
  readonly principals: Pick<PrincipalDirectory, 'node' | 'nameOf' | 'holdsKeyOf'>
  /** Collects what the store of a tree need not hold any more. @returns bytes that were freed */
  readonly collect: (held: HeldTree, signal: AbortSignal) => Promise<number>
  readonly crypto: CryptoProvider
  readonly clock: Clock
  readonly log: Log
  readonly settings: SyncSettings
}

export interface SyncSettings {
  /** Whether this node keeps what policies ask for, or nothing for others. */
  readonly content: 'all' | 'on-demand'
  /** For contents that need not be kept. */
  readonly cacheBytes: number
  /** After which a node that was not seen does not count as a keeper. */
  readonly absentMs: number
  /** Bytes a second; 0 for no limit. */
  readonly uploadRate: number
  readonly downloadRate: number
  /** Whether other nodes are asked for receipts of what is written here. */
  readonly receipts: boolean
}

interface OpenSync {
  readonly held: HeldTree
  readonly sync: TreeSync
  readonly names: ArrivingNames
}

const scrubEveryMs = 60 * 60_000 // 256 MiB each: a terabyte in half a year, and every promise now and then
const fetchMs = 30_000 // a reader waits no longer for content of other nodes
const lanes = 8 // contents that one export waits for at a time
const collectBytesMin: number = 4 * 1024 * 1024
const collectBytesMax: number = 256 * 1024 * 1024

const pace: Pace = {
  now: () => performance.now(),
  after(milliseconds, callback) {
    if (milliseconds <= 0) {
      const immediate = setImmediate(callback)
      return () => clearImmediate(immediate)
    }
    const timer = setTimeout(callback, milliseconds)
    timer.unref()
    return () => clearTimeout(timer)
  }
}

export class NodeSync {
  readonly #options: NodeSyncOptions
  readonly #open: Map<string, Promise<OpenSync>> = new Map()
  readonly #opened: Map<string, OpenSync> = new Map()
  readonly #peers: Map<Connection, NodePeer> = new Map()
  /** Of trees that are not being replicated yet. */
  readonly #hosts: WeakMap<HeldTree, ZoneHosts> = new WeakMap()
  readonly #ending = new AbortController()
  /** Trees whose store is being collected. */
  readonly #collecting = new Set<string>()
  readonly #scrubTimer: NodeJS.Timeout
  #isClosed = false

  constructor(options: NodeSyncOptions) {
    this.#options = options
    this.#scrubTimer = setInterval(() => this.#run(this.#scrubAll()), scrubEveryMs).unref()
  }

  /** Replicates with this peer what it may share, until its connection ends; again when it may share more than before. */
  addPeer(peer: NodePeer): void {
    if (this.#isClosed) return
    if (!this.#peers.has(peer.connection))
      void peer.connection.closed.then(() => this.#peers.delete(peer.connection))
    this.#peers.set(peer.connection, peer)
    this.#joinAll(peer)
  }

  /** What answers `sync.*` of a peer; for whoever serves its connection. */
  handlersFor(peer: NodePeer): Pick<ConnectionHandlers, 'request' | 'event' | 'stream'> {
    const handlersOf = async (
      body: Uint8Array
    ): Promise<Pick<ConnectionHandlers, 'request' | 'event' | 'stream'>> => {
      const name = formatTree(body)
      if (name === undefined || !this.#isHeld(name)) throw forbidden()
      return (await this.#syncOf(name)).sync.handlersFor(peer)
    }
    return {
      request: async (method, body, context) => (await handlersOf(body)).request(method, body, context),
      async *stream(method, head, context) {
        yield* (await handlersOf(head)).stream(method, head, context)
      },
      event: (event, body, connection) => {
        const name = formatTree(body)
        // A tree that is not being replicated has nobody to tell it anything.
        const open = name === undefined ? undefined : this.#opened.get(name)
        open?.sync.handlersFor(peer).event(event, body, connection)
      }
    }
  }

  get hasPeers(): boolean {
    return this.#peers.size > 0
  }

  /** Of every tree that is being replicated. */
  get status(): readonly { readonly tree: string; readonly status: SyncStatus }[] {
    return [...this.#opened.values()].map(({ held, sync }) => ({ tree: held.name, status: sync.status }))
  }

  /** Waits for promises of others; see `TreeSync.waitFor`. */
  async waitFor(
    held: HeldTree,
    records: readonly Id[],
    options: { readonly copies: number; readonly timeoutMs: number; readonly signal?: AbortSignal }
  ): Promise<PromiseReport> {
    return await (await this.#syncOf(held.name)).sync.waitFor(records, options)
  }

  /** The same for many records, each of which may be kept by other nodes; undefined when there are none. */
  async waitForEach(
    held: HeldTree,
    records: Iterable<Id>,
    options: { readonly copies: number; readonly timeoutMs: number; readonly signal?: AbortSignal }
  ): Promise<PromiseReport | undefined> {
    return await (await this.#syncOf(held.name)).sync.waitForEach(records, options)
  }

  /** What can be said at once of the copies of a block that was just written; undefined when it is not held. */
  promiseOf(held: HeldTree, block: Id): WritePromise | undefined {
    const open = this.#opened.get(held.name)
    if (open !== undefined) return open.sync.promiseOf(block)
    // nobody was connected yet
    const hosts = this.#hosts.get(held) ?? new ZoneHosts(held.tree, this.#options.clock)
    this.#hosts.set(held, hosts)
    const { promiseCap } = this.#selfIn(held)
    const mayPromise = (zone: Id): boolean => promiseCap(zone) !== undefined
    const self = this.#options.principals.node.id
    return promiseOfWrite({ tree: held.tree, hosts, self, mayPromise, reached: [] }, block)
  }

  async promises(held: HeldTree, record: Id): ReturnType<TreeSync['promises']> {
    return await (await this.#syncOf(held.name)).sync.promises(record)
  }

  /** Fetches the content of a version that is not held yet. @returns false when nobody gave it in time */
  async fetchContent(held: HeldTree, version: Id, signal: AbortSignal): Promise<boolean> {
    if (this.#peers.size === 0) return false
    return await (await this.#syncOf(held.name)).sync.fetchPayload(version, signal)
  }

  /**
   * Fetches the content of a version that is about to be read, where it may be missing; waits `fetchMs` at most.
   * @param range the bytes that are read; all of it when left out
   * @returns what ends the reading: until then it stays here
   * @throws ERR_FILE_ELSEWHERE with the nodes that were asked
   */
  async ensureContent(
    held: HeldTree,
    version: Id,
    signal: AbortSignal,
    range?: ByteRange
  ): Promise<() => void> {
    const sync = this.#opened.get(held.name)?.sync
    if (sync === undefined) return () => undefined
    const release = sync.hold(version)
    try {
      if (!sync.isMissing(version, range)) return release
      const { givers } = sync
      const until = AbortSignal.any([signal, AbortSignal.timeout(fetchMs)])
      const fetched = (): Promise<boolean> =>
        range === undefined ? sync.fetchPayload(version, until) : sync.fetchRange(version, range, until)
      const isHere = givers.length > 0 && (await fetched())
      signal.throwIfAborted()
      if (isHere) return release
      throw fileElsewhere(givers.map((giver) => this.#options.principals.nameOf(giver)))
    } catch (error) {
      release()
      throw error
    }
  }

  /** As `ensureContent` for many, a few at a time; what nobody gives is left to whoever reads it. */
  async ensureContents(held: HeldTree, versions: readonly Id[], signal: AbortSignal): Promise<() => void> {
    const releases: (() => void)[] = []
    const waiting = versions.values()
    const lane = async (): Promise<void> => {
      for (const version of waiting) {
        const release = await this.ensureContent(held, version, signal).catch(() => undefined)
        if (release !== undefined) releases.push(release)
        if (signal.aborted) return
      }
    }
    await Promise.all(Array.from({ length: lanes }, lane))
    return () => {
      for (const release of releases) release()
    }
  }

  /** Where the content of a version is at this node. */
  async placeOf(held: HeldTree, version: Id): Promise<'kept' | 'cached' | 'absent' | undefined> {
    return (await this.#syncOf(held.name)).sync.placeOf(version)
  }

  /** A directory of this tree has a policy now. */
  async policySet(held: HeldTree): Promise<void> {
    await this.#opened.get(held.name)?.sync.policySet()
  }

  async scrub(held: HeldTree, options: ScrubOptions): Promise<ScrubReport> {
    return await (await this.#syncOf(held.name)).sync.scrub(options)
  }

  /** Compares with all peers now. */
  compare(): void {
    for (const { sync } of this.#opened.values()) sync.compare()
  }

  /** Caps or trees changed: peers that were none of ours may be now. */
  refresh(): void {
    for (const peer of this.#peers.values()) this.#joinAll(peer)
  }

  /** A hosted tree is about to be closed. */
  async forget(name: string): Promise<void> {
    const open = await this.#open.get(name)?.catch(() => undefined)
    this.#open.delete(name)
    this.#opened.delete(name)
    await open?.sync.close()
    await open?.names.close()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#scrubTimer)
    this.#ending.abort()
    this.#peers.clear()
    for (const name of [...this.#open.keys()]) await this.forget(name)
  }

  #joinAll(peer: NodePeer): void {
    const { own, hosted } = this.#options.trees
    for (const name of [own.name, ...hosted.names]) this.#run(this.#join(name, peer))
  }

  /**
   * A tree is replicated with those who have a right in it: nobody else has anything to tell about it. One of which nothing
   * is held yet, with everybody.
   */
  async #join(name: string, peer: NodePeer): Promise<void> {
    const held = await this.#options.trees.held(name)
    if (held.tree.authority.tree !== undefined && !hasRight(held, peer.principal)) return
    const { sync } = await this.#syncOf(name)
    if (this.#peers.has(peer.connection)) sync.addPeer(peer)
  }

  #isHeld(name: string): boolean {
    const { own, hosted } = this.#options.trees
    return name === own.name || hosted.isHosted(name)
  }

  #syncOf(name: string): Promise<OpenSync> {
    if (this.#isClosed) return Promise.reject(new SyncError('ERR_SYNC_CLOSED', 'the node stops'))
    const known = this.#open.get(name)
    if (known !== undefined) return known
    const opening = this.#openSync(name)
    this.#open.set(name, opening)
    opening.catch(() => this.#open.delete(name))
    return opening
  }

  async #openSync(name: string): Promise<OpenSync> {
    const { trees, principals, crypto, clock, settings } = this.#options
    const held = await trees.held(name)
    const node = (): ReturnType<HeldTree['actorOf']> => held.actorOf(principals.node)
    const names = new ArrivingNames(held, node, (error) =>
      this.#note({
        level: 'warn',
        message: 'names of arrived blocks are not indexed',
        details: { reason: reasonOf(error) }
      })
    )
    const sync = await TreeSync.open({
      treeId: held.id,
      policy: settings.content === 'all' ? 'all' : 'on demand',
      cacheBytes: settings.cacheBytes,
      absentMs: settings.absentMs,
      collectsPromises: settings.receipts,
      ...(settings.uploadRate === 0 ? {} : { uploadBytesPerSecond: settings.uploadRate }),
      ...(settings.downloadRate === 0 ? {} : { downloadBytesPerSecond: settings.downloadRate }),
      ports: {
        tree: held.tree,
        store: held.store,
        crypto,
        random: crypto.random,
        clock,
        pace,
        self: this.#selfIn(held),
        onArriving: () => names.begin(),
        onArrived: (blocks) => names.add(blocks),
        onLoose: (bytes) => this.#collectSoon(name, bytes),
        onNote: (note) => this.#note(note)
      }
    })
    const open = { held, sync, names }
    this.#opened.set(name, open)
    return open
  }

  #selfIn(held: HeldTree): Self {
    const { principals } = this.#options
    const node = (): ReturnType<HeldTree['actorOf']> => held.actorOf(principals.node)
    const capFor = (zone: Id, bit: number): ReturnType<Self['hostCap']> =>
      node().capFor({ home: zone, block: undefined }, bit)
    return {
      principal: principals.node.id,
      isOwn: (principal) => principals.holdsKeyOf(principal),
      signer: () => node().signer,
      promiseCap: (zone) => capFor(zone, right.host) ?? capFor(zone, right.keep),
      hostCap: (zone) => capFor(zone, right.host)
    }
  }

  /** Space is freed when that is worth a collection: it reads all records. */
  #collectSoon(name: string, looseBytes: number): void {
    const { cacheBytes } = this.#options.settings
    const worthwhile = Math.min(collectBytesMax, Math.max(collectBytesMin, cacheBytes / 4))
    const open = this.#opened.get(name)
    if (open === undefined || looseBytes < worthwhile || this.#collecting.has(name)) return
    this.#collecting.add(name)
    const collected = this.#options
      .collect(open.held, this.#ending.signal)
      .then((freed) => {
        this.#note({ level: 'debug', message: 'content that others keep was given up', details: { freed } })
        open.sync.collected(looseBytes)
        this.#collecting.delete(name)
        this.#collectSoon(name, open.sync.status.contents.looseBytes) // let go while it ran
      })
      .catch((error: unknown) => {
        this.#collecting.delete(name)
        throw error
      })
    this.#run(collected)
  }

  /** A part of what is held and promised each time, so that a disk is not busy with it. */
  async #scrubAll(): Promise<void> {
    for (const { held, sync } of this.#opened.values()) {
      const report = await sync.scrub({ signal: this.#ending.signal })
      const { failed, damagedParts, repaired } = report
      if (failed + damagedParts === 0) continue
      const details = { tree: held.name, failed, damagedParts, repaired }
      this.#note({
        level: 'warn',
        message: 'the background check found promises broken or content damaged',
        details
      })
    }
  }

  #note({ level, message, details }: SyncNote): void {
    this.#options.log[level](message, details)
  }

  #run(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.#note({
        level: 'warn',
        message: 'a tree is not replicated with a peer',
        details: { reason: reasonOf(error) }
      })
    )
  }
}

function hasRight({ tree }: HeldTree, principal: Id): boolean {
  const { authority } = tree
  if (authority.capsOf(principal).length > 0 || authority.grantsTo(principal).length > 0) return true
  return tree.rootBlock !== undefined && tree.explainInside(principal, tree.rootBlock, right.host).allowed
}

function formatTree(body: Uint8Array): string | undefined {
  try {
    return formatId(treeOfMessage(body))
  } catch {
    return undefined
  }
}

function forbidden(): SyncError {
  return new SyncError('ERR_SYNC_FORBIDDEN', 'nothing of this tree is given to this principal')
}
