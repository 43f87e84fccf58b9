/**
 * Whole frames, length prefix included, gathered for one write (doc/spec/19-sandbox-frames.md, sections 1 and 2). Events,
 * answers, host calls and replies are what the two ends exchange all the time, so each is laid down once, in place;
 * `encodeNodeFrame` and `encodeChildFrame` write the same bytes.
 */
import { frameType } from './frame-type.ts'

const frameHeadBytesMax = 40 // prefix, array, type, id, op, header of the payload, fuel
const leastBytes = 2048

export class FrameBuffer {
  #bytes: Uint8Array = nothing
  #end = 0

  /** Bytes of the frames that were added since the last `take` or `clear`. */
  get length(): number {
    return this.#end
  }

  /** What was added, a view until the next frame is added. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#end)
  }

  clear(): void {
    this.#end = 0
  }

  /** What was added; it is the caller's from now on. */
  take(): Uint8Array {
    const taken = this.view()
    this.#bytes = nothing
    this.#end = 0
    return taken
  }

  addInvoke(id: number, kind: number, payload: Uint8Array, fuel: number): void {
    this.#withFuel(frameType.invoke, id, kind, payload, fuel)
  }

  addResult(id: number, payload: Uint8Array, fuelUsed: number): void {
    this.#withFuel(frameType.result, id, 0, payload, fuelUsed)
  }

  addHostCall(id: number, op: number, payload: Uint8Array): void {
    const start = this.#begin(frameType.hostCall, id, op, payload.length)
    this.#bin(payload)
    this.#finish(start)
  }

  /** @param rest goes on behind `payload`, as one with it */
  addHostReply(id: number, status: number, payload: Uint8Array, rest: Uint8Array = nothing): void {
    this.addHostReplyBeginning(id, status, payload, rest.length)
    this.#reserve(rest.length)
    this.#put(rest)
  }

  /** A host reply up to the last `restBytes` bytes of its payload: they have to be the next on the channel. */
  addHostReplyBeginning(id: number, status: number, payload: Uint8Array, restBytes: number): void {
    const start = this.#begin(frameType.hostReply, id, status, payload.length)
    this.#binHead(payload.length + restBytes)
    this.#put(payload)
    this.#putBigEndian(start, this.#end - start - 4 + restBytes)
  }

  #withFuel(type: number, id: number, op: number, payload: Uint8Array, fuel: number): void {
    const start = this.#begin(type, id, op, payload.length)
    this.#bytes[this.#end++] = 0x92
    this.#bin(payload)
    this.#uint(fuel)
    this.#finish(start)
  }

  #begin(type: number, id: number, op: number, payloadBytes: number): number {
    this.#reserve(frameHeadBytesMax + payloadBytes)
    const start = this.#end
    this.#end += 4
    this.#bytes[this.#end++] = 0x94
    this.#bytes[this.#end++] = type
    this.#uint(id)
    this.#uint(op)
    return start
  }

  #finish(start: number): void {
    this.#putBigEndian(start, this.#end - start - 4)
  }

  #bin(payload: Uint8Array): void {
    this.#binHead(payload.length)
    this.#put(payload)
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#end)
    this.#end += bytes.length
  }

  #binHead(length: number): void {
    if (length < 0x100) {
      this.#bytes[this.#end++] = 0xc4
      this.#bytes[this.#end++] = length
    } else if (length < 0x1_0000) {
      this.#bytes[this.#end++] = 0xc5
      this.#bytes[this.#end++] = length >>> 8
      this.#bytes[this.#end++] = length
    } else {
      this.#bytes[this.#end++] = 0xc6
      this.#bigEndian(length)
    }
  }

  #uint(value: number): void {
    if (value < 0x80) this.#bytes[this.#end++] = value
    else if (value < 0x100) {
      this.#bytes[this.#end++] = 0xcc
      this.#bytes[this.#end++] = value
    } else if (value < 0x1_0000) {
      this.#bytes[this.#end++] = 0xcd
      this.#bytes[this.#end++] = value >>> 8
      this.#bytes[this.#end++] = value
    } else if (value < 0x1_0000_0000) {
      this.#bytes[this.#end++] = 0xce
      this.#bigEndian(value)
    } else {
      this.#bytes[this.#end++] = 0xcf
      this.#bigEndian(Math.floor(value / 0x1_0000_0000))
      this.#bigEndian(value % 0x1_0000_0000)
    }
  }

  #bigEndian(value: number): void {
    this.#putBigEndian(this.#end, value)
    this.#end += 4
  }

  #putBigEndian(at: number, value: number): void {
    this.#bytes[at] = value >>> 24
    this.#bytes[at + 1] = value >>> 16
    this.#bytes[at + 2] = value >>> 8
    this.#bytes[at + 3] = value
  }

  #reserve(count: number): void {
    const needed = this.#end + count
    if (needed <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#end * 2, leastBytes))
    larger.set(this.view())
    this.#bytes = larger
  }
}

const nothing: Uint8Array = new Uint8Array(0)
