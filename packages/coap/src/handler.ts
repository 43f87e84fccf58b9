/** What answers requests, whatever they came by: one function from request to response. */
import type { CoapPeer } from './peer.ts'
import type { Response } from './message.ts'
import type { Option } from './option.ts'

export interface IncomingRequest {
  readonly code: number
  /** `/a/b`, percent-encoded where a segment needs it. */
  readonly path: string
  /** Only options that are known, with valid lengths; block options are dealt with already. Values are views. */
  readonly options: readonly Option[]
  /** The whole body. A view of received bytes: it stays good, but whoever keeps it for long copies it. */
  readonly payload: Uint8Array
  /** Who asks; it can be asked in return. */
  readonly peer: CoapPeer
}

export interface HandlerResponse extends Response {
  /**
   * Makes the resource one that can be observed (RFC 7641): called when the peer asks for it. `notify` sends a newer
   * representation; @returns what ends it, which is called once.
   */
  readonly subscribe?: (notify: (response: Response) => void) => () => void
}

/** A handler that throws or rejects is answered 5.00 without details. */
export type Handler = (request: IncomingRequest) => HandlerResponse | Promise<HandlerResponse>
