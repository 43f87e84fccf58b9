/**
 * The port between a node and its peers: identity, dialling, and on each connection requests with ids and deadlines,
 * ordered events, and pulled bulk streams with back-pressure. Drivers: memory, libp2p, TLS; bytes in doc/spec/24-network.md.
 *
 * A connection proves the peer's transport key and nothing else. Who the peer is (its principal) and what it may do is
 * decided above, by the hello and by caps on every request.
 */

/** A transport key: the 32 bytes of an Ed25519 public key. Its text forms (peer id) are in `peer-id.ts`. */
export type TransportKey = Uint8Array

export interface DialOptions {
  /** Ends the attempt; the promise is then rejected with `ERR_NETWORK_CANCELLED`. */
  readonly signal?: AbortSignal
  /** Milliseconds until `ERR_NETWORK_TIMEOUT`; 10,000 when left out. */
  readonly timeoutMs?: number
  /** An open connection through a relay does not count: for addresses that pass none. False when left out. */
  readonly isDirect?: boolean
  /** The key the peer has to prove; another one is `ERR_NETWORK_PEER_MISMATCH`. Required unless the address ends in `/p2p/…`. */
  readonly expectedKey?: TransportKey
}

export interface Network {
  readonly localKey: TransportKey
  /** Where others can dial this node, as multiaddrs that end in its `/p2p/…`; may change (see `onAddresses`). */
  addresses(): readonly string[]
  onAddresses(listener: (addresses: readonly string[]) => void): () => void
  /** True for multiaddrs that this driver can dial; says nothing about whether somebody answers. */
  canDial(address: string): boolean
  /** A connection to the peer: the open one when there is one already. Resolves after the peer has said hello. */
  dial(address: string, options?: DialOptions): Promise<Connection>
  /** Called for every connection a peer opened. Until `serve` is called on it, its requests wait (bounded). */
  onConnection(listener: (connection: Connection) => void): () => void
  /** Called when a peer that is connected through a relay can be reached without, with an address for `dial`. */
  onDirectWay(listener: (key: TransportKey, address: string) => void): () => void
  /** Consulted before a connection is shown; false closes it. At most one; none lets everybody in. */
  setGate(gate: ((peer: TransportKey, address: string) => boolean) | undefined): void
  /** Closes every connection and listener; repeated calls return the same promise. */
  close(): Promise<void>
}

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Milliseconds until `ERR_NETWORK_TIMEOUT`, told to the peer too; 30,000 when left out, at most 600,000. */
  readonly timeoutMs?: number
}

export interface PullOptions extends RequestOptions {
  /**
   * The boundaries of chunks do not matter: their bytes come as they arrive, in views that are valid until the next is
   * asked for. It takes no new memory. False when left out.
   */
  readonly asBytes?: boolean
}

export interface Connection {
  readonly id: number
  readonly remoteKey: TransportKey
  readonly remoteAddress: string
  readonly direction: 'inbound' | 'outbound'
  /** True when the bytes pass through a relay. */
  readonly relayed: boolean
  /** False after it has ended. */
  readonly isOpen: boolean
  /** True while no request and no stream is under way, in either direction. */
  readonly isIdle: boolean
  /** Rejects with `RemoteError` for an error of the peer, `NetworkError` for one of the way. Body: at most 1 MiB either way. */
  request(method: string, body: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /**
   * One-way message, delivered at most once, in the order sent (also relative to requests). False when the queue to the
   * peer is full (4 MiB) or the connection has ended: nothing was sent.
   */
  notify(event: string, body: Uint8Array): boolean
  /**
   * Pulls a stream from the peer: it is asked with `head` and sends chunks as fast as they are read. Ending the iteration
   * early cancels. `timeoutMs` is the longest wait for the next chunk. Chunks are not in order with requests and events.
   */
  pull(method: string, head: Uint8Array, options?: PullOptions): AsyncIterable<Uint8Array>
  /** Who answers this peer; before it nothing of the peer is delivered. A later call puts others in their place. */
  serve(handlers: ConnectionHandlers): void
  /** The peer has rights here: its long frames are not counted with those of strangers (`strangerFrameBytesMax`). */
  trust(): void
  readonly statistics: ConnectionStatistics
  /** @param reason at most 200 bytes, told to the peer */
  close(reason?: string): Promise<void>
  /** Resolves when the connection has ended, with why; never rejects. */
  readonly closed: Promise<string>
}

export interface ConnectionStatistics {
  readonly bytesIn: number
  readonly bytesOut: number
  readonly requestsIn: number
  readonly requestsOut: number
  /** Smoothed round trip of requests and pings in milliseconds; undefined before the first. */
  readonly roundTripMs: number | undefined
}

export interface RequestContext {
  readonly connection: Connection
  /** Aborted when the peer cancels, the deadline passes or the connection ends. */
  readonly signal: AbortSignal
  /** Monotonic milliseconds left when the request was read. */
  readonly remainingMs: number
}

/**
 * What is thrown here with a `code` that begins with `ERR_` reaches the peer as `RemoteError` with that code and message;
 * anything else as `ERR_INTERNAL` without details.
 */
export interface ConnectionHandlers {
  request(method: string, body: Uint8Array, context: RequestContext): Promise<Uint8Array>
  /** When it throws, the connection is closed. */
  event(name: string, body: Uint8Array, connection: Connection): void
  /**
   * Chunks of at most 1 MiB; the generator is not advanced before the peer has room, and may write over a chunk once it is.
   * Errors end the stream on the other side.
   */
  stream(method: string, head: Uint8Array, context: RequestContext): AsyncIterable<Uint8Array>
}
