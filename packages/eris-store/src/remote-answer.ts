/** What stores of others may answer: a block of one of the two sizes, or nothing. */
import { type BlockRequest, ErisError, isBlockSize } from '@blocktree/eris'

/** The block; undefined when it has the other size; ERR_ERIS_STORE_ANSWER for any other length. */
export function expectBlock(
  store: string,
  { size }: BlockRequest,
  bytes: Uint8Array
): Uint8Array | undefined {
  if (bytes.length === size) return bytes
  if (isBlockSize(bytes.length)) return undefined
  throw new ErisError(
    'ERR_ERIS_STORE_ANSWER',
    `${store} answered ${bytes.length} bytes for a block of ${size}`
  )
}

export function unavailable(store: string, cause: unknown): ErisError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new ErisError('ERR_ERIS_STORE_UNAVAILABLE', `${store} cannot be reached: ${reason}`, { cause })
}

export function denied(store: string, what: string, answer: string): ErisError {
  return new ErisError('ERR_ERIS_STORE_DENIED', `${store} does not allow "${what}" (${answer})`)
}
