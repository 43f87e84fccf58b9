/** Messages as datagrams: RFC 7252 section 3. Four bytes of head, token, options, marker, payload. */
import { CoapError } from './coap-error.ts'
import { tokenBytesMax } from './limits.ts'
import { type Message, noBytes } from './message.ts'
import { decodeOptions, encodeOptions, optionsLength } from './option.ts'

export const messageType = { confirmable: 0, nonConfirmable: 1, acknowledgement: 2, reset: 3 } as const

export interface Datagram extends Message {
  readonly type: number
  /** 16 bits. */
  readonly id: number
}

export function encodeDatagram({ type, id, code, token, options, payload }: Datagram): Uint8Array {
  const marker = payload.length > 0 ? 1 : 0
  const bytes = new Uint8Array(4 + token.length + optionsLength(options) + marker + payload.length)
  bytes[0] = 0x40 | (type << 4) | token.length
  bytes[1] = code
  bytes[2] = id >> 8
  bytes[3] = id & 255
  bytes.set(token, 4)
  const at = encodeOptions(options, bytes, 4 + token.length)
  if (marker === 1) {
    bytes[at] = 0xff
    bytes.set(payload, at + 1)
  }
  return bytes
}

/** Type and id of what begins like a datagram of version 1, whatever follows: to reject it properly. */
export function peekDatagram(bytes: Uint8Array): { readonly type: number; readonly id: number } | undefined {
  const [head = 0, , high = 0, low = 0] = bytes
  if (bytes.length < 4 || head >> 6 !== 1) return undefined
  return { type: (head >> 4) & 3, id: (high << 8) | low }
}

/** Views of `bytes`. ERR_COAP_FORMAT, ERR_COAP_TOO_LARGE. */
export function decodeDatagram(bytes: Uint8Array): Datagram {
  const start = peekDatagram(bytes)
  if (start === undefined) throw new CoapError('ERR_COAP_FORMAT', 'not a datagram of CoAP version 1')
  const tokenLength = (bytes[0] ?? 0) & 15
  const code = bytes[1] ?? 0
  if (tokenLength > tokenBytesMax || 4 + tokenLength > bytes.length)
    throw new CoapError('ERR_COAP_FORMAT', `token length ${tokenLength}: above 8, or cut off`)
  if (code === 0 && bytes.length > 4)
    throw new CoapError('ERR_COAP_FORMAT', 'an empty message with something in it')
  const end = bytes.length
  const { options, payloadOffset } = decodeOptions(bytes, 4 + tokenLength, end)
  const token = tokenLength === 0 ? noBytes : bytes.subarray(4, 4 + tokenLength)
  return { ...start, code, token, options, payload: bytes.subarray(payloadOffset, end) }
}
