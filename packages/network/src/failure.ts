/** What the peer learns of an exception, and how the words of both sides are put into errors. */
import { isErrorCode } from './frame.ts'
import { NetworkError } from './network-error.ts'

export interface Failure {
  readonly code: string
  readonly message: string
}

/**
 * Only what was meant to be told leaves the node: an error whose own `code` begins with `ERR_`. Everything else, such as
 * one of the file system with a path in its message, is `ERR_INTERNAL` without a word.
 */
export function describeFailure(error: unknown): Failure {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    const { code, message } = error
    if (code.startsWith('ERR_') && isErrorCode(code)) return { code, message }
  }
  return { code: 'ERR_INTERNAL', message: 'the peer failed' }
}

export function cancelled(what: string, signal?: AbortSignal): NetworkError {
  return new NetworkError('ERR_NETWORK_CANCELLED', `${what} was cancelled`, { cause: signal?.reason })
}

export function timedOut(what: string, timeoutMs: number): NetworkError {
  return new NetworkError('ERR_NETWORK_TIMEOUT', `${what} took longer than ${timeoutMs} ms`)
}

export function connectionEnded(what: string, reason: string): NetworkError {
  return new NetworkError('ERR_NETWORK_CLOSED', `${what} had no answer; the connection has ended: ${reason}`)
}
