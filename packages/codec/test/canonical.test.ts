/** Writer and reader of the canonical subset against each other, against hostile bytes and outside vectors. */
import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CanonicalReader, CanonicalWriter, CodecError, type CodecErrorCode } from '@blocktree/codec'
import { type SubsetValue, encodeValue, readValue, toHex, fromHex } from './subset-value.ts'

const runs = process.env['SLOW'] === '1' ? 20_000 : 500

const subsetValue: fc.Arbitrary<SubsetValue> = fc.letrec<{ value: SubsetValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.oneof(
      fc.nat({ max: 300 }),
      fc.maxSafeNat(),
      fc.constantFrom(0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffffffff, 2 ** 32)
    ),
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.array(tie('value'), { maxLength: 20 })
  )
})).value

function codeOf(run: () => unknown): CodecErrorCode | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof CodecError) return error.code
    throw error
  }
  return undefined
}

function decodeValue(bytes: Uint8Array): SubsetValue {
  const reader = new CanonicalReader(bytes)
  const value = readValue(reader)
  reader.end()
  return value
}

describe('canonical encoding', () => {
  test('decoding what was encoded gives the same value', () => {
    fc.assert(
      fc.property(subsetValue, (value) => {
        expect(decodeValue(encodeValue(value))).toEqual(value)
      }),
      { numRuns: runs }
    )
  })

  test('whatever decodes was in its only spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), (bytes) => {
        let value: SubsetValue
        try {
          value = decodeValue(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
          return
        }
        expect(toHex(encodeValue(value))).toBe(toHex(bytes))
      }),
      { numRuns: runs * 10 }
    )
  })

  test('a changed byte of a valid encoding is refused or is another value, never another error', () => {
    fc.assert(
      fc.property(subsetValue, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, change) => {
        const bytes = encodeValue(value)
        const index = place % bytes.length
        bytes[index] = (bytes[index] ?? 0) ^ change
        try {
          const changed = decodeValue(bytes)
          expect(toHex(encodeValue(changed))).toBe(toHex(bytes))
          expect(changed).not.toEqual(value)
        } catch (error) {
          if (!(error instanceof CodecError)) throw error
        }
      }),
      { numRuns: runs }
    )
  })

  test('every truncation of a valid encoding is refused', () => {
    fc.assert(
      fc.property(subsetValue, fc.nat(), (value, place) => {
        const bytes = encodeValue(value)
        const code = codeOf(() => decodeValue(bytes.subarray(0, place % bytes.length)))
        expect(code).toBe('ERR_CODEC_TRUNCATED')
      }),
      { numRuns: runs }
    )
  })
})

describe('CanonicalReader', () => {
  test.each<[string, string, CodecErrorCode]>([
    ['an integer below 128 in two bytes', 'cc7f', 'ERR_CODEC_NOT_SHORTEST'],
    ['an integer below 2^8 in three bytes', 'cd00ff', 'ERR_CODEC_NOT_SHORTEST'],
    ['an integer below 2^16 in five bytes', 'ce0000ffff', 'ERR_CODEC_NOT_SHORTEST'],
    ['an integer below 2^32 in nine bytes', 'cf00000000ffffffff', 'ERR_CODEC_NOT_SHORTEST'],
    ['an integer of 2^53', 'cf0020000000000000', 'ERR_CODEC_RANGE'],
    ['bin 16 for 255 bytes', `c500ff${'00'.repeat(255)}`, 'ERR_CODEC_NOT_SHORTEST'],
    ['bin 32 for 65,535 bytes', `c60000ffff${'00'.repeat(65535)}`, 'ERR_CODEC_NOT_SHORTEST'],
    ['str 8 for 31 bytes', `d91f${'61'.repeat(31)}`, 'ERR_CODEC_NOT_SHORTEST'],
    ['str 16 for 255 bytes', `da00ff${'61'.repeat(255)}`, 'ERR_CODEC_NOT_SHORTEST'],
    ['str 32 for 65,535 bytes', `db0000ffff${'61'.repeat(65535)}`, 'ERR_CODEC_NOT_SHORTEST'],
    ['array 16 for 15 values', `dc000f${'c0'.repeat(15)}`, 'ERR_CODEC_NOT_SHORTEST'],
    ['array 32 for 65,535 values', `dd0000ffff${'c0'.repeat(65535)}`, 'ERR_CODEC_NOT_SHORTEST'],
    ['a negative fixint', 'ff', 'ERR_CODEC_TYPE'],
    ['a signed integer', 'd001', 'ERR_CODEC_TYPE'],
    ['a float 32', 'ca3f800000', 'ERR_CODEC_TYPE'],
    ['a float 64', 'cb3ff0000000000000', 'ERR_CODEC_TYPE'],
    ['a fixmap', '80', 'ERR_CODEC_TYPE'],
    ['a map 16', 'de0000', 'ERR_CODEC_TYPE'],
    ['a fixext', 'd40000', 'ERR_CODEC_TYPE'],
    ['an ext 8', 'c70100ff', 'ERR_CODEC_TYPE'],
    ['the unused byte 0xc1', 'c1', 'ERR_CODEC_TYPE'],
    ['text that is not UTF-8', 'a1ff', 'ERR_CODEC_UTF8'],
    ['text with an encoded surrogate', 'a3eda080', 'ERR_CODEC_UTF8'],
    ['text in an over-long form', 'a2c080', 'ERR_CODEC_UTF8'],
    ['text cut inside a character', 'a1c3', 'ERR_CODEC_UTF8'],
    ['seven nested arrays', '91919191919190', 'ERR_CODEC_DEPTH'],
    ['an array longer than the input', '92c0', 'ERR_CODEC_TRUNCATED'],
    ['an array of 2^32-1 over nothing', 'ddffffffff', 'ERR_CODEC_TRUNCATED'],
    ['a byte string longer than the input', 'c40200', 'ERR_CODEC_TRUNCATED'],
    ['an empty input', '', 'ERR_CODEC_TRUNCATED'],
    ['a byte after the value', 'c0c0', 'ERR_CODEC_TRAILING']
  ])('refuses %s', (_name, hex, code) => {
    expect(codeOf(() => decodeValue(fromHex(hex)))).toBe(code)
  })

  test('accepts six nested arrays', () => {
    expect(decodeValue(fromHex('919191919190'))).toEqual([[[[[[]]]]]])
  })

  test('keeps a byte order mark, since it is part of the text', () => {
    expect(decodeValue(fromHex('a3efbbbf'))).toBe('\ufeff')
  })

  test('refuses an array that was read only in part', () => {
    const reader = new CanonicalReader(fromHex('920102'))
    reader.arrayOf(2)
    reader.uint()
    expect(codeOf(() => reader.end())).toBe('ERR_CODEC_TRUNCATED')
  })

  test('refuses a value out of the bounds the caller gives', () => {
    expect(codeOf(() => new CanonicalReader(fromHex('05')).uint(4))).toBe('ERR_CODEC_RANGE')
    expect(codeOf(() => new CanonicalReader(fromHex('00')).uint(4, 1))).toBe('ERR_CODEC_RANGE')
    expect(codeOf(() => new CanonicalReader(fromHex('c4020000')).bin(1))).toBe('ERR_CODEC_RANGE')
    expect(codeOf(() => new CanonicalReader(fromHex('c4020000')).binExact(3))).toBe('ERR_CODEC_RANGE')
    expect(codeOf(() => new CanonicalReader(fromHex('a3616161')).str(2))).toBe('ERR_CODEC_RANGE')
    expect(codeOf(() => new CanonicalReader(fromHex('93010101')).array(2))).toBe('ERR_CODEC_RANGE')
    expect(codeOf(() => new CanonicalReader(fromHex('93010101')).arrayOf(4))).toBe('ERR_CODEC_RANGE')
  })

  test('names the offset of the value it refuses', () => {
    const reader = new CanonicalReader(fromHex('9301cc05c0'))
    reader.arrayOf(3)
    reader.uint()
    expect(() => reader.uint()).toThrow(/at offset 2$/)
  })

  test('reads nil as absent, and a value as present', () => {
    const reader = new CanonicalReader(fromHex('c005'))
    expect(reader.optional(() => reader.uint())).toBeUndefined()
    expect(reader.optional(() => reader.uint())).toBe(5)
  })

  test('returns views of the input', () => {
    const bytes = fromHex('c40101')
    const view = new CanonicalReader(bytes).bin(1)
    expect(view.buffer).toBe(bytes.buffer)
  })
})

describe('CanonicalWriter', () => {
  test('refuses what the subset has no spelling for', () => {
    for (const value of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      expect(codeOf(() => new CanonicalWriter().uint(value))).toBe('ERR_CODEC_VALUE')
    }
    for (const length of [-1, 1.5, Number.NaN, 2 ** 32]) {
      expect(codeOf(() => new CanonicalWriter().array(length))).toBe('ERR_CODEC_VALUE')
    }
    expect(codeOf(() => new CanonicalWriter().str('a\ud800'))).toBe('ERR_CODEC_VALUE')
    expect(codeOf(() => new CanonicalWriter().str(`${'a'.repeat(40)}\udc00`))).toBe('ERR_CODEC_VALUE')
  })

  test('writes minus zero as zero', () => {
    expect(toHex(new CanonicalWriter().uint(-0).finish())).toBe('00')
  })

  test('grows from any capacity and gives a buffer of its own', () => {
    const writer = new CanonicalWriter(0)
    for (let index = 0; index < 10_000; index++) writer.uint(7)
    const written = writer.finish()
    expect(written.length).toBe(10_000)
    expect(written.every((byte) => byte === 7)).toBe(true)
    expect(written.buffer.byteLength).toBe(10_000)
  })

  test('two writers at once do not disturb each other', () => {
    const outer = new CanonicalWriter().array(2).uint(1)
    const inner = new CanonicalWriter().str('inside').finish()
    expect(toHex(outer.bin(inner).finish())).toBe('9201c407a6696e73696465')
    expect(toHex(inner)).toBe('a6696e73696465')
  })

  test('is empty after finish', () => {
    const writer = new CanonicalWriter().uint(1)
    expect(toHex(writer.finish())).toBe('01')
    expect(toHex(writer.finish())).toBe('')
    expect(toHex(writer.uint(2).finish())).toBe('02')
  })
})

interface SuiteEntry {
  nil?: null
  bool?: boolean
  binary?: string
  number?: number
  bignum?: string
  string?: string
  array?: unknown[]
  msgpack: string[]
}

const suiteFile = new URL('../../../../shared/vectors/msgpack/msgpack-test-suite.json', import.meta.url)

describe.skipIf(!existsSync(suiteFile))('msgpack-test-suite (needs shared/vectors)', () => {
  test('each value of the subset has one accepted spelling, the shortest, and is written so', () => {
    const suite = JSON.parse(readFileSync(suiteFile, 'utf8')) as Record<string, SuiteEntry[]>
    let values = 0
    for (const entry of Object.values(suite).flat()) {
      const value = subsetValueOf(entry)
      if (value === undefined) {
        for (const spelling of entry.msgpack) {
          expect(
            codeOf(() => decodeValue(fromHex(spelling))),
            spelling
          ).toMatch(/^ERR_CODEC_(TYPE|RANGE|NOT_SHORTEST)$/)
        }
        continue
      }
      values++
      const shortest = toHex(encodeValue(value))
      for (const spelling of entry.msgpack) {
        const bytes = fromHex(spelling)
        if (toHex(bytes) === shortest) expect(decodeValue(bytes)).toEqual(value)
        else
          expect(
            codeOf(() => decodeValue(bytes)),
            spelling
          ).toMatch(/^ERR_CODEC_/)
      }
      expect(entry.msgpack.map((spelling) => spelling.replaceAll('-', ''))).toContain(shortest)
    }
    expect(values).toBeGreaterThan(25)
  })
})

/** The suite's value when the canonical subset has it, else undefined. */
function subsetValueOf(entry: SuiteEntry): SubsetValue | undefined {
  if (entry.nil === null) return null
  if (entry.bool !== undefined) return entry.bool
  if (entry.binary !== undefined) return fromHex(entry.binary)
  if (entry.string !== undefined) return entry.string
  const number = entry.number ?? (entry.bignum === undefined ? undefined : Number(entry.bignum))
  if (number !== undefined) return Number.isSafeInteger(number) && number >= 0 ? number : undefined
  if (
    entry.array === undefined ||
    entry.array.some((item) => typeof item === 'object' && !Array.isArray(item))
  ) {
    return undefined
  }
  return entry.array as SubsetValue
}
