/**
 * Frames of the session: after a length of four bytes a type, an id and the type's fields, big endian, each with a
 * limit; bytes and limits in doc/spec/24-network.md, sections 3 and 7. The decoder takes exactly what the encoder makes.
 */
import {
  bodyBytesMax,
  errorCodeBytesMax,
  errorMessageBytesMax,
  frameBytesMax,
  nameBytesMax,
  reasonBytesMax,
  requestTimeoutMsMax
} from './limits.ts'
import { NetworkError } from './network-error.ts'

export const frameType = {
  hello: 1,
  request: 2,
  answer: 3,
  error: 4,
  cancel: 5,
  event: 6,
  ping: 7,
  pong: 8,
  close: 9,
  pull: 10,
  chunk: 11,
  credit: 12,
  end: 13,
  channel: 14
} as const

export const channelKind = { request: 0, bulk: 1 } as const

export type Frame =
  | HelloFrame
  | RequestFrame
  | { readonly type: typeof frameType.answer; readonly id: number; readonly body: Uint8Array }
  | ErrorFrame
  | { readonly type: typeof frameType.cancel; readonly id: number }
  | EventFrame
  | { readonly type: typeof frameType.ping; readonly id: number }
  | { readonly type: typeof frameType.pong; readonly id: number }
  | { readonly type: typeof frameType.close; readonly reason: string }
  | PullFrame
  | { readonly type: typeof frameType.chunk; readonly id: number; readonly body: Uint8Array }
  | { readonly type: typeof frameType.credit; readonly id: number; readonly bytes: number }
  | { readonly type: typeof frameType.end; readonly id: number }
  | { readonly type: typeof frameType.channel; readonly id: number }

/** First frame of each channel, both ways. */
export interface HelloFrame {
  readonly type: typeof frameType.hello
  readonly version: number
  readonly channel: number
  /** 16 random bytes of the sender's network, new with each start of its process */
  readonly instance: Uint8Array
  /** 16 random bytes chosen by who dialled; they join a connection's channels */
  readonly session: Uint8Array
}

export interface RequestFrame {
  readonly type: typeof frameType.request
  readonly id: number
  readonly timeoutMs: number
  readonly method: string
  readonly body: Uint8Array
}

export interface ErrorFrame {
  readonly type: typeof frameType.error
  readonly id: number
  readonly code: string
  readonly message: string
}

export interface EventFrame {
  readonly type: typeof frameType.event
  readonly name: string
  readonly body: Uint8Array
}

export interface PullFrame {
  readonly type: typeof frameType.pull
  readonly id: number
  readonly timeoutMs: number
  readonly credit: number
  readonly method: string
  readonly head: Uint8Array
}

export const tokenBytes = 16
const lengthBytes = 4
const idBytes = 4
const helloBytes = 1 + 1 + 1 + tokenBytes + tokenBytes
/** What of a chunk comes before its body, without the length of the frame. */
export const chunkHeadBytes: number = 1 + idBytes

const namePattern = /^[!-~]{1,64}$/
const codePattern = /^[A-Z][A-Z0-9_]{0,63}$/
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export function isName(text: string): boolean {
  return namePattern.test(text)
}

export function isErrorCode(text: string): boolean {
  return codePattern.test(text)
}

/** A frame as length, header and body; the body is the caller's bytes, not copied. */
export interface EncodedFrame {
  readonly header: Uint8Array
  readonly body: Uint8Array
}

const nothing = new Uint8Array()

/** Its fields must be within the limits, which is the caller's duty; names and codes are ASCII. */
export function encodeFrame(frame: Frame): EncodedFrame {
  switch (frame.type) {
    case frameType.hello:
      return encodeHello(frame)
    case frameType.request: {
      const header = newHeader(frame.type, frame.id, 4 + 1 + frame.method.length, frame.body)
      setUint32(header, 9, frame.timeoutMs)
      setName(header, 13, frame.method)
      return { header, body: frame.body }
    }
    case frameType.pull: {
      const header = newHeader(frame.type, frame.id, 4 + 4 + 1 + frame.method.length, frame.head)
      setUint32(header, 9, frame.timeoutMs)
      setUint32(header, 13, frame.credit)
      setName(header, 17, frame.method)
      return { header, body: frame.head }
    }
    case frameType.event: {
      const header = newHeader(frame.type, undefined, 1 + frame.name.length, frame.body)
      setName(header, 5, frame.name)
      return { header, body: frame.body }
    }
    case frameType.error: {
      const body = encodeText(frame.message, errorMessageBytesMax)
      const header = newHeader(frame.type, frame.id, 1 + frame.code.length, body)
      setName(header, 9, frame.code)
      return { header, body }
    }
    case frameType.close: {
      const body = encodeText(frame.reason, reasonBytesMax)
      return { header: newHeader(frame.type, undefined, 0, body), body }
    }
    case frameType.answer:
    case frameType.chunk:
      return { header: newHeader(frame.type, frame.id, 0, frame.body), body: frame.body }
    case frameType.credit: {
      const header = newHeader(frame.type, frame.id, 4, nothing)
      setUint32(header, 9, frame.bytes)
      return { header, body: nothing }
    }
    case frameType.cancel:
    case frameType.ping:
    case frameType.pong:
    case frameType.end:
    case frameType.channel:
      return { header: newHeader(frame.type, frame.id, 0, nothing), body: nothing }
    default:
      return frame satisfies never
  }
}

function encodeHello(frame: HelloFrame): EncodedFrame {
  const header = new Uint8Array(lengthBytes + helloBytes)
  setUint32(header, 0, helloBytes)
  header[4] = frame.type
  header[5] = frame.version
  header[6] = frame.channel
  header.set(frame.instance, 7)
  header.set(frame.session, 7 + tokenBytes)
  return { header, body: nothing }
}

function newHeader(type: number, id: number | undefined, fieldBytes: number, body: Uint8Array): Uint8Array {
  const header = new Uint8Array(lengthBytes + 1 + (id === undefined ? 0 : idBytes) + fieldBytes)
  setUint32(header, 0, header.length - lengthBytes + body.length)
  header[4] = type
  if (id !== undefined) setUint32(header, 5, id)
  return header
}

function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function setName(bytes: Uint8Array, at: number, name: string): void {
  bytes[at] = name.length
  for (let index = 0; index < name.length; index++) bytes[at + 1 + index] = name.charCodeAt(index)
}

/** UTF-8, cut to the limit between characters. */
function encodeText(text: string, bytesMax: number): Uint8Array {
  const bytes = new Uint8Array(bytesMax)
  const { written } = encoder.encodeInto(text.toWellFormed(), bytes)
  return bytes.subarray(0, written)
}

/**
 * Reads what followed the length. Bodies are copies of their own, or views when the frame is most of its buffer.
 * `ERR_NETWORK_PROTOCOL`, naming the field, for anything that is no frame of this version.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  if (bytes.length === 0 || bytes.length > frameBytesMax) throw refuse('length', bytes.length)
  const type = bytes[0] ?? 0
  switch (type) {
    case frameType.hello:
      return decodeHello(bytes)
    case frameType.event: {
      const name = getName(bytes, 1)
      return { type, name, body: getBody(bytes, 2 + name.length) }
    }
    case frameType.close:
      return { type, reason: getText(bytes, 1, reasonBytesMax, 'reason') }
    default:
      return decodeNumbered(type, bytes)
  }
}

function decodeHello(bytes: Uint8Array): Frame {
  if (bytes.length !== helloBytes) throw refuse('length of hello', bytes.length)
  return {
    type: frameType.hello,
    version: bytes[1] ?? 0,
    channel: bytes[2] ?? 0,
    instance: bytes.slice(3, 3 + tokenBytes),
    session: bytes.slice(3 + tokenBytes)
  }
}

function decodeNumbered(type: number, bytes: Uint8Array): Frame {
  const id = getUint32(bytes, 1, 'id')
  switch (type) {
    case frameType.request: {
      const timeoutMs = getTimeout(bytes)
      const method = getName(bytes, 9)
      return { type, id, timeoutMs, method, body: getBody(bytes, 10 + method.length) }
    }
    case frameType.pull: {
      const timeoutMs = getTimeout(bytes)
      const credit = getUint32(bytes, 9, 'credit')
      const method = getName(bytes, 13)
      return { type, id, timeoutMs, credit, method, head: getBody(bytes, 14 + method.length) }
    }
    case frameType.answer:
      return { type, id, body: getBody(bytes, 5) }
    case frameType.chunk: {
      if (bytes.length === 5) throw refuse('length of chunk', 0)
      return { type, id, body: getBody(bytes, 5) }
    }
    case frameType.error: {
      const code = getName(bytes, 5, errorCodeBytesMax)
      if (!isErrorCode(code)) throw refuse('code', code)
      return { type, id, code, message: getText(bytes, 6 + code.length, errorMessageBytesMax, 'message') }
    }
    case frameType.credit: {
      const credit = getUint32(bytes, 5, 'credit')
      if (bytes.length !== 9 || credit === 0) throw refuse('credit', credit)
      return { type, id, bytes: credit }
    }
    case frameType.cancel:
    case frameType.ping:
    case frameType.pong:
    case frameType.end:
    case frameType.channel:
      if (bytes.length !== 5) throw refuse('length', bytes.length)
      return { type, id }
    default:
      throw refuse('type', type)
  }
}

function getUint32(bytes: Uint8Array, at: number, field: string): number {
  const [a, b, c, d] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]
  if (a === undefined || b === undefined || c === undefined || d === undefined) throw refuse(field, 'cut off')
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

function getTimeout(bytes: Uint8Array): number {
  const timeoutMs = getUint32(bytes, 5, 'timeout')
  if (timeoutMs === 0 || timeoutMs > requestTimeoutMsMax) throw refuse('timeout', timeoutMs)
  return timeoutMs
}

function getName(bytes: Uint8Array, at: number, bytesMax: number = nameBytesMax): string {
  const length = bytes[at] ?? 0
  if (length === 0 || length > bytesMax || at + 1 + length > bytes.length) throw refuse('name length', length)
  let name = ''
  for (let index = at + 1; index <= at + length; index++) {
    const byte = bytes[index] ?? 0
    if (byte < 0x21 || byte > 0x7e) throw refuse('byte of a name', byte)
    name += String.fromCharCode(byte)
  }
  return name
}

function getText(bytes: Uint8Array, at: number, bytesMax: number, field: string): string {
  if (bytes.length - at > bytesMax) throw refuse(`length of ${field}`, bytes.length - at)
  try {
    return decoder.decode(bytes.subarray(at))
  } catch (error) {
    throw new NetworkError('ERR_NETWORK_PROTOCOL', `frame with a ${field} that is no UTF-8`, { cause: error })
  }
}

function getBody(bytes: Uint8Array, at: number): Uint8Array {
  const length = bytes.length - at
  if (length > bodyBytesMax) throw refuse('length of the body', length)
  return length * 2 > bytes.buffer.byteLength ? bytes.subarray(at) : bytes.slice(at)
}

function refuse(field: string, value: number | string): NetworkError {
  return new NetworkError('ERR_NETWORK_PROTOCOL', `frame with ${field} ${JSON.stringify(value)}`)
}
