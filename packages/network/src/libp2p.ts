/** Network over libp2p: TCP, noise and yamux, with discovery, relays and topics switched on by options. */
export type { Discovery, FindOptions } from './discovery.ts'
export { createLibp2pNetwork, type Libp2pNetwork } from './libp2p-network.ts'
export type { Libp2pDht, Libp2pFeatures, Libp2pNetworkOptions, RelayServerOptions } from './libp2p-options.ts'
export type { RecordRule } from './signed-records.ts'
export type { Topics } from './topics.ts'
