/** Bounds of stores and of their daemon, each with its reason. Times are milliseconds. */

export const remoteTimeoutMs = 20_000 // until a store of somebody else counts as away
export const remoteReconnectMs = 1000 // a peer that was away is not dialled again sooner
export const datagramOutstandingMax = 8 // exchanges over UDP at one time: more than RFC 7252 has by default, for whole trees
export const commitBlocksMax = 1024 // of one SQLite transaction that puts of the same moment share
export const cborCapabilitiesMax = 65_536 // read capabilities at the end of a CBOR file
export const httpConnectionsMax = 1024 // of one HTTP listener; the one idle for longest makes room
export const httpHeaderBytesMax: number = 16 * 1024 // of one request: method, URL and all headers
export const httpHeadersTimeoutMs = 10_000 // until the head of a request is there
export const httpRequestTimeoutMs = 30_000 // until a request with its body is there
export const httpIdleTimeoutMs = 60_000 // between two requests on one connection
export const httpStalledTimeoutMs = 60_000 // a client that takes nothing is cut off
export const listenersMax = 64 // addresses of one daemon
export const recentBytesMax: number = 64 * 1024 * 1024 // blocks that a daemon keeps in memory beside its stores
export const usesCountedMax = 65_536 // blocks of a bounded cache whose last use is known: some 10 MiB
export const cacheBytesMin: number = 1024 * 1024 // a smaller limit of a cache is taken for a mistake
export const askedPeersMax = 16 // of those who are connected, the newest ones: so many are asked for one block
export const askedTimeoutMs = 5000 // until the next one is asked
