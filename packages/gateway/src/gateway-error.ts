/** The one error class of this package. What a client did wrong is an answer with a status, not one of these. */

export type GatewayErrorCode =
  | 'ERR_GATEWAY_LISTEN' // the address cannot be listened on; the message says which and why
  | 'ERR_GATEWAY_CERTIFICATE' // a certificate or key file cannot be read or does not fit the other
  | 'ERR_GATEWAY_HOST_RULE' // a configured host name is not one, or names no valid app
  | 'ERR_GATEWAY_RESPONSE' // an app's answer is not one that may be sent on
  | 'ERR_GATEWAY_BODY_TOO_LARGE' // a request body exceeds its bound while it is read
  | 'ERR_GATEWAY_BODY_CUT' // the client went away in the middle of its body

export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly code: GatewayErrorCode
  constructor(code: GatewayErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/**
 * What the party behind an app throws when it cannot answer: busy, stopped, too slow, broken. `code` and `message`
 * go to the access log; the client gets the status and the code alone.
 */
export class AppFailure extends Error {
  override readonly name = 'AppFailure'
  readonly status: 502 | 503 | 504
  readonly code: string
  /** Whole seconds for Retry-After; undefined sends none. */
  readonly retryAfterSeconds: number | undefined
  constructor(
    failure: {
      readonly status: 502 | 503 | 504
      readonly code: string
      readonly message: string
      readonly retryAfterSeconds?: number
    },
    options?: ErrorOptions
  ) {
    super(failure.message, options)
    this.status = failure.status
    this.code = failure.code
    this.retryAfterSeconds = failure.retryAfterSeconds
  }
}
