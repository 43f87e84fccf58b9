/** Every bound of the protocol, with its reason; doc/spec/24-network.md, section 7, lists them. */

/** Version of the session protocol, in the first frame of each channel. */
export const protocolVersion = 1

/** Longest body of a request, answer, event or chunk. */
export const bodyBytesMax: number = 1024 * 1024
/** Longest message on a topic: it is copied to many. */
export const topicBytesMax: number = 64 * 1024
/** Longest name of a method or event: printable ASCII. */
export const nameBytesMax = 64
/** Longest code of an error. */
export const errorCodeBytesMax = 64
/** Longest message of an error in UTF-8; longer ones are cut. */
export const errorMessageBytesMax = 1024
/** Longest reason of a close in UTF-8; longer ones are cut. */
export const reasonBytesMax = 200
/** Longest frame without its length: a body of full length with the longest header. */
export const frameBytesMax: number = bodyBytesMax + 128
/** Longest frame of a channel that has not said hello: a hello or a close. */
export const helloBytesMax = 256
/** Unfinished frames up to this length are not counted in `strangerFrameBytesMax`: hellos and requests to join. */
export const smallFrameBytesMax: number = 32 * 1024
/** Longest address text taken. */
export const addressCharactersMax = 512

export const requestTimeoutMsDefault = 30_000
export const requestTimeoutMsMax = 600_000
export const dialTimeoutMsDefault = 10_000
/** How long a close waits for what was sent before. */
export const closeTimeoutMs = 1000

/** Events that do not fit are refused with `false`. */
export const eventQueueBytesMax: number = 4 * 1024 * 1024
/** While more than this waits for a peer that reads slowly, its requests are refused. */
export const refuseQueueBytesMax: number = 32 * 1024 * 1024
/** Requests that do not fit are refused here, answers give way to an error. */
export const answerQueueBytesMax: number = 64 * 1024 * 1024
/** Above this, which errors alone can reach, the peer does not read: the connection is closed. */
export const queueBytesMax: number = 68 * 1024 * 1024
/** Above this a channel for bulk, whose chunks wait for room, holds errors alone: its peer pulls and does not read. */
export const bulkQueueBytesMax: number = 4 * 1024 * 1024
/** A chunk costs at least so much credit, so that many small ones cannot fill the memory. */
export const chunkCreditMin = 1024

/** Bounds that the owner of a network may set. */
export interface NetworkLimits {
  /** Requests of one connection under way, each direction. */
  readonly requestsMax: number
  /** Bytes of their bodies, each direction. */
  readonly requestBytesMax: number
  /** Pulled streams of one connection under way, each direction. */
  readonly pullsMax: number
  /** Bytes a peer may send of one pulled stream before they are read; at least a chunk of full length. */
  readonly pullWindowBytes: number
  /** Channels for bulk that a peer may open on one connection. */
  readonly bulkChannelsMax: number
  readonly connectionsMax: number
  /**
   * Bytes of long frames that have not come whole, of all connections for which `trust` was not called, together. Above,
   * the channel that begins another one is closed. No bound where nobody says whom it trusts: infinity when left out.
   */
  readonly strangerFrameBytesMax: number
  /** In place of `requestBytesMax` for what a peer asks before `trust` is called for its connection. */
  readonly strangerRequestBytesMax: number
  /** Channels of proven peers that have not said hello yet. */
  readonly handshakesMax: number
  /** The same from one source: a network of IPv4 addresses with 24 bits in common, of IPv6 with 48, or one relay. */
  readonly handshakesOfSourceMax: number
  readonly handshakeTimeoutMs: number
  /** New channels a second from one key, after a burst of as many. */
  readonly channelsPerSecondMax: number
  /** A ping after so long without a word from the peer. */
  readonly keepAliveMs: number
  /** The connection is given up after so long without a word. */
  readonly silenceMsMax: number
  /** A channel for bulk without a stream is closed after this time. */
  readonly bulkIdleMs: number
}

export const networkLimitsDefault: NetworkLimits = {
  requestsMax: 1024,
  requestBytesMax: 64 * 1024 * 1024,
  pullsMax: 64,
  pullWindowBytes: 4 * 1024 * 1024,
  bulkChannelsMax: 4,
  connectionsMax: 256,
  strangerFrameBytesMax: Infinity,
  strangerRequestBytesMax: Infinity,
  handshakesMax: 64,
  handshakesOfSourceMax: 16,
  handshakeTimeoutMs: 10_000,
  channelsPerSecondMax: 20,
  keepAliveMs: 15_000,
  silenceMsMax: 40_000,
  bulkIdleMs: 60_000
}
