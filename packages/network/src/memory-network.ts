/**
 * Networks in memory: a hub joins nodes under given time and randomness, with delay, jitter, narrow links, lost
 * segments (which, as over TCP, come later), one-way cuts, resets and machines that vanish without a word. The session
 * above is the one of the other drivers. Same seed, same run.
 */
import { equalBytes } from '@blocktree/codec'
import { type Address, withPeer } from './address.ts'
import type { ByteLink, LinkReceiver, ProvenLink, Transport, TransportReceiver } from './byte-link.ts'
import { cancelled } from './failure.ts'
import { createHost } from './host.ts'
import type { NetworkLimits } from './limits.ts'
import { NetworkError } from './network-error.ts'
import type { Network, TransportKey } from './port.ts'
import type { Timers } from './timers.ts'

export interface MemoryNetworkOptions {
  readonly timers: Timers
  /** Uniform in [0, 1): jitter, loss and tokens. */
  readonly random: () => number
  /** What holds between nodes for which nothing else was set. */
  readonly conditions?: Partial<LinkConditions>
}

/** How bytes pass from one node to another; each direction has its own. */
export interface LinkConditions {
  /** Milliseconds each segment takes. */
  readonly delayMs: number
  /** Up to so many more, drawn for each segment; the order within a connection stays. */
  readonly jitterMs: number
  /** Bytes a second of all connections together; Infinity for no bound. */
  readonly bytesPerSecond: number
  /** Share of segments that are lost and come again after `retransmitMs`, doubled with each loss. */
  readonly loss: number
  readonly retransmitMs: number
  /** Nothing passes; what was sent comes after the cut. Neither end is told. */
  readonly isCut: boolean
}

export interface MemoryNetwork {
  /**
   * A network of its own at `/memory/NAME/p2p/…`. The name may be taken again after `close` or `vanish`.
   * @param localKey taken as proven
   */
  join(options: MemoryNodeOptions): Network
  /** Changes the direction from one node to another; what is left out stays. */
  setConditions(from: string, to: string, conditions: Partial<LinkConditions>): void
  /** Cuts both directions between every two nodes of different groups; nodes in no group are left alone. */
  partition(...groups: readonly (readonly string[])[]): void
  /** Ends every cut. */
  heal(): void
  /** Breaks the connections between two nodes; both are told. */
  reset(left: string, right: string): void
  /** The machine is gone at once: nobody is told, its peers are left with half-open connections. */
  vanish(name: string): void
  readonly names: readonly string[]
}

export interface MemoryNodeOptions {
  readonly name: string
  readonly localKey: TransportKey
  readonly limits?: Partial<NetworkLimits>
  /** Its connections count as ones through a relay, on both sides. False when left out. */
  readonly isRelayed?: boolean
}

const conditionsDefault: LinkConditions = {
  delayMs: 0,
  jitterMs: 0,
  bytesPerSecond: Infinity,
  loss: 0,
  retransmitMs: 200,
  isCut: false
}
const namePattern = /^[a-z0-9][a-z0-9.-]{0,62}$/
const retransmitsMax = 8

export function createMemoryNetwork(options: MemoryNetworkOptions): MemoryNetwork {
  return new Hub(options)
}

/** Links without a session, for tests of what a stranger may send. The network must be one of `createMemoryNetwork`. */
export function joinBare(network: MemoryNetwork, name: string, key: TransportKey): Transport {
  if (network instanceof Hub) return network.joinTransport(name, key)
  throw new TypeError('no network in memory')
}

class Hub implements MemoryNetwork {
  readonly timers: Timers
  readonly random: () => number
  readonly #defaults: LinkConditions
  readonly #nodes = new Map<string, MemoryTransport>()
  readonly #routes = new Map<string, Route>()

  constructor({ timers, random, conditions }: MemoryNetworkOptions) {
    this.timers = timers
    this.random = random
    this.#defaults = { ...conditionsDefault, ...conditions }
  }

  get names(): readonly string[] {
    return [...this.#nodes.keys()]
  }

  join({ name, localKey, limits, isRelayed }: MemoryNodeOptions): Network {
    const transport = this.joinTransport(name, localKey, isRelayed)
    const bytes = (length: number): Uint8Array =>
      new Uint8Array(length).map(() => Math.floor(this.random() * 256))
    return createHost({ localKey, transport, timers: this.timers, random: { bytes }, limits })
  }

  joinTransport(name: string, localKey: Uint8Array, isRelayed = false): MemoryTransport {
    if (!namePattern.test(name)) throw new RangeError(`"${name}" is no name of a node in memory`)
    if (this.#nodes.has(name)) throw new RangeError(`a node "${name}" has joined already`)
    const transport = new MemoryTransport(this, name, localKey, isRelayed)
    this.#nodes.set(name, transport)
    return transport
  }

  setConditions(from: string, to: string, conditions: Partial<LinkConditions>): void {
    this.route(from, to).change(conditions)
  }

  partition(...groups: readonly (readonly string[])[]): void {
    for (const group of groups) {
      const others = groups.filter((other) => other !== group).flat()
      for (const from of group) for (const to of others) this.setConditions(from, to, { isCut: true })
    }
  }

  heal(): void {
    for (const route of this.#routes.values()) route.change({ isCut: false })
  }

  reset(left: string, right: string): void {
    for (const link of [...(this.#nodes.get(left)?.links ?? [])]) {
      if (link.remoteName === right) link.break('reset')
    }
  }

  vanish(name: string): void {
    const node = this.#nodes.get(name)
    if (node === undefined) return
    this.#nodes.delete(name)
    for (const link of [...node.links]) link.vanish()
    node.isGone = true
  }

  leave(transport: MemoryTransport): void {
    if (this.#nodes.get(transport.name) === transport) this.#nodes.delete(transport.name)
    for (const link of [...transport.links]) link.destroy()
  }

  node(name: string): MemoryTransport | undefined {
    return this.#nodes.get(name)
  }

  route(from: string, to: string): Route {
    const id = `${from} ${to}`
    let route = this.#routes.get(id)
    if (route === undefined) {
      route = new Route(this.timers, this.random, this.#defaults)
      this.#routes.set(id, route)
    }
    return route
  }
}

/** One direction between two nodes. Segments of one link stay in order, those of several may overtake each other. */
class Route {
  readonly #timers: Timers
  readonly #random: () => number
  #conditions: LinkConditions
  #busyUntilMs = 0
  #waiting: (() => void)[] = []

  constructor(timers: Timers, random: () => number, conditions: LinkConditions) {
    this.#timers = timers
    this.#random = random
    this.#conditions = conditions
  }

  change(conditions: Partial<LinkConditions>): void {
    this.#conditions = { ...this.#conditions, ...conditions }
    if (this.#conditions.isCut) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const go of waiting) go()
  }

  /**
   * Carries a segment: `left` when it is on its way, `arrived` with the time no later segment of the link may come
   * before. A cut while it is on its way holds it up too.
   */
  carry(link: { lastArrivalMs: number }, bytes: number, left: () => void, arrived: () => void): void {
    if (this.#conditions.isCut) {
      this.#waiting.push(() => this.carry(link, bytes, left, arrived))
      return
    }
    const { delayMs, jitterMs, bytesPerSecond } = this.#conditions
    const now = this.#timers.now()
    const leavesMs = Math.max(now, this.#busyUntilMs) + (bytes / bytesPerSecond) * 1000
    this.#busyUntilMs = leavesMs
    const jitter = jitterMs > 0 ? this.#random() * jitterMs : 0
    const arrivesMs = Math.max(leavesMs + delayMs + jitter + this.#lossMs(), link.lastArrivalMs)
    link.lastArrivalMs = arrivesMs
    this.#at(leavesMs - now, left)
    this.#at(arrivesMs - now, () => this.#deliver(arrived))
  }

  #deliver(arrived: () => void): void {
    if (this.#conditions.isCut) this.#waiting.push(arrived)
    else arrived()
  }

  #lossMs(): number {
    const { loss, retransmitMs } = this.#conditions
    let lostMs = 0
    if (loss === 0) return 0
    for (let times = 0; times < retransmitsMax && this.#random() < loss; times++) {
      lostMs += retransmitMs * 2 ** times
    }
    return lostMs
  }

  #at(milliseconds: number, callback: () => void): void {
    if (milliseconds > 0) this.#timers.start(milliseconds, callback)
    else this.#timers.defer(callback)
  }
}

class MemoryTransport implements Transport {
  readonly name: string
  readonly key: Uint8Array
  readonly links = new Set<MemoryLink>()
  readonly isRelayed: boolean
  isGone = false
  readonly #hub: Hub
  #receiver: TransportReceiver | undefined

  constructor(hub: Hub, name: string, key: Uint8Array, isRelayed = false) {
    this.#hub = hub
    this.isRelayed = isRelayed
    this.name = name
    this.key = key
  }

  canDial(address: Address): boolean {
    return nameOf(address) !== undefined
  }

  addresses(): readonly string[] {
    return [withPeer(`/memory/${this.name}`, this.key)]
  }

  open(receiver: TransportReceiver): void {
    this.#receiver = receiver
  }

  async dial(address: Address, expectedKey: Uint8Array, signal: AbortSignal): Promise<ProvenLink> {
    const name = nameOf(address) ?? ''
    const what = `dialling ${address.text}`
    await this.#travel(name, signal)
    const peer = this.#hub.node(name)
    await this.#travel(name, signal, true)
    if (peer === undefined || peer.isGone || this.isGone) {
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', `${what}: nobody is there`)
    }
    if (!equalBytes(peer.key, expectedKey)) {
      throw new NetworkError('ERR_NETWORK_PEER_MISMATCH', `${what}: the peer has another key`)
    }
    return this.#prove(peer, this.#connect(peer), true)
  }

  accept(from: MemoryTransport, link: MemoryLink): void {
    if (this.#receiver === undefined || this.isGone) link.destroy()
    else this.#receiver.accepted(this.#prove(from, link, false))
  }

  close(): Promise<void> {
    this.#hub.leave(this)
    return Promise.resolve()
  }

  #prove(peer: MemoryTransport, link: MemoryLink, isDialler: boolean): ProvenLink {
    return {
      link,
      remoteKey: peer.key,
      remoteAddress: withPeer(`/memory/${peer.name}`, peer.key),
      relayed: this.isRelayed || peer.isRelayed,
      openAnother: isDialler ? (signal) => this.#openAnother(peer, signal) : undefined
    }
  }

  async #openAnother(peer: MemoryTransport, signal: AbortSignal): Promise<ByteLink> {
    await this.#travel(peer.name, signal)
    if (!peer.isGone && !this.isGone) return this.#connect(peer)
    throw new NetworkError('ERR_NETWORK_UNREACHABLE', 'the peer is gone')
  }

  #connect(peer: MemoryTransport): MemoryLink {
    const here = new MemoryLink(this.#hub, this, peer)
    const there = new MemoryLink(this.#hub, peer, this)
    here.join(there)
    there.join(here)
    peer.accept(this, there)
    return here
  }

  /** One way through the conditions that hold now. */
  #travel(name: string, signal: AbortSignal, isBack = false): Promise<void> {
    const route = isBack ? this.#hub.route(name, this.name) : this.#hub.route(this.name, name)
    return new Promise((resolve, reject) => {
      const abort = (): void => reject(cancelled('dialling', signal))
      signal.addEventListener('abort', abort, { once: true })
      const arrived = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      route.carry({ lastArrivalMs: 0 }, 64, () => {}, arrived)
    })
  }
}

class MemoryLink implements ByteLink {
  readonly remoteName: string
  queuedBytes = 0
  lastArrivalMs = 0
  readonly #owner: MemoryTransport
  readonly #route: Route
  #other: MemoryLink | undefined
  #receiver: LinkReceiver | undefined
  #early: Uint8Array[] = []
  #whenOpen: (() => void)[] = []
  #earlyEnd: string | undefined
  #isOver = false
  #isEnding = false

  constructor(hub: Hub, owner: MemoryTransport, peer: MemoryTransport) {
    this.remoteName = peer.name
    this.#owner = owner
    this.#route = hub.route(owner.name, peer.name)
    owner.links.add(this)
  }

  join(other: MemoryLink): void {
    this.#other = other
  }

  open(receiver: LinkReceiver): void {
    this.#receiver = receiver
    const early = this.#early
    this.#early = []
    for (const chunk of early) receiver.receive(chunk)
    for (const callback of this.#whenOpen) callback()
    this.#whenOpen = []
    if (this.#earlyEnd !== undefined) receiver.ended(this.#earlyEnd)
  }

  send(chunks: readonly Uint8Array[], released?: () => void): void {
    if (this.#isOver || this.#isEnding) return
    for (const chunk of chunks) this.#carry(chunk.slice())
    released?.()
  }

  /** The other end learns of it after what was sent; this one when the other has ended too. */
  end(): void {
    if (this.#isOver || this.#isEnding) return
    this.#isEnding = true
    this.#tell('the peer ended the connection')
  }

  destroy(): void {
    if (this.#isOver) return
    if (!this.#isEnding) this.#tell('the peer ended the connection')
    this.break('destroyed')
  }

  /** Both ends at once, whatever is on the way. */
  break(why: string): void {
    const other = this.#other
    this.over(why)
    if (why === 'reset') other?.over(why)
  }

  /** This end is gone, and the other is not told. */
  vanish(): void {
    this.#isOver = true
    this.#owner.links.delete(this)
  }

  #carry(chunk: Uint8Array): void {
    this.queuedBytes += chunk.length
    const taken = (): void => {
      this.queuedBytes -= chunk.length
      if (!this.#isOver) this.#receiver?.drained()
    }
    // who has not begun to read holds the bytes back
    const left = (): void => this.#other?.whenOpen(taken)
    this.#route.carry(this, chunk.length, left, () => this.#other?.arrive(chunk))
  }

  whenOpen(callback: () => void): void {
    if (this.#receiver === undefined && !this.#isOver) this.#whenOpen.push(callback)
    else callback()
  }

  #tell(why: string): void {
    this.#route.carry(
      this,
      0,
      () => {},
      () => this.#other?.arriveEnd(why)
    )
  }

  arrive(chunk: Uint8Array): void {
    if (this.#isOver) return
    if (this.#receiver === undefined) this.#early.push(chunk)
    else this.#receiver.receive(chunk)
  }

  arriveEnd(why: string): void {
    if (this.#isOver) return
    if (!this.#isEnding) this.#tell(why)
    this.over(why)
  }

  over(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#owner.links.delete(this)
    if (this.#receiver === undefined) this.#earlyEnd = why
    else this.#receiver.ended(why)
  }
}

function nameOf({ parts }: Address): string | undefined {
  const [first, second] = parts
  const isWhole = parts.length === 1 || (parts.length === 2 && second?.name === 'p2p')
  return first?.name === 'memory' && isWhole ? first.value : undefined
}
