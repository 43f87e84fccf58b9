/** The other end, as seen from either side of a connection: it can be asked, observed, pinged and left. */
import type { OutgoingRequest, ReceivedResponse } from './message.ts'

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Milliseconds until ERR_COAP_TIMEOUT; 30,000 when left out. Over UDP the back-off of RFC 7252 may end it before. */
  readonly timeoutMs?: number
  /** Over UDP: false sends messages that are not confirmed and not repeated; true when left out. */
  readonly isConfirmable?: boolean
  /** Over UDP and to peers that take no more: bytes of a block, a power of two from 16 to 1,024 (the default). */
  readonly blockBytes?: number
  /** Bytes of an answer that comes in blocks, at most; 1 MiB when left out. ERR_COAP_TOO_LARGE beyond. */
  readonly bodyBytesMax?: number
}

export interface Observation {
  /** The first answer. When the resource cannot be observed, no other follows. */
  readonly first: ReceivedResponse
  readonly isObserving: boolean
  /** Tells the server; nothing is delivered any more. */
  end(): void
}

export interface CoapPeer {
  readonly transport: 'udp' | 'tcp' | 'unix' | 'memory'
  /** For messages and logs: `127.0.0.1:5683`, a socket's path, or `unix peer 3`. */
  readonly address: string
  /**
   * The whole answer, put together from blocks when it comes in blocks; the body of a request is cut likewise. An answer
   * of class 4 or 5 is an answer, not an error. Fails with the codes of `CoapError`.
   */
  request(request: OutgoingRequest, options?: RequestOptions): Promise<ReceivedResponse>
  /** `onResponse` is called for each newer representation, in order, until `end` or the end of the connection. */
  observe(
    request: OutgoingRequest,
    onResponse: (response: ReceivedResponse) => void,
    options?: RequestOptions
  ): Promise<Observation>
  /** Resolves when the peer has shown that it is there. */
  ping(options?: RequestOptions): Promise<void>
  /** Lets running exchanges end (bounded by their timeouts), then leaves. */
  close(): Promise<void>
  /** Resolves, with the cause when there was an error, as soon as the connection is gone. */
  readonly closed: Promise<Error | undefined>
}
