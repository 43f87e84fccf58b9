/**
 * Links over libp2p: TCP, noise and yamux, and what else is switched on. A link is a stream of one of our two protocols;
 * the connection below it is closed when its last stream is. Loaded when the first such network is made: it takes long.
 */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type {
  Connection,
  ConnectionGater,
  Libp2p,
  MultiaddrConnection,
  PeerId,
  PeerInfo,
  Stream
} from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { yamux } from '@libp2p/yamux'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { equalBytes } from '@blocktree/codec'
import { type Address, parseAddress, withPeer } from './address.ts'
import type { ByteLink, ProvenLink, Transport, TransportReceiver } from './byte-link.ts'
import type { Discovery, FindOptions } from './discovery.ts'
import { bulkProtocol, type Libp2pNetworkOptions, requestProtocol } from './libp2p-options.ts'
import { type Libp2pParts, loadParts } from './libp2p-services.ts'
import { type NetworkLimits, networkLimitsDefault } from './limits.ts'
import { NetworkError } from './network-error.ts'
import { formatPeerId, parsePeerId, transportKeyBytes } from './peer-id.ts'
import { boundWrites } from './quic.ts'
import { freePort, OnePort } from './one-port-tcp.ts'
import { isRelayAddress, relayOf, RelayReservations, type Listening } from './relay-reservations.ts'
import { recordKey } from './signed-records.ts'
import { SourceCount } from './source.ts'
import { createStreamLink } from './stream-link.ts'

const findTimeoutMsDefault = 5000
// libp2p tries the addresses of one peer one after another, also when they are dialled apart
const addressDialMs = 3000
const nearbyMs = 120_000 // mDNS asks again every ten seconds
const nearbyPeersMax = 256 // anybody in the local network can claim to be any number of them
const nearbyAddressesMax = 16
// libp2p passes on the message of noise's UnexpectedPeerError and drops its class; QUIC has none of its own
const mismatchPattern =
  /does not match expected remote identity key|unexpected peer|dialed peer \S+ but connected to/i
// Without its pings the muxer knows no round trip and never widens the window of a stream, so it begins wide. Each frame
// received costs a frame back, and a frame is as long as the window lets it be.
const muxerOptions = {
  keepAliveInterval: 60_000,
  maxInboundStreams: 64,
  maxOutboundStreams: 64,
  streamOptions: { initialStreamWindowSize: 2 * 1024 * 1024 }
}
const hostNames: ReadonlySet<string> = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6', 'dnsaddr'])

/** Resolves when it listens. */
export async function createLibp2pTransport(options: Libp2pNetworkOptions): Promise<Libp2pTransport> {
  if (options.seed.length !== transportKeyBytes) {
    throw new RangeError(
      `the seed of a transport key has ${transportKeyBytes} bytes, not ${options.seed.length}`
    )
  }
  const limits = { ...networkLimitsDefault, ...options.limits }
  const { features = {}, records } = options
  const onePort = await onePortFor(options)
  const parts = await loadParts({ features, limits, records, onePort })
  // `privateKeyFromRaw` of a seed would make a key of another kind without a word
  const privateKey = await generateKeyPairFromSeed('Ed25519', options.seed)
  const announce = (options.announce ?? []).map((address) => parseAddress(address).text)
  const listen = (options.listen ?? []).map((address) => parseAddress(address).text)
  const own: { transports?: Listening; addresses?: Confirming } = {}
  const node = await createLibp2p({
    privateKey,
    start: false,
    addresses: {
      listen: listen.filter((address) => !isRelayAddress(address)),
      appendAnnounce: announce,
      ...(options.announceOnly === true ? { announceFilter: onlyFrom(announce) } : {})
    },
    transports: parts.transports,
    connectionEncrypters: [noise()],
    streamMuxers: [yamux({ ...muxerOptions, enableKeepAlive: isForRelays(options) })],
    peerDiscovery: parts.peerDiscovery,
    services: {
      ...parts.services,
      own({ transportManager, addressManager }) {
        own.transports = transportManager
        own.addresses = addressManager
        return {} // what is returned is started and stopped with the node
      }
    },
    connectionMonitor: { enabled: false }, // the session pings
    connectionGater: gaterOf(limits),
    connectionManager: {
      addressDialTimeout: addressDialMs,
      maxConnections: limits.connectionsMax,
      maxIncomingPendingConnections: limits.handshakesMax,
      inboundConnectionThreshold: limits.channelsPerSecondMax,
      inboundUpgradeTimeout: limits.handshakeTimeoutMs
    }
  })
  if (options.features?.autonat !== true)
    node.addEventListener('transport:listening', ({ detail }) => confirm(own.addresses, detail.getAddrs()))
  if (onePort !== undefined)
    node.addEventListener('peer:identify', ({ detail }) => onePort.identified(detail))
  const transport = new Libp2pTransport(node, privateKey.publicKey.raw, parts, limits)
  await transport.start(options.features?.dht?.bootstrap ?? [])
  if (own.transports !== undefined) transport.reserve(listen.filter(isRelayAddress), own.transports)
  return transport
}

/** The session pings, but what is held open for a relay alone has none. */
function isForRelays({ listen = [], features }: Libp2pNetworkOptions): boolean {
  return features?.relayServer !== undefined || listen.some(isRelayAddress)
}

/** Relays say how they see the port from which this node would knock at the doors of others. */
async function onePortFor({ listen = [], features }: Libp2pNetworkOptions): Promise<OnePort | undefined> {
  if (features?.holePunching !== true) return undefined
  const relays = listen.filter(isRelayAddress).map((address) => `/p2p/${relayOf(address)}`)
  return new OnePort(await freePort(), (address) => relays.some((relay) => address.endsWith(relay)))
}

interface Confirming {
  confirmObservedAddr(address: Multiaddr, options: { readonly type: 'transport' }): void
}

/** libp2p keeps public addresses to itself until others have said that they can be dialled, for which it has to ask. */
function confirm(addresses: Confirming | undefined, listened: readonly Multiaddr[]): void {
  for (const address of listened) addresses?.confirmObservedAddr(address, { type: 'transport' })
}

/** Until a key is proven, connections are bounded by where they come from. */
function gaterOf(limits: NetworkLimits): ConnectionGater {
  const sources = new SourceCount(limits.handshakesOfSourceMax)
  const unproven = new WeakMap<MultiaddrConnection, () => void>()
  return {
    denyInboundConnection(connection) {
      const leave = sources.take(connection.remoteAddr.toString())
      if (leave === false) return true
      unproven.set(connection, leave)
      connection.addEventListener('close', leave, { once: true })
      return false
    },
    denyInboundEncryptedConnection(peer, connection) {
      unproven.get(connection)?.()
      return peer.type !== 'Ed25519'
    }
  }
}

export class Libp2pTransport implements Transport, Discovery {
  readonly localKey: Uint8Array
  readonly #node: Libp2p
  readonly #parts: Libp2pParts
  readonly #limits: NetworkLimits
  readonly #links = new Map<Connection, number>()
  readonly #nearby = new Map<string, { readonly addresses: readonly string[]; readonly heardMs: number }>()
  readonly #nearbyListeners = new Set<(key: Uint8Array, addresses: readonly string[]) => void>()
  #reservations: RelayReservations | undefined
  #receiver: TransportReceiver | undefined

  constructor(node: Libp2p, localKey: Uint8Array, parts: Libp2pParts, limits: NetworkLimits) {
    this.#node = node
    this.localKey = localKey
    this.#parts = parts
    parts.onNearby.listener = (peer) => this.#hear(peer)
    this.#limits = limits
  }

  get topics(): Libp2pParts['topics'] {
    return this.#parts.topics
  }

  async start(bootstrap: readonly string[]): Promise<void> {
    const handler = (stream: Stream, connection: Connection): void => this.#accept(stream, connection)
    const maxInboundStreams = this.#limits.bulkChannelsMax
    const bounds = { maxInboundStreams, maxOutboundStreams: maxInboundStreams, runOnLimitedConnection: true }
    await this.#node.handle([requestProtocol, bulkProtocol], handler, bounds)
    this.#node.addEventListener('self:peer:update', () => this.#receiver?.addressesChanged())
    this.#node.addEventListener('connection:open', ({ detail }) => this.#lookForBetter(detail))
    await this.#node.start()
    await this.#meet(bootstrap)
  }

  /** @param addresses through relays, at which this node is to be reached */
  reserve(addresses: readonly string[], transports: Listening): void {
    this.#reservations = new RelayReservations({ node: this.#node, transports, addresses })
    this.#reservations.start()
  }

  canDial({ parts }: Address): boolean {
    const names = parts.map(({ name }) => name)
    const [host, port, third] = names
    if (host === undefined || !hostNames.has(host)) return false
    if (host === 'dnsaddr') return true
    const isTcp = port === 'tcp' && (third === undefined || ['p2p', 'ws', 'wss'].includes(third))
    const isSecureWs = port === 'tcp' && third === 'tls' && names.includes('ws')
    return isTcp || isSecureWs || (port === 'udp' && third === 'quic-v1')
  }

  addresses(): readonly string[] {
    return this.#node.getMultiaddrs().map(String)
  }

  open(receiver: TransportReceiver): void {
    this.#receiver = receiver
  }

  async dial(address: Address, expectedKey: Uint8Array, signal: AbortSignal): Promise<ProvenLink> {
    const isWhole = address.peerKey !== undefined
    const text = isWhole ? address.text : withPeer(address.text, expectedKey)
    const connection = await this.#connect(text, signal)
    const key = keyOf(connection.remotePeer)
    if (key === undefined || !equalBytes(key, expectedKey)) {
      throw new NetworkError(
        'ERR_NETWORK_PEER_MISMATCH',
        `${text} has proven ${connection.remotePeer.toString()}`
      )
    }
    const link = await this.#openStream(connection, requestProtocol, signal)
    const openAnother = (within: AbortSignal): Promise<ByteLink> =>
      this.#openStream(connection, bulkProtocol, within)
    return { ...describe(connection, key), link, openAnother }
  }

  nearby(key: Uint8Array): readonly string[] {
    const heard = this.#nearby.get(formatPeerId(key))
    return heard === undefined || Date.now() - heard.heardMs > nearbyMs ? [] : heard.addresses
  }

  async find(key: Uint8Array, options: FindOptions = {}): Promise<readonly string[]> {
    const { signal, timeoutMs = findTimeoutMsDefault } = options
    const within = withinTime(signal, timeoutMs)
    const peer = peerIdFromString(formatPeerId(key))
    const found = new Set<string>()
    const add = (address: { toString(): string }): void => void found.add(wholeAddress(address, key))
    // nobody knows it, nobody can be asked, or the time is over
    const asked = await this.#node.peerRouting.findPeer(peer, { signal: within }).catch(() => undefined)
    for (const address of asked?.multiaddrs ?? []) add(address)
    // clients of the DHT are in no routing table, and are found by what they announced
    if (asked === undefined) for (const address of await this.#announced(peer, within)) add(address)
    return [...found]
  }

  async announce(options: FindOptions = {}): Promise<void> {
    const { signal, timeoutMs = findTimeoutMsDefault } = options
    const within = withinTime(signal, timeoutMs)
    try {
      await this.#node.contentRouting.provide(this.#node.peerId.toCID(), { signal: within })
    } catch (error) {
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', 'nobody could be told of this node', { cause: error })
    }
  }

  async publish(name: Uint8Array, record: Uint8Array, options: FindOptions = {}): Promise<void> {
    const { signal, timeoutMs = findTimeoutMsDefault } = options
    try {
      const within = withinTime(signal, timeoutMs)
      if (this.#node.getPeers().length === 0) throw new Error('nobody is connected') // it would be put nowhere, in silence
      await this.#node.contentRouting.put(recordKey(name), record, { signal: within })
    } catch (error) {
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', 'nobody keeps the record of this node', {
        cause: error
      })
    }
  }

  async resolve(name: Uint8Array, options: FindOptions = {}): Promise<readonly Uint8Array[]> {
    const { signal, timeoutMs = findTimeoutMsDefault } = options
    try {
      const within = withinTime(signal, timeoutMs)
      return [Uint8Array.from(await this.#node.contentRouting.get(recordKey(name), { signal: within }))]
    } catch {
      return [] // there is none, none holds, nobody can be asked, or the time is over
    }
  }

  onFound(listener: (key: Uint8Array, addresses: readonly string[]) => void): () => void {
    this.#nearbyListeners.add(listener)
    return () => this.#nearbyListeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#reservations?.close()
    await this.#node.stop()
  }

  #hear({ id, multiaddrs }: PeerInfo): void {
    const key = keyOf(id)
    if (key === undefined) return
    const addresses = [
      ...new Set(multiaddrs.slice(0, nearbyAddressesMax).map((one) => wholeAddress(one, key)))
    ]
    const name = formatPeerId(key)
    this.#nearby.delete(name) // to the end of the order
    this.#nearby.set(name, { addresses, heardMs: Date.now() })
    const [oldest] = this.#nearby.keys()
    if (this.#nearby.size > nearbyPeersMax && oldest !== undefined) this.#nearby.delete(oldest)
    for (const listener of this.#nearbyListeners) listener(key, addresses)
  }

  /** Addresses that a peer has announced as the provider of its own id. */
  async #announced(peer: PeerId, signal: AbortSignal): Promise<readonly { toString(): string }[]> {
    try {
      for await (const { id, multiaddrs } of this.#node.contentRouting.findProviders(peer.toCID(), {
        signal
      })) {
        if (id.equals(peer) && multiaddrs.length > 0) return multiaddrs
      }
    } catch {
      // the time is over, or nobody can be asked
    }
    return []
  }

  /** Nodes to begin with; those that do not answer are passed over. */
  async #meet(bootstrap: readonly string[]): Promise<void> {
    const signal = AbortSignal.timeout(this.#limits.handshakeTimeoutMs)
    await Promise.allSettled(bootstrap.map((address) => this.#node.dial(multiaddr(address), { signal })))
  }

  /** A direct connection came into being with a peer that our channels reach through a relay. */
  #lookForBetter(connection: Connection): void {
    const key = keyOf(connection.remotePeer)
    const address = connection.remoteAddr.toString()
    if (key === undefined || isRelayed(address)) return
    for (const other of this.#links.keys()) {
      if (!other.remotePeer.equals(connection.remotePeer) || !isRelayed(other.remoteAddr.toString())) continue
      this.#receiver?.directWay(key, wholeAddress(address, key))
      return
    }
  }

  #accept(stream: Stream, connection: Connection): void {
    const key = keyOf(connection.remotePeer)
    if (key === undefined || this.#receiver === undefined) {
      stream.abort(new Error('not taken'))
      return
    }
    const link = this.#link(stream, connection)
    this.#receiver.accepted({ ...describe(connection, key), link, openAnother: undefined })
  }

  async #connect(text: string, signal: AbortSignal): Promise<Connection> {
    try {
      return await this.#dialAgain(text, signal)
    } catch (error) {
      const isOther = causes(error).some((cause) => mismatchPattern.test(cause.message))
      const code = isOther ? 'ERR_NETWORK_PEER_MISMATCH' : 'ERR_NETWORK_UNREACHABLE'
      const problem = isOther
        ? 'another key was proven'
        : error instanceof Error
          ? error.message
          : 'no answer'
      throw new NetworkError(code, `dialling ${text}: ${problem}`, { cause: error })
    }
  }

  /** libp2p lets dials of one peer share an attempt, also one that was just given up by another caller. */
  async #dialAgain(text: string, signal: AbortSignal): Promise<Connection> {
    for (let triesLeft = 3; ; triesLeft--) {
      try {
        return await this.#node.dial(multiaddr(text), { signal })
      } catch (error) {
        const wasGivenUp = causes(error).some(({ name }) => name === 'AbortError')
        if (!wasGivenUp || signal.aborted || triesLeft === 0) throw error
      }
    }
  }

  async #openStream(connection: Connection, protocol: string, signal: AbortSignal): Promise<ByteLink> {
    try {
      const maxOutboundStreams = this.#limits.bulkChannelsMax
      const options = { signal, maxOutboundStreams, runOnLimitedConnection: true }
      return this.#link(await connection.newStream(protocol, options), connection)
    } catch (error) {
      const problem = error instanceof Error ? error.message : 'refused'
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', `opening a stream: ${problem}`, { cause: error })
    }
  }

  #link(stream: Stream, connection: Connection): ByteLink {
    this.#links.set(connection, (this.#links.get(connection) ?? 0) + 1)
    stream.addEventListener('close', () => this.#unlink(connection), { once: true })
    boundWrites(stream, connection)
    return createStreamLink(stream)
  }

  #unlink(connection: Connection): void {
    const left = (this.#links.get(connection) ?? 1) - 1
    if (left > 0) {
      this.#links.set(connection, left)
      return
    }
    this.#links.delete(connection)
    if (this.#reservations?.isWith(connection.remotePeer) === true) return
    if (this.#parts.reserved.has(connection.remotePeer)) return
    // streams of the DHT or of topics may still use it
    if (connection.status === 'open' && connection.streams.length <= 1) connection.close().catch(() => {})
  }
}

function withinTime(signal: AbortSignal | undefined, timeoutMs: number): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs)
  return signal === undefined ? timeout : AbortSignal.any([signal, timeout])
}

/** Leaves the given addresses, and those through relays. */
function onlyFrom<A extends { toString(): string }>(announce: readonly string[]): (found: A[]) => A[] {
  return (found) =>
    found.filter((address) => {
      const text = address.toString()
      return (
        text.includes('/p2p-circuit') ||
        announce.some((one) => text === one || text.startsWith(`${one}/p2p/`))
      )
    })
}

function describe(
  connection: Connection,
  remoteKey: Uint8Array
): Pick<ProvenLink, 'remoteKey' | 'remoteAddress' | 'relayed'> {
  const remoteAddress = wholeAddress(connection.remoteAddr, remoteKey)
  return { remoteKey, remoteAddress, relayed: isRelayed(remoteAddress) }
}

function isRelayed(address: string): boolean {
  return address.includes('/p2p-circuit')
}

function wholeAddress(address: { toString(): string }, key: Uint8Array): string {
  const text = address.toString()
  return text.endsWith(`/p2p/${formatPeerId(key)}`) ? text : withPeer(text, key)
}

/** undefined for keys of another kind than nodes have. */
function keyOf(peer: PeerId): Uint8Array | undefined {
  return peer.type === 'Ed25519' ? parsePeerId(peer.toString()) : undefined
}

/** An error and everything that caused it. */
function causes(error: unknown, depth = 0): readonly Error[] {
  if (!(error instanceof Error) || depth > 4) return []
  const below = error instanceof AggregateError ? error.errors : [error.cause]
  return [error, ...below.flatMap((one: unknown) => causes(one, depth + 1))]
}
