/**
 * Strict reader for the canonical MessagePack subset (doc/spec/01-encoding.md). Every value must stand in
 * its only spelling; anything else throws CodecError with the offset. The input is taken as hostile:
 * lengths are checked before anything is allocated.
 */
import { CodecError, type CodecErrorCode } from './codec-error.ts'
import { depthMax, integerMax } from './limits.ts'

const asciiLengthMax = 24 // below this a loop beats TextDecoder
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class CanonicalReader {
  readonly #bytes: Uint8Array
  #offset: number
  #start: number // where the value being read begins, for error messages
  /** Values still to come in each open array, innermost last. */
  readonly #open: number[] = []

  constructor(bytes: Uint8Array, offset = 0) {
    this.#bytes = bytes
    this.#offset = offset
    this.#start = offset
  }

  /** Where the next value begins. */
  get offset(): number {
    return this.#offset
  }

  /** True, and the nil is consumed, when the next value is nil. */
  skipNil(): boolean {
    if (this.#bytes[this.#offset] !== 0xc0) return false
    this.#offset++
    this.#closeValue()
    return true
  }

  /** `undefined` when the next value is nil, else what `read` returns. */
  optional<T>(read: () => T): T | undefined {
    return this.skipNil() ? undefined : read()
  }

  boolean(): boolean {
    const byte = this.#head()
    if (byte !== 0xc2 && byte !== 0xc3) this.#fail('ERR_CODEC_TYPE', 'expected a boolean')
    this.#closeValue()
    return byte === 0xc3
  }

  /** @returns an integer from `min` to `max`, else ERR_CODEC_RANGE */
  uint(max: number = integerMax, min = 0): number {
    const value = this.#uintValue()
    if (value > max || value < min) this.#fail('ERR_CODEC_RANGE', `${value} is not between ${min} and ${max}`)
    this.#closeValue()
    return value
  }

  /** @returns a view of the input, at most `max` and at least `min` bytes long */
  bin(max: number, min = 0): Uint8Array {
    const head = this.#head()
    if (head < 0xc4 || head > 0xc6) this.#fail('ERR_CODEC_TYPE', 'expected bin')
    const length = this.#length(head - 0xc4, 0)
    if (length > max || length < min) {
      this.#fail('ERR_CODEC_RANGE', `bin of ${length} bytes is not between ${min} and ${max}`)
    }
    return this.#take(length)
  }

  /** @returns a view of exactly `length` bytes */
  binExact(length: number): Uint8Array {
    return this.bin(length, length)
  }

  /** @param bytesMax bound on the UTF-8 length */
  str(bytesMax: number): string {
    const head = this.#head()
    let length: number
    if ((head & 0xe0) === 0xa0) length = head & 0x1f
    else if (head >= 0xd9 && head <= 0xdb) length = this.#length(head - 0xd9, 0x20)
    else return this.#fail('ERR_CODEC_TYPE', 'expected str')
    if (length > bytesMax) this.#fail('ERR_CODEC_RANGE', `str of ${length} bytes is longer than ${bytesMax}`)
    const short = length < asciiLengthMax ? this.#shortAscii(length) : undefined
    if (short !== undefined) return short
    const bytes = this.#take(length)
    try {
      return decoder.decode(bytes)
    } catch (cause) {
      throw new CodecError('ERR_CODEC_UTF8', `str is not valid UTF-8, at offset ${this.#start}`, { cause })
    }
  }

  /** Opens an array and returns its length, between `min` and `max`; its values follow. */
  array(max: number, min = 0): number {
    const head = this.#head()
    let length: number
    if ((head & 0xf0) === 0x90) length = head & 0x0f
    else if (head === 0xdc || head === 0xdd) length = this.#length(head - 0xdb, 0x10)
    else return this.#fail('ERR_CODEC_TYPE', 'expected an array')
    if (length > max || length < min) {
      this.#fail('ERR_CODEC_RANGE', `array of ${length} is not between ${min} and ${max}`)
    }
    if (length > this.#bytes.length - this.#offset)
      this.#fail('ERR_CODEC_TRUNCATED', 'array is longer than the input')
    if (this.#open.length >= depthMax) {
      this.#fail('ERR_CODEC_DEPTH', `arrays are nested deeper than ${depthMax}`)
    }
    if (length === 0) this.#closeValue()
    else this.#open.push(length)
    return length
  }

  /** Opens an array of exactly `length` values. */
  arrayOf(length: number): void {
    this.array(length, length)
  }

  /** The type of the next value, without consuming it; undefined at the end of the input. */
  peek(): 'nil' | 'boolean' | 'uint' | 'bin' | 'str' | 'array' | undefined {
    const head = this.#bytes[this.#offset]
    if (head === undefined) return undefined
    if (head === 0xc0) return 'nil'
    if (head === 0xc2 || head === 0xc3) return 'boolean'
    if (head < 0x80 || (head >= 0xcc && head <= 0xcf)) return 'uint'
    if (head >= 0xc4 && head <= 0xc6) return 'bin'
    if ((head & 0xe0) === 0xa0 || (head >= 0xd9 && head <= 0xdb)) return 'str'
    if ((head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd) return 'array'
    this.#start = this.#offset
    return this.#fail('ERR_CODEC_TYPE', `byte 0x${head.toString(16)} is outside the subset`)
  }

  /** Refuses trailing bytes and arrays that are still open. */
  end(): void {
    this.#start = this.#offset
    if (this.#open.length > 0) this.#fail('ERR_CODEC_TRUNCATED', 'an array is not complete')
    if (this.#offset !== this.#bytes.length) {
      this.#fail('ERR_CODEC_TRAILING', `${this.#bytes.length - this.#offset} bytes follow the last value`)
    }
  }

  /** The next `length` bytes as text when all of them are there and ASCII; else undefined, and nothing is consumed. */
  #shortAscii(length: number): string | undefined {
    const end = this.#offset + length
    if (end > this.#bytes.length) return undefined
    let text = ''
    for (let index = this.#offset; index < end; index++) {
      const byte = this.#bytes[index] ?? 0x80
      if (byte >= 0x80) return undefined
      text += String.fromCharCode(byte)
    }
    this.#offset = end
    this.#closeValue()
    return text
  }

  #uintValue(): number {
    const head = this.#head()
    if (head < 0x80) return head
    if (head < 0xcc || head > 0xcf) return this.#fail('ERR_CODEC_TYPE', 'expected an unsigned integer')
    if (head === 0xcf) {
      const high = this.#bigEndian(4)
      const low = this.#bigEndian(4)
      if (high === 0) this.#fail('ERR_CODEC_NOT_SHORTEST', 'integer is not in its shortest form')
      if (high > 0x1fffff) this.#fail('ERR_CODEC_RANGE', 'integer is above 2^53-1')
      return high * 0x100000000 + low
    }
    return this.#length(head - 0xcc, 0x80)
  }

  /** Big-endian number of 1, 2 or 4 bytes that must not fit in the next smaller form. */
  #length(sizeLog2: number, least: number): number {
    const value = this.#bigEndian(1 << sizeLog2)
    const bound = sizeLog2 === 0 ? least : sizeLog2 === 1 ? (least === 0x10 ? 0x10 : 0x100) : 0x10000
    if (value < bound) this.#fail('ERR_CODEC_NOT_SHORTEST', 'length or number is not in its shortest form')
    return value
  }

  #bigEndian(width: number): number {
    let value = 0
    for (let index = 0; index < width; index++) value = value * 256 + this.#byte()
    return value
  }

  /** The first byte of the next value. */
  #head(): number {
    this.#start = this.#offset
    return this.#byte()
  }

  #byte(): number {
    const byte = this.#bytes[this.#offset]
    if (byte === undefined) return this.#fail('ERR_CODEC_TRUNCATED', 'the input ends here')
    this.#offset++
    return byte
  }

  #take(length: number): Uint8Array {
    if (length > this.#bytes.length - this.#offset)
      this.#fail('ERR_CODEC_TRUNCATED', 'value is longer than the input')
    const view = this.#bytes.subarray(this.#offset, this.#offset + length)
    this.#offset += length
    this.#closeValue()
    return view
  }

  /** Counts one value in the innermost open array; a full array is a value of the one around it. */
  #closeValue(): void {
    for (let last = this.#open.length - 1; last >= 0; last--) {
      const remaining = this.#open[last] ?? 0
      if (remaining > 1) {
        this.#open[last] = remaining - 1
        return
      }
      this.#open.pop()
    }
  }

  #fail(code: CodecErrorCode, message: string): never {
    throw new CodecError(code, `${message}, at offset ${this.#start}`)
  }
}
