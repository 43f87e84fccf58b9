/**
 * The two ends of an upload or download, with credit in bytes (doc/spec/10-rpc.md, section 6): the sender may have
 * `window` bytes on the way; the receiver grants more as its reader takes them.
 */
import { streamChunkBytesMax } from './limits.ts'
import { RpcError } from './rpc-error.ts'

const smallChunkBytesMax = 4096 // smaller ones are gathered, or a window of single bytes would cost 100 times its size
const gatheredBytes = 16 * 1024

export interface ByteReceiverOptions {
  readonly windowBytes: number
  /** Tells the sender that this many more bytes may come. */
  grant(bytes: number): void
  /** The reader left before the end. */
  abandoned?(): void
}

/** Holds what came until its one reader takes it. */
export class ByteReceiver implements AsyncIterable<Uint8Array> {
  readonly #options: ByteReceiverOptions
  readonly #chunks: Uint8Array[] = []
  #gathered: Uint8Array | undefined // the memory of the last chunk, with room for more small ones
  #heldBytes = 0
  #takenBytes = 0
  #ended = false
  #error: Error | undefined
  #endError: Error | undefined
  #wake: (() => void) | undefined
  #opened = false

  constructor(options: ByteReceiverOptions) {
    this.#options = options
  }

  /** More is held than the window allows. */
  get overfull(): boolean {
    return this.#heldBytes > this.#options.windowBytes
  }

  push(chunk: Uint8Array): void {
    if (this.#ended || chunk.length === 0) return
    this.#append(chunk)
    this.#heldBytes += chunk.length
    this.#wake?.()
  }

  /** The end came from the sender; what is held can still be read, then the error if there is one. */
  end(error?: Error): void {
    if (this.#ended) return
    this.#ended = true
    this.#endError = error
    this.#wake?.()
  }

  /** The reader gets this error next; what is held is dropped. */
  fail(error: Error): void {
    if (this.#ended && this.#chunks.length === 0) return
    this.#ended = true
    this.#error ??= error
    this.#drop()
    this.#wake?.()
  }

  /** Nobody will read any more. */
  discard(): void {
    this.#ended = true
    this.#drop()
    this.#wake?.()
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (this.#opened) throw new RpcError('ERR_RPC_STREAM', 'a stream can be read once')
    this.#opened = true
    return {
      next: async () => await this.#next(),
      return: async () => {
        const early = !this.#ended || this.#chunks.length > 0
        this.discard()
        if (early) this.#options.abandoned?.()
        return { done: true, value: undefined }
      }
    }
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    for (;;) {
      if (this.#error !== undefined) throw this.#error
      const chunk = this.#chunks.shift()
      if (chunk !== undefined) {
        if (this.#chunks.length === 0) this.#gathered = undefined
        this.#take(chunk.length)
        return { done: false, value: chunk }
      }
      if (this.#ended) return this.#finish()
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      this.#wake = undefined
    }
  }

  #finish(): IteratorResult<Uint8Array> {
    const error = this.#endError
    this.#endError = undefined
    if (error !== undefined) throw error
    return { done: true, value: undefined }
  }

  #take(bytes: number): void {
    this.#heldBytes -= bytes
    this.#takenBytes += bytes
    if (this.#ended || this.#takenBytes < this.#options.windowBytes / 2) return
    this.#options.grant(this.#takenBytes)
    this.#takenBytes = 0
  }

  #append(chunk: Uint8Array): void {
    const last = this.#chunks.at(-1)
    if (last === undefined || chunk.length > smallChunkBytesMax) {
      this.#chunks.push(chunk)
      this.#gathered = undefined
      return
    }
    const used = this.#gathered === undefined ? 0 : last.length
    if (this.#gathered !== undefined && used + chunk.length <= gatheredBytes) {
      this.#gathered.set(chunk, used)
      this.#chunks[this.#chunks.length - 1] = this.#gathered.subarray(0, used + chunk.length)
      return
    }
    this.#gathered = new Uint8Array(gatheredBytes)
    this.#gathered.set(chunk)
    this.#chunks.push(this.#gathered.subarray(0, chunk.length))
  }

  #drop(): void {
    this.#chunks.length = 0
    this.#gathered = undefined
    this.#heldBytes = 0
  }
}

export interface ByteSenderOptions {
  /** Initial credit; Infinity when only the transport holds it back. */
  readonly windowBytes: number
  send(chunk: Uint8Array): void
  /** Undefined when the transport takes more now, else a promise for when it will. */
  writable(): Promise<void> | undefined
}

export class ByteSender {
  readonly #options: ByteSenderOptions
  #credit: number
  #writing = false
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(options: ByteSenderOptions) {
    this.#options = options
    this.#credit = options.windowBytes
  }

  grant(bytes: number): void {
    this.#credit += bytes
    this.#wake?.()
  }

  /** Every write from now on rejects with this. */
  fail(error: Error): void {
    this.#error ??= error
    this.#wake?.()
  }

  /** One write at a time: ERR_RPC_STREAM for a second one. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#writing) throw new RpcError('ERR_RPC_STREAM', 'the write before is not done; await it')
    this.#writing = true
    try {
      await this.#write(bytes)
    } finally {
      this.#writing = false
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    let offset = 0
    while (offset < bytes.length) {
      if (this.#error !== undefined) throw this.#error
      const wait = this.#options.writable()
      if (wait !== undefined) {
        await Promise.race([wait, this.#changed()])
        continue
      }
      if (this.#credit <= 0) {
        await this.#changed()
        continue
      }
      const length = Math.min(bytes.length - offset, this.#credit, streamChunkBytesMax)
      this.#credit -= length
      this.#options.send(bytes.subarray(offset, offset + length))
      offset += length
    }
    if (this.#error !== undefined) throw this.#error
  }

  async writeAll(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    for await (const chunk of source) await this.write(chunk)
  }

  async #changed(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
  }
}
