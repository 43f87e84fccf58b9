/**
 * Cuts a stream of bytes into frames: four bytes of length, big endian, and so many of body. Frames are copies
 * of what came; long ones are put together in one buffer as they come, so that each byte is copied once and while it is
 * warm, and nothing is held of what has been read. At most one frame is held. The bodies of chunks are not copied when
 * somebody takes them in pieces.
 */
import { chunkHeadBytes, frameType } from './frame.ts'
import type { FrameBudget } from './frame-budget.ts'
import { bodyBytesMax, frameBytesMax, smallFrameBytesMax } from './limits.ts'
import { NetworkError } from './network-error.ts'

const prefixBytes = 4

/** A part of the body of a chunk, in order; a view of what came. */
export interface ChunkPiece {
  readonly id: number
  readonly bytes: Uint8Array
  /** Bytes of the body before this piece, and behind it. */
  readonly before: number
  readonly left: number
}

export class FrameReader {
  /** Longest frame taken from now on, without its length. */
  bytesMax: number
  /** Where long frames are counted while they come; nowhere when undefined. */
  #budget: FrameBudget | undefined
  #counted = 0
  /** Length of the next frame, and the first bytes of one that is long. */
  readonly #head: Uint8Array = new Uint8Array(prefixBytes + chunkHeadBytes)
  #headFilled = 0
  #frame: Uint8Array | undefined
  #filled = 0
  /** Of a chunk that is taken in pieces. */
  #chunk: { readonly id: number; readonly bytes: number } | undefined

  constructor(bytesMax: number = frameBytesMax) {
    this.bytesMax = bytesMax
  }

  /** Counts long frames from now on, until `release`. */
  countIn(budget: FrameBudget): void {
    this.#budget = budget
  }

  /** Counts no more; what was counted is given back. */
  release(): void {
    this.#budget?.give(this.#counted)
    this.#budget = undefined
    this.#counted = 0
  }

  /**
   * Hands on each frame that the bytes complete. Throws `ERR_NETWORK_PROTOCOL` for a length that is zero or above the
   * limit; the stream cannot be followed any more. What `take` throws comes through. It returns false to read no more.
   * @param takePiece takes the bodies of chunks, as views of what came
   */
  push(
    bytes: Uint8Array,
    take: (frame: Uint8Array) => boolean,
    takePiece?: (piece: ChunkPiece) => boolean
  ): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#chunk !== undefined) {
        const piece = this.#piece(this.#chunk, bytes, at)
        at += piece.bytes.length
        if (takePiece?.(piece) === false) return
      } else if (this.#frame === undefined) {
        at += this.#fillHead(bytes, at, prefixBytes)
        if (this.#headFilled < prefixBytes) return
        const length = this.#length()
        if (this.#headFilled === prefixBytes && bytes.length - at >= length) {
          this.#headFilled = 0
          const frame = bytes.subarray(at, at + length)
          at += length
          if (!takeWhole(frame, take, takePiece)) return
        } else {
          at += this.#fillHead(bytes, at, prefixBytes + Math.min(length, chunkHeadBytes))
          this.#begin(length, takePiece !== undefined)
        }
      } else {
        at += this.#fill(this.#frame, bytes, at)
      }
      if (this.#frame !== undefined && this.#filled === this.#frame.length) {
        const frame = this.#frame
        this.#frame = undefined
        this.#budget?.give(this.#counted)
        this.#counted = 0
        if (!take(frame)) return
      }
    }
  }

  /** Once its first bytes are there. */
  #begin(length: number, isPieces: boolean): void {
    const known = Math.min(length, chunkHeadBytes)
    if (this.#headFilled < prefixBytes + known) return
    this.#headFilled = 0
    const head = this.#head.subarray(prefixBytes, prefixBytes + known)
    if (isPieces && head[0] === frameType.chunk && length > chunkHeadBytes) {
      if (length - chunkHeadBytes > bodyBytesMax)
        throw refuse(`a chunk of ${length - chunkHeadBytes} bytes; at most ${bodyBytesMax}`)
      this.#chunk = { id: idOf(head), bytes: length - chunkHeadBytes }
      this.#filled = 0
    } else {
      this.#count(length)
      this.#frame = newFrame(length)
      this.#frame.set(head)
      this.#filled = known
    }
  }

  #count(length: number): void {
    if (this.#budget === undefined || length <= smallFrameBytesMax) return
    if (!this.#budget.take(length))
      throw new NetworkError('ERR_NETWORK_PROTOCOL', 'strangers send too many long frames just now')
    this.#counted = length
  }

  #piece({ id, bytes: total }: { id: number; bytes: number }, bytes: Uint8Array, at: number): ChunkPiece {
    const before = this.#filled
    const count = Math.min(total - before, bytes.length - at)
    this.#filled += count
    if (this.#filled === total) this.#chunk = undefined
    return { id, bytes: bytes.subarray(at, at + count), before, left: total - this.#filled }
  }

  #fill(frame: Uint8Array, chunk: Uint8Array, at: number): number {
    const count = Math.min(frame.length - this.#filled, chunk.length - at)
    frame.set(at === 0 && count === chunk.length ? chunk : chunk.subarray(at, at + count), this.#filled)
    this.#filled += count
    return count
  }

  #fillHead(chunk: Uint8Array, from: number, until: number): number {
    let at = from
    while (this.#headFilled < until && at < chunk.length) this.#head[this.#headFilled++] = chunk[at++] ?? 0
    return at - from
  }

  #length(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#head
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (length >= 1 && length <= this.bytesMax) return length
    throw refuse(`a frame claims ${length} bytes; between 1 and ${this.bytesMax}`)
  }
}

function refuse(what: string): NetworkError {
  return new NetworkError('ERR_NETWORK_PROTOCOL', `${what} are allowed`)
}

function takeWhole(
  frame: Uint8Array,
  take: (frame: Uint8Array) => boolean,
  takePiece: ((piece: ChunkPiece) => boolean) | undefined
): boolean {
  const isPiece = takePiece !== undefined && frame[0] === frameType.chunk && frame.length > chunkHeadBytes
  if (!isPiece) return take(frame.slice())
  return takePiece({ id: idOf(frame), bytes: frame.subarray(chunkHeadBytes), before: 0, left: 0 })
}

function idOf([, a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
}

/** Not set to zero first: every byte is written before anybody reads. */
function newFrame(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length)
  return new Uint8Array(buffer, byteOffset, length)
}
