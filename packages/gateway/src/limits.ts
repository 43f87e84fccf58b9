/** Bounds of the HTTP server; a configuration may lower or raise those of `GatewayLimits`. */

export interface GatewayLimits {
  readonly headerBytesMax: number
  readonly bodyBytesMax: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  readonly requestsRunningMax: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly idleTimeoutMs: number
  readonly keepAliveTimeoutMs: number
}

export const headerBytesMax: number = 16 * 1024 // what browsers send stays far below; Node answers 431 above it
export const bodyBytesMax: number = 64 * 1024 * 1024 // an upload of one photo or short film; apps lower it in their manifest
export const connectionsMax = 1024 // each costs a descriptor and some 20 KiB
export const connectionsPerAddressMax = 512 // half of all, so that one client leaves room; a proxy in front counts as one
export const requestsRunningMax = 512 // more wait in nobody's memory: they are answered 503 at once
export const headersTimeoutMs = 10_000 // a client that drips its headers is let go
export const requestTimeoutMs = 300_000 // whole request with its body, for uploads over slow lines
export const idleTimeoutMs = 60_000 // no byte in either direction while a request or answer is under way
export const keepAliveTimeoutMs = 15_000 // between two requests of one connection
export const requestHeadersMax = 128 // of one request: as many as an app is told of (doc/spec/blocktree.wit)
export const targetCharactersMax: number = 8 * 1024 // path and query
export const bodyBytesCollected: number = 64 * 1024 // bodies of a known size up to this are given whole
export const assetTextBytesMax: number = 16 * 1024 // assets up to this are kept as text too, which is written faster
export const bytesJoinedMax: number = 4 * 1024 // answers of apps up to this are sent in one piece with their head
export const hostNamesRemembered = 1024 // parsed Host headers; cleared when full
export const appNameCharactersMax = 63 // one label of a host name
export const responseHeadersMax = 64 // of one answer of an app
export const responseHeaderBytesMax: number = 16 * 1024 // all of them together

export const defaultLimits: GatewayLimits = {
  headerBytesMax,
  bodyBytesMax,
  connectionsMax,
  connectionsPerAddressMax,
  requestsRunningMax,
  headersTimeoutMs,
  requestTimeoutMs,
  idleTimeoutMs,
  keepAliveTimeoutMs
}
