/** The port between the session and whatever moves its bytes: one ordered, reliable, two-way stream. */
import type { Address } from './address.ts'

export interface ByteLink {
  /**
   * Takes the bytes in any case. Must not throw.
   * @param released called once when the link reads none of them any more, be it at once; never when it has ended before
   */
  send(chunks: readonly Uint8Array[], released?: () => void): void
  /** Bytes taken and not yet given to the operating system (or its like). */
  readonly queuedBytes: number
  /** Starts the delivery; called once. What came before is delivered first. */
  open(receiver: LinkReceiver): void
  /** Ends the stream after what was sent. */
  end(): void
  /** Ends it now; nothing is delivered afterwards but `ended`. */
  destroy(): void
}

/** What a link calls. None of these throws, whatever the bytes. */
export interface LinkReceiver {
  /** The chunk is read before this returns, and the link may use its memory again. */
  receive(chunk: Uint8Array): void
  /** `queuedBytes` has fallen. */
  drained(): void
  /** Nothing more comes and nothing more can be sent; called once. */
  ended(why: string): void
}

/** A link whose other end has proven a key, before any byte of the session. */
export interface ProvenLink {
  readonly link: ByteLink
  readonly remoteKey: Uint8Array
  readonly remoteAddress: string
  /** True when the bytes pass through a relay. */
  readonly relayed: boolean
  /** Another link to the same peer, beside this one; undefined for a link that the peer opened. */
  readonly openAnother: OpenLink | undefined
}

export type OpenLink = (signal: AbortSignal) => Promise<ByteLink>

/** What a driver does; everything else of a network is in `host.ts`. */
export interface Transport {
  canDial(address: Address): boolean
  /**
   * A link to the peer that proves `expectedKey` (else `ERR_NETWORK_PEER_MISMATCH`, before a byte of the session is
   * sent); `ERR_NETWORK_UNREACHABLE` when nobody answers. Rejects with anything when the signal is aborted.
   */
  dial(address: Address, expectedKey: Uint8Array, signal: AbortSignal): Promise<ProvenLink>
  /** Starts the delivery of links that peers opened; called once. */
  open(receiver: TransportReceiver): void
  addresses(): readonly string[]
  close(): Promise<void>
}

export interface TransportReceiver {
  accepted(proven: ProvenLink): void
  addressesChanged(): void
  /** A peer with a link through a relay can be dialled without one now. */
  directWay(remoteKey: Uint8Array, address: string): void
}
