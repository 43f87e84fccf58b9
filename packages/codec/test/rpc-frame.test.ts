import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CodecError,
  frameBytesMax,
  localRecordBytesMax,
  packFrame,
  packLocal,
  unpackFrame,
  unpackLocal
} from '@blocktree/codec'
import { fromHex } from './subset-value.ts'

const runs = process.env['SLOW'] === '1' ? 20_000 : 500

const frameValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 6, withCrossShrink: true },
    fc.constantFrom(null, true, false),
    fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true })),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.uint8Array({ maxLength: 100 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(
      fc.string().filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 20, noNullPrototype: true }
    )
  )
})).value

/** What becomes of minus zero: a frame does not tell it from zero. */
function plain(value: unknown): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map(plain)
  if (value === null || typeof value !== 'object' || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
}

describe('packFrame and unpackFrame', () => {
  test('unpacking gives back what was packed', () => {
    fc.assert(
      fc.property(frameValue, (value) => {
        expect(plain(unpackFrame(packFrame(value)))).toEqual(plain(value))
      }),
      { numRuns: runs }
    )
  })

  test('no bytes make unpackFrame throw anything but its own error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          unpackFrame(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
      }),
      { numRuns: runs * 10 }
    )
  })

  test('a changed byte of a valid frame throws nothing but its own error', () => {
    fc.assert(
      fc.property(frameValue, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, place, change) => {
        const bytes = packFrame(value)
        const index = place % bytes.length
        bytes[index] = (bytes[index] ?? 0) ^ change
        try {
          unpackFrame(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
      }),
      { numRuns: runs }
    )
  })

  test('leaves out a property that is undefined', () => {
    expect(unpackFrame(packFrame({ present: 1, absent: undefined }))).toEqual({ present: 1 })
  })

  test('gives byte strings as copies in plain Uint8Array', () => {
    const packed = Buffer.from(packFrame({ data: new Uint8Array([1, 2, 3]) }))
    const { data } = unpackFrame(packed) as { data: Uint8Array }
    packed.fill(0)
    expect(data.constructor).toBe(Uint8Array)
    expect([...data]).toEqual([1, 2, 3])
  })

  test('keeps names of the object prototype as plain properties', () => {
    const value = unpackFrame(packFrame({ constructor: 1, toString: 2 }))
    expect(value).toEqual({ constructor: 1, toString: 2 })
  })

  test.each<[string, unknown]>([
    ['a bigint', 10n],
    ['a bigint in an object', { count: 10n }],
    ['a date', new Date(0)],
    ['a function', () => 1],
    ['a symbol', Symbol('name')],
    ['undefined', undefined],
    ['undefined in an array', [undefined]],
    ['NaN', Number.NaN],
    ['infinity', [Number.POSITIVE_INFINITY]],
    ['a lone surrogate', 'a\ud800'],
    ['the key __proto__', JSON.parse('{"__proto__":{"polluted":true}}')],
    ['65 nested arrays', Array.from({ length: 64 }).reduce<unknown>((inner) => [inner], [])],
    ['a cycle', cycle()]
  ])('refuses to pack %s', (_name, value) => {
    expect(() => packFrame(value)).toThrow(expect.objectContaining({ code: 'ERR_CODEC_VALUE' }))
  })

  test('packs again after a refusal', () => {
    expect(() => packFrame(cycle())).toThrow(CodecError)
    expect(unpackFrame(packFrame({ fine: true }))).toEqual({ fine: true })
  })

  test.each([
    ['a record definition', 'd4724091a16101', 'ERR_CODEC_TYPE'],
    ['a record definition with a long header', 'c7017240', 'ERR_CODEC_TYPE'],
    ['a typed array', 'c7057400000000ff', 'ERR_CODEC_TYPE'],
    ['a time stamp', 'd6ff00000000', 'ERR_CODEC_TYPE'],
    ['a big integer', 'c7014201', 'ERR_CODEC_TYPE'],
    ['the unused byte 0xc1', 'c1', 'ERR_CODEC_TYPE'],
    ['a number as key', '810102', 'ERR_CODEC_TYPE'],
    ['a map as key', '818001', 'ERR_CODEC_TYPE'],
    ['the key __proto__', '81a95f5f70726f746f5f5f80', 'ERR_CODEC_VALUE'],
    ['text that is not UTF-8', 'a1ff', 'ERR_CODEC_UTF8'],
    ['a key that is not UTF-8', '81a1ff01', 'ERR_CODEC_UTF8'],
    ['NaN', 'cb7ff8000000000000', 'ERR_CODEC_RANGE'],
    ['infinity in a float 32', 'ca7f800000', 'ERR_CODEC_RANGE'],
    ['an integer of 2^53', 'cf0020000000000000', 'ERR_CODEC_RANGE'],
    ['an integer of -2^53', 'd3ffe0000000000000', 'ERR_CODEC_RANGE'],
    ['a byte after the value', 'c0c0', 'ERR_CODEC_TRAILING'],
    ['nothing', '', 'ERR_CODEC_TRUNCATED'],
    ['an array of 2^32-1', 'ddffffffff', 'ERR_CODEC_TRUNCATED'],
    ['a map of 2^32-1', 'dfffffffff', 'ERR_CODEC_TRUNCATED'],
    ['a text longer than the input', 'a3616', 'ERR_CODEC_TRUNCATED'],
    ['65 nested arrays', `${'91'.repeat(65)}c0`, 'ERR_CODEC_DEPTH'],
    ['a million nested arrays', '91'.repeat(1_000_000), 'ERR_CODEC_DEPTH']
  ])('refuses to unpack %s', (_name, hex, code) => {
    expect(() => unpackFrame(fromHex(hex))).toThrow(expect.objectContaining({ code }))
  })

  test('takes integers of both signs up to 53 bits', () => {
    expect(unpackFrame(fromHex('cf001fffffffffffff'))).toBe(Number.MAX_SAFE_INTEGER)
    expect(unpackFrame(fromHex('d3ffe0000000000001'))).toBe(Number.MIN_SAFE_INTEGER)
  })

  test('does not read a frame above the limit, and writes none', () => {
    const refused = expect.objectContaining({ code: 'ERR_CODEC_RANGE' })
    expect(() => unpackFrame(new Uint8Array(frameBytesMax + 1))).toThrow(refused)
    expect(() => packFrame(new Uint8Array(frameBytesMax))).toThrow(refused)
    expect(unpackFrame(packFrame(new Uint8Array(frameBytesMax - 5)))).toHaveLength(frameBytesMax - 5)
  })
})

describe('packLocal and unpackLocal', () => {
  test('unpacking gives back what was packed', () => {
    const record = { segment: 7, offset: 2 ** 40, parent: new Uint8Array(32) }
    expect(unpackLocal(packLocal(record))).toEqual(record)
  })

  test('refuses a record above the limit', () => {
    const refused = expect.objectContaining({ code: 'ERR_CODEC_RANGE' })
    expect(() => packLocal(new Uint8Array(localRecordBytesMax))).toThrow(refused)
    expect(() => unpackLocal(new Uint8Array(localRecordBytesMax + 1))).toThrow(refused)
  })
})

const suiteFile = new URL('../../../../shared/vectors/msgpack/msgpack-test-suite.json', import.meta.url)

describe.skipIf(!existsSync(suiteFile))('msgpack-test-suite (needs shared/vectors)', () => {
  test('every spelling of every value decodes, but for extensions and integers beyond 53 bits', () => {
    const suite = JSON.parse(readFileSync(suiteFile, 'utf8')) as Record<string, Record<string, unknown>[]>
    let decoded = 0
    for (const entry of Object.values(suite).flat()) {
      for (const spelling of entry['msgpack'] as string[]) {
        const outside = 'ext' in entry || 'timestamp' in entry || isWide(entry, spelling)
        if (outside) expect(() => unpackFrame(fromHex(spelling)), spelling).toThrow(CodecError)
        else {
          expect(unpackFrame(fromHex(spelling)), spelling).toEqual(expectedValue(entry))
          decoded++
        }
      }
    }
    expect(decoded).toBeGreaterThan(180)
  })
})

/** A 64-bit integer that a number does not hold exactly. */
function isWide(entry: Record<string, unknown>, spelling: string): boolean {
  if (typeof entry['bignum'] !== 'string' || !/^(cf|d3)/.test(spelling)) return false
  return !Number.isSafeInteger(Number(entry['bignum']))
}

function expectedValue(entry: Record<string, unknown>): unknown {
  if (typeof entry['binary'] === 'string') return fromHex(entry['binary'])
  if (typeof entry['bignum'] === 'string') return Number(entry['bignum'])
  for (const key of ['nil', 'bool', 'number', 'string', 'array', 'map']) {
    if (key in entry) return entry[key]
  }
  throw new Error(`entry of an unknown kind: ${JSON.stringify(entry)}`)
}

function cycle(): unknown {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}
