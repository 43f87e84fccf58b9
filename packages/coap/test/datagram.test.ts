import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CoapError } from '../src/coap-error.ts'
import { decodeDatagram, encodeDatagram } from '../src/datagram.ts'
import { arbitraryMessage } from './samples.ts'

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'))

describe('a datagram', () => {
  test('is the one of the example in RFC 7252, appendix A', () => {
    const request = hex('40 01 7d34 bb 74656d7065726174757265')
    const decoded = decodeDatagram(request)
    expect(decoded).toMatchObject({ type: 0, code: 1, id: 0x7d34, options: [{ number: 11 }] })
    expect(Buffer.from(decoded.options[0]?.value ?? []).toString()).toBe('temperature')
    expect(encodeDatagram(decoded)).toEqual(request)
    const answer = hex('60 45 7d34 ff 32322e332043')
    expect(Buffer.from(decodeDatagram(answer).payload).toString()).toBe('22.3 C')
  })

  test('decodes to what was encoded', () => {
    const arbitrary = fc.record({
      type: fc.integer({ min: 0, max: 3 }),
      id: fc.integer({ min: 0, max: 65_535 })
    })
    fc.assert(
      fc.property(arbitrary, arbitraryMessage, (head, message) => {
        expect(decodeDatagram(encodeDatagram({ ...head, ...message }))).toEqual({ ...head, ...message })
      }),
      { numRuns: 300 }
    )
  })

  test('that was made up of any bytes is refused by the one error, or read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (bytes, isVersion1) => {
        if (isVersion1 && bytes[0] !== undefined) bytes[0] = (bytes[0] & 0x3f) | 0x40
        try {
          decodeDatagram(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(CoapError)
        }
      }),
      { numRuns: 1000 }
    )
  })

  test.each([
    ['of another version', '80 01 0001'],
    ['cut off in its head', '40 01 00'],
    ['with a token of 9 bytes', '49 01 0001 000102030405060708'],
    ['cut off in its token', '44 01 0001 0102'],
    ['with a marker and nothing behind it', '40 01 0001 ff'],
    ['with an option cut off', '40 01 0001 b5 61'],
    ['with a reserved option delta', '40 01 0001 f0'],
    ['with a reserved option length', '40 01 0001 0f'],
    ['with an extended delta cut off', '40 01 0001 e0 01'],
    ['with an option number above 65535', '40 01 0001 e0 fef2 e0 ffff'],
    ['that is empty but has something in it', '40 00 0001 01']
  ])('%s is refused', (_, text) => {
    expect(() => decodeDatagram(hex(text))).toThrow(expect.objectContaining({ code: 'ERR_COAP_FORMAT' }))
  })

  test('with an option longer than any is refused', () => {
    const bytes = new Uint8Array(4 + 3 + 1035)
    bytes.set(hex('40 01 0001 0e 02fe'))
    expect(() => decodeDatagram(bytes)).toThrow(expect.objectContaining({ code: 'ERR_COAP_TOO_LARGE' }))
  })

  test('with more options than are taken is refused', () => {
    const bytes = new Uint8Array(4 + 65)
    bytes.set(hex('40 01 0001'))
    expect(() => decodeDatagram(bytes)).toThrow(expect.objectContaining({ code: 'ERR_COAP_TOO_LARGE' }))
  })
})
