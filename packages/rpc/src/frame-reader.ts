/**
 * Bytes to frame bodies (u32 big-endian length, then the body). Bodies before a bad length are still delivered, however
 * the input is split, and a frame that arrives in many pieces is copied a bounded number of times.
 */
import { RpcError } from './rpc-error.ts'

const prefixBytes = 4
const trustedBytes = 512 * 1024 // a claimed length up to here gets its memory at once, a longer one as it arrives

export class FrameReader {
  readonly #frameBytesMax: number
  readonly #bodies: Uint8Array[] = []
  #index = 0
  #held: Uint8Array = new Uint8Array(prefixBytes) // the incomplete frame, with room to grow
  #heldLength = 0
  #failure: RpcError | undefined
  #failureTold = false

  constructor(frameBytesMax: number) {
    this.#frameBytesMax = frameBytesMax
  }

  /** Bodies may be views of the chunk. */
  push(chunk: Uint8Array): void {
    let offset = 0
    while (offset < chunk.length && this.#failure === undefined) {
      offset = this.#heldLength > 0 ? this.#continue(chunk, offset) : this.#whole(chunk, offset)
    }
  }

  /** After the last body, once, the reason why the input cannot be followed any more. */
  next(): Uint8Array | RpcError | undefined {
    const body = this.#bodies[this.#index]
    if (body !== undefined) {
      this.#index++
      if (this.#index === this.#bodies.length) {
        this.#bodies.length = 0
        this.#index = 0
      }
      return body
    }
    if (this.#failureTold) return undefined
    this.#failureTold = this.#failure !== undefined
    return this.#failure
  }

  /** A frame from its start: taken as a view when it is all there. Returns where to go on. */
  #whole(chunk: Uint8Array, offset: number): number {
    const bodyStart = offset + prefixBytes
    if (bodyStart <= chunk.length) {
      const length = readLength(chunk, offset)
      if (!this.#accepts(length)) return chunk.length
      if (bodyStart + length <= chunk.length) {
        this.#bodies.push(chunk.subarray(bodyStart, bodyStart + length))
        return bodyStart + length
      }
    }
    const prefixEnd = Math.min(bodyStart, chunk.length)
    this.#hold(chunk.subarray(offset, prefixEnd))
    return prefixEnd
  }

  /** More of the frame that is held. Returns where to go on. */
  #continue(chunk: Uint8Array, start: number): number {
    let offset = start
    if (this.#heldLength < prefixBytes) {
      const taken = Math.min(prefixBytes - this.#heldLength, chunk.length - offset)
      this.#hold(chunk.subarray(offset, offset + taken))
      offset += taken
      if (this.#heldLength < prefixBytes) return offset
    }
    const length = readLength(this.#held, 0)
    if (!this.#accepts(length)) return chunk.length
    const taken = Math.min(prefixBytes + length - this.#heldLength, chunk.length - offset)
    this.#hold(chunk.subarray(offset, offset + taken))
    if (this.#heldLength === prefixBytes + length) {
      this.#bodies.push(this.#held.subarray(prefixBytes, this.#heldLength))
      this.#held = new Uint8Array(prefixBytes)
      this.#heldLength = 0
    }
    return offset + taken
  }

  #roomFor(length: number): number {
    const start = this.#heldLength >= prefixBytes ? this.#held : undefined
    const claimed = start === undefined ? 0 : prefixBytes + readLength(start, 0)
    if (claimed >= length && claimed <= trustedBytes) return claimed
    return Math.max(length, this.#held.length * 2)
  }

  #accepts(length: number): boolean {
    if (length >= 1 && length <= this.#frameBytesMax) return true
    const problem = `a frame claims ${length} bytes; between 1 and ${this.#frameBytesMax} are allowed`
    this.#failure = new RpcError('ERR_RPC_FRAME_TOO_LONG', problem)
    this.#held = new Uint8Array(prefixBytes)
    this.#heldLength = 0
    return false
  }

  #hold(bytes: Uint8Array): void {
    const length = this.#heldLength + bytes.length
    if (length > this.#held.length) {
      const grown = new Uint8Array(this.#roomFor(length))
      grown.set(this.#held.subarray(0, this.#heldLength))
      this.#held = grown
    }
    this.#held.set(bytes, this.#heldLength)
    this.#heldLength = length
  }
}

function readLength(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, prefixBytes).getUint32(0)
}
