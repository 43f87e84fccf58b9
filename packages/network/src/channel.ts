/**
 * A channel: frames over one byte link. What is sent within one turn of the event loop goes out in one write; small
 * frames are packed together, long bodies are passed on without a copy; on channels for bulk everything is copied once, into
 * memory that is used again.
 */
import type { ByteLink } from './byte-link.ts'
import type { FrameBudget } from './frame-budget.ts'
import { decodeFrame, encodeFrame, type Frame } from './frame.ts'
import { type ChunkPiece, FrameReader } from './frame-reader.ts'
import { frameBytesMax, helloBytesMax } from './limits.ts'
import { NetworkError } from './network-error.ts'
import { SendBuffers } from './send-buffers.ts'
import type { Timers } from './timers.ts'

const packBytes = 16 * 1024
const copyBytesMax = 4096 // longer bodies are not packed
const nothing = new Uint8Array(0)

export interface ChannelReceiver {
  /** What it throws ends the channel. */
  frame(frame: Frame): void
  /** Takes chunks of streams as their bytes come, and copies what it keeps; without it they are frames like others. */
  readonly piece?: (piece: ChunkPiece) => void
  drained(): void
  ended(why: string): void
}

export interface Channel {
  /** A body for bulk is read before this returns. */
  send(frame: Frame): void
  /** Bytes sent here that the operating system has not taken yet. */
  readonly queuedBytes: number
  readonly bytesIn: number
  readonly bytesOut: number
  /** When the last bytes came, on the clock of the timers. */
  readonly heardMs: number
  /** Hands everything that comes from now on to another receiver. */
  receiver: ChannelReceiver
  /**
   * Takes frames of full length from now on: before the hello little is held of a stranger.
   * @param budget counts long ones until `trust`
   */
  know(budget: FrameBudget | undefined): void
  /** Counts its frames nowhere any more. */
  trust(): void
  /** Ends the channel after what was sent. */
  end(): void
  /** Ends it now; the receiver is told why. */
  destroy(why: string): void
}

export function createChannel(link: ByteLink, timers: Timers, receiver: ChannelReceiver): Channel {
  const channel = new LinkChannel(link, timers, receiver)
  channel.open()
  return channel
}

class LinkChannel implements Channel {
  readonly #link: ByteLink
  readonly #timers: Timers
  readonly #reader = new FrameReader(helloBytesMax)
  readonly #take: (frame: Uint8Array) => boolean
  readonly #takePiece: (piece: ChunkPiece) => boolean
  readonly #flush: () => void
  receiver: ChannelReceiver
  bytesIn = 0
  bytesOut = 0
  heardMs: number
  #chunks: Uint8Array[] = []
  #pack: Uint8Array = nothing
  #packedFrom = 0
  #packedTo = 0
  /** Of a channel for bulk. */
  readonly #buffers = new SendBuffers()
  /** Those of them that the chunks lie in. */
  #lent: Uint8Array[] = []
  #unsentBytes = 0
  #willFlush = false
  #isEnding = false
  #isOver = false

  constructor(link: ByteLink, timers: Timers, receiver: ChannelReceiver) {
    this.#link = link
    this.#timers = timers
    this.receiver = receiver
    this.heardMs = timers.now()
    this.#flush = () => this.#flushNow()
    this.#take = (frame) => {
      this.receiver.frame(decodeFrame(frame))
      return !this.#isOver
    }
    this.#takePiece = (piece) => {
      this.receiver.piece?.(piece)
      return !this.#isOver
    }
  }

  open(): void {
    this.#link.open({
      receive: (chunk) => this.#receive(chunk),
      drained: () => {
        if (!this.#isOver) this.receiver.drained()
      },
      ended: (why) => this.#over(why)
    })
  }

  get queuedBytes(): number {
    return this.#unsentBytes + this.#link.queuedBytes
  }

  send(frame: Frame): void {
    if (this.#isOver || this.#isEnding) return
    const { header, body } = encodeFrame(frame)
    const length = header.length + body.length
    this.bytesOut += length
    this.#unsentBytes += length
    this.#packBytes(header)
    if (body.length <= copyBytesMax || this.#isBulk) {
      this.#packBytes(body)
    } else {
      this.#closePack()
      this.#chunks.push(body)
    }
    if (this.#willFlush) return
    this.#willFlush = true
    this.#timers.defer(this.#flush)
  }

  know(budget: FrameBudget | undefined): void {
    this.#reader.bytesMax = frameBytesMax
    if (budget !== undefined && !this.#isOver) this.#reader.countIn(budget)
  }

  trust(): void {
    this.#reader.release()
  }

  end(): void {
    if (this.#isOver || this.#isEnding) return
    this.#flushNow()
    this.#isEnding = true
    this.#link.end()
  }

  destroy(why: string): void {
    if (this.#isOver) return
    this.#flushNow()
    this.#over(why)
    this.#link.destroy()
  }

  get #isBulk(): boolean {
    return this.receiver.piece !== undefined
  }

  #packBytes(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#packedTo === this.#pack.length) this.#nextPack()
      const count = Math.min(bytes.length - at, this.#pack.length - this.#packedTo)
      this.#pack.set(count === bytes.length ? bytes : bytes.subarray(at, at + count), this.#packedTo)
      this.#packedTo += count
      at += count
    }
  }

  #nextPack(): void {
    this.#closePack()
    this.#pack = this.#isBulk ? this.#buffers.take() : new Uint8Array(packBytes)
    if (this.#isBulk) this.#lent.push(this.#pack)
    this.#packedFrom = 0
    this.#packedTo = 0
  }

  #closePack(): void {
    if (this.#packedTo === this.#packedFrom) return
    this.#chunks.push(this.#pack.subarray(this.#packedFrom, this.#packedTo))
    this.#packedFrom = this.#packedTo
  }

  #flushNow(): void {
    this.#willFlush = false
    if (this.#isOver) return
    this.#closePack()
    if (this.#chunks.length === 0) return
    const chunks = this.#chunks
    this.#chunks = []
    this.#unsentBytes = 0
    const lent = this.#lent
    if (lent.length === 0) {
      this.#link.send(chunks)
      return
    }
    this.#lent = []
    this.#pack = nothing // the link has it
    this.#packedFrom = 0
    this.#packedTo = 0
    this.#link.send(chunks, () => this.#buffers.giveBack(lent))
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isOver) return
    this.bytesIn += chunk.length
    this.heardMs = this.#timers.now()
    try {
      // a plain Uint8Array: `slice` of Node's Buffer would not copy
      const bytes = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)
      const isInPieces = this.receiver.piece !== undefined
      this.#reader.push(bytes, this.#take, isInPieces ? this.#takePiece : undefined)
    } catch (error) {
      if (!(error instanceof NetworkError)) throw error
      this.destroy(`the peer broke the protocol: ${error.message}`)
    }
  }

  #over(why: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#reader.release()
    this.#chunks = []
    this.#lent = []
    this.#unsentBytes = 0
    this.receiver.ended(why)
  }
}
