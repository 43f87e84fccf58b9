/**
 * Links over libp2p: TCP, noise and yamux, and what else is switched on. A link is a stream of one of our two protocols;
 * the connection below it is closed when its last stream is. Loaded when the first such network is made: it takes long.
 */
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection, Libp2p, PeerId, Stream } from '@libp2p/interface'
import { noise } from '@libp2p/noise'
import { peerIdFromString } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
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
import { createStreamLink } from './stream-link.ts'

const findTimeoutMsDefault = 5000
// libp2p passes on the message of noise's UnexpectedPeerError and drops its class
const mismatchPattern = /does not match expected remote identity key|unexpected peer/i
// Without its pings the muxer knows no round trip and never widens the window of a stream, so it begins wide. Each frame
// received costs a frame back, and a frame is as long as the window lets it be.
const muxerOptions = {
  enableKeepAlive: false, // the session pings
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
  const parts = await loadParts(options.features ?? {})
  // `privateKeyFromRaw` of a seed would make a key of another kind without a word
  const privateKey = await generateKeyPairFromSeed('Ed25519', options.seed)
  const node = await createLibp2p({
    privateKey,
    start: false,
    addresses: {
      listen: (options.listen ?? []).map((address) => parseAddress(address).text),
      appendAnnounce: (options.announce ?? []).map((address) => parseAddress(address).text)
    },
    transports: [tcp(), ...parts.transports],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(muxerOptions)],
    peerDiscovery: parts.peerDiscovery,
    services: parts.services,
    connectionMonitor: { enabled: false }, // the session pings
    connectionGater: { denyInboundEncryptedConnection: (peer) => peer.type !== 'Ed25519' },
    connectionManager: {
      maxConnections: limits.connectionsMax,
      maxIncomingPendingConnections: limits.handshakesMax,
      inboundConnectionThreshold: limits.channelsPerSecondMax,
      inboundUpgradeTimeout: limits.handshakeTimeoutMs
    }
  })
  const transport = new Libp2pTransport(node, privateKey.publicKey.raw, parts, limits)
  await transport.start(options.features?.dht?.bootstrap ?? [])
  return transport
}

export class Libp2pTransport implements Transport, Discovery {
  readonly localKey: Uint8Array
  readonly #node: Libp2p
  readonly #parts: Libp2pParts
  readonly #limits: NetworkLimits
  readonly #links = new Map<Connection, number>()
  #receiver: TransportReceiver | undefined

  constructor(node: Libp2p, localKey: Uint8Array, parts: Libp2pParts, limits: NetworkLimits) {
    this.#node = node
    this.localKey = localKey
    this.#parts = parts
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
    await this.#node.start()
    await this.#meet(bootstrap)
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

  async find(key: Uint8Array, options: FindOptions = {}): Promise<readonly string[]> {
    const { signal, timeoutMs = findTimeoutMsDefault } = options
    const timeout = AbortSignal.timeout(timeoutMs)
    const within = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    const peer = peerIdFromString(formatPeerId(key))
    const found = new Set<string>()
    const add = (address: { toString(): string }): void => void found.add(wholeAddress(address, key))
    const known = await this.#node.peerStore.get(peer).catch(() => undefined)
    for (const { multiaddr: address } of known?.addresses ?? []) add(address)
    // nobody knows it, nobody can be asked, or the time is over: what is known already is the answer
    const asked = await this.#node.peerRouting.findPeer(peer, { signal: within }).catch(() => undefined)
    for (const address of asked?.multiaddrs ?? []) add(address)
    // clients of the DHT are in no routing table, and are found by what they announced
    if (asked === undefined) for (const address of await this.#announced(peer, within)) add(address)
    return [...found]
  }

  async announce(options: FindOptions = {}): Promise<void> {
    const { signal, timeoutMs = findTimeoutMsDefault } = options
    const timeout = AbortSignal.timeout(timeoutMs)
    const within = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    try {
      await this.#node.contentRouting.provide(this.#node.peerId.toCID(), { signal: within })
    } catch (error) {
      throw new NetworkError('ERR_NETWORK_UNREACHABLE', 'nobody could be told of this node', { cause: error })
    }
  }

  onFound(listener: (key: Uint8Array, addresses: readonly string[]) => void): () => void {
    const tell = ({
      detail
    }: CustomEvent<{ id: PeerId; multiaddrs: readonly { toString(): string }[] }>): void => {
      const key = keyOf(detail.id)
      if (key === undefined) return
      listener(key, [...new Set(detail.multiaddrs.map((address) => wholeAddress(address, key)))])
    }
    this.#node.addEventListener('peer:discovery', tell)
    return () => this.#node.removeEventListener('peer:discovery', tell)
  }

  async close(): Promise<void> {
    await this.#node.stop()
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
      return await this.#node.dial(multiaddr(text), { signal })
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
    return createStreamLink(stream)
  }

  #unlink(connection: Connection): void {
    const left = (this.#links.get(connection) ?? 1) - 1
    if (left > 0) {
      this.#links.set(connection, left)
      return
    }
    this.#links.delete(connection)
    // streams of the DHT or of topics may still use it
    if (connection.status === 'open' && connection.streams.length <= 1) connection.close().catch(() => {})
  }
}

function describe(
  connection: Connection,
  remoteKey: Uint8Array
): Pick<ProvenLink, 'remoteKey' | 'remoteAddress' | 'relayed'> {
  const remoteAddress = wholeAddress(connection.remoteAddr, remoteKey)
  return { remoteKey, remoteAddress, relayed: remoteAddress.includes('/p2p-circuit') }
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
