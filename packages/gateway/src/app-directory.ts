/**
 * What stands behind the gateway: apps by name, each with assets that the gateway serves by itself and a handler for
 * the rest. The gateway owns parsing, limits and headers; an app never sees a connection.
 */

/** A request as an app gets it: checked, without what belongs to the connection. */
export interface AppRequest {
  /** Unique per gateway; in the access log and in the answer's `x-request-id`. */
  readonly id: string
  readonly method: string
  /** Absolute, percent-encoded as sent; free of dot segments, encoded slashes and control characters. */
  readonly path: string
  /** The same, percent-decoded. */
  readonly decodedPath: string
  /** Without the question mark; empty when there is none. */
  readonly query: string
  readonly scheme: 'http' | 'https'
  /** Host and port that the client asked for, lower case. */
  readonly authority: string
  /** Lower-case names; repeated ones stay apart, in the order received. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Whole when small and of known size, else a stream that fails with a GatewayError and must be read or left. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** Address of the client. */
  readonly remote: string
  /** It came from another machine, or under a name that others have too. */
  readonly isPublic: boolean
  /**
   * Calls when the client goes away or the gateway closes before the answer is handed over, at once when that has been.
   * A plain call instead of an AbortSignal, whose making would cost as much as the rest of a small request.
   */
  readonly whenGone: (call: () => void) => void
}

export interface AppResponse {
  /** 200 to 599. */
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The gateway reads a stream at the speed of the client and ends it (`return()`) when the client has gone. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>
  /** Of a stream, where it is known beforehand: its content-length. */
  readonly bodyBytes?: number
}

/** A file of an app's package. */
export interface Asset {
  readonly size: number
  readonly mediaType: string
  /** A strong entity tag with its quotes, from the content's hash. */
  readonly entityTag: string
  readonly modifiedMs?: number | undefined
  /** Bytes from `start` up to `end` (not included); the caller does not change them. */
  read(start: number, end: number): Uint8Array | AsyncIterable<Uint8Array>
}

export interface ServedApp {
  readonly name: string
  /** At most the gateway's own bound; undefined takes that. */
  readonly bodyBytesMax?: number | undefined
  /** Other origins may send it writing requests; default false. */
  readonly allowsOtherOrigins?: boolean | undefined
  /** Asked before anything is answered, assets too; absent takes every request. @throws AppFailure */
  admit?(isPublic: boolean): void
  /** By decoded path, `/index.html`; undefined when the request is one for the app. */
  asset(path: string): Asset | undefined
  /** @throws AppFailure; any other error is answered 502 and logged. */
  handle(request: AppRequest): Promise<AppResponse>
}

export interface AppDirectory {
  /** undefined when no app of this name is installed. */
  find(name: string): ServedApp | undefined
}
