/**
 * Writer for the canonical MessagePack subset (doc/spec/01-encoding.md): nil, booleans, unsigned integers
 * up to 2^53 - 1, bin, str and arrays, each in its shortest header. One growing buffer, no intermediate
 * objects; fields are written in the order of the specification, so the code reads like the layout.
 */
import { CodecError } from './codec-error.ts'
import { copyBytes } from './room.ts'

const encoder = new TextEncoder()
const headerBytesMax = 9 // 0xcf and eight bytes
const countMax = 0xffff_ffff // what a 32-bit length can say
const asciiLengthMax = 24 // below this a loop beats TextEncoder
const scratchBytes = 4096
const empty: Uint8Array = new Uint8Array(0)

const spareMax = 2 // writers are nested once

/** Buffers between two writers; whoever takes one removes it, so nested writers never share one. */
const spare: Uint8Array[] = []

export class CanonicalWriter {
  #buffer: Uint8Array
  #length = 0

  /** @param capacity bytes expected in all; the buffer grows when they do not suffice */
  constructor(capacity = 256) {
    const scratch = capacity <= scratchBytes ? spare.pop() : undefined
    this.#buffer = scratch ?? new Uint8Array(Math.max(capacity, scratchBytes))
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  nil(): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = 0xc0
    return this
  }

  boolean(value: boolean): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value ? 0xc3 : 0xc2
    return this
  }

  /** @param value integer in 0..2^53-1, else ERR_CODEC_VALUE */
  uint(value: number): this {
    this.#reserve(headerBytesMax)
    if (value < 0x80 && value >= 0 && Number.isInteger(value)) {
      this.#buffer[this.#length++] = value
      return this
    }
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new CodecError('ERR_CODEC_VALUE', `cannot encode ${value}: not an integer from 0 to 2^53-1`)
    }
    if (value <= countMax) this.#sized(0xcc, value)
    else {
      this.#buffer[this.#length++] = 0xcf
      this.#bigEndian32(Math.floor(value / 0x1_0000_0000))
      this.#bigEndian32(value % 0x1_0000_0000)
    }
    return this
  }

  /** The bytes are copied. */
  bin(bytes: Uint8Array): this {
    this.#reserve(headerBytesMax + bytes.length)
    this.#sized(0xc4, bytes.length)
    this.#copy(bytes)
    return this
  }

  /** @param text well-formed Unicode; a lone surrogate is ERR_CODEC_VALUE */
  str(text: string): this {
    if (text.length < asciiLengthMax && this.#shortAscii(text)) return this
    if (!text.isWellFormed())
      throw new CodecError('ERR_CODEC_VALUE', 'cannot encode text with a lone surrogate')
    const bytes = encoder.encode(text)
    this.#reserve(headerBytesMax + bytes.length)
    if (bytes.length < 0x20) this.#buffer[this.#length++] = 0xa0 | bytes.length
    else this.#sized(0xd9, bytes.length)
    this.#copy(bytes)
    return this
  }

  /** Writes the header of an array; the caller then writes exactly `length` values. */
  array(length: number): this {
    if (!Number.isInteger(length) || length < 0 || length > countMax) {
      throw new CodecError('ERR_CODEC_VALUE', `cannot encode an array of ${length} values`)
    }
    this.#reserve(headerBytesMax)
    if (length < 0x10) this.#buffer[this.#length++] = 0x90 | length
    else if (length < 0x1_0000) {
      this.#buffer[this.#length++] = 0xdc
      this.#bigEndian16(length)
    } else {
      this.#buffer[this.#length++] = 0xdd
      this.#bigEndian32(length)
    }
    return this
  }

  /** `write(value)`, or nil when the value is undefined. */
  optional<T>(value: T | undefined, write: (value: T) => unknown): this {
    if (value === undefined) return this.nil()
    write(value)
    return this
  }

  /** Appends bytes that are already encoded; the caller vouches for them. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#copy(bytes)
    return this
  }

  /** What was written, in a buffer of its own; the writer is empty afterwards. */
  finish(): Uint8Array {
    const written = copyBytes(this.#buffer, 0, this.#length)
    if (this.#buffer.length === scratchBytes && spare.length < spareMax) spare.push(this.#buffer)
    this.#buffer = empty
    this.#length = 0
    return written
  }

  /** True, and the text is written, when all of it is ASCII. */
  #shortAscii(text: string): boolean {
    const length = text.length
    this.#reserve(length + 1)
    const start = this.#length + 1
    for (let index = 0; index < length; index++) {
      const unit = text.charCodeAt(index)
      if (unit >= 0x80) return false
      this.#buffer[start + index] = unit
    }
    this.#buffer[this.#length] = 0xa0 | length
    this.#length = start + length
    return true
  }

  #copy(bytes: Uint8Array): void {
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** `head`, `head + 1` or `head + 2`, then the value in 1, 2 or 4 bytes. */
  #sized(head: number, value: number): void {
    if (value < 0x100) {
      this.#buffer[this.#length++] = head
      this.#buffer[this.#length++] = value
    } else if (value < 0x1_0000) {
      this.#buffer[this.#length++] = head + 1
      this.#bigEndian16(value)
    } else {
      this.#buffer[this.#length++] = head + 2
      this.#bigEndian32(value)
    }
  }

  #bigEndian16(value: number): void {
    this.#buffer[this.#length++] = value >>> 8
    this.#buffer[this.#length++] = value
  }

  #bigEndian32(value: number): void {
    this.#buffer[this.#length++] = value >>> 24
    this.#buffer[this.#length++] = value >>> 16
    this.#buffer[this.#length++] = value >>> 8
    this.#buffer[this.#length++] = value
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2, 64))
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}
