/** Network over TLS 1.3 with pinned keys: for nodes that reach each other directly. */
export { createTlsNetwork, type TlsNetworkOptions } from './tls-network.ts'
