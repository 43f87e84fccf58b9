/**
 * Sectors sealed straight into frames of the log. Full buffers go to the main thread and come back empty; when all
 * are under way the worker waits, so that a slow disk slows the workers and not the memory. The buffers are shared
 * and made once: moving them would make both collectors run for every few megabytes.
 */
import { type FrameBuilder, type PackedFrames, createFrameBuilder, packFrames } from '@blocktree/store'
import type { StoredSector } from '@blocktree/tree'
import { frameBufferBytes, frameBuffersPerWorker } from '../limits.ts'

export interface SentFrames {
  readonly buffer: SharedArrayBuffer
  readonly used: number
  readonly frames: Omit<PackedFrames, 'bytes'>
}

type Slot = NonNullable<ReturnType<FrameBuilder['reserveSector']>>

export class FrameBuffers {
  readonly #idle: SharedArrayBuffer[] = []
  readonly #waiting: ((buffer: SharedArrayBuffer) => void)[] = []
  #made = 0

  take(): SharedArrayBuffer | Promise<SharedArrayBuffer> {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#made < frameBuffersPerWorker) {
      this.#made++
      return new SharedArrayBuffer(frameBufferBytes)
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  give(buffer: SharedArrayBuffer): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#idle.push(buffer)
    else next(buffer)
  }
}

/** The frames of one task. */
export class FrameOutput {
  readonly #buffers: FrameBuffers
  readonly #salt: number
  readonly #send: (frames: SentFrames) => void
  #builder: FrameBuilder | undefined
  #buffer: SharedArrayBuffer | undefined

  constructor(deps: { buffers: FrameBuffers; salt: number; send: (frames: SentFrames) => void }) {
    this.#buffers = deps.buffers
    this.#salt = deps.salt
    this.#send = deps.send
  }

  /** Room for a sector; undefined when `next` has to be awaited first. */
  reserve(length: number): Slot | undefined {
    return this.#builder?.reserveSector(length)
  }

  /** Sends what is there and gets an empty buffer. */
  async next(): Promise<void> {
    this.flush()
    this.#buffer = await this.#buffers.take()
    this.#builder = createFrameBuilder(this.#salt, this.#buffer)
  }

  async reserveOrWait(length: number): Promise<Slot> {
    const slot = this.reserve(length)
    if (slot !== undefined) return slot
    await this.next()
    const fresh = this.reserve(length)
    if (fresh === undefined) throw new RangeError(`a sector of ${length} bytes does not fit in a buffer`)
    return fresh
  }

  async add(sector: StoredSector): Promise<void> {
    const slot = await this.reserveOrWait(sector.bytes.length)
    slot.bytes.set(sector.bytes)
    slot.place(sector.reference)
  }

  /** Sends what is there; an unused buffer goes back. */
  flush(): void {
    const builder = this.#builder
    const buffer = this.#buffer
    this.#builder = undefined
    this.#buffer = undefined
    if (builder === undefined || buffer === undefined) return
    const prepared = builder.finish()
    if (prepared.entries.length === 0) {
      this.#buffers.give(buffer)
      return
    }
    const { bytes, ...frames } = packFrames(prepared, [])
    this.#send({ buffer, used: bytes.length, frames })
  }
}
