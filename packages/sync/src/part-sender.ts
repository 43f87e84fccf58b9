/**
 * Parts of payloads as the chunks of a stream: each with its length before it, small ones together. They are read and
 * gathered in memory that the next part and the next stream use again; a chunk is valid until the next one is asked for.
 * The format: doc/spec/28-sync.md, section 1.
 */
import { chunkBytes, sectorBytesMax } from './limits.ts'

const lengthBytes = 4
const aloneBytesMin: number = chunkBytes / 4 // parts from here on are not gathered
const streamBytesMax: number = 1 << 20 // the longest chunk: a sector of 1 MiB with its tag takes two
const frameBytesMax = 128 // what a store may keep around a sector
const freeMax = 2 // a peer has one stream read while the next one begins

/** What one stream uses. */
export interface PartMemory {
  /** For one part as it is read from the store. */
  readonly part: Uint8Array
  readonly gathered: Uint8Array
}

/** Memory of streams that come one after another; none is kept when no stream is under way. */
export class PartMemories {
  #free: PartMemory[] = []
  #taken = 0

  take(): PartMemory {
    this.#taken++
    return (
      this.#free.pop() ?? {
        part: new Uint8Array(sectorBytesMax + frameBytesMax),
        gathered: new Uint8Array(chunkBytes + aloneBytesMin + lengthBytes)
      }
    )
  }

  /** @param memory what `take` returned, once */
  giveBack(memory: PartMemory): void {
    if (--this.#taken === 0) this.#free = []
    else if (this.#free.length < freeMax) this.#free.push(memory)
  }
}

export class PartSender {
  readonly #gathered: Uint8Array
  readonly #view: DataView
  #length = 0

  constructor({ gathered }: PartMemory) {
    this.#gathered = gathered
    this.#view = new DataView(gathered.buffer, gathered.byteOffset)
  }

  /** @param part read before the next one is added; undefined for one that is not here */
  *add(part: Uint8Array | undefined): Generator<Uint8Array> {
    const bytes = part?.length ?? 0
    this.#view.setUint32(this.#length, bytes)
    this.#length += lengthBytes
    if (part !== undefined && bytes < aloneBytesMin) {
      this.#gathered.set(part, this.#length)
      this.#length += bytes
    }
    if (this.#length >= chunkBytes || bytes >= aloneBytesMin) yield* this.rest()
    if (part === undefined || bytes < aloneBytesMin) return
    for (let at = 0; at < bytes; at += streamBytesMax) yield part.subarray(at, at + streamBytesMax)
  }

  /** What was gathered and not sent yet. */
  *rest(): Generator<Uint8Array> {
    if (this.#length === 0) return
    const chunk = this.#gathered.subarray(0, this.#length)
    this.#length = 0
    yield chunk
  }
}
