/**
 * The network of one node over one driver: hellos, the gate, bounds on connections, one connection for each peer.
 * Everything that the drivers have in common is here.
 */
import { compareBytes, equalBytes } from '@blocktree/codec'
import type { Random } from '@blocktree/crypto'
import { expectPeer, parseAddress } from './address.ts'
import type { BulkChannel } from './bulk-channel.ts'
import type { ByteLink, OpenLink, ProvenLink, Transport } from './byte-link.ts'
import { cancelled, timedOut } from './failure.ts'
import { FrameBudget } from './frame-budget.ts'
import { type Frame, frameType, type HelloFrame, channelKind, tokenBytes } from './frame.ts'
import { createChannel, type Channel } from './channel.ts'
import {
  bodyBytesMax,
  dialTimeoutMsDefault,
  type NetworkLimits,
  networkLimitsDefault,
  protocolVersion,
  requestTimeoutMsMax
} from './limits.ts'
import { NetworkError } from './network-error.ts'
import { formatPeerId } from './peer-id.ts'
import { createPeerConnection, type PeerConnection } from './peer-connection.ts'
import type { Connection, DialOptions, Network } from './port.ts'
import { RateLimit } from './rate-limit.ts'
import { SourceCount } from './source.ts'
import type { Timers } from './timers.ts'

export interface HostOptions {
  readonly localKey: Uint8Array
  readonly transport: Transport
  readonly timers: Timers
  readonly random: Random
  readonly limits?: Partial<NetworkLimits> | undefined
  /** Numbers of connections: so that those of two drivers of one node differ. 1, 2, 3… when left out. */
  readonly numbering?: { readonly first: number; readonly step: number }
}

interface BulkOpening {
  readonly open: OpenLink
  readonly session: Uint8Array
  readonly signal: AbortSignal
  readonly take: (channel: Channel) => BulkChannel
}

type Gate = (peer: Uint8Array, address: string) => boolean

const connectionsOfKeyMax = 4 // one in use, and others that are going
const duplicateMsMax: number = requestTimeoutMsMax // what is under way on the one that goes finishes in this time
const duplicateLookMs = 250
const duplicatePingMs = 3000 // the one that stays has to show life before the other goes

/** Throws a RangeError when the limits contradict each other. */
export function createHost(options: HostOptions): Network {
  return new Host(options)
}

class Host implements Network {
  readonly localKey: Uint8Array
  readonly #transport: Transport
  readonly #timers: Timers
  readonly #random: Random
  readonly #limits: NetworkLimits
  readonly #instance: Uint8Array
  readonly #connections = new Set<PeerConnection>()
  readonly #greeting = new Map<string, Promise<PeerConnection>>()
  readonly #handshakes = new Set<Channel>()
  readonly #sources: SourceCount
  readonly #budget: FrameBudget
  readonly #rate: RateLimit
  readonly #connectionListeners = new Set<(connection: Connection) => void>()
  readonly #addressListeners = new Set<(addresses: readonly string[]) => void>()
  readonly #directListeners = new Set<(key: Uint8Array, address: string) => void>()
  readonly #closing = new AbortController()
  #gate: Gate | undefined
  #nextId: number
  readonly #idStep: number
  #closed: Promise<void> | undefined

  constructor(options: HostOptions) {
    this.localKey = options.localKey
    this.#transport = options.transport
    this.#timers = options.timers
    this.#random = options.random
    const { first, step } = options.numbering ?? { first: 1, step: 1 }
    this.#nextId = first
    this.#idStep = step
    this.#limits = checkLimits({ ...networkLimitsDefault, ...options.limits })
    this.#instance = this.#random.bytes(tokenBytes)
    this.#sources = new SourceCount(this.#limits.handshakesOfSourceMax)
    this.#budget = new FrameBudget(this.#limits.strangerFrameBytesMax)
    this.#rate = new RateLimit(this.#limits.channelsPerSecondMax, this.#limits.connectionsMax)
    this.#transport.open({
      accepted: (proven) => this.#accept(proven),
      addressesChanged: () => this.#announce(),
      directWay: (key, address) => {
        for (const listener of this.#directListeners) listener(key, address)
      }
    })
  }

  addresses(): readonly string[] {
    return this.#transport.addresses()
  }

  onAddresses(listener: (addresses: readonly string[]) => void): () => void {
    this.#addressListeners.add(listener)
    return () => this.#addressListeners.delete(listener)
  }

  canDial(address: string): boolean {
    try {
      return this.#transport.canDial(parseAddress(address))
    } catch {
      return false
    }
  }

  onConnection(listener: (connection: Connection) => void): () => void {
    this.#connectionListeners.add(listener)
    return () => this.#connectionListeners.delete(listener)
  }

  onDirectWay(listener: (key: Uint8Array, address: string) => void): () => void {
    this.#directListeners.add(listener)
    return () => this.#directListeners.delete(listener)
  }

  setGate(gate: Gate | undefined): void {
    this.#gate = gate
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeAll()
    return this.#closed
  }

  async dial(text: string, options: DialOptions = {}): Promise<Connection> {
    const { signal, timeoutMs = dialTimeoutMsDefault, isDirect = false } = options
    const { address, key } = expectPeer(text, options.expectedKey)
    const what = `dialling ${address.text}`
    if (signal?.aborted === true) throw cancelled(what, signal)
    if (this.#closed !== undefined)
      throw new NetworkError('ERR_NETWORK_CLOSED', `${what}: the network is closed`)
    if (equalBytes(key, this.localKey)) {
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', `${what}: that is this node itself`)
    }
    const open = this.#connectionTo(key, isDirect)
    if (open !== undefined) return open
    if (!this.#transport.canDial(address)) {
      throw new NetworkError('ERR_NETWORK_ADDRESS_INVALID', `${what}: no driver speaks this address`)
    }
    this.#expectRoom(what)
    return this.#dialWithin(what, timeoutMs, signal, async (within) => {
      const proven = await this.#transport.dial(address, key, within)
      return await this.#greetInTurn(proven, isDirect, within)
    })
  }

  /** Runs an attempt until it settles, the time is over, the caller's signal is aborted or the network closes. */
  #dialWithin<T>(
    what: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    attempt: (within: AbortSignal) => Promise<T>
  ): Promise<T> {
    const controller = new AbortController()
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        finish()
        reject(error)
        controller.abort(error)
      }
      const abort = (): void => fail(cancelled(what, signal))
      const closing = (): void =>
        fail(new NetworkError('ERR_NETWORK_CLOSED', `${what}: the network is closed`))
      const stop = this.#timers.start(timeoutMs, () => fail(timedOut(what, timeoutMs)))
      const finish = (): void => {
        stop()
        signal?.removeEventListener('abort', abort)
        this.#closing.signal.removeEventListener('abort', closing)
      }
      signal?.addEventListener('abort', abort)
      this.#closing.signal.addEventListener('abort', closing)
      attempt(controller.signal).finally(finish).then(resolve, reject)
    })
  }

  /**
   * Several addresses of one key may be dialled beside each other, but hellos follow each other, and what comes second
   * gives way: two at once would end as two connections.
   */
  async #greetInTurn(proven: ProvenLink, isDirect: boolean, signal: AbortSignal): Promise<PeerConnection> {
    const peer = formatPeerId(proven.remoteKey)
    if (isDirect && proven.relayed) {
      proven.link.destroy()
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', `${proven.remoteAddress} leads through a relay`)
    }
    for (;;) {
      const before = this.#greeting.get(peer)
      if (before === undefined) break
      await before.catch(() => undefined)
    }
    const open = this.#connectionTo(proven.remoteKey, isDirect)
    if (open !== undefined || signal.aborted) proven.link.destroy()
    if (open !== undefined) return open
    signal.throwIfAborted()
    const attempt = this.#greet(proven, signal)
    this.#greeting.set(peer, attempt)
    try {
      return await attempt
    } finally {
      this.#greeting.delete(peer)
    }
  }

  async #greet(proven: ProvenLink, signal: AbortSignal): Promise<PeerConnection> {
    const session = this.#random.bytes(tokenBytes)
    const take = (channel: Channel, hello: HelloFrame): Promise<PeerConnection> =>
      this.#add(proven, channel, hello, 'outbound').survivor
    return await this.#sayHello(proven.link, channelKind.request, session, signal, take)
  }

  /**
   * `take` is called when the peer has answered with its hello, before anything that follows is read. An open link
   * alone proves nothing: a peer that refuses may close it later.
   */
  #sayHello<T>(
    link: ByteLink,
    kind: number,
    session: Uint8Array,
    signal: AbortSignal,
    take: (channel: Channel, hello: HelloFrame) => T | Promise<T>
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const refuse = (why: string): void => {
        signal.removeEventListener('abort', abort)
        reject(new NetworkError('ERR_NETWORK_UNREACHABLE', `the peer refused the connection: ${why}`))
      }
      const channel = createChannel(link, this.#timers, {
        frame: (frame) => {
          if (frame.type === frameType.close) {
            channel.destroy(frame.reason)
            return
          }
          const hello = expectHello(frame, kind)
          if (!equalBytes(hello.session, session)) throw protocolError('another session')
          signal.removeEventListener('abort', abort)
          resolve(take(channel, hello))
        },
        drained: () => {},
        ended: refuse
      })
      const abort = (): void => channel.destroy('cancelled')
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort)
      channel.send(this.#hello(kind, session))
    })
  }

  #hello(channel: number, session: Uint8Array): HelloFrame {
    return { type: frameType.hello, version: protocolVersion, channel, instance: this.#instance, session }
  }

  #accept(proven: ProvenLink): void {
    const { link, remoteKey, remoteAddress } = proven
    const isTooMany = this.#handshakes.size >= this.#limits.handshakesMax
    const leave =
      this.#closed === undefined &&
      !isTooMany &&
      this.#rate.take(formatPeerId(remoteKey), this.#timers.now()) &&
      this.#sources.take(remoteAddress)
    if (leave === false) {
      link.destroy()
      return
    }
    const channel = createChannel(link, this.#timers, {
      frame: (frame) => {
        finish()
        this.#acceptHello(proven, channel, frame)
      },
      drained: () => {},
      ended: () => finish()
    })
    const stop = this.#timers.start(this.#limits.handshakeTimeoutMs, () => channel.destroy('no hello'))
    const finish = (): void => {
      stop()
      leave()
      this.#handshakes.delete(channel)
    }
    this.#handshakes.add(channel)
  }

  #acceptHello(proven: ProvenLink, channel: Channel, frame: Frame): void {
    if (frame.type === frameType.hello && frame.version !== protocolVersion) {
      refuseChannel(channel, `version ${frame.version} of the protocol is not spoken here`)
      return
    }
    const kind = frame.type === frameType.hello ? frame.channel : channelKind.request
    const hello = expectHello(frame, kind)
    if (kind === channelKind.bulk) this.#acceptBulk(proven, channel, hello)
    else if (kind === channelKind.request) this.#acceptConnection(proven, channel, hello)
    else throw protocolError(`channel of kind ${kind}`)
  }

  #acceptConnection(proven: ProvenLink, channel: Channel, hello: HelloFrame): void {
    const { remoteKey, remoteAddress } = proven
    if (equalBytes(remoteKey, this.localKey)) refuseChannel(channel, 'the key of this node itself')
    else if (this.#gate?.(remoteKey, remoteAddress) === false) refuseChannel(channel, 'not let in')
    else if (this.#connections.size >= this.#limits.connectionsMax) refuseChannel(channel, 'no room')
    else {
      this.#endOldest(remoteKey)
      channel.send(this.#hello(channelKind.request, hello.session))
      const { connection } = this.#add(proven, channel, hello, 'inbound')
      for (const listener of this.#connectionListeners) listener(connection)
    }
  }

  /** One key cannot take the places of all others, however it claims to have started anew or not. */
  #endOldest(key: Uint8Array): void {
    const held = [...this.#connections].filter((one) => equalBytes(one.remoteKey, key))
    if (held.length >= connectionsOfKeyMax) held[0]?.destroy('too many connections of one peer')
  }

  #acceptBulk(proven: ProvenLink, channel: Channel, hello: HelloFrame): void {
    for (const connection of this.#connections) {
      if (!equalBytes(connection.session, hello.session)) continue
      if (!equalBytes(connection.remoteKey, proven.remoteKey)) continue
      if (!connection.hasRoomForBulkChannel) break
      channel.send(this.#hello(channelKind.bulk, hello.session))
      connection.attachBulkChannel(channel)
      return
    }
    refuseChannel(channel, 'no such connection, or too many channels')
  }

  /** `survivor` is the connection itself, or the one that stays of two with the same peer. */
  #add(
    proven: ProvenLink,
    channel: Channel,
    hello: HelloFrame,
    direction: 'inbound' | 'outbound'
  ): { readonly connection: PeerConnection; readonly survivor: Promise<PeerConnection> } {
    const { remoteKey, remoteAddress, relayed, openAnother } = proven
    const { session } = hello
    const id = this.#nextId
    this.#nextId += this.#idStep
    const connection = createPeerConnection({
      id,
      remoteKey,
      remoteAddress,
      direction,
      relayed,
      remoteInstance: hello.instance,
      session,
      channel,
      timers: this.#timers,
      limits: this.#limits,
      budget: this.#budget,
      openBulkChannel:
        openAnother === undefined
          ? undefined
          : (signal, take) => this.#openBulkChannel({ open: openAnother, session, signal, take })
    })
    const before = this.#connectionTo(remoteKey)
    this.#connections.add(connection)
    void connection.closed.then(() => this.#connections.delete(connection))
    const survivor =
      before === undefined ? Promise.resolve(connection) : this.#resolveDuplicate(before, connection)
    return { connection, survivor }
  }

  #openBulkChannel(opening: BulkOpening): Promise<BulkChannel> {
    const { open, session, signal, take } = opening
    const timeoutMs = this.#limits.handshakeTimeoutMs
    return this.#dialWithin('a channel for bulk', timeoutMs, signal, async (within) => {
      const link = await open(within)
      return this.#sayHello(link, channelKind.bulk, session, within, take)
    })
  }

  /**
   * Two connections with one peer. When the peer's process is another one than before, the old connection is dead.
   * Otherwise both sides keep the one that passes no relay; else the one that the lower key dialled (the later of two
   * that one side dialled), once it has shown life; the other is closed when nothing is under way on it.
   */
  async #resolveDuplicate(before: PeerConnection, after: PeerConnection): Promise<PeerConnection> {
    if (!equalBytes(before.remoteInstance, after.remoteInstance)) {
      before.destroy('the peer has started anew')
      return after
    }
    const [winner, loser] = this.#isBetter(after, before) ? [after, before] : [before, after]
    try {
      await winner.ping(duplicatePingMs)
      this.#retire(loser)
      return winner
    } catch {
      winner.destroy('no answer, and the peer has another connection')
      return loser
    }
  }

  #isBetter(after: PeerConnection, before: PeerConnection): boolean {
    if (after.relayed !== before.relayed) return before.relayed
    return before.direction === after.direction || this.#isDialledByLower(after)
  }

  #isDialledByLower(connection: PeerConnection): boolean {
    const isLocalLower = compareBytes(this.localKey, connection.remoteKey) < 0
    return isLocalLower === (connection.direction === 'outbound')
  }

  #retire(connection: PeerConnection): void {
    const deadlineMs = this.#timers.now() + duplicateMsMax
    const look = (): void => {
      if (!connection.isOpen) return
      if (connection.isIdle || this.#timers.now() >= deadlineMs) void connection.close('a second connection')
      else this.#timers.start(duplicateLookMs, look)
    }
    // the other side may just be sending a request on it
    this.#timers.start(duplicateLookMs, look)
  }

  /** The one to use: the last that is open, through a relay only where there is no other. */
  #connectionTo(key: Uint8Array, isDirect = false): PeerConnection | undefined {
    let found: PeerConnection | undefined
    for (const connection of this.#connections) {
      if (!connection.isOpen || !equalBytes(connection.remoteKey, key)) continue
      if (!connection.relayed || (!isDirect && (found === undefined || found.relayed))) found = connection
    }
    return found
  }

  #expectRoom(what: string): void {
    if (this.#connections.size < this.#limits.connectionsMax) return
    throw new NetworkError('ERR_NETWORK_BUSY', `${what}: ${this.#connections.size} connections are open`)
  }

  #announce(): void {
    const addresses = this.addresses()
    for (const listener of this.#addressListeners) listener(addresses)
  }

  async #closeAll(): Promise<void> {
    this.#closing.abort()
    for (const channel of this.#handshakes) channel.destroy('the network is closed')
    await Promise.all([...this.#connections].map((connection) => connection.close('the node goes away')))
    await this.#transport.close()
  }
}

function checkLimits(limits: NetworkLimits): NetworkLimits {
  if (limits.pullWindowBytes >= 2 * bodyBytesMax) return limits
  throw new RangeError(`a window of ${limits.pullWindowBytes} bytes; at least ${2 * bodyBytesMax} are needed`)
}

function expectHello(frame: Frame, kind: number): HelloFrame {
  if (frame.type !== frameType.hello) throw protocolError('no hello')
  if (frame.version !== protocolVersion) throw protocolError(`version ${frame.version}`)
  if (frame.channel !== kind) throw protocolError(`channel of kind ${frame.channel}`)
  return frame
}

function protocolError(problem: string): NetworkError {
  return new NetworkError('ERR_NETWORK_PROTOCOL', `handshake with ${problem}`)
}

function refuseChannel(channel: Channel, reason: string): void {
  channel.send({ type: frameType.close, reason })
  channel.end()
}
