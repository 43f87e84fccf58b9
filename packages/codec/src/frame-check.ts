/**
 * Structural check of a MessagePack message before msgpackr decodes it. msgpackr is lenient: it takes
 * extension types that define records, invalid UTF-8, bytes outside the format and any depth. This walk
 * lets through only what frames and local records may hold: nil, booleans, finite numbers without 64-bit
 * integers beyond 2^53-1, valid text, bytes, arrays, and maps with text keys. It builds nothing and never
 * recurses, so hostile input costs at most one pass over its bytes.
 */
import { CodecError, type CodecErrorCode } from './codec-error.ts'
import { frameDepthMax } from './limits.ts'

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const prototypeKey = '__proto__'

/**
 * Throws CodecError unless `bytes` is exactly one message of the allowed shape.
 * @param wideIntegers whether 64-bit integers up to 2^53-1 pass; msgpackr writes them for bigint alone
 */
export function checkMessage(bytes: Uint8Array, wideIntegers: boolean): void {
  const walk = new MessageWalk(bytes, wideIntegers)
  walk.value()
  walk.end()
}

class MessageWalk {
  readonly #bytes: Uint8Array
  readonly #wideIntegers: boolean
  #offset = 0
  /** Values still to come in each open container, innermost last; negative counts a map's keys too. */
  readonly #open: number[] = []

  constructor(bytes: Uint8Array, wideIntegers: boolean) {
    this.#bytes = bytes
    this.#wideIntegers = wideIntegers
  }

  /** Walks one value with everything inside it. */
  value(): void {
    this.#single(false)
    while (this.#open.length > 0) {
      const last = this.#open.length - 1
      const remaining = this.#open[last] ?? 0
      if (remaining === 0) this.#open.pop()
      else if (remaining > 0) {
        this.#open[last] = remaining - 1
        this.#single(false)
      } else {
        this.#open[last] = remaining + 1
        this.#single(remaining % 2 === 0)
      }
    }
  }

  end(): void {
    const extra = this.#bytes.length - this.#offset
    if (extra > 0) this.#fail('ERR_CODEC_TRAILING', `${extra} bytes follow the message`)
  }

  #single(isKey: boolean): void {
    const head = this.#unsigned(1)
    if (head >= 0xa0 && head <= 0xbf) return this.#text(head & 0x1f, isKey)
    if (head >= 0xd9 && head <= 0xdb) return this.#text(this.#unsigned(1 << (head - 0xd9)), isKey)
    if (isKey) this.#fail('ERR_CODEC_TYPE', 'a map key is not text')
    if (head < 0x80 || head >= 0xe0) return
    if (head <= 0x8f) return this.#enter(head & 0x0f, true)
    if (head <= 0x9f) return this.#enter(head & 0x0f, false)
    switch (head) {
      case 0xc0: // nil
      case 0xc2: // false
      case 0xc3: // true
        return
      case 0xc4: // bin
      case 0xc5:
      case 0xc6:
        return this.#skip(this.#unsigned(1 << (head - 0xc4)))
      case 0xca: // float
        return this.#float(4)
      case 0xcb:
        return this.#float(8)
      case 0xcc: // uint
      case 0xcd:
      case 0xce:
        return this.#skip(1 << (head - 0xcc))
      case 0xd0: // int
      case 0xd1:
      case 0xd2:
        return this.#skip(1 << (head - 0xd0))
      case 0xcf: // uint64
        return this.#wide(0, 0x1f_ffff)
      case 0xd3: // int64
        return this.#wide(-0x20_0000, 0x1f_ffff)
      case 0xdc: // array
      case 0xdd:
        return this.#enter(this.#unsigned(1 << (head - 0xdb)), false)
      case 0xde: // map
      case 0xdf:
        return this.#enter(this.#unsigned(1 << (head - 0xdd)), true)
      default:
        this.#fail('ERR_CODEC_TYPE', `byte 0x${head.toString(16)} begins an extension or nothing at all`)
    }
  }

  #enter(count: number, isMap: boolean): void {
    const values = isMap ? count * 2 : count
    if (values > this.#bytes.length - this.#offset) {
      this.#fail('ERR_CODEC_TRUNCATED', `a container claims ${count} entries and the input ends before them`)
    }
    if (this.#open.length >= frameDepthMax) {
      this.#fail('ERR_CODEC_DEPTH', `containers are nested deeper than ${frameDepthMax}`)
    }
    if (values > 0) this.#open.push(isMap ? -values : values)
  }

  #text(length: number, isKey: boolean): void {
    const start = this.#offset
    this.#skip(length)
    let ascii = true
    for (let index = start; index < this.#offset && ascii; index++) ascii = (this.#bytes[index] ?? 0) < 0x80
    const needsText = !ascii || (isKey && length === prototypeKey.length)
    if (!needsText) return
    const text = this.#decode(start)
    if (isKey && text === prototypeKey) this.#fail('ERR_CODEC_VALUE', `a map has the key "${prototypeKey}"`)
  }

  #decode(start: number): string {
    try {
      return decoder.decode(this.#bytes.subarray(start, this.#offset))
    } catch (cause) {
      throw new CodecError('ERR_CODEC_UTF8', `text is not valid UTF-8, at offset ${start}`, { cause })
    }
  }

  #float(width: 4 | 8): void {
    const start = this.#offset
    this.#skip(width)
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + start, width)
    const value = width === 4 ? view.getFloat32(0) : view.getFloat64(0)
    if (!Number.isFinite(value)) this.#fail('ERR_CODEC_RANGE', 'a number is not finite')
  }

  #wide(highMin: number, highMax: number): void {
    if (!this.#wideIntegers) this.#fail('ERR_CODEC_TYPE', 'a bigint stands here')
    const high = highMin < 0 ? this.#unsigned(4) | 0 : this.#unsigned(4)
    const low = this.#unsigned(4)
    // The most negative high word with a zero low word is -2^53, one below what a number holds exactly.
    if (high < highMin || high > highMax || (high === -0x20_0000 && low === 0)) {
      this.#fail('ERR_CODEC_RANGE', 'an integer is beyond 2^53-1')
    }
  }

  #unsigned(width: number): number {
    if (width > this.#bytes.length - this.#offset) this.#fail('ERR_CODEC_TRUNCATED', 'the input ends here')
    let value = 0
    for (let index = 0; index < width; index++) value = value * 256 + (this.#bytes[this.#offset++] ?? 0)
    return value
  }

  #skip(length: number): void {
    if (length > this.#bytes.length - this.#offset) {
      this.#fail('ERR_CODEC_TRUNCATED', `a value of ${length} bytes is longer than the input`)
    }
    this.#offset += length
  }

  #fail(code: CodecErrorCode, message: string): never {
    throw new CodecError(code, `${message}, at offset ${this.#offset}`)
  }
}
