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
  readonly #place: (length: number) => Uint8Array
  readonly #length: Uint8Array = new Uint8Array(lengthBytes)
  #lengthFilled = 0
  #part: Uint8Array | undefined
  #filled = 0

  /** @param place gives the memory that a part of so many bytes is copied to as it comes */
  constructor(partMax: number, place: (length: number) => Uint8Array) {
    this.#partMax = partMax
    this.#place = place
  }

  /** The place of a part that has begun to come. */
  get open(): Uint8Array | undefined {
    return this.#part
  }

  /** Parts that this chunk completes; `undefined` for an empty one. @throws RangeError when one is too long */
  push(chunk: Uint8Array): (Uint8Array | undefined)[] {
    const parts: (Uint8Array | undefined)[] = []
    let at = 0
    while (at < chunk.length) {
      if (this.#part === undefined) {
        this.#length[this.#lengthFilled++] = chunk[at++] ?? 0
        if (this.#lengthFilled < lengthBytes) continue
        this.#lengthFilled = 0
        const length = new DataView(this.#length.buffer).getUint32(0)
        if (length > this.#partMax) throw new RangeError(`a part claims ${length} bytes`)
        if (length === 0) parts.push(undefined)
        else this.#part = this.#place(length)
        this.#filled = 0
      } else {
        const count = Math.min(this.#part.length - this.#filled, chunk.length - at)
        this.#part.set(chunk.subarray(at, at + count), this.#filled)
        this.#filled += count
        at += count
        if (this.#filled < this.#part.length) continue
        parts.push(this.#part)
        this.#part = undefined
      }
    }
    return parts
  }
}

/** The length of a part as it stands before it. */
export function partLength(length: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes)
  new DataView(bytes.buffer).setUint32(0, length)
  return bytes
}
