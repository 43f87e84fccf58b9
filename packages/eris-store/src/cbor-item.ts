/**
 * The few items of CBOR (RFC 8949) that a file of blocks is made of, read from a file piece by piece: a file may be
 * larger than memory, so it is never decoded as one value.
 */
import type { FileHandle } from 'node:fs/promises'
import { ErisError } from '@blocktree/eris'

export const major = { bytes: 2, array: 4, map: 5, tag: 6 } as const

export interface CborHead {
  readonly major: number
  /** Length, count or tag; undefined for an indefinite length. */
  readonly argument: number | undefined
}

/** The shortest form of a head. */
export function encodeHead(majorType: number, argument: number): Uint8Array {
  const type = majorType << 5
  if (argument < 24) return Uint8Array.of(type | argument)
  if (argument < 0x1_00) return Uint8Array.of(type | 24, argument)
  if (argument < 0x1_00_00) return Uint8Array.of(type | 25, argument >> 8, argument & 255)
  const bytes = new Uint8Array(5)
  bytes[0] = type | 26
  new DataView(bytes.buffer).setUint32(1, argument)
  return bytes
}

const bufferBytes = 256 * 1024

/** Reads items in order from a file. ERR_ERIS_STORE_FORMAT names the offset of what is wrong. */
export class CborFileReader {
  readonly #file: FileHandle
  readonly #name: string
  readonly #buffer = new Uint8Array(bufferBytes)
  #start = 0
  #end = 0
  #offset = 0

  constructor(file: FileHandle, name: string) {
    this.#file = file
    this.#name = name
  }

  /** Of the next byte in the file. */
  get offset(): number {
    return this.#offset
  }

  async head(): Promise<CborHead> {
    const [initial = 0] = await this.bytes(1)
    const majorType = initial >> 5
    const short = initial & 31
    if (short < 24) return { major: majorType, argument: short }
    if (short === 31 && (majorType === major.array || majorType === major.map))
      return { major: majorType, argument: undefined }
    if (short > 27) throw this.wrong('an item that has no place here')
    const length = 1 << (short - 24)
    let argument = 0
    for (const byte of await this.bytes(length)) argument = argument * 256 + byte
    if (!Number.isSafeInteger(argument)) throw this.wrong('a number above 2^53')
    return { major: majorType, argument }
  }

  async expect(majorType: number, what: string): Promise<number | undefined> {
    const head = await this.head()
    if (head.major !== majorType) throw this.wrong(`not ${what}`)
    return head.argument
  }

  /** A byte string of one of the lengths; the bytes are the caller's. */
  async byteString(lengths: readonly number[], what: string): Promise<Uint8Array> {
    const length = await this.expect(major.bytes, what)
    if (length === undefined || !lengths.includes(length)) throw this.wrong(`${what} of a wrong length`)
    return (await this.bytes(length)).slice()
  }

  /** True, and read, when the next byte ends an indefinite array or map. */
  async takesBreak(): Promise<boolean> {
    if (!(await this.#fill(1)) || this.#buffer[this.#start] !== 0xff) return false
    await this.bytes(1)
    return true
  }

  async isAtEnd(): Promise<boolean> {
    return !(await this.#fill(1))
  }

  /** A view, good until the next read. */
  async bytes(length: number): Promise<Uint8Array> {
    if (!(await this.#fill(length))) throw this.wrong('the end of the file in the middle of an item')
    const bytes = this.#buffer.subarray(this.#start, this.#start + length)
    this.#start += length
    this.#offset += length
    return bytes
  }

  wrong(what: string): ErisError {
    return new ErisError('ERR_ERIS_STORE_FORMAT', `${this.#name}, byte ${this.#offset}: ${what}`)
  }

  async #fill(length: number): Promise<boolean> {
    while (this.#end - this.#start < length) {
      if (this.#start > 0) {
        this.#buffer.copyWithin(0, this.#start, this.#end)
        this.#end -= this.#start
        this.#start = 0
      }
      const { bytesRead } = await this.#file.read(this.#buffer, this.#end, this.#buffer.length - this.#end)
      if (bytesRead === 0) return false
      this.#end += bytesRead
    }
    return true
  }
}
