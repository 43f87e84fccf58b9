/**
 * Replication of one tree with any number of peers (doc/spec/28-sync.md): answers what they ask, pushes what is written,
 * compares with each of them when it connects and now and then, fetches payloads, keeps promises. Pure over its ports;
 * whoever starts it gives it connections whose principal is proven.
 */
import { CodecError } from '@blocktree/codec'
import type { ConnectionHandlers } from '@blocktree/network'
import { type HeaderRecord, type Id, type TakenRecord, recordType } from '@blocktree/tree'
import { type Claim, ContentKeeper, type ContentStatus } from './content-keeper.ts'
import { ChangeFeed } from './change-feed.ts'
import { GivenRecords } from './given-records.ts'
import { Intake, noIntake } from './intake.ts'
import { EventBudget } from './event-budget.ts'
import { HolderTrust } from './holder-trust.ts'
import { eventFloodPoints, pushedBytesMax, receiptBatchMs, receiptIdsMax, recordIdsMax } from './limits.ts'
import {
  type Push,
  type ToldChange,
  decodeBehind,
  decodeDoubt,
  decodeHave,
  decodePush,
  decodeReceiptAnswer,
  decodeToldChange,
  encodeBehind,
  encodeDoubt,
  encodeReceiptAsk,
  encodeWatchAsk
} from './messages.ts'
import { unpackFrames } from './byte-stream.ts'
import { PayloadQueue } from './payload-queue.ts'
import { type PeerLink, type SyncConnection, isForbidden } from './peer-link.ts'
import { PeerStanding, type SyncWrong } from './peer-standing.ts'
import type { SectorPolicy, SyncPorts } from './ports.ts'
import { type Promised, PromiseBook } from './promise-book.ts'
import { type PullReport, Puller } from './puller.ts'
import { Pusher } from './pusher.ts'
import { PeerRights, type Scope } from './scope.ts'
import { type ScrubOptions, type ScrubReport, Scrubber } from './scrubber.ts'
import { SyncServer } from './server.ts'
import { Summaries } from './summaries.ts'
import { loadSummary, saveSummary } from './summary-file.ts'
import { SyncError } from './sync-error.ts'
import { TokenBucket } from './token-bucket.ts'
import { ZoneHosts } from './zone-hosts.ts'

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

export interface PeerStatus {
  readonly principal: Id
  readonly state: 'comparing' | 'in step' | 'out of step' | 'forbidden' | 'shut out'
  /** Milliseconds since the last comparison ended; undefined before the first. */
  readonly comparedMsAgo: number | undefined
  /** Records taken from it since it connected. */
  readonly taken: number
  /** It lacks what it gave us before: restored from a backup or snapshot. */
  readonly wentBack: boolean
  /** What it was blamed for last; undefined when it was not. */
  readonly wrong: SyncWrong | undefined
  /** Until it is spoken to again; 0 when it is not shut out. */
  readonly shutOutMs: number
}

export interface SyncStatus {
  readonly peers: readonly PeerStatus[]
  /** Payloads that are still to be fetched. */
  readonly payloadsWanted: number
  readonly sectorBytesReceived: number
  readonly recordsPushed: number
  /** This node went back to an older state, and writes nothing until it has caught up. */
  readonly holdsWrites: boolean
  readonly contents: ContentStatus
}

/** How far a write is kept: here and by so many others, of all nodes that may promise it. */
export interface PromiseReport {
  readonly kept: number
  readonly of: number
  readonly holders: readonly Id[]
}

interface LinkState {
  readonly link: PeerLink
  isPulling: boolean
  isDue: boolean
  cancelTimer: () => void
  failures: number
  /** Comparisons in a row that ended with a difference. */
  unequal: number
  state: PeerStatus['state']
  comparedAt: number | undefined
  taken: number
  scope: Scope
  /** Of pushes that are being taken. */
  pushedBytes: number
  /** It lacks what it gave us before. */
  wentBack: boolean
  readonly budget: EventBudget
  readonly announced: Map<string, Id>
  /** Streams of announced records that are under way. */
  fetching: number
  cancelAnnounced: (() => void) | undefined
}

const compareEveryDefault = 60_000
const cacheBytesDefault: number = 1024 ** 3
const absentMsDefault: number = 3 * 86_400_000
const atOnceMs = 10_000 // an answer that waits for nothing
const unequalMs = 500
const unequalFree = 2 // comparisons without agreement before calls of the peer are put off
const calledGapMs = 50
const pushedGapMs = 30 // a push that rests on what is missing: others may bring it at once
const announcedMs = 20
const failureFirstMs = 500
const failureLongestMs = 60_000
const forbiddenMs = 30_000
const welcomeMs = 20 // caps and the principals that they are for come together
const progressMs = 500
const saveEveryMs = 60_000
const savesPutOffMax = 4
const askAgainMs = 500 // after a refusal, while somebody waits for a promise
const promiseMs = 30_000 // a peer that does not hold a write by then is asked with the next ones
const life = 8
const fetchingMax = 4 // streams of announced records of one peer at a time
const standingsKept = 1024 // principals whose points are remembered

export class TreeSync {
  readonly #ports: SyncPorts
  readonly #options: TreeSyncOptions
  readonly #rights: PeerRights
  readonly #summaries: Summaries
  readonly #feed: ChangeFeed
  readonly #given: GivenRecords
  /** What this node gave others before, as hosts among them say, and does not hold. */
  readonly #lost: Map<string, { readonly id: Id; readonly teller: string }> = new Map()
  readonly #payloads: PayloadQueue
  readonly #hosts: ZoneHosts
  readonly #contents: ContentKeeper
  readonly #intake: Intake
  readonly #puller: Puller
  readonly #pusher: Pusher
  readonly #trust = new HolderTrust()
  readonly #book: PromiseBook
  readonly #scrubber: Scrubber
  readonly #links: Map<SyncConnection, LinkState> = new Map()
  readonly #standings: Map<string, PeerStanding> = new Map()
  /** What answers connections: what a peer may ask is counted over all that it asks on one. */
  readonly #servers: WeakMap<SyncConnection, SyncServer> = new WeakMap()
  readonly #upload: TokenBucket
  #waiting: Set<() => void> = new Set()
  /** Whose records are being taken at this moment. */
  #from: PeerLink | undefined
  #unpromised: TakenRecord[] = []
  #cancelPromises: (() => void) | undefined
  #cancelSave: (() => void) | undefined
  #cancelWelcome: (() => void) | undefined
  readonly #endListening: () => void
  readonly #running: Set<Promise<unknown>> = new Set()
  #isClosed = false

  private constructor(options: TreeSyncOptions) {
    const { ports, treeId } = options
    this.#options = options
    this.#ports = ports
    this.#rights = new PeerRights(ports.tree, ports.crypto, ports.clock)
    this.#summaries = new Summaries(ports.tree, ports.crypto)
    this.#given = new GivenRecords(ports)
    this.#feed = new ChangeFeed(ports.random.bytes(life))
    const rate = (perSecond = Infinity): TokenBucket => new TokenBucket(ports.pace, perSecond, perSecond)
    this.#upload = rate(options.uploadBytesPerSecond)
    const links = (): Iterable<PeerLink> => this.#liveLinks()
    const shared = { ports, treeId, rights: this.#rights, links }
    const scopeOf = (link: PeerLink): Scope => this.#links.get(link.connection)?.scope ?? []
    this.#hosts = new ZoneHosts(ports.tree)
    this.#book = new PromiseBook(ports, this.#trust)
    this.#contents = new ContentKeeper({
      ports,
      links,
      hosts: this.#hosts,
      book: this.#book,
      policy: options.policy ?? 'all',
      cacheBytes: options.cacheBytes ?? cacheBytesDefault,
      absentMs: options.absentMs ?? absentMsDefault,
      promisers: (zone) => this.#promisers(zone),
      askPromise: (link, zone, ids, signal) => this.#askPromise(link, zone, ids, signal, 3),
      challenge: (link, record, signal) => this.#scrubber.check(link, record, signal),
      tellDoubt: (holder, ids) => {
        const doubt = encodeDoubt({ tree: treeId, holder, ids })
        for (const link of this.#liveLinks()) link.connection.notify('sync.doubt', doubt)
      },
      sleep: (milliseconds) => this.#sleep(milliseconds),
      run: (work) => this.#run(work)
    })
    this.#payloads = new PayloadQueue({
      ...shared,
      scopeOf,
      keepsAll: () => this.#contents.rule.keepsAll,
      download: rate(options.downloadBytesPerSecond),
      sleep: (milliseconds) => this.#sleep(milliseconds),
      progressed: () => this.#progressed(),
      lacking: (link, owner) => this.#run(this.#lacking(link, owner))
    })
    const from = (link: PeerLink | undefined): void => {
      this.#from = link
    }
    const { payloads, contents } = { payloads: this.#payloads, contents: this.#contents }
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
      sleep: (milliseconds) => this.#sleep(milliseconds)
    })
    const endTaken = ports.tree.onTaken((taken, durable) => this.#taken(taken, durable))
    const endBases = ports.tree.onBases(() => this.#summaries.forgetHeaders())
    this.#endListening = () => {
      endTaken()
      endBases()
    }
  }

  /** Starts replication: what was cut short goes on with the first peer. */
  static async open(options: TreeSyncOptions): Promise<TreeSync> {
    const sync = new TreeSync(options)
    await sync.#loadSummary()
    await sync.#contents.load(sync.#payloads)
    await sync.#payloads.load()
    sync.#saveLater()
    return sync
  }

  /** A peer is there; replication with it begins at once. The connection's `closed` ends it. */
  addPeer({ connection, principal }: SyncPeer): void {
    if (this.#isClosed || this.#links.has(connection)) return
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
    const state: LinkState = {
      link,
      isPulling: false,
      isDue: false,
      cancelTimer: () => undefined,
      failures: 0,
      unequal: 0,
      state: 'comparing',
      comparedAt: undefined,
      taken: 0,
      scope: [],
      pushedBytes: 0,
      wentBack: false,
      budget: new EventBudget(this.#ports.pace),
      announced: new Map(),
      fetching: 0,
      cancelAnnounced: undefined
    }
    this.#links.set(connection, state)
    void connection.closed.then(() => this.removePeer(connection))
    this.#pullSoon(state, 0)
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
        if (state !== undefined && !this.#isClosed) this.#event(state, shortName(name), body)
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

  /** Compares with every peer now. */
  compare(): void {
    for (const state of this.#links.values()) this.#pullSoon(state, 0)
  }

  /**
   * Waits until `copies` nodes, this one counted when it may promise, have promised to keep these headers with their
   * payloads, or the time is over.
   */
  async waitFor(
    records: readonly Id[],
    options: { readonly copies: number; readonly timeoutMs: number; readonly signal?: AbortSignal }
  ): Promise<PromiseReport> {
    const ended = new AbortController()
    const cancel = this.#ports.pace.after(options.timeoutMs, () => ended.abort())
    const signal =
      options.signal === undefined ? ended.signal : AbortSignal.any([options.signal, ended.signal])
    try {
      const zones = this.#byZone(records)
      const reports = await Promise.all(
        [...zones.values()].map(({ zone, ids }) => this.#waitForZone(zone, ids, { ...options, signal }))
      )
      const least = reports.toSorted((left, right) => left.kept - right.kept)[0]
      return least ?? { kept: 0, of: 0, holders: [] }
    } finally {
      cancel()
    }
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

  /** True when parts of the payload are missing here; a look-up in memory where all payloads are kept and have arrived. */
  isMissing(record: Id): boolean {
    if (!this.#payloads.mayBeMissing(record)) return false
    const header = this.#ports.tree.header(record)
    return header !== undefined && this.#contents.isAbsent(header)
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
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelPromises?.()
    this.#cancelSave?.()
    this.#cancelWelcome?.()
    this.#pusher.close()
    for (const connection of [...this.#links.keys()]) this.removePeer(connection)
    this.#payloads.close()
    this.#contents.close()
    this.#progressed() // who waits for something to be stored finds that nothing will be
    await Promise.allSettled(this.#running)
    this.#endListening()
    await this.#given.save().catch(() => undefined)
    await this.#saveSummary().catch(() => undefined)
  }

  // --- what is taken

  #taken(taken: readonly TakenRecord[], durable: Promise<void>): void {
    this.#summaries.take(taken)
    this.#contents.taken(taken)
    this.#payloads.taken(taken.map(({ id }) => id))
    if (taken.some(({ type }) => type === recordType.cap || type === recordType.grant)) this.#welcomeLater()
    const from = this.#from
    durable.then(
      () => {
        this.#feed.take(taken)
        this.#progressed()
      },
      () => this.#summaries.take(taken) // gone again
    )
    if (from === undefined) {
      this.#pusher.written(taken, durable)
      if (this.#options.collectsPromises !== false) this.#promiseLater(taken)
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

  // --- events of peers

  #event(state: LinkState, name: string, body: Uint8Array): void {
    const { link } = state
    if (link.standing.isBanned) return
    if (!state.budget.take()) return this.#flooded(state)
    try {
      if (name === 'push') this.#pushed(state, body)
      else if (name === 'have') this.#note(state, decodeHave(body).ids)
      else if (name === 'doubt') {
        const { holder, ids } = decodeDoubt(body)
        this.#contents.doubted(link.principal, holder, ids)
      } else if (name === 'behind') {
        decodeBehind(body)
        this.#pullAgain(state, 0)
      }
    } catch (error) {
      if (!(error instanceof CodecError)) throw error
      link.standing.blame(2, 'ERR_SYNC_WRONG_EVENT')
    }
  }

  /** What is dropped a comparison brings; who goes on for long is not spoken to. */
  #flooded(state: LinkState): void {
    state.link.standing.blame(eventFloodPoints, 'ERR_SYNC_FLOOD')
    this.#pullAgain(state, pushedGapMs)
  }

  /** Events cannot be held back: what comes faster than it is stored is left to a comparison. */
  #pushed(state: LinkState, body: Uint8Array): void {
    if (!state.budget.mayPush) return this.#flooded(state)
    if (state.pushedBytes + body.length > pushedBytesMax) return this.#pullAgain(state, pushedGapMs)
    const push = decodePush(body)
    state.pushedBytes += body.length
    const taking = this.#takePush(state, push).finally(() => {
      state.pushedBytes -= body.length
    })
    this.#run(taking)
  }

  async #takePush(state: LinkState, { births, records }: Push): Promise<void> {
    const { link } = state
    if (this.#rights.scopeOf(link.principal).length === 0 && this.#ports.tree.tree !== undefined) {
      // Nobody without a right has anything to say; who is only unknown yet is found by comparing.
      this.#pullAgain(state, pushedGapMs)
      return
    }
    const count = noIntake()
    await this.#intake.take(link, records, births, count)
    state.budget.spend(count.known + count.refused + count.parked - count.taken)
    state.taken += count.taken
    if (count.parked > 0) this.#pullAgain(state, pushedGapMs)
  }

  #note(state: LinkState, ids: readonly Id[]): void {
    const { store, tree } = this.#ports
    if (!state.budget.takeIds(ids.length)) return this.#flooded(state)
    for (const id of ids) {
      if (state.announced.size >= recordIdsMax) return this.#pullAgain(state, pushedGapMs)
      if (!store.hasRecord(id) && !tree.authority.has(id) && !state.link.standing.isRefused(id))
        state.announced.set(id.toHex(), id)
    }
    this.#fetchAnnouncedSoon(state)
  }

  /** A few streams at a time: a peer whose streams do not end gets no more of them. */
  #fetchAnnouncedSoon(state: LinkState): void {
    if (state.announced.size === 0 || state.fetching >= fetchingMax) return
    state.cancelAnnounced ??= this.#ports.pace.after(announcedMs, () => {
      state.cancelAnnounced = undefined
      const wanted = [...state.announced.values()].filter((id) => !this.#ports.store.hasRecord(id))
      state.announced.clear()
      if (wanted.length === 0) return
      state.fetching++
      const fetching = this.#pullAnnounced(state, wanted).finally(() => {
        state.fetching--
        this.#fetchAnnouncedSoon(state)
      })
      this.#run(fetching)
    })
  }

  async #pullAnnounced(state: LinkState, ids: readonly Id[]): Promise<void> {
    const { link, scope } = state
    if (scope.length === 0) return this.#pullAgain(state, 0)
    const count = await this.#puller.pullRecords(link, scope, ids, link.ending.signal)
    state.taken += count.taken
    if (count.parked > 0) this.#pullAgain(state, pushedGapMs)
  }

  // --- comparing

  /**
   * Because the peer says so: not in step with its messages, and ever later while comparing changes nothing. Two nodes
   * that refuse what the other one holds would otherwise call each other for ever.
   */
  #pullAgain(state: LinkState, milliseconds: number): void {
    const sinceMs = this.#ports.pace.now() - (state.comparedAt ?? -Infinity)
    this.#pullSoon(state, Math.max(milliseconds, this.#gapMs(state) - sinceMs))
  }

  /** Shortest time between two comparisons that the peer causes. */
  #gapMs({ unequal }: LinkState): number {
    if (unequal <= unequalFree) return calledGapMs
    return Math.min(this.#compareEveryMs, unequalMs * 2 ** Math.min(16, unequal - unequalFree - 1))
  }

  get #compareEveryMs(): number {
    return this.#options.compareEveryMs ?? compareEveryDefault
  }

  #pullSoon(state: LinkState, milliseconds: number): void {
    if (this.#isClosed) return
    if (state.isPulling) {
      state.isDue = true
      return
    }
    state.cancelTimer()
    const wait = Math.max(milliseconds, state.link.standing.bannedMs)
    state.cancelTimer = this.#ports.pace.after(wait, () => {
      if (this.#links.get(state.link.connection) === state) this.#run(this.#pull(state))
    })
  }

  async #pull(state: LinkState): Promise<void> {
    if (state.isPulling) return
    const { link } = state
    state.isPulling = true
    state.isDue = false
    if (state.comparedAt === undefined) state.state = 'comparing'
    let next: number
    try {
      await this.#askWhetherBack(state)
      const report = await this.#puller.pull(link, link.ending.signal)
      next = this.#pulled(state, report)
      await this.#askWhetherBack(state)
      await this.#caughtUp(link, report)
    } catch (error) {
      next = this.#failed(state, error)
    }
    state.isPulling = false
    this.#progressed()
    this.#payloads.pump()
    this.#pullSoon(state, state.isDue ? Math.min(next, this.#gapMs(state)) : next)
  }

  /** Asks a peer for what it gave us before: one that lacks it went back, and learns that it did. */
  async #askWhetherBack(state: LinkState): Promise<void> {
    const { link, wentBack } = state
    const { rootBlock } = this.#ports.tree
    const scope = state.scope.length > 0 || rootBlock === undefined ? state.scope : [rootBlock]
    const lacking = await this.#puller.lacking(
      link,
      scope,
      this.#given.ask(link.principal),
      link.ending.signal
    )
    state.wentBack = lacking.length > 0
    if (state.wentBack && !wentBack)
      this.#ports.onNote?.({
        level: 'warn',
        message: 'a peer went back to an older state: it lacks what it gave us before',
        details: { peer: link.name, versions: lacking.length }
      })
  }

  /** A host tells what this node gave it. Others are not believed: they could keep this node from writing. */
  #heardWentBack(principal: Id, lacking: readonly Id[]): void {
    if (!this.#rights.isHostOfAll(principal)) return
    for (const id of lacking) this.#lost.set(id.toHex(), { id, teller: principal.toHex() })
    if (this.#ports.tree.holdsWrites) return
    this.#ports.onNote?.({
      level: 'warn',
      message: 'this node went back to an older state: nothing is written here until it has caught up',
      details: { peer: principal.toHex(), versions: lacking.length }
    })
    this.#run(this.#ports.tree.setHoldsWrites(true))
  }

  /** In step with a host: what was lost has come back, or who told of it has not got it. */
  async #caughtUp({ principal, name }: PeerLink, { inStep }: PullReport): Promise<void> {
    const { tree, store } = this.#ports
    if (!tree.holdsWrites || !inStep || !this.#rights.isHostOfAll(principal)) return
    for (const [key, { id, teller }] of this.#lost)
      if (store.hasRecord(id) || teller === name) this.#lost.delete(key)
    if (this.#lost.size > 0) return
    await tree.setHoldsWrites(false)
    this.#ports.onNote?.({ level: 'warn', message: 'this node has caught up, and writes again', details: {} })
  }

  #pulled(state: LinkState, report: PullReport): number {
    state.failures = 0
    state.scope = report.scope
    state.state = report.inStep ? 'in step' : 'out of step'
    state.comparedAt = this.#ports.pace.now()
    state.taken += report.taken
    state.unequal = report.inStep ? 0 : state.unequal + 1
    // What one lacks the other was told of: it will have fetched it soon, unless it refuses it.
    if (!report.inStep)
      return Math.min(this.#compareEveryMs, unequalMs * 2 ** Math.min(16, state.unequal - 1))
    // Nodes that compare at the same moment for ever would all be busy at once.
    const [dice = 0] = this.#ports.random.bytes(1)
    return this.#compareEveryMs * (0.75 + dice / 512)
  }

  #failed(state: LinkState, error: unknown): number {
    const { link } = state
    state.failures++
    if (isForbidden(error)) {
      state.state = 'forbidden'
      return forbiddenMs
    }
    state.state = 'out of step'
    if (error instanceof SyncError && error.code === 'ERR_SYNC_PEER_WRONG')
      link.standing.blame(3, 'ERR_SYNC_WRONG_ANSWER')
    this.#ports.onNote?.({
      level: 'debug',
      message: 'a comparison with a peer was cut short',
      details: { peer: link.name, reason: error instanceof Error ? error.message : String(error) }
    })
    return Math.min(failureLongestMs, failureFirstMs * 2 ** Math.min(10, state.failures - 1))
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

  // --- promises

  #promiseLater(taken: readonly TakenRecord[]): void {
    for (const record of taken) if (record.type === recordType.header) this.#unpromised.push(record)
    if (this.#unpromised.length > 0)
      this.#cancelPromises ??= this.#ports.pace.after(receiptBatchMs, () => {
        this.#cancelPromises = undefined
        this.#run(this.#collectPromises())
      })
  }

  async #collectPromises(): Promise<void> {
    const taken = this.#unpromised.splice(0, 4 * receiptIdsMax)
    const zones = this.#byZone(taken.map(({ id }) => id))
    for (const { zone, ids } of zones.values()) {
      const ended = new AbortController()
      const cancel = this.#ports.pace.after(promiseMs, () => ended.abort())
      const asked = this.#promisers(zone).map((link) => this.#askPromise(link, zone, ids, ended.signal))
      await Promise.allSettled(asked)
      cancel()
    }
    if (this.#unpromised.length > 0) this.#promiseLater([])
  }

  async #waitForZone(
    zone: Id,
    ids: readonly Id[],
    { copies, signal }: { readonly copies: number; readonly signal: AbortSignal }
  ): Promise<PromiseReport> {
    const { self } = this.#ports
    const expected = this.#hosts.promisingIn(zone)
    const holders = new Map<string, Id>()
    if (self.promiseCap(zone) !== undefined && ids.every((id) => this.#isKept(id)))
      holders.set(self.principal.toHex(), self.principal)
    const report = (): PromiseReport => ({
      kept: holders.size,
      of: Math.max(expected.length, holders.size),
      holders: [...holders.values()]
    })
    if (holders.size >= copies) return report()
    const enough = Promise.withResolvers<void>()
    const asked = new Set<SyncConnection>()
    const askAll = (): Promise<unknown> =>
      Promise.allSettled(
        this.#promisers(zone).map(async (link) => {
          if (asked.has(link.connection)) return
          asked.add(link.connection)
          const promised = await this.#askPromise(link, zone, ids, signal).catch(async (error: unknown) => {
            if (error instanceof SyncError && error.code === 'ERR_SYNC_PEER_WRONG') throw error
            await this.#sleep(askAgainMs) // one that has just connected may not hold the zone yet
            asked.delete(link.connection)
            throw error
          })
          if (promised.length < ids.length) return
          holders.set(link.principal.toHex(), link.principal)
          if (holders.size >= copies) enough.resolve()
        })
      )
    signal.addEventListener('abort', () => enough.resolve(), { once: true })
    if (signal.aborted) enough.resolve()
    this.#run(this.#askUntil(askAll, signal))
    await enough.promise
    return report()
  }

  /** Peers that connect meanwhile are asked too. */
  async #askUntil(askAll: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#isClosed) {
      void askAll()
      await this.#progress(signal)
    }
  }

  async #askPromise(
    link: PeerLink,
    zone: Id,
    ids: readonly Id[],
    signal: AbortSignal,
    coverage: 2 | 3 = 2
  ): Promise<readonly Id[]> {
    const scope = this.#links.get(link.connection)?.scope ?? []
    const promised: Id[] = []
    for (let at = 0; at < ids.length; at += receiptIdsMax) {
      const records = ids.slice(at, at + receiptIdsMax)
      const ask = encodeReceiptAsk({ tree: this.#options.treeId, scope, zone, records, coverage })
      const answer = await link.connection.request('sync.receipt', ask, {
        signal: AbortSignal.any([signal, link.ending.signal]),
        timeoutMs: coverage === 3 ? atOnceMs : 60_000
      })
      promised.push(...(await this.#judgeReceipt(link, answer, { zone, records }, signal)))
    }
    return promised
  }

  /** The records that count as promised: a receipt of a liar is found out before it does. */
  async #judgeReceipt(
    link: PeerLink,
    answer: Uint8Array,
    asked: { readonly zone: Id; readonly records: readonly Id[] },
    signal: AbortSignal
  ): Promise<readonly Id[]> {
    let promised: readonly Id[]
    try {
      const { receipt, missing } = decodeReceiptAnswer(answer)
      const gone = new Set(missing.map((id) => id.toHex()))
      await this.#book.retract(
        link.principal,
        asked.records.filter((id) => gone.has(id.toHex()))
      )
      if (receipt === undefined) return []
      promised = await this.#book.add(link.principal, receipt, { ...asked, coverage: 2 })
    } catch (error) {
      const isWrong = error instanceof CodecError || error instanceof SyncError
      if (isWrong) link.standing.blame(3, 'ERR_SYNC_WRONG_RECEIPT')
      throw error
    }
    return (await this.#isProven(link, promised, signal)) ? promised : []
  }

  /** Asks for proof of one of these at once, of a holder that is new or failed lately, and of others now and then. */
  async #isProven(link: PeerLink, records: readonly Id[], signal: AbortSignal): Promise<boolean> {
    const [dice = 0, low = 0, high = 0] = this.#ports.random.bytes(3)
    const record = records[(low + 256 * high) % Math.max(1, records.length)]
    if (record !== undefined && this.#trust.isCheckDue(link.principal, dice)) {
      if ((await this.#scrubber.checkFresh(link, record, signal)) === false) return false
    }
    return this.#trust.isTrusted(link.principal)
  }

  /** It gave nothing for what it promised to keep, or wrong bytes: known without a challenge. */
  async #lacking(link: PeerLink, owner: Id): Promise<void> {
    const name = link.principal.toHex()
    for (const { holder, coverage, state } of await this.#book.of(owner)) {
      if (holder.toHex() !== name || coverage !== 'payload' || state !== 'good') continue
      await this.#book.check(owner, holder, false)
    }
  }

  /** Peers that hold `host` or `keep` for a zone and give us a scope. */
  #promisers(zone: Id): readonly PeerLink[] {
    const hosts = new Set(this.#hosts.of(zone).map((id) => id.toHex()))
    return [...this.#links.values()]
      .filter(({ link, scope }) => {
        return scope.length > 0 && !link.standing.isBanned && hosts.has(link.principal.toHex())
      })
      .map(({ link }) => link)
  }

  #isKept(record: Id): boolean {
    const header = this.#ports.tree.header(record)
    return header !== undefined && this.#claimOf(header) === 'kept'
  }

  #claimOf(header: HeaderRecord): Claim {
    return this.#contents.claimOf(header)
  }

  #byZone(records: readonly Id[]): ReadonlyMap<string, { readonly zone: Id; readonly ids: Id[] }> {
    const zones = new Map<string, { readonly zone: Id; readonly ids: Id[] }>()
    for (const id of records) {
      const block = this.#ports.tree.header(id)?.body.block
      const zone = block === undefined ? undefined : this.#ports.tree.zoneOf(block)
      if (zone === undefined) continue
      const some = zones.get(zone.toHex()) ?? { zone, ids: [] }
      some.ids.push(id)
      zones.set(zone.toHex(), some)
    }
    return zones
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
        claimOf: (header) => this.#claimOf(header),
        progress: (signal) => this.#progress(signal),
        sleep: (milliseconds) => this.#sleep(milliseconds),
        wentBack: (from, lacking) => this.#heardWentBack(from, lacking)
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

  #progressed(): void {
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  /** Resolves when something was stored, a peer came, or after half a second. Who waits in a loop must not spin: ERR_SYNC_CLOSED. */
  #progress(signal: AbortSignal): Promise<void> {
    if (this.#isClosed) return Promise.reject(new SyncError('ERR_SYNC_CLOSED', 'replication was stopped'))
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#ports.pace.after(progressMs, done)
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#ports.pace.after(milliseconds, resolve)
    })
  }

  /** Work with an owner: `close` waits for it. */
  #run(work: Promise<unknown>): void {
    const running = work.catch((error: unknown) => {
      const reason = error instanceof Error ? error.message : String(error)
      this.#ports.onNote?.({ level: 'debug', message: 'replication with a peer failed', details: { reason } })
    })
    this.#running.add(running)
    void running.then(() => this.#running.delete(running))
  }

  async #loadSummary(): Promise<void> {
    const { tree, store, crypto } = this.#ports
    if (tree.rootBlock === undefined) return
    const { headers } = this.#summaries.of([tree.rootBlock])
    await loadSummary({ tree, store, crypto, scope: tree.rootBlock }, headers)
  }

  async #saveSummary(): Promise<void> {
    const { tree, store, crypto } = this.#ports
    if (tree.rootBlock === undefined) return
    const { headers } = this.#summaries.of([tree.rootBlock])
    // A summary that nobody has asked for is not worked out only to be saved.
    if (headers.isKnown) await saveSummary({ tree, store, crypto, scope: tree.rootBlock }, headers)
  }

  /** Now and then; less often while so much is written that the summary costs a look at all rows. */
  #saveLater(putOff = 0): void {
    this.#cancelSave = this.#ports.pace.after(saveEveryMs, () => {
      if (this.#isClosed) return
      const { rootBlock } = this.#ports.tree
      const isBusy = rootBlock !== undefined && this.#summaries.of([rootBlock]).headers.isCrowded
      const isPutOff = isBusy && putOff < savesPutOffMax
      if (!isPutOff) this.#run(this.#saveSummary())
      this.#saveLater(isPutOff ? putOff + 1 : 0)
    })
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new SyncError('ERR_SYNC_CLOSED', 'replication was stopped')
  }
}

const prefix = 'sync.'

function shortName(method: string): string {
  return method.startsWith(prefix) ? method.slice(prefix.length) : method
}
