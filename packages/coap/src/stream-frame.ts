/**
 * Messages on a byte stream: RFC 8323 section 3.2. `Len | TKL`, 0 to 4 bytes of length, code, token, options, marker,
 * payload; the length counts options, marker and payload. The payload may be handed over apart, uncopied.
 */
import { CoapError } from './coap-error.ts'
import { tokenBytesMax } from './limits.ts'
import type { Message } from './message.ts'
import { decodeOptions, encodeOptions, optionsLength } from './option.ts'

/** Head, token, options and marker: everything before the payload. */
export function encodeFrameHead({ code, token, options, payload }: Message): Uint8Array {
  const marker = payload.length > 0 ? 1 : 0
  const optionBytes = optionsLength(options)
  const body = optionBytes + marker + payload.length
  const extension = extensionBytes(body)
  const bytes = new Uint8Array(2 + extension + token.length + optionBytes + marker)
  bytes[0] = ((extension === 0 ? body : lengthNibble(extension)) << 4) | token.length
  writeLength(bytes, extension, body)
  bytes[1 + extension] = code
  bytes.set(token, 2 + extension)
  const at = encodeOptions(options, bytes, 2 + extension + token.length)
  if (marker === 1) bytes[at] = 0xff
  return bytes
}

/** Bytes of the whole message as a peer's Max-Message-Size counts them. */
export function frameLength(message: Message): number {
  const body = optionsLength(message.options) + (message.payload.length > 0 ? 1 : 0) + message.payload.length
  return 2 + extensionBytes(body) + message.token.length + body
}

function extensionBytes(body: number): number {
  if (body < 13) return 0
  if (body < 269) return 1
  return body < 65_805 ? 2 : 4
}

function lengthNibble(extension: number): number {
  if (extension === 1) return 13
  return extension === 2 ? 14 : 15
}

function writeLength(bytes: Uint8Array, extension: number, body: number): void {
  if (extension === 0) return
  if (extension === 1) bytes[1] = body - 13
  else if (extension === 2) {
    bytes[1] = (body - 269) >> 8
    bytes[2] = (body - 269) & 255
  } else {
    const rest = body - 65_805
    bytes[1] = rest >>> 24
    bytes[2] = (rest >>> 16) & 255
    bytes[3] = (rest >>> 8) & 255
    bytes[4] = rest & 255
  }
}

/** Where the parts of a frame lie, from its first bytes on. */
export interface FrameExtent {
  /** Bytes of length extension. */
  readonly extension: number
  readonly tokenLength: number
  /** Bytes of the whole frame. */
  readonly length: number
}

/** Undefined while more bytes are needed. ERR_COAP_FORMAT, ERR_COAP_TOO_LARGE. */
export function measureFrame(
  bytes: Uint8Array,
  start: number,
  end: number,
  lengthMax: number
): FrameExtent | undefined {
  if (start >= end) return undefined
  const head = bytes[start] ?? 0
  const tokenLength = head & 15
  if (tokenLength > tokenBytesMax)
    throw new CoapError('ERR_COAP_FORMAT', `token length ${tokenLength} is above 8`)
  const short = head >> 4
  const extension = short < 13 ? 0 : 1 << (short - 13)
  if (start + 1 + extension > end) return undefined
  const length = 2 + extension + tokenLength + bodyLength(bytes, start + 1, short)
  if (length > lengthMax)
    throw new CoapError('ERR_COAP_TOO_LARGE', `a message of ${length} bytes; ${lengthMax} are taken`)
  return { extension, tokenLength, length }
}

function bodyLength(bytes: Uint8Array, at: number, short: number): number {
  if (short < 13) return short
  const byte = (index: number): number => bytes[at + index] ?? 0
  if (short === 13) return byte(0) + 13
  if (short === 14) return byte(0) * 256 + byte(1) + 269
  return byte(0) * 0x1_00_00_00 + byte(1) * 65_536 + byte(2) * 256 + byte(3) + 65_805
}

/** A whole frame that begins at `start`; views of `bytes`. ERR_COAP_FORMAT, ERR_COAP_TOO_LARGE. */
export function decodeFrame(bytes: Uint8Array, start: number, extent: FrameExtent): Message {
  const codeOffset = start + 1 + extent.extension
  const tokenOffset = codeOffset + 1
  const end = start + extent.length
  const bodyOffset = tokenOffset + extent.tokenLength
  const { options, payloadOffset } = decodeOptions(bytes, bodyOffset, end)
  return {
    code: bytes[codeOffset] ?? 0,
    token: bytes.subarray(tokenOffset, bodyOffset),
    options,
    payload: bytes.subarray(payloadOffset, end)
  }
}
