/** What of libp2p is switched on. Everything costs memory and traffic, so all is off that is not asked for. */
import type { NetworkLimits } from './limits.ts'
import type { RecordRule } from './signed-records.ts'

export interface Libp2pNetworkOptions {
  /** 32 secret bytes of the transport key. */
  readonly seed: Uint8Array
  /**
   * Where to listen: `/ip4/127.0.0.1/tcp/0`, with `/ws` for WebSockets, `/ip4/…/udp/0/quic-v1` for QUIC, and
   * `RELAY/p2p-circuit` to be reached through a relay.
   */
  readonly listen?: readonly string[]
  /** Addresses to tell others beside those found, without `/p2p/…`: of a forwarded port. */
  readonly announce?: readonly string[]
  /** Others are told `announce` and addresses through relays alone, not where this node listens. */
  readonly announceOnly?: boolean
  readonly limits?: Partial<NetworkLimits>
  readonly features?: Libp2pFeatures
  /** What a record of the distributed table has to meet; none is kept or believed when left out. */
  readonly records?: RecordRule
}

export interface Libp2pFeatures {
  /** Tells peers their own address as it is seen, and what is spoken here; comes with all below but QUIC, ws, mDNS. */
  readonly identify?: boolean
  /** Answers the pings of other implementations; comes with `dht`. */
  readonly ping?: boolean
  /** Finds nodes in the local network by multicast, and tells them of this one. */
  readonly mdns?: boolean
  /** Finds nodes anywhere by asking others; a server answers too and has to be reachable. */
  readonly dht?: Libp2pDht
  /** Dials and can be dialled through relays. */
  readonly relay?: boolean
  /** Passes the bytes of others. */
  readonly relayServer?: RelayServerOptions
  /** Replaces relayed connections by direct ones where the routers allow it; needs `relay`. */
  readonly holePunching?: boolean
  /** Asks peers whether this node can be dialled. */
  readonly autonat?: boolean
  /** Carries messages on topics to many. */
  readonly gossipsub?: boolean
  readonly webSockets?: boolean
  /** Needs the native code of `@chainsafe/libp2p-quic` for this platform. */
  readonly quic?: boolean
}

export interface Libp2pDht {
  readonly mode: 'client' | 'server'
  /** Known nodes to begin with, ending in `/p2p/…`. */
  readonly bootstrap: readonly string[]
}

export interface RelayServerOptions {
  /** Nodes that may be reachable through this one at a time. */
  readonly reservationsMax: number
  /** Bounds of each relayed connection; none when left out: for a relay that serves its own nodes. */
  readonly connectionBound?: { readonly bytes: number; readonly durationMs: number }
}

/** Of libp2p, so that the nodes of other programs are left alone. */
export const dhtProtocol = '/blocktree/kad/1.0.0'
export const requestProtocol = '/blocktree/request/1.0.0'
export const bulkProtocol = '/blocktree/bulk/1.0.0'
