/** Streams of frames: several small frames go as one chunk, a receiver takes them apart wherever chunks end. */
import { FrameParser, concatBytes, delimitFrame } from '@blocktree/codec'
import { chunkBytes, frameBytesMax } from './limits.ts'

/** Frames with their length in front, gathered into chunks. */
export async function* packFrames(frames: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = []
  let size = 0
  for await (const frame of frames) {
    const delimited = delimitFrame(frame)
    parts.push(delimited)
    size += delimited.length
    if (size < chunkBytes) continue
    yield concatBytes(...parts)
    parts = []
    size = 0
  }
  if (size > 0) yield concatBytes(...parts)
}

/** Throws CodecError where the stream cannot be followed. */
export async function* unpackFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const parser = new FrameParser(frameBytesMax)
  for await (const chunk of chunks) yield* parser.push(chunk)
  parser.end()
}

const lengthBytes = 4

/** Parts of known order, each with its length in front; 0 for one that is not there. */
export class PartReader {
  readonly #partMax: number
  #held: Uint8Array[] = []
  #heldBytes = 0

  constructor(partMax: number) {
    this.#partMax = partMax
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Parts that this chunk completes; `undefined` for an empty one. @throws RangeError when one is too long */
  push(chunk: Uint8Array): (Uint8Array | undefined)[] {
    if (chunk.length > 0) this.#held.push(chunk)
    this.#heldBytes += chunk.length
    const parts: (Uint8Array | undefined)[] = []
    for (;;) {
      if (this.#heldBytes < lengthBytes) return parts
      const length = this.#peekLength()
      if (length > this.#partMax) throw new RangeError(`a part claims ${length} bytes`)
      if (this.#heldBytes < lengthBytes + length) return parts
      this.#take(lengthBytes)
      parts.push(length === 0 ? undefined : this.#take(length))
    }
  }

  #peekLength(): number {
    let [first] = this.#held
    if (first !== undefined && first.length < lengthBytes) {
      first = concatBytes(...this.#held)
      this.#held = [first]
    }
    if (first === undefined) return 0
    return new DataView(first.buffer, first.byteOffset, first.byteLength).getUint32(0)
  }

  /** A view of the chunk when it lies in one, else a copy. */
  #take(count: number): Uint8Array {
    this.#heldBytes -= count
    const [first] = this.#held
    if (first !== undefined && first.length >= count) {
      const taken = first.subarray(0, count)
      if (first.length === count) this.#held.shift()
      else this.#held[0] = first.subarray(count)
      return taken
    }
    const taken = new Uint8Array(count)
    let filled = 0
    while (filled < count) {
      const part = this.#held.shift()
      if (part === undefined) break
      const used = part.subarray(0, count - filled)
      taken.set(used, filled)
      filled += used.length
      if (used.length < part.length) this.#held.unshift(part.subarray(used.length))
    }
    return taken
  }
}

/** The length of a part as it stands before it. */
export function partLength(length: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}
