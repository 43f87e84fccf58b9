/**
 * Cuts a stream of bytes into frames: four bytes of length, big endian, and so many of body. Frames that came whole are
 * views of what came; longer ones are put together in one buffer as they come, so that each byte is copied once and while
 * it is warm, and nothing is held of what has been read. At most one frame is held.
 */
import { frameBytesMax } from './limits.ts'
import { NetworkError } from './network-error.ts'

const prefixBytes = 4

export class FrameReader {
  /** Longest frame taken from now on, without its length. */
  bytesMax: number
  readonly #prefix: Uint8Array = new Uint8Array(prefixBytes)
  #prefixFilled = 0
  #frame: Uint8Array | undefined
  #filled = 0

  constructor(bytesMax: number = frameBytesMax) {
    this.bytesMax = bytesMax
  }

  /**
   * Hands on each frame that the chunk completes. Throws `ERR_NETWORK_PROTOCOL` for a length that is zero or above the
   * limit; the stream cannot be followed any more. What `take` throws comes through. It returns false to read no more.
   */
  push(chunk: Uint8Array, take: (frame: Uint8Array) => boolean): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#frame !== undefined) {
        at += this.#fill(this.#frame, chunk, at)
        if (this.#filled < this.#frame.length) return
        const frame = this.#frame
        this.#frame = undefined
        if (!take(frame)) return
      } else {
        at += this.#fillPrefix(chunk, at)
        if (this.#prefixFilled < prefixBytes) return
        this.#prefixFilled = 0
        const length = this.#length()
        if (chunk.length - at >= length) {
          const frame = chunk.subarray(at, at + length)
          at += length
          if (!take(frame)) return
        } else {
          this.#frame = newFrame(length)
          this.#filled = 0
        }
      }
    }
  }

  #fill(frame: Uint8Array, chunk: Uint8Array, at: number): number {
    const count = Math.min(frame.length - this.#filled, chunk.length - at)
    frame.set(at === 0 && count === chunk.length ? chunk : chunk.subarray(at, at + count), this.#filled)
    this.#filled += count
    return count
  }

  #fillPrefix(chunk: Uint8Array, from: number): number {
    let at = from
    while (this.#prefixFilled < prefixBytes && at < chunk.length) {
      this.#prefix[this.#prefixFilled++] = chunk[at++] ?? 0
    }
    return at - from
  }

  #length(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#prefix
    const length = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0
    if (length >= 1 && length <= this.bytesMax) return length
    throw new NetworkError(
      'ERR_NETWORK_PROTOCOL',
      `a frame claims ${length} bytes; between 1 and ${this.bytesMax} are allowed`
    )
  }
}

/** Not set to zero first: every byte is written before anybody reads. */
function newFrame(length: number): Uint8Array {
  const { buffer, byteOffset } = Buffer.allocUnsafeSlow(length)
  return new Uint8Array(buffer, byteOffset, length)
}
