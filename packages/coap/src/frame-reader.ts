/** Cuts what a stream brings into frames. Holds at most one unfinished message, never more than the limit. */
import { type FrameExtent, decodeFrame, measureFrame } from './stream-frame.ts'
import type { Message } from './message.ts'

const roomBytesMin = 4096

export class FrameReader {
  readonly #lengthMax: number
  /** Begins with the unfinished message; grows with what has come, not with what was announced. */
  #room: Uint8Array = new Uint8Array(0)
  #heldBytes = 0
  #extent: FrameExtent | undefined

  constructor(lengthMax: number) {
    this.#lengthMax = lengthMax
  }

  /** Room taken by an unfinished message; 0 between messages. */
  get heldBytes(): number {
    return this.#heldBytes > 0 ? this.#room.length : 0
  }

  /** Calls back for each message that `chunk` completes. The error of the first one that is none ends the stream. */
  read(chunk: Uint8Array, onMessage: (message: Message) => void): void {
    let at = this.#heldBytes > 0 ? this.#finishHeld(chunk, onMessage) : 0
    while (at < chunk.length) {
      const extent = measureFrame(chunk, at, chunk.length, this.#lengthMax)
      if (extent === undefined || at + extent.length > chunk.length) {
        this.#extent = extent
        this.#hold(chunk.subarray(at))
        return
      }
      onMessage(decodeFrame(chunk, at, extent))
      at += extent.length
    }
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#heldBytes + bytes.length
    if (needed > this.#room.length) {
      const announced = this.#extent?.length ?? roomBytesMin
      const room = new Uint8Array(Math.max(needed, Math.min(announced, 2 * needed + roomBytesMin)))
      room.set(this.#room.subarray(0, this.#heldBytes))
      this.#room = room
    }
    this.#room.set(bytes, this.#heldBytes)
    this.#heldBytes = needed
  }

  /** @returns how many bytes of the chunk belonged to the unfinished message */
  #finishHeld(chunk: Uint8Array, onMessage: (message: Message) => void): number {
    let used = 0
    while (this.#extent === undefined && used < chunk.length) {
      this.#hold(chunk.subarray(used, used + 1))
      used++
      this.#extent = measureFrame(this.#room, 0, this.#heldBytes, this.#lengthMax)
    }
    const extent = this.#extent
    if (extent === undefined) return used
    const part = chunk.subarray(used, used + extent.length - this.#heldBytes)
    this.#hold(part)
    used += part.length
    if (this.#heldBytes < extent.length) return used
    const room = this.#room
    this.#room = new Uint8Array(0)
    this.#heldBytes = 0
    this.#extent = undefined
    onMessage(decodeFrame(room, 0, extent))
    return used
  }
}
