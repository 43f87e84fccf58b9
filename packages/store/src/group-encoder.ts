/**
 * Lays the batches of a group out as bytes: a group mark, then every frame. Small payloads are copied together
 * into one staging buffer, large ones are written from where they lie.
 */
import { encodeFrameHeader, frameFlag, frameHeaderBytes, frameType, payloadChecksumOf } from './frame.ts'
import type { LogFrame, PendingBatch, PreparedEntry } from './pending-batch.ts'
import { gatherBytesMin } from './limits.ts'
import type { Location, Position } from './location.ts'

export const groupMarkBytes: number = frameHeaderBytes + 8

export interface EncodedGroup {
  readonly parts: readonly Uint8Array[]
  readonly length: number
}

/** Told of every frame once its place is known. */
export type OnPlaced = (frame: LogFrame | PreparedEntry, place: Location) => void

export class GroupEncoder {
  readonly #salt: number
  #staging: Buffer = Buffer.allocUnsafeSlow(64 * 1024)
  #used = 0
  #mark = 0
  #parts: Uint8Array[] = []
  #length = 0

  constructor(salt: number) {
    this.#salt = salt
  }

  /**
   * @param start where the group begins in the log
   * @param durable everything before this place was synced
   * @returns parts that stay valid until the next call
   */
  encode(
    batches: readonly PendingBatch[],
    start: Position,
    durable: Position,
    onPlaced: OnPlaced
  ): EncodedGroup {
    this.#begin(batches)
    this.#addMark(frameType.group, durable)
    for (const batch of batches) {
      if (batch.prepared !== undefined) this.#addPrepared(batch.prepared.bytes)
      else this.#addFrames(batch.frames, start, onPlaced)
      if (batch.prepared === undefined) continue
      const base = start.offset + this.#length - batch.prepared.bytes.length
      batch.packed?.place({ segment: start.segment, offset: base })
      for (const entry of batch.prepared.entries) {
        onPlaced(entry, { segment: start.segment, offset: base + entry.offset, length: entry.length })
      }
    }
    this.#cut()
    return { parts: this.#parts, length: this.#length }
  }

  /** The mark of an orderly end. */
  encodeClose(durable: Position): EncodedGroup {
    this.#begin([])
    this.#addMark(frameType.close, durable)
    this.#cut()
    return { parts: this.#parts, length: this.#length }
  }

  #begin(batches: readonly PendingBatch[]): void {
    let needed = groupMarkBytes
    for (const batch of batches)
      for (const frame of batch.frames) needed += frameHeaderBytes + copiedBytes(frame)
    if (this.#staging.length < needed) this.#staging = Buffer.allocUnsafeSlow(needed * 2)
    this.#used = 0
    this.#mark = 0
    this.#parts = []
    this.#length = 0
  }

  #addMark(type: typeof frameType.group | typeof frameType.close, durable: Position): void {
    const at = this.#used
    this.#staging.writeUInt32BE(durable.segment, at + frameHeaderBytes)
    this.#staging.writeUInt32BE(durable.offset, at + frameHeaderBytes + 4)
    const payload = this.#staging.subarray(at + frameHeaderBytes, at + groupMarkBytes)
    const checksum = payloadChecksumOf([payload], this.#salt)
    encodeFrameHeader(this.#staging, at, { type, flags: 0, length: 8 }, checksum, this.#salt)
    this.#used += groupMarkBytes
    this.#length += groupMarkBytes
  }

  #addFrames(frames: readonly LogFrame[], start: Position, onPlaced: OnPlaced): void {
    const last = frames.length - 1
    for (let index = 0; index <= last; index++) {
      const frame = frames[index]
      if (frame === undefined) continue
      const offset = start.offset + this.#length
      const flags = frame.flags | (index === 0 ? frameFlag.first : 0) | (index === last ? frameFlag.last : 0)
      this.#addFrame(frame, flags)
      onPlaced(frame, { segment: start.segment, offset, length: frame.length })
    }
  }

  #addFrame(frame: LogFrame, flags: number): void {
    const { type, subtype = 0, length, part = 0, reference, payload } = frame
    const checksum = payloadChecksumOf(payload, this.#salt)
    const fields = { type, flags, subtype, length, part, reference }
    encodeFrameHeader(this.#staging, this.#used, fields, checksum, this.#salt)
    this.#used += frameHeaderBytes
    for (const bytes of payload) {
      if (bytes.length >= gatherBytesMin) {
        this.#cut()
        this.#parts.push(bytes)
      } else {
        this.#staging.set(bytes, this.#used)
        this.#used += bytes.length
      }
    }
    this.#length += frameHeaderBytes + length
  }

  #addPrepared(bytes: Uint8Array): void {
    this.#cut()
    this.#parts.push(bytes)
    this.#length += bytes.length
  }

  #cut(): void {
    if (this.#used > this.#mark) this.#parts.push(this.#staging.subarray(this.#mark, this.#used))
    this.#mark = this.#used
  }
}

function copiedBytes(frame: LogFrame): number {
  let bytes = 0
  for (const part of frame.payload) if (part.length < gatherBytesMin) bytes += part.length
  return bytes
}
