/**
 * The child's end of the channel: blocking reads and writes on an inherited descriptor, no event loop. One system call
 * each way for a host call, which is what makes them cheap; while the guest waits, the process sleeps in `read`.
 */
import { readSync, writeSync } from 'node:fs'
import { SandboxError } from './sandbox-error.ts'

const prefixBytes = 4
const bufferBytes = 128 * 1024 // a block of 64 KiB arrives in it whole
const bodyBytesMax = 32 * 1024 * 1024 // the node is trusted; this only catches nonsense

export class BlockingChannel {
  readonly #descriptor: number
  #buffer = new Uint8Array(bufferBytes)
  #start = 0
  #end = 0

  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /** The body of the next frame, a view until the next call; ERR_SANDBOX_CHANNEL when the node has closed it. */
  read(): Uint8Array {
    this.#fill(prefixBytes)
    const length = new DataView(this.#buffer.buffer).getUint32(this.#start)
    if (length > bodyBytesMax) throw new SandboxError('ERR_SANDBOX_FRAME', `a frame of ${length} bytes`)
    this.#fill(prefixBytes + length)
    const body = this.#buffer.subarray(this.#start + prefixBytes, this.#start + prefixBytes + length)
    this.#start += prefixBytes + length
    if (this.#start === this.#end) {
      this.#start = 0
      this.#end = 0
    }
    return body
  }

  write(frame: Uint8Array): void {
    let offset = 0
    while (offset < frame.length) offset += this.#writeSome(frame, offset)
  }

  #writeSome(frame: Uint8Array, offset: number): number {
    try {
      return writeSync(this.#descriptor, frame, offset)
    } catch (cause) {
      throw new SandboxError('ERR_SANDBOX_CHANNEL', 'the node is gone', { cause })
    }
  }

  /** At least `count` bytes from `#start` on. */
  #fill(count: number): void {
    if (this.#start + count > this.#buffer.length) this.#makeRoom(count)
    while (this.#end - this.#start < count) {
      const got = readSync(this.#descriptor, this.#buffer, this.#end, this.#buffer.length - this.#end, null)
      if (got === 0) throw new SandboxError('ERR_SANDBOX_CHANNEL', 'the node is gone')
      this.#end += got
    }
  }

  #makeRoom(count: number): void {
    const held = this.#end - this.#start
    if (count <= this.#buffer.length) this.#buffer.copyWithin(0, this.#start, this.#end)
    else {
      const larger = new Uint8Array(count)
      larger.set(this.#buffer.subarray(this.#start, this.#end))
      this.#buffer = larger
    }
    this.#start = 0
    this.#end = held
  }
}
