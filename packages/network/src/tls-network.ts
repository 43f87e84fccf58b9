/**
 * Network over TLS 1.3: for nodes that reach each other directly, several times as fast as libp2p. Both sides prove
 * their transport key with a certificate of their own and look at nothing but that key; a dialler has it before it sends
 * a byte of the session. Addresses: `/ip4/192.0.2.1/tcp/4002/tls/p2p/…`, also with `ip6`, `dns`, `dns4`, `dns6`.
 */
import { constants, randomBytes } from 'node:crypto'
import { isIP, type OnReadOpts, type Socket } from 'node:net'
import { addressText, listenedAt } from './listening-address.ts'
import {
  connect,
  type ConnectionOptions,
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TLSSocket
} from 'node:tls'
import { equalBytes } from '@blocktree/codec'
import { type Address, parseAddress, withPeer } from './address.ts'
import type { ProvenLink, Transport, TransportReceiver } from './byte-link.ts'
import { createHost } from './host.ts'
import { type NetworkLimits, networkLimitsDefault } from './limits.ts'
import { NetworkError } from './network-error.ts'
import { formatPeerId } from './peer-id.ts'
import type { Network } from './port.ts'
import { RateLimit } from './rate-limit.ts'
import { systemTimers } from './timers.ts'
import { SourceCount } from './source.ts'
import { createSocketLink, ReadBuffer } from './socket-link.ts'
import { createCertificate } from './tls-certificate.ts'
import { openTransportIdentity, readPublicKey, type TransportIdentity } from './transport-identity.ts'

export interface TlsNetworkOptions {
  /** 32 secret bytes of the transport key. */
  readonly seed: Uint8Array
  /** Where to listen, such as `/ip4/127.0.0.1/tcp/0/tls`; nobody can dial when left out. */
  readonly listen?: readonly string[]
  /** Addresses to tell others beside those found, without `/p2p/…`: of a forwarded port. */
  readonly announce?: readonly string[]
  /** Others are told `announce` alone, not where this node listens. */
  readonly announceOnly?: boolean
  readonly limits?: Partial<NetworkLimits>
}

const protocol = 'blocktree/1' // the name both sides give in the handshake (ALPN)
const hostNames: ReadonlySet<string> = new Set(['ip4', 'ip6', 'dns', 'dns4', 'dns6'])
const hostsRememberedMax = 4096

/** Resolves when it listens; `ERR_NETWORK_ADDRESS_INVALID` for an address it cannot listen at, or the system's error. */
export async function createTlsNetwork(options: TlsNetworkOptions): Promise<Network> {
  const transport = createTlsTransport(options)
  try {
    for (const address of options.listen ?? []) await transport.listen(parseAddress(address))
  } catch (error) {
    await transport.close()
    throw error
  }
  const random = { bytes: (length: number): Uint8Array => Uint8Array.from(randomBytes(length)) }
  return createHost({
    localKey: transport.localKey,
    transport,
    timers: systemTimers,
    random,
    limits: options.limits,
    numbering: { first: 1, step: 2 }
  })
}

const versions: Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'sigalgs' | 'secureOptions'> = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  sigalgs: 'ed25519',
  secureOptions: constants.SSL_OP_NO_TICKET // each connection proves its keys anew
}

/** The driver without the session. */
export function createTlsTransport(options: TlsNetworkOptions): TlsTransport {
  const limits = { ...networkLimitsDefault, ...options.limits }
  return new TlsTransport(openTransportIdentity(options.seed), limits, options)
}

interface Endpoint {
  readonly host: string
  readonly port: number
}

class TlsTransport implements Transport {
  readonly #identity: TransportIdentity
  readonly #limits: NetworkLimits
  readonly #announce: readonly string[]
  readonly #announceOnly: boolean
  readonly #context: SecureContext
  readonly #certificate: { readonly cert: string; readonly key: string }
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #rate: RateLimit
  #receiver: TransportReceiver | undefined
  /** Sockets that strangers opened, by address and port. */
  readonly #unproven = new Map<string, () => void>()
  readonly #sources: SourceCount

  constructor(
    identity: TransportIdentity,
    limits: NetworkLimits,
    { announce = [], announceOnly = false }: Pick<TlsNetworkOptions, 'announce' | 'announceOnly'>
  ) {
    this.#identity = identity
    this.#limits = limits
    this.#announce = announce.map((address) => parseAddress(address).text)
    this.#announceOnly = announceOnly
    const key = identity.privateKey.export({ format: 'pem', type: 'pkcs8' })
    this.#certificate = { cert: createCertificate(identity), key }
    this.#context = createSecureContext({ ...this.#certificate, ...versions })
    this.#sources = new SourceCount(limits.handshakesOfSourceMax)
    this.#rate = new RateLimit(limits.channelsPerSecondMax, hostsRememberedMax)
  }

  get localKey(): Uint8Array {
    return this.#identity.publicKey
  }

  canDial(address: Address): boolean {
    return endpointOf(address) !== undefined
  }

  addresses(): readonly string[] {
    const servers = this.#announceOnly ? [] : this.#servers
    const found = servers.flatMap((server) => listenedAt(server)).map((address) => `${address}/tls`)
    return [...found, ...this.#announce].map((address) => withPeer(address, this.#identity.publicKey))
  }

  open(receiver: TransportReceiver): void {
    this.#receiver = receiver
  }

  async listen(address: Address): Promise<void> {
    const endpoint = endpointOf(address)
    if (endpoint === undefined || isIP(endpoint.host) === 0) {
      throw new NetworkError('ERR_NETWORK_ADDRESS_INVALID', `cannot listen at "${address.text}" with TLS`)
    }
    const server = createServer({
      ...this.#certificate,
      ...versions,
      requestCert: true,
      rejectUnauthorized: false, // the key is compared instead
      handshakeTimeout: this.#limits.handshakeTimeoutMs,
      ALPNProtocols: [protocol],
      noDelay: true
    })
    server.prependListener('connection', (socket: Socket) => this.#admit(socket))
    server.on('secureConnection', (socket) => this.#accept(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(endpoint.port, endpoint.host, () => {
        server.off('error', reject)
        server.on('error', () => {}) // a connection that could not be accepted
        resolve()
      })
    })
    this.#servers.push(server)
  }

  dial(address: Address, expectedKey: Uint8Array, signal: AbortSignal): Promise<ProvenLink> {
    const endpoint = endpointOf(address)
    if (endpoint === undefined) {
      throw new NetworkError('ERR_NETWORK_ADDRESS_INVALID', `"${address.text}" is no address for TLS`)
    }
    return this.#connect(endpoint, address.text, expectedKey, signal)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await Promise.all(this.#servers.map((server) => closeServer(server)))
  }

  /** A bound on sockets that have not proven a key: they are the ones strangers can open. */
  #admit(socket: Socket): void {
    const { remoteAddress = '', remotePort = 0 } = socket
    const leave =
      this.#unproven.size < this.#limits.handshakesMax &&
      this.#rate.take(remoteAddress, systemTimers.now()) &&
      this.#sources.take(addressText(remoteAddress, remotePort))
    if (leave === false) {
      socket.destroy()
      return
    }
    this.#keep(socket)
    const name = nameOf(socket)
    this.#unproven.set(name, leave)
    socket.once('close', () => this.#proven(name))
  }

  #accept(socket: TLSSocket): void {
    this.#proven(nameOf(socket))
    this.#keep(socket)
    const key = provenKey(socket)
    const { remoteAddress, remotePort } = socket
    const isReady = key !== undefined && remoteAddress !== undefined && remotePort !== undefined
    if (!isReady || this.#receiver === undefined) {
      socket.destroy()
      return
    }
    const address = withPeer(`${addressText(remoteAddress, remotePort)}/tls`, key)
    this.#receiver.accepted(this.#prove(socket, key, address, undefined, undefined))
  }

  #proven(name: string): void {
    this.#unproven.get(name)?.()
    this.#unproven.delete(name)
  }

  async #connect(
    endpoint: Endpoint,
    address: string,
    expectedKey: Uint8Array,
    signal: AbortSignal
  ): Promise<ProvenLink> {
    const buffer = new ReadBuffer()
    const socket = await this.#openSocket(endpoint, address, buffer, signal)
    const key = provenKey(socket)
    if (key === undefined || !equalBytes(key, expectedKey)) {
      socket.destroy()
      throw new NetworkError(
        'ERR_NETWORK_PEER_MISMATCH',
        `${address} has proven ${key === undefined ? 'no key' : formatPeerId(key)}, not ${formatPeerId(expectedKey)}`
      )
    }
    return this.#prove(socket, key, address, endpoint, buffer)
  }

  #openSocket(
    { host, port }: Endpoint,
    address: string,
    buffer: ReadBuffer,
    signal: AbortSignal
  ): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const options: ConnectionOptions & { readonly onread: OnReadOpts } = {
        host,
        port,
        secureContext: this.#context,
        onread: buffer.options,
        rejectUnauthorized: false, // the key is compared instead
        ALPNProtocols: [protocol],
        servername: '' // no name is asked for, none is told to who listens on the way
      }
      const socket = connect(options)
      this.#keep(socket)
      socket.setNoDelay(true)
      const abort = (): void => {
        socket.destroy(new Error('cancelled'))
      }
      const fail = (error: Error): void => {
        signal.removeEventListener('abort', abort)
        reject(
          new NetworkError('ERR_NETWORK_UNREACHABLE', `dialling ${address}: ${error.message}`, {
            cause: error
          })
        )
      }
      socket.once('error', fail)
      socket.once('close', () => fail(new Error('the peer ended the connection')))
      socket.once('secureConnect', () => {
        signal.removeEventListener('abort', abort)
        socket.off('error', fail)
        resolve(socket)
      })
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort)
    })
  }

  #prove(
    socket: TLSSocket,
    remoteKey: Uint8Array,
    remoteAddress: string,
    endpoint: Endpoint | undefined,
    buffer: ReadBuffer | undefined
  ): ProvenLink {
    return {
      link: createSocketLink(socket, buffer),
      remoteKey,
      remoteAddress,
      relayed: false,
      openAnother:
        endpoint === undefined
          ? undefined
          : async (signal) => (await this.#connect(endpoint, remoteAddress, remoteKey, signal)).link
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => {}) // `close` follows, and tells
    socket.once('close', () => this.#sockets.delete(socket))
  }
}

/** undefined for addresses of other transports. */
function endpointOf({ parts }: Address): Endpoint | undefined {
  const [host, tcp, tls, peer] = parts
  if (host === undefined || !hostNames.has(host.name) || host.value === undefined) return undefined
  if (tcp?.name !== 'tcp' || tls?.name !== 'tls' || parts.length > 4) return undefined
  if (peer !== undefined && peer.name !== 'p2p') return undefined
  return { host: host.value, port: Number(tcp.value) }
}

/** The key of the certificate whose possession the handshake has proven. */
function provenKey(socket: TLSSocket): Uint8Array | undefined {
  if (socket.isSessionReused() || socket.alpnProtocol !== protocol) return undefined
  const key = socket.getPeerX509Certificate()?.publicKey
  return key === undefined ? undefined : readPublicKey(key)
}

function nameOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ''} ${socket.remotePort ?? ''}`
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
  })
}
