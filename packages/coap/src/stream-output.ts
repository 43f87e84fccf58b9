/** What one connection sends: messages of one turn of the event loop are handed over together, long payloads uncopied. */
import type { Message } from './message.ts'
import { encodeFrameHead } from './stream-frame.ts'

const roomBytes = 32 * 1024
const copiedBytesMax = 4096 // copying a short payload costs less than another buffer for the system

/** A byte stream as a session needs it. */
export interface StreamConnection {
  /** In order; the bytes are not changed afterwards. */
  write(chunks: readonly Uint8Array[]): void
  /** Bytes that were written and not taken by the system yet. */
  readonly unsentBytes: number
  /** Stops and goes on with reading. */
  pause(): void
  resume(): void
  /** Sends what was written, then closes. */
  end(): void
  /** Closes at once. */
  destroy(): void
}

export class StreamOutput {
  readonly #connection: StreamConnection
  readonly #defer: (flush: () => void) => void
  #chunks: Uint8Array[] = []
  #room: Uint8Array = new Uint8Array(0)
  #start = 0
  #end = 0
  #pendingBytes = 0
  #isScheduled = false

  constructor(connection: StreamConnection, defer: (flush: () => void) => void) {
    this.#connection = connection
    this.#defer = defer
  }

  get unsentBytes(): number {
    return this.#pendingBytes + this.#connection.unsentBytes
  }

  send(message: Message): void {
    const head = encodeFrameHead(message)
    const { payload } = message
    this.#pendingBytes += head.length + payload.length
    const copied = head.length + (payload.length <= copiedBytesMax ? payload.length : 0)
    if (this.#end + copied > this.#room.length) this.#takeRoom(copied)
    this.#room.set(head, this.#end)
    if (copied > head.length) this.#room.set(payload, this.#end + head.length)
    this.#end += copied
    if (payload.length > copiedBytesMax) {
      this.#closeChunk()
      this.#chunks.push(payload)
    }
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#defer(() => this.flush())
  }

  flush(): void {
    this.#isScheduled = false
    this.#closeChunk()
    if (this.#chunks.length === 0) return
    const chunks = this.#chunks
    this.#chunks = []
    this.#pendingBytes = 0
    this.#connection.write(chunks)
  }

  #takeRoom(bytes: number): void {
    this.#closeChunk()
    this.#room = new Uint8Array(Math.max(roomBytes, bytes))
    this.#start = 0
    this.#end = 0
  }

  #closeChunk(): void {
    if (this.#end > this.#start) this.#chunks.push(this.#room.subarray(this.#start, this.#end))
    this.#start = this.#end
  }
}
