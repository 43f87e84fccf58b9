/** What can go wrong on the way to a peer, and what the peer itself answered. */

export type NetworkErrorCode =
  /** nobody answered at the address, or it refused */
  | 'ERR_NETWORK_UNREACHABLE'
  /** the deadline passed */
  | 'ERR_NETWORK_TIMEOUT'
  /** the caller's signal was aborted */
  | 'ERR_NETWORK_CANCELLED'
  /** the peer proved another key than the expected one */
  | 'ERR_NETWORK_PEER_MISMATCH'
  /** no driver speaks this address, or it is no multiaddr */
  | 'ERR_NETWORK_ADDRESS_INVALID'
  /** the connection ended before the answer */
  | 'ERR_NETWORK_CLOSED'
  /** a body, name or reason is longer than the format allows; nothing was sent */
  | 'ERR_NETWORK_TOO_LONG'
  /** a method or event is not 1 to 64 printable ASCII characters without spaces; nothing was sent */
  | 'ERR_NETWORK_NAME_INVALID'
  /** too many requests are in flight */
  | 'ERR_NETWORK_BUSY'
  /** a feature was asked for whose native code is not installed, or not made for this platform */
  | 'ERR_NETWORK_FEATURE_MISSING'
  /** the peer sent bytes that are no frame, or broke a limit; the connection is closed */
  | 'ERR_NETWORK_PROTOCOL'

export class NetworkError extends Error {
  override readonly name: string = 'NetworkError'
  readonly code: NetworkErrorCode
  constructor(code: NetworkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** An error that the peer's handler answered with; code and message are the peer's words and bounded (64 and 1,024 bytes). */
export class RemoteError extends Error {
  override readonly name: string = 'RemoteError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}
