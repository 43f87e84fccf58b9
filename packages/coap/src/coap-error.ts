/** The one error class of this package. */
export type CoapErrorCode =
  | 'ERR_COAP_FORMAT' // bytes that are no message: token length, option header, payload marker
  | 'ERR_COAP_TOO_LARGE' // a message, option or body is above a limit, or above what the peer takes
  | 'ERR_COAP_OPTION' // an option with a value of the wrong length, or a critical one that is not known
  | 'ERR_COAP_BLOCK' // blocks of a body that do not fit together
  | 'ERR_COAP_TIMEOUT' // no answer in time, or none after the last retransmission
  | 'ERR_COAP_RESET' // the peer rejected the message
  | 'ERR_COAP_CLOSED' // the connection or endpoint was closed before the answer
  | 'ERR_COAP_CANCELLED' // the caller's signal was aborted
  | 'ERR_COAP_BUSY' // too many requests wait already
  | 'ERR_COAP_CONNECT' // nobody answers at the address, or it cannot be listened on
  | 'ERR_COAP_PROTOCOL' // the peer broke the rules of RFC 8323 and was cut off
  | 'ERR_COAP_URL' // text that is no CoAP address

export class CoapError extends Error {
  override readonly name = 'CoapError'
  readonly code: CoapErrorCode
  constructor(code: CoapErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
