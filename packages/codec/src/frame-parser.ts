/**
 * Framing of MessagePack messages on a stream: each body follows its length in bytes as four bytes, big
 * endian. A pure state machine: chunks go in as they arrive, whole bodies come out. It holds at most one
 * incomplete frame and never allocates by a claimed length before the bytes are there.
 */
import { concatBytes } from './bytes.ts'
import { CodecError } from './codec-error.ts'
import { frameBytesMax } from './limits.ts'

const prefixBytes = 4
const smallPartBytes = 16 * 1024 // parts below this are merged, so that single bytes cannot fill the memory

/** Length prefix and body in one buffer, ready to be written to the stream. */
export function delimitFrame(body: Uint8Array): Uint8Array {
  if (body.length === 0 || body.length > frameBytesMax) {
    throw new CodecError(
      'ERR_CODEC_FRAME',
      `a frame of ${body.length} bytes is not between 1 and ${frameBytesMax}`
    )
  }
  const frame = new Uint8Array(prefixBytes + body.length)
  new DataView(frame.buffer).setUint32(0, body.length)
  frame.set(body, prefixBytes)
  return frame
}

export class FrameParser {
  readonly #bytesMax: number
  #parts: Uint8Array[] = []
  #held = 0
  #failure: CodecError | undefined

  /** @param bytesMax longest body taken, without its prefix */
  constructor(bytesMax: number = frameBytesMax) {
    this.#bytesMax = bytesMax
  }

  /** Bytes of the incomplete frame held so far. */
  get heldBytes(): number {
    return this.#held
  }

  /**
   * The bodies that `chunk` completes, in order; they may be views of `chunk`, which the caller gives away.
   * ERR_CODEC_FRAME when a length is zero or above the limit: the stream cannot be followed any more and
   * every later call throws the same error.
   */
  push(chunk: Uint8Array): Uint8Array[] {
    if (this.#failure !== undefined) throw this.#failure
    if (chunk.length > 0) this.#hold(chunk)
    const bodies: Uint8Array[] = []
    for (let length = this.#nextLength(); length !== undefined; length = this.#nextLength()) {
      if (this.#held < prefixBytes + length) break
      bodies.push(this.#take(prefixBytes + length).subarray(prefixBytes))
    }
    return bodies
  }

  /** To be called at the end of the stream; ERR_CODEC_FRAME when it ends inside a frame. */
  end(): void {
    if (this.#held === 0) return
    throw new CodecError(
      'ERR_CODEC_FRAME',
      `the stream ends inside a frame, ${this.#held} bytes after its start`
    )
  }

  /** Small parts merge in pairs of like size, so each byte is copied a logarithmic number of times. */
  #hold(chunk: Uint8Array): void {
    this.#held += chunk.length
    let part = chunk
    while (part.length < smallPartBytes) {
      const before = this.#parts.at(-1)
      if (before === undefined || before.length > part.length) break
      this.#parts.pop()
      part = concatBytes(before, part)
    }
    this.#parts.push(part)
  }

  /** Length of the next body, or undefined while its prefix is incomplete. */
  #nextLength(): number | undefined {
    if (this.#held < prefixBytes) return undefined
    const prefix = this.#peek()
    const length = new DataView(prefix.buffer, prefix.byteOffset, prefixBytes).getUint32(0)
    if (length >= 1 && length <= this.#bytesMax) return length
    this.#parts = []
    this.#held = 0
    this.#failure = new CodecError(
      'ERR_CODEC_FRAME',
      `a frame claims ${length} bytes; between 1 and ${this.#bytesMax} are allowed`
    )
    throw this.#failure
  }

  /** At least the prefix of the next frame in one part. */
  #peek(): Uint8Array {
    const first = this.#parts[0]
    if (first !== undefined && first.length >= prefixBytes) return first
    const joined = concatBytes(...this.#parts)
    this.#parts = [joined]
    return joined
  }

  /** Removes and returns the first `count` bytes held. */
  #take(count: number): Uint8Array {
    const single = this.#parts.length === 1 ? this.#parts[0] : undefined
    const bytes = single ?? concatBytes(...this.#parts)
    const rest = bytes.subarray(count)
    this.#parts = rest.length > 0 ? [rest] : []
    this.#held -= count
    return bytes.subarray(0, count)
  }
}
