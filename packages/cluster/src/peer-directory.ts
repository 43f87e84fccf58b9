/**
 * Connections by principal: dials, is dialled, says hello, keeps members connected, and keeps one connection where two
 * nodes dialled each other at once. Everything above asks here for a peer and never sees a connection without a hello.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import type { Connection, Network, TransportKey } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import type { AddressBook, DialTarget } from './address-book.ts'
import { BackOff } from './back-off.ts'
import { ClusterError } from './cluster-error.ts'
import type { Gate } from './gate.ts'
import { type HandshakeDeps, beGreeted, greet } from './handshake.ts'
import { type Hello, type HelloPurpose, helloPurpose } from './hello.ts'
import { idKey } from './id-key.ts'
import { dialMsMax, dialsAtOnceMax, hintsMax, lingerMs, strangerMsMax } from './limits.ts'
import type { Peer } from './peer.ts'
import type {
  AddressDiscovery,
  ClusterDeps,
  HelloTree,
  LocalNode,
  Standing,
  StandingSource
} from './ports.ts'
import type { RequestRouter } from './request-router.ts'

/** `connected` comes again when the standing of the peer here, or ours there, has risen: what was refused may be asked anew. */
export type PeerListener = (peer: Peer, state: 'connected' | 'ended') => void

export interface PeerDirectoryDeps extends ClusterDeps {
  readonly local: LocalNode
  readonly standing: StandingSource
  readonly book: AddressBook
  readonly gate: Gate
  readonly router: RequestRouter
  /**
   * True for a principal that had rights here and has none any more, when the caps that it names are all known: it has
   * nothing to show that would change that, so it gets no place among strangers either. Nobody when left out.
   */
  readonly hasEnded?: (principal: Id, named: readonly HelloTree[]) => boolean
}

interface Member {
  readonly principal: Id
  readonly backOff: BackOff
  cancelTimer: () => void
}

export class PeerDirectory {
  readonly #deps: PeerDirectoryDeps
  readonly #networks: Network[] = []
  readonly #discoveries: AddressDiscovery[] = []
  /** By principal; the first of each is the one in use. */
  readonly #peers = new Map<string, readonly Peer[]>()
  readonly #met = new WeakMap<Connection, Promise<Peer>>()
  /** As they were when last looked at. */
  readonly #standings = new WeakMap<Peer, Standing>()
  readonly #listeners = new Set<PeerListener>()
  readonly #dialling = new Map<string, Promise<Peer>>()
  readonly #kept = new Map<string, Member>()
  readonly #disposers: (() => void)[] = []
  #dials = 0
  readonly #waiting: (() => void)[] = []
  #isClosed = false

  constructor(deps: PeerDirectoryDeps) {
    this.#deps = deps
  }

  /** Connections come and go over it from now on; the network stays the caller's. */
  addNetwork(network: Network): void {
    const { gate } = this.#deps
    network.setGate((key) => gate.admits(key))
    this.#networks.push(network)
    this.#disposers.push(network.onConnection((connection) => void this.#welcome(connection)))
    this.refresh()
  }

  /** Asked for members that answer at no address in the book; those it finds by itself are dialled at once. */
  addDiscovery(discovery: AddressDiscovery): void {
    this.#discoveries.push(discovery)
    this.#disposers.push(discovery.onFound((key, addresses) => this.#hear(key, addresses)))
  }

  /** Peers that are connected, one connection each. */
  peers(): readonly Peer[] {
    return [...this.#peers.values()].flatMap(([peer]) => peer ?? [])
  }

  find(principal: Id): Peer | undefined {
    return this.#peers.get(idKey(principal))?.[0]
  }

  /** @returns a function that ends it */
  onPeer(listener: PeerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The connected peer, or one dialled at the addresses in the book. @throws ERR_PEER_UNREACHABLE, ERR_PEER_OTHER */
  async connect(principal: Id): Promise<Peer> {
    const known = this.find(principal)
    if (known !== undefined) return known
    const key = idKey(principal)
    const running = this.#dialling.get(key)
    if (running !== undefined) return await running
    const dialling = this.#dialAll(principal)
    this.#dialling.set(key, dialling)
    try {
      return await dialling
    } finally {
      this.#dialling.delete(key)
    }
  }

  /** Dials one address, whoever it is that holds the key. */
  async dial(
    target: Pick<DialTarget, 'address' | 'key'>,
    options: { readonly purpose?: HelloPurpose; readonly expected?: Id } = {}
  ): Promise<Peer> {
    if (this.#isClosed) throw new ClusterError('ERR_PEER_CLOSED', 'this node has left the network')
    const network = this.#networks.find((one) => one.canDial(target.address))
    if (network === undefined)
      throw new ClusterError('ERR_ADDRESS_INVALID', `no way to dial "${target.address}" is switched on`)
    const connection = await network.dial(target.address, { expectedKey: target.key, timeoutMs: dialMsMax })
    const peer = await this.#meet(connection, options)
    if (options.expected !== undefined && !equalBytes(peer.principal, options.expected))
      throw new ClusterError('ERR_PEER_OTHER', 'another principal answers than the one that was asked for')
    return this.find(peer.principal) ?? peer
  }

  /** A network may give the connection that is there already: one hello is enough. */
  async #meet(
    connection: Connection,
    { purpose = helloPurpose.peer, expected }: { readonly purpose?: HelloPurpose; readonly expected?: Id }
  ): Promise<Peer> {
    const known = this.#met.get(connection)
    if (known !== undefined) return await known
    const greeting = greet(this.#handshake(), connection, {
      purpose,
      ...(expected === undefined ? {} : { expected })
    })
    this.#met.set(connection, greeting)
    const peer = await greeting
    connection.serve(this.#deps.router.handlersFor(peer))
    this.#add(peer)
    return peer
  }

  /** Members may have changed: dials new ones, and lets go of those who are none any more. */
  refresh(): void {
    if (this.#isClosed) return
    const wanted = new Map(this.#deps.standing.members().map((id) => [idKey(id), id]))
    for (const [key, member] of this.#kept) {
      if (wanted.has(key)) continue
      member.cancelTimer()
      this.#kept.delete(key)
    }
    for (const [key, principal] of wanted) {
      if (this.#kept.has(key)) continue
      const backOff = new BackOff(this.#deps.crypto.random)
      const member: Member = { principal, backOff, cancelTimer: () => undefined }
      this.#kept.set(key, member)
      void this.#keep(member)
    }
    this.look()
  }

  /** Rights may have come or gone, also by the clock alone: connections of those who have none any more end. */
  look(): void {
    for (const peer of [...this.#peers.values()].flat()) this.#look(peer)
  }

  /** We may do more there than before. */
  retell(principal: Id): void {
    const peer = this.find(principal)
    if (peer !== undefined) this.#tell(peer, 'connected')
  }

  /** Tries members that cannot be reached again now; for one only when given. */
  retry(principal?: Id): void {
    for (const member of this.#kept.values()) {
      if (principal !== undefined && !equalBytes(principal, member.principal)) continue
      member.cancelTimer()
      void this.#keep(member)
    }
  }

  /** Ends all of its connections. */
  disconnect(principal: Id, reason: string): void {
    for (const { connection } of this.#peers.get(idKey(principal)) ?? []) void connection.close(reason)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const dispose of this.#disposers) dispose()
    for (const member of this.#kept.values()) member.cancelTimer()
    this.#kept.clear()
    for (const start of this.#waiting.splice(0)) start()
    const open = [...this.#peers.values()].flat()
    await Promise.all(open.map(({ connection }) => connection.close('the node stops')))
  }

  #handshake(): HandshakeDeps {
    const { crypto, timers, local } = this.#deps
    return { crypto, timers, local, check: (hello, connection) => this.#check(hello, connection) }
  }

  /** What a hello must meet beside its signatures. */
  #check({ principal, endpoint, purpose, trees }: Hello, connection: Connection): void {
    const { local, book, hasEnded } = this.#deps
    if (this.#isClosed) throw new ClusterError('ERR_PEER_CLOSED', 'this node has left the network')
    if (equalBytes(principal.signer, local.principal.id)) {
      throw new ClusterError(
        'ERR_PEER_REFUSED',
        'the peer speaks in the name of this node: is one data directory a copy of the other?'
      )
    }
    if (purpose !== helloPurpose.join && hasEnded?.(principal.signer, trees) === true)
      throw new ClusterError('ERR_PEER_REFUSED', 'its rights here have ended; an owner may invite it anew')
    const held = book.entry(principal.signer)?.endpoint?.body
    const isOther = held !== undefined && !equalBytes(held.transportKey, connection.remoteKey)
    if (isOther && held.sequence >= endpoint.body.sequence) {
      throw new ClusterError(
        'ERR_HELLO_PROOF',
        `endpoint ${endpoint.body.sequence} was replaced by number ${held.sequence} with another transport key`
      )
    }
  }

  async #welcome(connection: Connection): Promise<void> {
    const { gate, router } = this.#deps
    gate.hold(connection)
    const greeting = beGreeted(this.#handshake(), connection, (peer) => router.handlersFor(peer))
    this.#met.set(connection, greeting)
    try {
      this.#add(await greeting)
    } catch (error) {
      if (isTheirFault(error))
        gate.penalize(connection.remoteKey, { points: failedHelloPoints, wrong: 'ERR_PEER_HELLO' })
    }
  }

  #add(peer: Peer): void {
    void peer.connection.closed.then(() => this.#ended(peer))
    const standing = this.#deps.standing.standingOf(peer.principal)
    this.#standings.set(peer, standing)
    if (standing === 'stranger') this.#dismissLater(peer)
    else this.#welcomeKnown(peer)
    const others = this.#peers.get(idKey(peer.principal)) ?? []
    const isBetter = others.every((other) => this.#isBetter(peer, other))
    this.#choose(peer.principal, isBetter ? [peer, ...others] : [...others, peer])
    if (others.length > 0) this.#endLater(isBetter ? others[0] : peer)
  }

  /** The first of them is in use from now on; tells who listens when that is a change. */
  #choose(principal: Id, peers: readonly Peer[]): void {
    const key = idKey(principal)
    const [before] = this.#peers.get(key) ?? []
    const [after] = peers
    if (after === undefined) this.#peers.delete(key)
    else this.#peers.set(key, peers)
    if (before === after) return
    if (before !== undefined) this.#tell(before, 'ended')
    if (after !== undefined) this.#tell(after, 'connected')
  }

  /**
   * Of two connections that were dialled from both sides, both nodes use the one that the lower transport key dialled,
   * as the network does; of two in one direction the newer: the dialler would not have dialled if it still had the other.
   */
  #isBetter({ connection }: Peer, other: Peer): boolean {
    if (connection.direction === other.connection.direction) return true
    const isLower = compareBytes(this.#deps.local.endpoint().body.transportKey, connection.remoteKey) < 0
    return (connection.direction === 'outbound') === isLower
  }

  /** Requests that run on it come to their end first; it stays when the other one ended meanwhile. */
  #endLater(peer: Peer | undefined): void {
    if (peer === undefined) return
    const cancel = this.#deps.timers.start(lingerMs, () => {
      if (this.find(peer.principal) !== peer) void peer.connection.close('there is another connection')
    })
    void peer.connection.closed.then(cancel)
  }

  async #learn({ hello }: Peer): Promise<void> {
    try {
      await this.#deps.book.learn(hello.principal, hello.endpoint)
    } catch {
      // an older endpoint with the same key: the newer one stays
    }
  }

  #welcomeKnown(peer: Peer): void {
    const { gate, book } = this.#deps
    gate.release(peer.connection)
    void this.#learn(peer)
    this.#kept.get(idKey(peer.principal))?.backOff.succeeded()
    if (peer.connection.direction === 'outbound')
      void book.noteGood(peer.principal, peer.connection.remoteAddress)
  }

  /** Its standing may have changed since it came. */
  #look(peer: Peer): void {
    const before = this.#standings.get(peer)
    const now = this.#deps.standing.standingOf(peer.principal)
    if (before === now) return
    this.#standings.set(peer, now)
    if (now === 'stranger') {
      void peer.connection.close('its rights have ended') // with all that is under way on it
      return
    }
    if (before === 'stranger') this.#welcomeKnown(peer)
    if (now === 'member' || before === 'stranger') this.#tell(peer, 'connected')
  }

  /** Who has no right here gets a while to join. */
  #dismissLater(peer: Peer): void {
    const { standing, timers, gate } = this.#deps
    gate.hold(peer.connection)
    const cancel = timers.start(strangerMsMax, () => {
      if (standing.standingOf(peer.principal) !== 'stranger') return
      void peer.connection.close('no right to stay')
    })
    void peer.connection.closed.then(cancel)
  }

  #ended(peer: Peer): void {
    const key = idKey(peer.principal)
    const left = (this.#peers.get(key) ?? []).filter((other) => other !== peer)
    this.#choose(peer.principal, left)
    const member = this.#kept.get(key)
    if (left.length === 0 && member !== undefined && !this.#isClosed) this.#keepLater(member)
  }

  #tell(peer: Peer, state: 'connected' | 'ended'): void {
    for (const listener of this.#listeners) listener(peer, state)
  }

  async #keep(member: Member): Promise<void> {
    if (this.#isClosed || this.find(member.principal) !== undefined) return
    try {
      await this.connect(member.principal)
    } catch {
      this.#keepLater(member)
    }
  }

  #keepLater(member: Member): void {
    if (this.#isClosed || this.#kept.get(idKey(member.principal)) !== member) return
    member.cancelTimer()
    member.cancelTimer = this.#deps.timers.start(member.backOff.failed(), () => void this.#keep(member))
  }

  async #dialAll(principal: Id): Promise<Peer> {
    const causes: unknown[] = []
    const { book } = this.#deps
    await this.#turn()
    try {
      const known = await this.#tryTargets(principal, book.targetsOf(principal), causes)
      if (known !== undefined) return known
      const found = await this.#tryTargets(principal, await this.#findTargets(principal), causes)
      if (found !== undefined) return found
    } finally {
      this.#dials -= 1
      this.#waiting.shift()?.()
    }
    throw new ClusterError(
      'ERR_PEER_UNREACHABLE',
      causes.length === 0 ? 'no address of it is known' : `none of ${causes.length} addresses answers`,
      { cause: new AggregateError(causes, 'one error for each address') }
    )
  }

  /** One after another; undefined when none answers. */
  async #tryTargets(
    principal: Id,
    targets: readonly Pick<DialTarget, 'address' | 'key'>[],
    causes: unknown[]
  ): Promise<Peer | undefined> {
    for (const target of targets) {
      if (this.#isClosed) return undefined
      const known = this.find(principal) // it may have dialled us meanwhile
      if (known !== undefined) return known
      try {
        return await this.dial(target, { expected: principal })
      } catch (error) {
        causes.push(error)
      }
    }
    return undefined
  }

  async #findTargets(principal: Id): Promise<readonly Pick<DialTarget, 'address' | 'key'>[]> {
    const key = this.#deps.book.entry(principal)?.endpoint?.body.transportKey
    if (key === undefined) return []
    const found = await Promise.all(
      this.#discoveries.map(async (discovery) => await discovery.find(key).catch(() => []))
    )
    return found
      .flat()
      .slice(0, hintsMax)
      .map((address) => ({ address, key }))
  }

  /** Somebody makes itself known nearby: of interest when it is a member that is not connected. */
  #hear(key: TransportKey, addresses: readonly string[]): void {
    const principal = this.#deps.book.principalOf(key)
    if (principal === undefined || !this.#kept.has(idKey(principal)) || this.find(principal) !== undefined)
      return
    const targets = addresses.slice(0, hintsMax).map((address) => ({ address, key }))
    void this.#tryTargets(principal, targets, [])
  }

  async #turn(): Promise<void> {
    if (this.#dials >= dialsAtOnceMax) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push(resolve)
      await promise
    }
    this.#dials += 1
  }
}

const failedHelloPoints = 5

/** A connection that broke is nobody's fault. */
function isTheirFault(error: unknown): boolean {
  return (
    error instanceof ClusterError && (error.code === 'ERR_HELLO_FORMAT' || error.code === 'ERR_HELLO_PROOF')
  )
}
