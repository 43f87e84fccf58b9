/**
 * Writer for the canonical MessagePack subset (doc/spec/01-encoding.md): nil, booleans, unsigned integers
 * up to 2^53 - 1, bin, str and arrays, each in its shortest header. One growing buffer, no intermediate
 * objects; fields are written in the order of the specification, so the code reads like the layout.
 */
import { CodecError } from './codec-error.ts'

const encoder = new TextEncoder()

export class CanonicalWriter {
  #buffer: Uint8Array
  #length = 0

  /** @param capacity first size in bytes of the internal buffer; it doubles when full */
  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity)
  }

  nil(): this {
    return this.#byte(0xc0)
  }

  boolean(value: boolean): this {
    return this.#byte(value ? 0xc3 : 0xc2)
  }

  /** @param value integer in 0..2^53-1, else ERR_CODEC_VALUE */
  uint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) {
      throw new CodecError('ERR_CODEC_VALUE', `cannot encode ${value}: not an integer from 0 to 2^53-1`)
    }
    if (value < 0x80) return this.#byte(value)
    if (value < 0x100) return this.#byte(0xcc).#byte(value)
    if (value < 0x10000) return this.#byte(0xcd).#bigEndian(value, 2)
    if (value < 0x100000000) return this.#byte(0xce).#bigEndian(value, 4)
    this.#byte(0xcf).#bigEndian(Math.floor(value / 0x100000000), 4)
    return this.#bigEndian(value % 0x100000000, 4)
  }

  /** The bytes are copied. */
  bin(bytes: Uint8Array): this {
    const length = bytes.length
    if (length < 0x100) this.#byte(0xc4).#byte(length)
    else if (length < 0x10000) this.#byte(0xc5).#bigEndian(length, 2)
    else this.#byte(0xc6).#bigEndian(length, 4)
    return this.raw(bytes)
  }

  /** @param text well-formed Unicode; a lone surrogate is ERR_CODEC_VALUE */
  str(text: string): this {
    if (!text.isWellFormed())
      throw new CodecError('ERR_CODEC_VALUE', 'cannot encode text with a lone surrogate')
    const bytes = encoder.encode(text)
    const length = bytes.length
    if (length < 0x20) this.#byte(0xa0 | length)
    else if (length < 0x100) this.#byte(0xd9).#byte(length)
    else if (length < 0x10000) this.#byte(0xda).#bigEndian(length, 2)
    else this.#byte(0xdb).#bigEndian(length, 4)
    return this.raw(bytes)
  }

  /** Writes the header of an array; the caller then writes exactly `length` values. */
  array(length: number): this {
    if (length < 0x10) return this.#byte(0x90 | length)
    if (length < 0x10000) return this.#byte(0xdc).#bigEndian(length, 2)
    return this.#byte(0xdd).#bigEndian(length, 4)
  }

  /** `write(value)`, or nil when the value is undefined. */
  optional<T>(value: T | undefined, write: (value: T) => unknown): this {
    if (value === undefined) return this.nil()
    write(value)
    return this
  }

  /** Appends bytes that are already encoded. */
  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.length)
    this.#buffer.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  /** A copy of what was written; the writer may go on. */
  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length)
  }

  #byte(value: number): this {
    this.#reserve(1)
    this.#buffer[this.#length++] = value
    return this
  }

  #bigEndian(value: number, width: 2 | 4): this {
    this.#reserve(width)
    for (let shift = (width - 1) * 8; shift >= 0; shift -= 8) {
      this.#buffer[this.#length++] = (value >>> shift) & 0xff
    }
    return this
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#buffer.length) return
    let capacity = this.#buffer.length * 2
    while (capacity < needed) capacity *= 2
    const grown = new Uint8Array(capacity)
    grown.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = grown
  }
}
