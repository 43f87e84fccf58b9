/** Connections between nodes: one port; memory, libp2p and TLS drivers. */
export { NetworkError, type NetworkErrorCode, RemoteError } from './network-error.ts'
export type {
  Connection,
  ConnectionHandlers,
  ConnectionStatistics,
  DialOptions,
  Network,
  RequestContext,
  RequestOptions,
  TransportKey
} from './port.ts'
