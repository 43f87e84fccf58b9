/**
 * The one error class of this package and its form on the wire (doc/spec/10-rpc.md, section 5).
 * A failure is known by its text code; the number is derived from it, so that no registry is needed.
 */
import { messageCharactersMax } from './limits.ts'

export type RpcErrorCode =
  | 'ERR_RPC_PARSE' // the line or frame is not a message
  | 'ERR_RPC_LINE_TOO_LONG' // a line exceeds the limit; it was skipped
  | 'ERR_RPC_FRAME_TOO_LONG' // a frame exceeds the limit; the connection is closed
  | 'ERR_RPC_REQUEST' // valid JSON or MessagePack, not a request
  | 'ERR_RPC_METHOD_UNKNOWN' // no such method; data.nearest may name one
  | 'ERR_RPC_PARAMS' // parameters do not match the method's schema; data.path says where
  | 'ERR_RPC_RESULT' // a result does not match the method's schema
  | 'ERR_INTERNAL' // an unexpected failure; its details are in the log only
  | 'ERR_RPC_CANCELLED' // cancelled by rpc.cancel or by the caller's signal
  | 'ERR_RPC_TIMEOUT' // the caller's timeout passed
  | 'ERR_RPC_CLOSED' // the connection ended before the answer
  | 'ERR_RPC_ID_IN_USE' // a request with this id is still running
  | 'ERR_RPC_STREAM' // stream misuse: none declared, ended, or window exceeded
  | 'ERR_RPC_SUBSCRIPTION' // no such subscription, or too many of them
  | 'ERR_RPC_DEFINITION' // a method table or its handlers are put together wrongly

/** Numbers that JSON-RPC 2.0 (or custom, for cancellation) prescribes; all others are derived. */
const numericByCode: ReadonlyMap<string, number> = new Map([
  ['ERR_RPC_PARSE', -32700],
  ['ERR_RPC_LINE_TOO_LONG', -32001],
  ['ERR_RPC_FRAME_TOO_LONG', -32002],
  ['ERR_RPC_REQUEST', -32600],
  ['ERR_RPC_METHOD_UNKNOWN', -32601],
  ['ERR_RPC_PARAMS', -32602],
  ['ERR_INTERNAL', -32603],
  ['ERR_RPC_RESULT', -32003],
  ['ERR_RPC_TIMEOUT', -32004],
  ['ERR_RPC_CLOSED', -32005],
  ['ERR_RPC_ID_IN_USE', -32006],
  ['ERR_RPC_STREAM', -32007],
  ['ERR_RPC_SUBSCRIPTION', -32008],
  ['ERR_RPC_CANCELLED', -32800]
])

/**
 * The number of a text code: fixed for the protocol's own, otherwise 1000 + FNV-1a(code) mod 1,000,000,
 * so that every implementation finds the same one.
 */
export function numericOfCode(code: string): number {
  const fixed = numericByCode.get(code)
  if (fixed !== undefined) return fixed
  let hash = 0x811c9dc5
  for (let index = 0; index < code.length; index++) {
    hash = Math.imul(hash ^ code.charCodeAt(index), 0x01000193) >>> 0
  }
  return 1000 + (hash % 1_000_000)
}

export type ErrorData = Readonly<Record<string, unknown>>

/** The error member of an answer. */
export interface ErrorObject {
  readonly code: number
  readonly message: string
  readonly data: ErrorData & { readonly code: string }
}

/** Thrown by clients and by handlers; `code` is one of `RpcErrorCode` or the code of another package. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: string
  readonly numeric: number
  readonly data: ErrorData
  constructor(
    code: RpcErrorCode | (string & {}),
    message: string,
    data: ErrorData = {},
    options?: ErrorOptions
  ) {
    super(message, options)
    this.code = code
    this.numeric = numericOfCode(code)
    this.data = data
  }
}

const codePattern = /^E(RR)?_[A-Z0-9_]{1,80}$/

/** The stable code of anything thrown; undefined for unexpected failures. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('code' in thrown)) return undefined
  return typeof thrown.code === 'string' && codePattern.test(thrown.code) ? thrown.code : undefined
}

/** What a peer may see of anything thrown: never a stack, and nothing of an unexpected failure. */
export function toErrorObject(thrown: unknown): ErrorObject {
  const code = safeCodeOf(thrown)
  if (code === undefined) {
    return {
      code: -32603,
      message: 'the request failed unexpectedly; the log of the node has the details',
      data: { code: 'ERR_INTERNAL' }
    }
  }
  return { code: numericOfCode(code), message: messageOf(thrown), data: { ...dataOf(thrown), code } }
}

/** The error a peer sent, as something to throw. */
export function fromErrorObject(value: unknown): RpcError {
  if (typeof value !== 'object' || value === null)
    return new RpcError('ERR_INTERNAL', 'the peer sent an error without content')
  const message = 'message' in value && typeof value.message === 'string' ? value.message : 'no message'
  const data = 'data' in value && isErrorData(value.data) ? value.data : {}
  const code = data['code']
  return new RpcError(typeof code === 'string' ? code : 'ERR_INTERNAL', message, data)
}

function safeCodeOf(thrown: unknown): string | undefined {
  try {
    return codeOf(thrown)
  } catch {
    return undefined
  }
}

function messageOf(thrown: unknown): string {
  const message = thrown instanceof Error ? thrown.message : 'the request failed'
  return message.length > messageCharactersMax ? `${message.slice(0, messageCharactersMax)}…` : message
}

function dataOf(thrown: unknown): ErrorData {
  if (typeof thrown !== 'object' || thrown === null || !('data' in thrown)) return {}
  return isErrorData(thrown.data) ? thrown.data : {}
}

function isErrorData(value: unknown): value is ErrorData {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
