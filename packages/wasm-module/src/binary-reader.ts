/**
 * Strict reader for values of the WebAssembly binary format, bounded to a range of the module. Nothing is allocated
 * before its length is known to be there; everything else throws ModuleError with the offset.
 */
import { nameBytesMax } from './limits.ts'
import { ModuleError, type ModuleErrorCode } from './module-error.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class BinaryReader {
  readonly bytes: Uint8Array
  /** Where the next value begins. */
  offset: number
  /** Nothing at or behind this offset belongs to what is read. */
  readonly end: number

  constructor(bytes: Uint8Array, offset = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.offset = offset
    this.end = end
  }

  get isAtEnd(): boolean {
    return this.offset >= this.end
  }

  byte(): number {
    const value = this.offset < this.end ? this.bytes[this.offset] : undefined
    if (value === undefined) return this.fail('ERR_MODULE_TRUNCATED', 'a value is cut off')
    this.offset++
    return value
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(): number {
    const start = this.offset
    let value = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    const last = this.byte()
    if (last > 0x0f) this.fail('ERR_MODULE_INTEGER', 'an unsigned integer is longer than 32 bits', start)
    return value + last * 0x1000_0000
  }

  /** Unsigned LEB128 of at most 64 bits; what a double cannot hold comes back as the next double. */
  u64(): number {
    const start = this.offset
    let value = 0
    let factor = 1
    for (let index = 0; index < 9; index++) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
    const last = this.byte()
    if (last > 1) this.fail('ERR_MODULE_INTEGER', 'an unsigned integer is longer than 64 bits', start)
    return value + last * factor
  }

  /** Signed LEB128 of 33 bits: a block type. */
  s33(): number {
    const start = this.offset
    let value = 0
    let factor = 1
    for (let index = 0; index < 4; index++) {
      const byte = this.byte()
      value += (byte & 0x7f) * factor
      factor *= 128
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - factor
    }
    const last = this.byte()
    const isNegative = (last & 0x10) !== 0
    if (last >= 0x80 || (last & 0x60) !== (isNegative ? 0x60 : 0)) {
      this.fail('ERR_MODULE_INTEGER', 'a signed integer is longer than 33 bits', start)
    }
    return isNegative ? value + (last & 0x0f) * factor - 16 * factor : value + (last & 0x0f) * factor
  }

  /** Passes over signed LEB128 of `bits` 32 or 64. */
  skipSigned(bits: 32 | 64): void {
    const start = this.offset
    const lengthMax = bits === 32 ? 5 : 10
    for (let length = 1; length < lengthMax; length++) if (this.byte() < 0x80) return
    const last = this.byte()
    const sign = bits === 32 ? 0x78 : 0x7f // the bits that have to be alike: sign and those above it
    const high = last & sign
    if (last >= 0x80 || (high !== 0 && high !== sign)) {
      this.fail('ERR_MODULE_INTEGER', `a signed integer is longer than ${bits} bits`, start)
    }
  }

  skip(length: number): void {
    if (length > this.end - this.offset) this.fail('ERR_MODULE_TRUNCATED', `${length} bytes are not there`)
    this.offset += length
  }

  name(): string {
    const start = this.offset
    const length = this.u32()
    if (length > nameBytesMax) {
      this.fail('ERR_MODULE_LIMIT', `a name of ${length} bytes is longer than ${nameBytesMax}`, start)
    }
    const from = this.offset
    this.skip(length)
    try {
      return decoder.decode(this.bytes.subarray(from, this.offset))
    } catch {
      return this.fail('ERR_MODULE_NAME', 'a name is not valid UTF-8', start)
    }
  }

  /** Length of a vector: at most `max`, and no more than bytes are left. */
  count(max: number, what: string): number {
    const start = this.offset
    const count = this.u32()
    if (count > max) this.fail('ERR_MODULE_LIMIT', `${count} ${what} are more than ${max}`, start)
    if (count > this.end - this.offset) {
      this.fail('ERR_MODULE_TRUNCATED', `${count} ${what} do not fit the bytes left`, start)
    }
    return count
  }

  /** An index below `count`. */
  index(count: number, what: string): number {
    const start = this.offset
    const index = this.u32()
    if (index >= count) {
      this.fail('ERR_MODULE_INDEX', `there is no ${what} ${index}, there are ${count}`, start)
    }
    return index
  }

  /** A reader for the next `length` bytes, which this reader passes over. */
  part(length: number): BinaryReader {
    const from = this.offset
    this.skip(length)
    return new BinaryReader(this.bytes, from, this.offset)
  }

  fail(code: ModuleErrorCode, message: string, offset: number = this.offset): never {
    throw new ModuleError(code, message, offset)
  }
}
