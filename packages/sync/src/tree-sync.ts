/**
 * Replication of one tree with any number of peers (doc/spec/28-sync.md): answers what they ask, pushes what is written,
 * compares with each of them when it connects and now and then, fetches payloads, keeps promises. Pure over its ports;
 * whoever starts it gives it connections whose principal is proven.
 */
import { type ConnectionHandlers, TokenBucket } from '@blocktree/network'
import { type Id, type TakenRecord, recordType } from '@blocktree/tree'
import type { ByteRange } from './byte-range.ts'
import { unpackFrames } from './byte-stream.ts'
import { ChangeFeed } from './change-feed.ts'
import { Comparisons } from './comparisons.ts'
import { ContentKeeper, type ContentStatus } from './content-keeper.ts'
import { EventBudget } from './event-budget.ts'
import { GivenRecords } from './given-records.ts'
import { HolderTrust } from './holder-trust.ts'
import { Intake } from './intake.ts'
import { receiptIdsMax } from './limits.ts'
import { type LinkState, type PeerStatus, newLinkState } from './link-state.ts'
import { type ToldChange, decodeToldChange, encodeBehind, encodeDoubt, encodeWatchAsk } from './messages.ts'
import { PartMemories } from './part-sender.ts'
import { PayloadQueue } from './payload-queue.ts'
import { PeerEvents } from './peer-events.ts'
import type { PeerLink, SyncConnection } from './peer-link.ts'
import { PeerStanding } from './peer-standing.ts'
import type { SectorPolicy, SyncPorts } from './ports.ts'
import { type Promised, PromiseBook } from './promise-book.ts'
import { PromiseCollector, type PromiseReport } from './promise-collector.ts'
import { Puller } from './puller.ts'
import { Pusher } from './pusher.ts'
import { PeerRights, type Scope } from './scope.ts'
import { type ScrubOptions, type ScrubReport, Scrubber } from './scrubber.ts'
import { SyncServer } from './server.ts'
import { Summaries } from './summaries.ts'
import { SummaryUpkeep } from './summary-upkeep.ts'
import { SyncError } from './sync-error.ts'
import { SyncWork } from './sync-work.ts'
import { WentBack } from './went-back.ts'
import { type WritePromise, promiseOfWrite } from './write-promise.ts'
import { ZoneHosts } from './zone-hosts.ts'

export type { PeerStatus } from './link-state.ts'
export type { PromiseReport } from './promise-collector.ts'

export interface TreeSyncOptions {
  readonly ports: SyncPorts
  /** The tree that is replicated; its record need not be held yet. */
  readonly treeId: Id
  /** Default `all`: what the policies of directories say. */
  readonly policy?: SectorPolicy
  /** Bytes of content that this node need not keep and remembers; default 1 GiB. */
  readonly cacheBytes?: number
  /** After how long a member that was not seen does not count as a keeper; default three days. */
  readonly absentMs?: number
  /** Between two comparisons with a peer that was in step; default a minute. */
  readonly compareEveryMs?: number
  /** Of sectors, to and from all peers together; no limit when left out. */
  readonly uploadBytesPerSecond?: number
  readonly downloadBytesPerSecond?: number
  /** Whether promises are asked for writes that nobody waits for; default true. */
  readonly collectsPromises?: boolean
}

/** A connection with the principal that its hello proved. */
export interface SyncPeer {
  readonly connection: SyncConnection
  readonly principal: Id
}

export interface SyncStatus {
  readonly peers: readonly PeerStatus[]
  /** Payloads that are still to be fetched. */
  readonly payloadsWanted: number
  readonly sectorBytesReceived: number
  readonly recordsPushed: number
  /** This node went back to an older state, and writes nothing until it has caught up. */
  readonly holdsWrites: boolean
  /** Places of summaries that were not what the records say since it was opened: faults of this node, put right. */
  readonly summariesCorrected: number
  readonly contents: ContentStatus
}

const compareEveryDefault = 60_000
const cacheBytesDefault: number = 1024 ** 3
const absentMsDefault: number = 3 * 86_400_000
const welcomeMs = 20 // caps and the principals that they are for come together
const life = 8
const standingsKept = 1024 // principals whose points are remembered

export class TreeSync {
  readonly #ports: SyncPorts
  readonly #options: TreeSyncOptions
  readonly #rights: PeerRights
  readonly #summaries: Summaries
  readonly #feed: ChangeFeed
  readonly #given: GivenRecords
  readonly #payloads: PayloadQueue
  readonly #hosts: ZoneHosts
  readonly #contents: ContentKeeper
  readonly #intake: Intake
  readonly #puller: Puller
  readonly #pusher: Pusher
  readonly #trust = new HolderTrust()
  readonly #book: PromiseBook
  readonly #scrubber: Scrubber
  readonly #collector: PromiseCollector
  readonly #wentBack: WentBack
  readonly #comparisons: Comparisons
  readonly #events: PeerEvents
  readonly #summaryUpkeep: SummaryUpkeep
  readonly #work: SyncWork
  readonly #links: Map<SyncConnection, LinkState> = new Map()
  readonly #standings: Map<string, PeerStanding> = new Map()
  /** What answers connections: what a peer may ask is counted over all that it asks on one. */
  readonly #servers: WeakMap<SyncConnection, SyncServer> = new WeakMap()
  readonly #upload: TokenBucket
  readonly #partMemories = new PartMemories()
  /** Times that records were taken which the store has not written yet. */
  #undurable = 0
  /** Whose records are being taken at this moment. */
  #from: PeerLink | undefined
  #cancelWelcome: (() => void) | undefined
  readonly #endListening: () => void

  private constructor(options: TreeSyncOptions) {
    const { ports, treeId } = options
    this.#options = options
    this.#ports = ports
    this.#rights = new PeerRights(ports.tree, ports.crypto, ports.clock)
    const work = new SyncWork(ports)
    this.#work = work
    this.#summaries = new Summaries(ports.tree, ports.crypto)
    this.#summaryUpkeep = new SummaryUpkeep({
      ports,
      summaries: this.#summaries,
      work,
      isDurable: () => this.#undurable === 0
    })
    this.#given = new GivenRecords(ports)
    this.#feed = new ChangeFeed(ports.random.bytes(life))
    const rate = (perSecond = Infinity): TokenBucket =>
      new TokenBucket(perSecond, perSecond, ports.pace.now())
    this.#upload = rate(options.uploadBytesPerSecond)
    const links = (): Iterable<PeerLink> => this.#liveLinks()
    const shared = { ports, treeId, rights: this.#rights, links }
    const scopeOf = (link: PeerLink): Scope => this.#links.get(link.connection)?.scope ?? []
    this.#hosts = new ZoneHosts(ports.tree, ports.clock)
    this.#book = new PromiseBook(ports, this.#trust)
    this.#contents = new ContentKeeper({
      ports,
      links,
      hosts: this.#hosts,
      book: this.#book,
      policy: options.policy ?? 'all',
      cacheBytes: options.cacheBytes ?? cacheBytesDefault,
      absentMs: options.absentMs ?? absentMsDefault,
      promisers: (zone) => this.#collector.promisers(zone),
      askPromise: (link, zone, ids, signal) => this.#collector.ask(link, zone, ids, signal, 3),
      challenge: (link, record, signal) => this.#scrubber.check(link, record, signal),
      tellDoubt: (holder, ids) => {
        const doubt = encodeDoubt({ tree: treeId, holder, ids })
        for (const link of this.#liveLinks()) link.connection.notify('sync.doubt', doubt)
      },
      sleep: (milliseconds) => this.#work.sleep(milliseconds),
      run: (work) => this.#work.run(work)
    })
    this.#payloads = new PayloadQueue({
      ...shared,
      scopeOf,
      keepsAll: () => this.#contents.rule.keepsAll,
      download: rate(options.downloadBytesPerSecond),
      sleep: (milliseconds) => this.#work.sleep(milliseconds),
      progressed: () => this.#work.progressed(),
      lacking: (link, owner) => this.#work.run(this.#collector.lacking(link, owner))
    })
    const from = (link: PeerLink | undefined): void => {
      this.#from = link
    }
    const [payloads, contents] = [this.#payloads, this.#contents]
    this.#intake = new Intake({ ports, rights: this.#rights, payloads, contents, from })
    this.#puller = new Puller({ ports, treeId, summaries: this.#summaries, intake: this.#intake })
    this.#pusher = new Pusher(shared)
    this.#scrubber = new Scrubber({
      ...shared,
      scopeOf,
      book: this.#book,
      payloads,
      trust: this.#trust,
      isExpected: (header) => contents.isExpected(header),
      sleep: (milliseconds) => this.#work.sleep(milliseconds)
    })
    this.#collector = new PromiseCollector({
      ports,
      treeId,
      work,
      book: this.#book,
      trust: this.#trust,
      hosts: this.#hosts,
      links,
      scopeOf,
      claimOf: (header) => contents.claimOf(header),
      checkFresh: (link, record, signal) => this.#scrubber.checkFresh(link, record, signal)
    })
    const [intake, puller] = [this.#intake, this.#puller]
    this.#wentBack = new WentBack({ ports, rights: this.#rights, given: this.#given, puller, work, links })
    this.#comparisons = new Comparisons({
      treeId,
      ports,
      summaries: this.#summaries,
      work,
      puller,
      wentBack: this.#wentBack,
      compareEveryMs: options.compareEveryMs ?? compareEveryDefault,
      isLinked: (state) => this.#links.get(state.link.connection) === state,
      pump: () => payloads.pump()
    })
    const comparisons = this.#comparisons
    this.#events = new PeerEvents({
      ports,
      work,
      rights: this.#rights,
      intake,
      puller,
      contents,
      comparisons
    })
    const endTaken = ports.tree.onTaken((taken, durable) => this.#taken(taken, durable))
    const endRows = ports.tree.onBlockRows((blocks) => this.#summaries.markBlocks(blocks))
    this.#endListening = () => {
      endTaken()
      endRows()
    }
  }

  /** Starts replication: what was cut short goes on with the first peer. */
  static async open(options: TreeSyncOptions): Promise<TreeSync> {
    const sync = new TreeSync(options)
    await sync.#summaryUpkeep.open()
    await sync.#contents.load(sync.#payloads)
    await sync.#payloads.load()
    return sync
  }

  /** A peer is there; replication with it begins at once. The connection's `closed` ends it. */
  addPeer({ connection, principal }: SyncPeer): void {
    if (this.#work.isClosed || this.#links.has(connection)) return
    const name = principal.toHex()
    const standing = this.#standings.get(name) ?? this.#newStanding(name)
    this.#standings.delete(name) // the one least recently connected comes first
    this.#standings.set(name, standing)
    if (this.#standings.size > standingsKept) {
      const [oldest] = this.#standings.keys()
      if (oldest !== undefined) this.#standings.delete(oldest)
    }
    const server = this.#serverFor({ connection, principal })
    const link: PeerLink = {
      connection,
      principal,
      name,
      standing,
      server,
      ending: new AbortController(),
      lacks: new Map()
    }
    const state = newLinkState(link, new EventBudget(this.#ports.pace))
    this.#links.set(connection, state)
    void connection.closed.then(() => this.removePeer(connection))
    this.#comparisons.soon(state, 0)
  }

  removePeer(connection: SyncConnection): void {
    const state = this.#links.get(connection)
    if (state === undefined) return
    this.#links.delete(connection)
    state.cancelTimer()
    state.cancelAnnounced?.()
    state.link.ending.abort()
  }

  /** What answers a peer; method names are those of page 28, with `sync.`. Also for peers that were not added. */
  handlersFor(peer: SyncPeer): Pick<ConnectionHandlers, 'request' | 'event' | 'stream'> {
    const server = (): SyncServer => this.#links.get(peer.connection)?.link.server ?? this.#serverFor(peer)
    return {
      request: async (method, body, { signal }) => {
        this.#assertOpen()
        return await server().request(shortName(method), body, signal)
      },
      stream: (method, head, { signal }) => {
        this.#assertOpen()
        return server().stream(shortName(method), head, signal)
      },
      event: (name, body) => {
        const state = this.#links.get(peer.connection)
        if (state !== undefined && !this.#work.isClosed) this.#events.take(state, shortName(name), body)
      }
    }
  }

  get status(): SyncStatus {
    const now = this.#ports.pace.now()
    const linked = [...this.#links.values()].map(
      ({ link, state, comparedAt, taken, wentBack }): PeerStatus => ({
        principal: link.principal,
        state: link.standing.isBanned ? 'shut out' : state,
        comparedMsAgo: comparedAt === undefined ? undefined : now - comparedAt,
        taken,
        wentBack,
        wrong: link.standing.wrong,
        shutOutMs: link.standing.bannedMs
      })
    )
    return {
      peers: [...linked, ...this.#shutOutElsewhere(linked)],
      payloadsWanted: this.#payloads.pending,
      sectorBytesReceived: this.#payloads.bytesReceived,
      recordsPushed: this.#pusher.pushed,
      holdsWrites: this.#ports.tree.holdsWrites,
      summariesCorrected: this.#comparisons.corrected,
      contents: this.#contents.status
    }
  }

  /** Who is shut out and not connected. */
  #shutOutElsewhere(linked: readonly PeerStatus[]): readonly PeerStatus[] {
    const shown = new Set(linked.map(({ principal }) => principal.toHex()))
    return [...this.#standings]
      .filter(([name, { isBanned }]) => isBanned && !shown.has(name))
      .map(([name, { wrong, bannedMs }]) => ({
        principal: Uint8Array.fromHex(name),
        state: 'shut out',
        comparedMsAgo: undefined,
        taken: 0,
        wentBack: false,
        wrong,
        shutOutMs: bannedMs
      }))
  }

  /**
   * Holds every summary kept in memory against the records; for tests.
   * @returns places that differ, and are put right by that; always none, or there is a fault
   */
  async verifySummaries(): Promise<readonly string[]> {
    return await this.#summaries.verify()
  }

  /** Records whose payloads are still to be fetched, as `status.payloadsWanted` counts them; for tests. */
  get wantedRecords(): readonly Id[] {
    return this.#payloads.owners
  }

  /** Compares with every peer now. */
  compare(): void {
    for (const state of this.#links.values()) this.#comparisons.soon(state, 0)
  }

  /**
   * Waits until `copies` nodes, this one counted when it may promise, have promised to keep these headers with their
   * payloads, or the time is over.
   */
  waitFor(
    records: readonly Id[],
    options: { readonly copies: number; readonly timeoutMs: number; readonly signal?: AbortSignal }
  ): Promise<PromiseReport> {
    return this.#collector.waitFor(records, options)
  }

  /**
   * As `waitFor` for records that not all the same nodes keep: each is waited for by itself where directories have
   * policies, many at a time where everybody keeps everything. @returns the least of the reports
   */
  async waitForEach(
    records: Iterable<Id>,
    options: { readonly copies: number; readonly timeoutMs: number; readonly signal?: AbortSignal }
  ): Promise<PromiseReport | undefined> {
    const endMs = this.#ports.pace.now() + options.timeoutMs
    const together = this.#contents.rule.hasPolicies ? 1 : receiptIdsMax
    const batches = batchesOf(records, together)
    let least: PromiseReport | undefined
    const lane = async (): Promise<void> => {
      for (const batch of batches) {
        const timeoutMs = Math.max(1, endMs - this.#ports.pace.now())
        const report = await this.#collector.waitFor(batch, { ...options, timeoutMs })
        if (least === undefined || report.kept < least.kept) least = report
        if (report.kept < options.copies) return
      }
    }
    await Promise.all(Array.from({ length: waitLanes }, lane))
    return least
  }

  /** What can be said of the copies of a block that was just written here; undefined when it is not held. */
  promiseOf(block: Id): WritePromise | undefined {
    const { tree, self } = this.#ports
    return promiseOfWrite(
      {
        tree,
        hosts: this.#hosts,
        self: self.principal,
        mayPromise: (zone) => self.promiseCap(zone) !== undefined,
        reached: this.givers,
        policyIn: (parent) => this.#contents.rule.policyOf({ parent })
      },
      block
    )
  }

  /** What others promised about a record; one that may not keep it any more, or is away for long, does not count. */
  async promises(record: Id): Promise<readonly Promised[]> {
    const header = this.#ports.tree.header(record)
    const promises = await this.#book.of(record)
    return header === undefined
      ? promises
      : promises.map((promised) => this.#contents.judged(header, promised))
  }

  /** Fetches the payload of a record, whatever the policy. @returns false when nobody gave it before the signal */
  async fetchPayload(record: Id, signal: AbortSignal): Promise<boolean> {
    const header = this.#ports.tree.header(record)
    if (header !== undefined) await this.#contents.fetching(header)
    const isHeld = await this.#payloads.fetchNow(record, signal)
    if (header !== undefined) await this.#contents.fetched(header)
    return isHeld
  }

  /**
   * Fetches the parts of a payload in which these bytes are; all of it when it is to be kept here.
   * @returns false when nobody gave them before the signal
   */
  async fetchRange(record: Id, range: ByteRange, signal: AbortSignal): Promise<boolean> {
    const header = this.#ports.tree.header(record)
    if (header === undefined || !(await this.#contents.fetchingPart(header)))
      return await this.fetchPayload(record, signal)
    const { isHeld, bytes } = await this.#payloads.fetchRange(record, range, signal)
    await this.#contents.fetchedPart(header, bytes)
    if (!isHeld || !this.isMissing(record, range)) return isHeld
    return await this.fetchPayload(record, signal) // a node stands in several places of it
  }

  /**
   * True when parts of the payload, or those of these bytes, are missing here; a look-up in memory where all payloads are
   * kept and have arrived.
   */
  isMissing(record: Id, range?: ByteRange): boolean {
    if (!this.#payloads.mayBeMissing(record)) return false
    const header = this.#ports.tree.header(record)
    return header !== undefined && this.#contents.isAbsent(header, range)
  }

  /** Content stays here while somebody reads it. @returns what ends that */
  hold(record: Id): () => void {
    return this.#contents.hold(record)
  }

  /** Where the content of a version is at this node; undefined: no such version is held. */
  placeOf(record: Id): 'kept' | 'cached' | 'absent' | undefined {
    const header = this.#ports.tree.header(record)
    return header === undefined ? undefined : this.#contents.placeOf(header)
  }

  /** Principals of connected peers that may give us something: who is asked for content. */
  get givers(): readonly Id[] {
    return [...this.#links.values()].flatMap(({ link, state }) =>
      state === 'forbidden' || link.standing.isBanned ? [] : [link.principal]
    )
  }

  /** A directory of this tree has a policy now. */
  policySet(): Promise<void> {
    return this.#contents.policySet()
  }

  /** Looks at all content now: what should be here is fetched, what need not be may go. */
  review(): Promise<void> {
    return this.#contents.review()
  }

  /** A collection of garbage freed so many bytes of what was let go. */
  collected(bytes: number): void {
    this.#contents.collected(bytes)
  }

  async scrub(options: ScrubOptions): Promise<ScrubReport> {
    const report = await this.#scrubber.run(options)
    if (report.failed > 0) this.#contents.reviewSoon()
    return report
  }

  /**
   * Headers that a peer takes, in its order, from a token on; without one from now on. The first item may be without a
   * header: what was before its token was missed and has to be compared. Ends with the connection.
   */
  async *watch(
    peer: SyncConnection,
    token: Uint8Array | undefined,
    signal: AbortSignal
  ): AsyncGenerator<ToldChange> {
    const scope = this.#links.get(peer)?.scope ?? []
    const head = encodeWatchAsk({ tree: this.#options.treeId, scope }, token)
    for await (const frame of unpackFrames(peer.pull('sync.watch', head, { signal, timeoutMs: 600_000 })))
      yield decodeToldChange(frame)
  }

  /** Ends replication; what is under way is cut and goes on at the next start. */
  async close(): Promise<void> {
    if (this.#work.isClosed) return
    this.#work.close()
    this.#collector.close()
    this.#cancelWelcome?.()
    this.#pusher.close()
    for (const connection of [...this.#links.keys()]) this.removePeer(connection)
    this.#payloads.close()
    this.#contents.close()
    this.#work.progressed() // who waits for something to be stored finds that nothing will be
    await this.#work.settled()
    this.#endListening()
    await this.#given.save().catch(() => undefined)
    await this.#summaryUpkeep.close()
  }

  // --- what is taken

  #taken(taken: readonly TakenRecord[], durable: Promise<void>): void {
    this.#summaries.take(taken)
    this.#wentBack.taken(taken)
    this.#contents.taken(taken)
    this.#payloads.taken(taken.map(({ id }) => id))
    if (taken.some(({ type }) => type === recordType.cap || type === recordType.grant)) this.#welcomeLater()
    const from = this.#from
    this.#undurable++
    durable.then(
      () => {
        this.#undurable--
        this.#feed.take(taken)
        this.#work.progressed()
      },
      () => {
        this.#undurable--
        this.#summaries.take(taken) // gone again
      }
    )
    if (from === undefined) {
      this.#pusher.written(taken, durable)
      if (this.#options.collectsPromises !== false) this.#collector.later(taken)
      return
    }
    this.#given.take(from.principal, taken)
    this.#pusher.relayed(taken, from, durable)
    const blocks = taken.flatMap(({ block }) => (block === undefined ? [] : [block]))
    if (blocks.length > 0) this.#ports.onArrived?.(blocks)
  }

  /** Peers that were turned away and have a right now are told to compare. */
  #welcomeLater(): void {
    this.#cancelWelcome ??= this.#ports.pace.after(welcomeMs, () => {
      this.#cancelWelcome = undefined
      for (const { link } of this.#links.values()) {
        if (!link.server.hasRefused || this.#rights.scopeOf(link.principal).length === 0) continue
        link.server.hasRefused = false
        link.connection.notify('sync.behind', encodeBehind(this.#options.treeId))
      }
    })
  }

  #newStanding(peer: string): PeerStanding {
    return new PeerStanding(this.#ports.pace, (code, milliseconds) =>
      this.#ports.onNote?.({
        level: 'warn',
        message: 'a peer is shut out for a while',
        details: { code, peer, milliseconds }
      })
    )
  }

  // --- parts

  #serverFor({ connection, principal }: SyncPeer): SyncServer {
    const known = this.#servers.get(connection)
    if (known !== undefined) return known
    const server = new SyncServer(
      {
        ports: this.#ports,
        rights: this.#rights,
        summaries: this.#summaries,
        feed: this.#feed,
        upload: this.#upload,
        partMemories: this.#partMemories,
        claimOf: (header) => this.#contents.claimOf(header),
        progress: (signal) => this.#work.progress(signal),
        sleep: (milliseconds) => this.#work.sleep(milliseconds),
        wentBack: (from, lacking, scope) => this.#wentBack.heard(from, lacking, scope)
      },
      principal
    )
    this.#servers.set(connection, server)
    return server
  }

  *#liveLinks(): Generator<PeerLink> {
    for (const { link } of this.#links.values()) {
      if (!link.ending.signal.aborted && !link.standing.isBanned) yield link
    }
  }

  #assertOpen(): void {
    if (this.#work.isClosed) throw new SyncError('ERR_SYNC_CLOSED', 'replication was stopped')
  }
}

const prefix = 'sync.'
const waitLanes = 8

function* batchesOf(records: Iterable<Id>, size: number): Generator<readonly Id[]> {
  let batch: Id[] = []
  for (const record of records) {
    batch.push(record)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

function shortName(method: string): string {
  return method.startsWith(prefix) ? method.slice(prefix.length) : method
}
