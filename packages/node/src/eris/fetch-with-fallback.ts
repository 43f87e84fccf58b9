/**
 * Content by its capability, and by a URL when its blocks are missing, damaged, or do not come: whoever keeps blocks can
 * delay an installation, never change or prevent it. What the URL gives must be what the capability names.
 */
import {
  type OpeningOptions,
  type ReadCapability,
  encodeContent,
  formatUrn,
  nullSecret,
  readContent
} from '@blocktree/eris'
import { NodeError, reasonOf } from '../node-error.ts'

export interface FallbackRequest {
  readonly reading: OpeningOptions
  readonly capability: ReadCapability
  readonly bytesMax: number
  /** http or https; undefined when there is nowhere else to get it. */
  readonly url: string | undefined
  /** SHA-256 of the content; undefined when nobody has signed one. */
  readonly sha256: Uint8Array | undefined
  readonly hash: (bytes: Uint8Array) => Uint8Array
  /** Blocks that make no progress for this long are given up; the same for the URL. */
  readonly idleMs: number
  /** Calls back later. @returns a function that cancels */
  readonly startTimer: (milliseconds: number, callback: () => void) => () => void
  readonly get: (url: string, signal: AbortSignal) => Promise<AsyncIterable<Uint8Array>>
}

export interface FetchedBytes {
  readonly bytes: Uint8Array
  readonly source: 'blocks' | 'url'
  /** Why blocks did not do. */
  readonly reason: string | undefined
}

/** @throws what the blocks failed with when there is no URL; ERR_CONTENT_OTHER when it gives something else */
export async function fetchWithFallback(request: FallbackRequest): Promise<FetchedBytes> {
  const { url, capability, reading, sha256, hash } = request
  let reason: string
  try {
    const bytes = await collect(request, (signal) => readContent({ ...reading, signal }, capability))
    if (sha256 !== undefined && !isSame(hash(bytes), sha256)) throw other('its blocks give')
    return { bytes, source: 'blocks', reason: undefined }
  } catch (error) {
    if (url === undefined || reading.signal?.aborted === true) throw error
    reason = reasonOf(error)
  }
  const bytes = await collect(request, async function* (signal) {
    yield* await request.get(url, signal)
  })
  const isOther = sha256 === undefined ? !(await encodesTo(request, bytes)) : !isSame(hash(bytes), sha256)
  if (isOther) throw other('the URL gives')
  return { bytes, source: 'url', reason }
}

/** Without a signed hash: only content that was encoded without a secret can be recognised. */
async function encodesTo({ reading, capability }: FallbackRequest, bytes: Uint8Array): Promise<boolean> {
  const { kernel } = reading
  const { blockSize } = capability
  const encoded = await encodeContent({ kernel, blockSize, secret: nullSecret(), put: async () => {} }, [
    bytes
  ])
  return formatUrn(encoded.capability) === formatUrn(capability)
}

async function collect(
  { reading, bytesMax, idleMs, startTimer }: FallbackRequest,
  open: (signal: AbortSignal) => AsyncIterable<Uint8Array>
): Promise<Uint8Array> {
  const stalled = new AbortController()
  const signal =
    reading.signal === undefined ? stalled.signal : AbortSignal.any([reading.signal, stalled.signal])
  const start = (): (() => void) =>
    startTimer(idleMs, () =>
      stalled.abort(new NodeError('ERR_CONTENT_SLOW', `nothing came for ${idleMs} ms`))
    )
  let cancel = start()
  const parts: Uint8Array[] = []
  let length = 0
  try {
    const source = open(signal)[Symbol.asyncIterator]()
    for (;;) {
      const next = await raceAbort(source.next(), signal)
      if (next.done === true) return Buffer.concat(parts, length)
      cancel()
      cancel = start()
      length += next.value.length
      if (length > bytesMax)
        throw new NodeError('ERR_CONTENT_SIZE', `the content has more than ${bytesMax} bytes`)
      parts.push(next.value)
    }
  } finally {
    cancel()
    stalled.abort()
  }
}

/** A source that does not hear the signal is left behind. */
async function raceAbort<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  work.catch(() => undefined)
  const aborted = Promise.withResolvers<never>()
  const listener = (): void => aborted.reject(signal.reason as Error)
  signal.addEventListener('abort', listener, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener('abort', listener)
  }
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0
}

function other(what: string): NodeError {
  return new NodeError('ERR_CONTENT_OTHER', `${what} other content than was named; do not use it`)
}
