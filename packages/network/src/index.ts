/** Connections between nodes: one port; memory, libp2p and TLS drivers. */
export { parseAddress, type Address, type AddressPart, withPeer } from './address.ts'
export { createCompositeNetwork } from './composite-network.ts'
export { type NetworkLimits, networkLimitsDefault } from './limits.ts'
export { NetworkError, type NetworkErrorCode, RemoteError } from './network-error.ts'
export type {
  Connection,
  ConnectionHandlers,
  ConnectionStatistics,
  DialOptions,
  Network,
  RequestContext,
  PullOptions,
  RequestOptions,
  TransportKey
} from './port.ts'
export { formatPeerId, parsePeerId } from './peer-id.ts'
export { SourceCount } from './source.ts'
export { systemTimers, type Timers } from './timers.ts'
export { TokenBucket } from './token-bucket.ts'
