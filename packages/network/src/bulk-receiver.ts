/**
 * The asking side of a channel for bulk: pulls streams from the peer. Credit is granted as chunks are read, so at most a
 * window of each stream is held here.
 */
import { costOf } from './bulk-sender.ts'
import { ByteRing } from './byte-ring.ts'
import { cancelled, connectionEnded, timedOut } from './failure.ts'
import { frameType } from './frame.ts'
import type { ChunkPiece } from './frame-reader.ts'
import type { Channel } from './channel.ts'
import { NetworkError, RemoteError } from './network-error.ts'
import type { Timers } from './timers.ts'

export interface BulkReceiverOptions {
  readonly channel: Channel
  readonly timers: Timers
  readonly windowBytes: number
}

export interface PullRequest {
  readonly method: string
  readonly head: Uint8Array
  /** Longest wait for the next chunk. */
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
  /** The boundaries of chunks do not matter. */
  readonly asBytes: boolean
}

interface Pull {
  readonly chunks: Uint8Array[]
  /** In place of the chunks where their boundaries do not matter. */
  readonly ring: ByteRing | undefined
  /** A chunk that is put together. */
  chunk: Uint8Array
  /** Credit of the peer that is not used up. */
  credit: number
  /** Credit of what was read that is not granted again yet. */
  readCredit: number
  outcome: { readonly error: Error | undefined } | undefined
  wake: (() => void) | undefined
}

const ringsKept = 2 // for the next streams of the channel
const viewBytesMax: number = 256 * 1024 // of a ring, handed on at once: others get their turn in between
const nothing = new Uint8Array(0)

export class BulkReceiver {
  readonly #channel: Channel
  readonly #timers: Timers
  readonly #windowBytes: number
  readonly #pulls = new Map<number, Pull>()
  #rings: ByteRing[] = []
  #lastId = 0

  constructor(options: BulkReceiverOptions) {
    this.#channel = options.channel
    this.#timers = options.timers
    this.#windowBytes = options.windowBytes
  }

  get size(): number {
    return this.#pulls.size
  }

  /** Every pull fails with why the channel ended; what has come can still be read. */
  end(why: string): void {
    for (const [id] of this.#pulls) this.finish(id, connectionEnded('a stream', why))
  }

  async *pull(request: PullRequest): AsyncGenerator<Uint8Array, void, undefined> {
    const id = ++this.#lastId
    const { method, head, timeoutMs, asBytes } = request
    const credit = this.#windowBytes
    const ring = asBytes ? (this.#rings.pop() ?? new ByteRing(credit)) : undefined
    const pull: Pull = {
      chunks: [],
      ring,
      chunk: nothing,
      credit,
      readCredit: 0,
      outcome: undefined,
      wake: undefined
    }
    this.#pulls.set(id, pull)
    this.#channel.send({ type: frameType.pull, id, timeoutMs, credit, method, head })
    try {
      if (ring === undefined) yield* this.#readChunks(id, pull, request)
      else yield* this.#readBytes(id, pull, ring, request)
    } finally {
      this.#pulls.delete(id)
      if (pull.outcome === undefined) this.#channel.send({ type: frameType.cancel, id })
      if (ring !== undefined && this.#rings.length < ringsKept) {
        ring.drop(ring.length)
        this.#rings.push(ring)
      }
    }
  }

  async *#readChunks(id: number, pull: Pull, request: PullRequest): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (pull.chunks.length === 0 && pull.outcome === undefined) await this.#wait(pull, request)
      const chunk = pull.chunks.shift()
      if (chunk !== undefined) {
        this.#grant(id, pull, costOf(chunk.length))
        yield chunk
      } else if (isOver(pull)) return
    }
  }

  async *#readBytes(
    id: number,
    pull: Pull,
    ring: ByteRing,
    request: PullRequest
  ): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (ring.length === 0 && pull.outcome === undefined) await this.#wait(pull, request)
      const bytes = ring.peek(viewBytesMax)
      if (bytes.length > 0) {
        yield bytes
        ring.drop(bytes.length)
        this.#grant(id, pull, bytes.length)
      } else if (isOver(pull)) return
    }
  }

  /** Grants in halves of the window: fewer frames than one for each chunk. */
  #grant(id: number, pull: Pull, cost: number): void {
    pull.readCredit += cost
    if (pull.outcome !== undefined || pull.readCredit * 4 < this.#windowBytes) return
    pull.credit += pull.readCredit
    this.#channel.send({ type: frameType.credit, id, bytes: pull.readCredit })
    pull.readCredit = 0
  }

  #wait(pull: Pull, { method, timeoutMs, signal }: PullRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const what = `stream "${method}"`
      if (signal?.aborted === true) {
        reject(cancelled(what, signal))
        return
      }
      const settle = (error?: Error): void => {
        stop()
        signal?.removeEventListener('abort', abort)
        pull.wake = undefined
        if (error === undefined) resolve()
        else reject(error)
      }
      const abort = (): void => settle(cancelled(what, signal))
      const stop = this.#timers.start(timeoutMs, () => settle(timedOut(`${what}: the next chunk`, timeoutMs)))
      signal?.addEventListener('abort', abort)
      pull.wake = () => settle()
    })
  }

  /** Copies what it keeps. Throws `ERR_NETWORK_PROTOCOL` for what was not asked for or not granted. */
  receive({ id, bytes, before, left }: ChunkPiece): void {
    const pull = this.#find(id)
    if (pull === undefined) return
    const length = before + bytes.length + left
    if (before === 0) charge(id, pull, length)
    if (pull.ring !== undefined) {
      pull.ring.push(bytes)
      if (left === 0) this.#grantExtra(id, pull, length)
      pull.wake?.()
      return
    }
    if (before === 0) pull.chunk = newChunk(length)
    pull.chunk.set(bytes, before)
    if (left > 0) return
    pull.chunks.push(pull.chunk)
    pull.chunk = nothing
    pull.wake?.()
  }

  /** A short chunk costs more than its bytes, for what holding it costs; a ring holds its bytes and nothing more. */
  #grantExtra(id: number, pull: Pull, length: number): void {
    const extra = costOf(length) - length
    if (extra > 0) this.#grant(id, pull, extra)
  }

  fail(id: number, code: string, message: string): void {
    this.finish(id, new RemoteError(code, message))
  }

  /** @param error undefined when the stream is whole */
  finish(id: number, error: Error | undefined): void {
    const pull = this.#find(id)
    if (pull === undefined || pull.outcome !== undefined) return
    pull.outcome = { error }
    pull.wake?.()
  }

  /** undefined for a stream that was cancelled while its chunks were on their way. */
  #find(id: number): Pull | undefined {
    if (id === 0 || id > this.#lastId)
      throw new NetworkError('ERR_NETWORK_PROTOCOL', `stream ${id} was not asked for`)
    const pull = this.#pulls.get(id)
    return pull?.outcome === undefined ? pull : undefined
  }
}

/** Throws what the stream failed with. @returns true when it has come to its end */
function isOver({ outcome }: Pull): boolean {
  if (outcome?.error !== undefined) throw outcome.error
  return outcome !== undefined
}

/** Not set to zero first: every byte is written before anybody reads. */
function newChunk(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length)
  return new Uint8Array(buffer, byteOffset, length)
}

function charge(id: number, pull: Pull, length: number): void {
  pull.credit -= costOf(length)
  if (pull.credit < 0) throw new NetworkError('ERR_NETWORK_PROTOCOL', `more than the credit of stream ${id}`)
}
