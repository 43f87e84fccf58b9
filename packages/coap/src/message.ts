/** What a message says, whatever carries it: code, token, options, payload. Codings: ./datagram.ts, ./stream-frame.ts. */
import type { Option } from './option.ts'

export interface Message {
  readonly code: number
  /** 0 to 8 bytes. */
  readonly token: Uint8Array
  readonly options: readonly Option[]
  /** Of a message that was read: a view of the received bytes, good for as long as it is held. */
  readonly payload: Uint8Array
}

/** What somebody asks for, before it has a token. */
export interface OutgoingRequest {
  readonly code: number
  readonly options: readonly Option[]
  readonly payload?: Uint8Array
}

export interface Response {
  readonly code: number
  readonly options?: readonly Option[]
  readonly payload?: Uint8Array
}

/** An answer that was received: nothing is left out. */
export type ReceivedResponse = Required<Response>

export const noBytes: Uint8Array = new Uint8Array(0)
