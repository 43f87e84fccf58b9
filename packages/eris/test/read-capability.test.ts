import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeBase32 } from '../src/base32.ts'
import { ErisError } from '../src/eris-error.ts'
import {
  capabilityBytes,
  decodeCapability,
  encodeCapability,
  formatUrn,
  parseUrn
} from '../src/read-capability.ts'
import { bytesOf, readOfficialVectors } from './official-vectors.ts'

/** Of empty content in blocks of 1 KiB, with the null secret (doc/spec/vectors/eris.json). */
const good =
  'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'
const anyBytes = fc.uint8Array({ minLength: capabilityBytes, maxLength: capabilityBytes })

describe('parseUrn and formatUrn', () => {
  test.for(readOfficialVectors())(
    'read the capability of official vector $id and write it again',
    (vector) => {
      const capability = parseUrn(vector.urn)
      const expected = vector['read-capability']
      expect(capability.blockSize).toBe(expected['block-size'])
      expect(capability.level).toBe(expected.level)
      expect(capability.rootReference).toEqual(bytesOf(expected['root-reference']))
      expect(capability.rootKey).toEqual(bytesOf(expected['root-key']))
      expect(formatUrn(capability)).toBe(vector.urn)
    }
  )

  test.for([
    ['nothing', ''],
    ['lower case', good.toLowerCase()],
    ['an upper-case scheme', good.replace('urn:eris', 'URN:ERIS')],
    ['an old draft', good.replace('eris', 'erisx2')],
    ['a character too few', good.slice(0, -1)],
    ['a character too many', `${good}A`],
    ['padding', `${good}======`],
    ['a space', ` ${good}`],
    ['a line end', `${good}\n`],
    ['a character outside the alphabet', good.replace(/.$/u, '1')],
    ['unused bits that are not zero', good.replace(/.$/u, 'N')],
    ['a letter beyond ASCII', good.replace(/.$/u, 'Ａ')]
  ])('refuse %s', ([, text = '']) => {
    expect(() => parseUrn(text)).toThrow(expect.objectContaining({ code: 'ERR_ERIS_URN' }))
  })

  test('do not quote a capability that was miscopied', () => {
    const message = ((): string => {
      try {
        parseUrn(`${good}X`)
        return ''
      } catch (error) {
        return String(error)
      }
    })()
    expect(message).toContain('urn:eris:')
    expect(message).not.toContain(good.slice(0, 40))
  })
})

describe('decodeCapability', () => {
  test('refuses other lengths, block sizes and levels', () => {
    const bytes = encodeCapability(parseUrn(good))
    const changed = (index: number, value: number): Uint8Array => bytes.with(index, value)
    const refused = (code: string): unknown => expect.objectContaining({ code })
    expect(() => decodeCapability(bytes.subarray(1))).toThrow(refused('ERR_ERIS_CAPABILITY'))
    expect(() => decodeCapability(new Uint8Array([...bytes, 0]))).toThrow(refused('ERR_ERIS_CAPABILITY'))
    for (const exponent of [0, 9, 11, 14, 16, 255]) {
      expect(() => decodeCapability(changed(0, exponent))).toThrow(refused('ERR_ERIS_CAPABILITY'))
    }
    for (const level of [12, 255]) {
      expect(() => decodeCapability(changed(1, level))).toThrow(refused('ERR_ERIS_LEVEL'))
    }
    expect(() => decodeCapability(changed(0, 15).with(1, 6))).toThrow(refused('ERR_ERIS_LEVEL'))
    expect(decodeCapability(changed(0, 15).with(1, 5)).level).toBe(5)
    expect(decodeCapability(changed(1, 11)).level).toBe(11)
  })

  test('reads back or refuses any bytes, and throws nothing but its own error', () => {
    fc.assert(
      fc.property(fc.oneof(anyBytes, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        try {
          expect(encodeCapability(decodeCapability(bytes))).toEqual(Uint8Array.from(bytes))
        } catch (error) {
          expect(error).toBeInstanceOf(ErisError)
        }
      })
    )
  })

  test('has one text for every capability', () => {
    fc.assert(
      fc.property(fc.string(), anyBytes, fc.nat(120), (noise, bytes, index) => {
        const urn = `urn:eris:${encodeBase32(bytes)}`
        const text = urn.slice(0, index) + noise + urn.slice(index + noise.length)
        try {
          expect(formatUrn(parseUrn(text))).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(ErisError)
        }
      })
    )
  })
})
