/**
 * Connections by principal: dials, is dialled, says hello, keeps members connected, and keeps one connection where two
 * nodes dialled each other at once. Everything above asks here for a peer and never sees a connection without a hello.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import { type Connection, type Network, RemoteError, type TransportKey } from '@blocktree/network'
import type { Id } from '@blocktree/tree'
import type { AddressBook, DialTarget } from './address-book.ts'
import { BackOff } from './back-off.ts'
import { ClusterError } from './cluster-error.ts'
import { Dialler } from './dialler.ts'
import type { Gate } from './gate.ts'
import { type HandshakeDeps, beGreeted, greet } from './handshake.ts'
import { type Hello, type HelloPurpose, helloPurpose } from './hello.ts'
import { idKey } from './id-key.ts'
import {
  dialMsMax,
  directMsMax,
  directMsMin,
  hintsMax,
  lingerMs,
  lingerMsMax,
  strangerMsMax
} from './limits.ts'
import type { Peer } from './peer.ts'
import type {
  AddressDiscovery,
  AddressOrigin,
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
  /** Until it is tried without a relay again. */
  directMs: number
}

export class PeerDirectory {
  readonly #deps: PeerDirectoryDeps
  readonly #networks: Network[] = []
  readonly #dialler: Dialler
  /** By principal; the first of each is the one in use. */
  readonly #peers = new Map<string, readonly Peer[]>()
  readonly #refusing = new Map<string, Id>()
  readonly #met = new WeakMap<Connection, Promise<Peer>>()
  /** As they were when last looked at. */
  readonly #standings = new WeakMap<Peer, Standing>()
  readonly #listeners = new Set<PeerListener>()
  readonly #kept = new Map<string, Member>()
  readonly #disposers: (() => void)[] = []
  #isClosed = false

  constructor(deps: PeerDirectoryDeps) {
    this.#deps = deps
    const { crypto, timers, book } = deps
    this.#dialler = new Dialler({
      crypto,
      timers,
      book,
      find: (principal) => this.find(principal),
      open: async (target, options) => await this.#open(target, options),
      greet: async (connection, expected) => await this.#greet(connection, { expected }),
      discard: (connection) => {
        if (!this.#met.has(connection)) void connection.close('another address answered first')
      }
    })
  }

  /** Connections come and go over it from now on; the network stays the caller's. */
  addNetwork(network: Network): void {
    const { gate } = this.#deps
    network.setGate((key, address) => gate.admits(key, address))
    this.#networks.push(network)
    this.#disposers.push(
      network.onConnection((connection) => void this.#welcome(connection)),
      network.onDirectWay((key, address) => this.#hearDirectWay(key, address))
    )
    this.refresh()
  }

  /** Asked for members that answer at no address in the book; those it finds by itself are dialled at once. */
  addDiscovery(discovery: AddressDiscovery): void {
    this.#dialler.addDiscovery(discovery)
    this.#disposers.push(discovery.onFound((key, addresses) => this.#hear(key, addresses)))
  }

  /** Peers that are connected, one connection each. */
  peers(): readonly Peer[] {
    return [...this.#peers.values()].flatMap(([peer]) => peer ?? [])
  }

  find(principal: Id): Peer | undefined {
    return this.#peers.get(idKey(principal))?.[0]
  }

  /** How the address was found at which a peer was dialled; undefined for one that dialled us. */
  originOf({ connection }: Peer): AddressOrigin | undefined {
    return this.#dialler.originOf(connection)
  }

  /** Who answered the last hello with ERR_PEER_REFUSED: members that say that our rights have ended. */
  get refusing(): readonly Id[] {
    return [...this.#refusing.values()]
  }

  /** @returns a function that ends it */
  onPeer(listener: PeerListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The connected peer, or one dialled at the addresses in the book. @throws ERR_PEER_UNREACHABLE, ERR_PEER_OTHER */
  async connect(principal: Id): Promise<Peer> {
    return this.find(principal) ?? (await this.#dialler.reach(principal))
  }

  /** Dials one address, whoever it is that holds the key. */
  async dial(
    target: Pick<DialTarget, 'address' | 'key'>,
    options: { readonly purpose?: HelloPurpose; readonly expected?: Id } = {}
  ): Promise<Peer> {
    return await this.#greet(await this.#open(target, {}), options)
  }

  async #open(
    { address, key }: Pick<DialTarget, 'address' | 'key'>,
    options: { readonly isDirect?: boolean; readonly signal?: AbortSignal }
  ): Promise<Connection> {
    if (this.#isClosed) throw new ClusterError('ERR_PEER_CLOSED', 'this node has left the network')
    const network = this.#networks.find((one) => one.canDial(address))
    if (network === undefined)
      throw new ClusterError('ERR_ADDRESS_INVALID', `no way to dial "${address}" is switched on`)
    return await network.dial(address, { ...options, expectedKey: key, timeoutMs: dialMsMax })
  }

  async #greet(
    connection: Connection,
    options: { readonly purpose?: HelloPurpose; readonly expected?: Id }
  ): Promise<Peer> {
    const peer = await this.#meet(connection, options)
    if (options.expected !== undefined && !equalBytes(peer.principal, options.expected))
      throw new ClusterError('ERR_PEER_OTHER', 'another principal answers than the one that was asked for')
    return this.find(peer.principal) ?? peer
  }

  async #noteRefusal(greeting: Promise<Peer>, expected: Id | undefined): Promise<Peer> {
    try {
      const peer = await greeting
      this.#refusing.delete(idKey(peer.principal))
      return peer
    } catch (error) {
      if (expected !== undefined && error instanceof RemoteError && error.code === 'ERR_PEER_REFUSED')
        this.#refusing.set(idKey(expected), expected)
      throw error
    }
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
    const peer = await this.#noteRefusal(greeting, expected)
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
      const member: Member = { principal, backOff, cancelTimer: () => undefined, directMs: directMsMin }
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
    this.#dialler.close()
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
    const member = this.#kept.get(key)
    if (member === undefined || after === undefined) return
    if (after.connection.relayed) this.#improveLater(member)
    else member.directMs = directMsMin
  }

  /**
   * Both nodes use the one that passes no relay; of two that were dialled from both sides the one that the lower
   * transport key dialled, as the network does; of two in one direction the newer: the dialler would not have dialled if
   * it still had the other.
   */
  #isBetter({ connection }: Peer, other: Peer): boolean {
    if (connection.relayed !== other.connection.relayed) return other.connection.relayed
    if (connection.direction === other.connection.direction) return true
    const isLower = compareBytes(this.#deps.local.endpoint().body.transportKey, connection.remoteKey) < 0
    return (connection.direction === 'outbound') === isLower
  }

  /** What runs on it comes to its end first, on both sides; it stays when the other one ended meanwhile. */
  #endLater(peer: Peer | undefined): void {
    if (peer === undefined) return
    const { timers } = this.#deps
    const { connection } = peer
    const lastMs = timers.now() + lingerMsMax
    const look = (): void => {
      if (!connection.isOpen || this.find(peer.principal) === peer) return
      if (connection.isIdle || timers.now() >= lastMs) void connection.close('there is another connection')
      else this.#wait(connection, lingerMs, look)
    }
    this.#wait(connection, lingerMs, look)
  }

  /** Unless the connection ends before. */
  #wait(connection: Connection, milliseconds: number, action: () => void): void {
    const cancel = this.#deps.timers.start(milliseconds, action)
    void connection.closed.then(cancel)
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
    peer.connection.trust()
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
    const peer = this.find(member.principal)
    if (this.#isClosed) return
    if (peer !== undefined) {
      if (peer.connection.relayed) await this.#improve(member)
      return
    }
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

  /** A member that is reached through a relay is tried without one, less and less often. */
  async #improve(member: Member): Promise<void> {
    const { principal } = member
    if ((await this.#dialler.reachDirectly(principal)) === undefined) this.#improveLater(member)
  }

  #improveLater(member: Member): void {
    if (this.#isClosed || this.#kept.get(idKey(member.principal)) !== member) return
    member.cancelTimer()
    member.cancelTimer = this.#deps.timers.start(member.directMs, () => void this.#keep(member))
    member.directMs = Math.min(directMsMax, member.directMs * 2)
  }

  /** Somebody makes itself known nearby: of interest when it is a member that is not connected, or by a relay alone. */
  #hear(key: TransportKey, addresses: readonly string[]): void {
    const principal = this.#deps.book.principalOf(key)
    if (principal === undefined || !this.#kept.has(idKey(principal))) return
    const peer = this.find(principal)
    if (peer?.connection.relayed === false) return
    const hints = addresses.slice(0, hintsMax).map((address) => ({ address, key, origin: 'mdns' as const }))
    void this.#dialler[peer === undefined ? 'tryHints' : 'reachDirectly'](principal, hints)
  }

  /** The routers have let a direct connection through: the side that dialled moves over. */
  #hearDirectWay(key: TransportKey, address: string): void {
    const peer = this.peers().find(({ connection }) => equalBytes(connection.remoteKey, key))
    if (peer === undefined || !peer.connection.relayed || peer.connection.direction !== 'outbound') return
    void this.#dialler.reachDirectly(peer.principal, [{ address, key, origin: 'relay' }])
  }
}

const failedHelloPoints = 5

/** A connection that broke is nobody's fault. */
function isTheirFault(error: unknown): boolean {
  return (
    error instanceof ClusterError && (error.code === 'ERR_HELLO_FORMAT' || error.code === 'ERR_HELLO_PROOF')
  )
}
