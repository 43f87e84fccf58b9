import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { base32 } from 'multiformats/bases/base32'
import { describe, expect, test } from 'vitest'
import { CodecError, formatId, parseId } from '@blocktree/codec'
import { fromHex, toHex } from './subset-value.ts'

const id = fc.uint8Array({ minLength: 32, maxLength: 32 })
const refused = expect.objectContaining({ code: 'ERR_CODEC_IDENTIFIER' })
const zeroText = formatId(new Uint8Array(32))

describe('formatId and parseId', () => {
  test('parsing gives back what was formatted, always in 56 characters', () => {
    fc.assert(
      fc.property(id, (bytes) => {
        const text = formatId(bytes)
        expect(text).toMatch(/^bciq[a-p][a-z2-7]{51}$/)
        expect(parseId(text)).toEqual(bytes)
      })
    )
  })

  test('no text makes parseId throw anything but its own error', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.string({ unit: 'binary', minLength: 56, maxLength: 56 })
    )
    fc.assert(
      fc.property(text, (candidate) => {
        try {
          parseId(candidate)
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError)
        }
      }),
      { numRuns: 500 }
    )
  })

  test.each([
    ['nothing', ''],
    ['another base', `z${zeroText.slice(1)}`],
    ['upper case', zeroText.toUpperCase()],
    ['one upper-case letter', `${zeroText.slice(0, 9)}A${zeroText.slice(10)}`],
    ['padding', `${zeroText.slice(0, 55)}=`],
    ['a space at the end', `${zeroText} `],
    ['a character too few', zeroText.slice(0, 55)],
    ['a character too many', `${zeroText}a`],
    ['spare bits that are not zero', `${zeroText.slice(0, 55)}b`],
    ['a character outside the alphabet', `${zeroText.slice(0, 30)}1${zeroText.slice(31)}`],
    ['another hash function', base32.encode(fromHex(`1320${'00'.repeat(32)}`))],
    ['another digest length', base32.encode(fromHex(`1221${'00'.repeat(32)}`))]
  ])('refuses %s', (_name, text) => {
    expect(() => parseId(text)).toThrow(refused)
  })

  test('refuses to format anything but 32 bytes', () => {
    for (const length of [0, 31, 33, 64]) expect(() => formatId(new Uint8Array(length))).toThrow(refused)
  })

  test('quotes only the beginning of a long text', () => {
    expect(() => parseId('x'.repeat(1_000_000))).toThrow(/^"x{80}\.\.\."/)
  })
})

const vectors = new URL('../../../../shared/vectors/', import.meta.url)

describe.skipIf(!existsSync(vectors))('vectors of multiformats (needs shared/vectors)', () => {
  test('multibase: our base32 encodes each text as the table says and decodes it back', () => {
    for (const file of ['basic.csv', 'leading_zero.csv', 'two_leading_zeros.csv']) {
      const rows = readFileSync(new URL(`multibase/${file}`, vectors), 'utf8')
        .trim()
        .split('\n')
      const source = rows[0]?.match(/"(.*)"/)?.[1]?.replaceAll('\\x00', '\0') ?? ''
      const expected = rows.find((row) => row.startsWith('base32,'))?.match(/"(.*)"/)?.[1] ?? ''
      expect(base32.encode(new TextEncoder().encode(source))).toBe(expected)
      expect(new TextDecoder().decode(base32.decode(expected))).toBe(source)
    }
  })

  test('multihash: each SHA-256 of 256 bits reads as an identifier and every other row does not', () => {
    const rows = readFileSync(new URL('multihash/test_cases.csv', vectors), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
    let accepted = 0
    for (const row of rows) {
      const [algorithm, bits, , multihash = ''] = row.split(',')
      const text = base32.encode(fromHex(multihash))
      if (algorithm === 'sha2-256' && bits === '256') {
        accepted++
        expect(toHex(parseId(text))).toBe(multihash.slice(4))
        expect(formatId(parseId(text))).toBe(text)
      } else expect(() => parseId(text), row).toThrow(refused)
    }
    expect(accepted).toBeGreaterThan(0)
  })
})
