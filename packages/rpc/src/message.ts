/** The messages of the protocol and how they are told apart (doc/spec/10-rpc.md, sections 4 and 6). */
import { idCharactersMax } from './limits.ts'
import type { ErrorObject } from './rpc-error.ts'
import { isRecord, type Framing } from './schema.ts'

export type RequestId = number | string | null

export function isRequestId(value: unknown): value is RequestId {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  return value === null || (typeof value === 'string' && value.length <= idCharactersMax)
}

/** What happens on the byte stream of one request; the direction tells upload from download. */
export type StreamMessage =
  | { readonly kind: 'data'; readonly id: RequestId; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly id: RequestId }
  | { readonly kind: 'error'; readonly id: RequestId; readonly error: unknown }
  | { readonly kind: 'credit'; readonly id: RequestId; readonly bytes: number }

/** Undefined for frames that are no stream message; 'invalid' for those that are a broken one. */
export function readStreamFrame(value: Record<string, unknown>): StreamMessage | 'invalid' | undefined {
  if (!('s' in value)) return undefined
  const id = value['s']
  if (!isRequestId(id)) return 'invalid'
  const bytes = value['d']
  if (bytes instanceof Uint8Array) return { kind: 'data', id, bytes }
  if (value['end'] === true) return { kind: 'end', id }
  if (isRecord(value['err'])) return { kind: 'error', id, error: value['err'] }
  const credit = value['w']
  return isCredit(credit) ? { kind: 'credit', id, bytes: credit } : 'invalid'
}

/** The same for JSON notifications; `dataMethod` is `stream.write` at the server and `stream.data` at the client. */
export function readStreamNotification(
  method: string,
  params: unknown,
  dataMethod: string
): StreamMessage | 'invalid' | undefined {
  if (!method.startsWith('stream.')) return undefined
  if (!isRecord(params)) return 'invalid'
  const id = params['id']
  if (!isRequestId(id)) return 'invalid'
  if (method === dataMethod) return readTextChunk(id, params['bytes'])
  if (method === 'stream.end') return { kind: 'end', id }
  if (method === 'stream.error') return { kind: 'error', id, error: params['error'] }
  const credit = params['bytes']
  return method === 'stream.credit' && isCredit(credit) ? { kind: 'credit', id, bytes: credit } : 'invalid'
}

function readTextChunk(id: RequestId, text: unknown): StreamMessage | 'invalid' {
  if (typeof text !== 'string') return 'invalid'
  try {
    return { kind: 'data', id, bytes: Uint8Array.fromBase64(text) }
  } catch {
    return 'invalid'
  }
}

function isCredit(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0
}

export function writeStreamMessage(message: StreamMessage, framing: Framing, dataMethod: string): unknown {
  const { id } = message
  switch (message.kind) {
    case 'data':
      return framing === 'frames'
        ? { s: id, d: message.bytes }
        : notification(dataMethod, { id, bytes: message.bytes.toBase64() })
    case 'end':
      return framing === 'frames' ? { s: id, end: true } : notification('stream.end', { id })
    case 'error':
      return framing === 'frames'
        ? { s: id, err: message.error }
        : notification('stream.error', { id, error: message.error })
    case 'credit':
      return framing === 'frames'
        ? { s: id, w: message.bytes }
        : notification('stream.credit', { id, bytes: message.bytes })
  }
}

export function notification(method: string, params: unknown): unknown {
  return { jsonrpc: '2.0', method, params }
}

export function errorAnswer(id: RequestId, error: ErrorObject): unknown {
  return { jsonrpc: '2.0', id, error }
}
