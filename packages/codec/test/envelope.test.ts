import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  CodecError,
  type Envelope,
  compareBytes,
  decodeEnvelope,
  encodeEnvelope,
  recordBytesMax,
  signInput
} from '@blocktree/codec'
import { fromHex, toHex } from './subset-value.ts'

const envelope: fc.Arbitrary<Envelope> = fc.record({
  type: fc.integer({ min: 0, max: 255 }),
  format: fc.integer({ min: 0, max: 255 }),
  signer: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  body: fc.uint8Array({ maxLength: 400 }),
  signature: fc.uint8Array({ minLength: 64, maxLength: 64 })
})

function sample(changes: Partial<Envelope> = {}): Envelope {
  const signer = new Uint8Array(32).fill(1)
  return {
    type: 10,
    format: 1,
    signer,
    body: fromHex('9105'),
    signature: new Uint8Array(64).fill(2),
    ...changes
  }
}

describe('encodeEnvelope and decodeEnvelope', () => {
  test('decoding gives back what was encoded', () => {
    fc.assert(
      fc.property(envelope, (value) => {
        expect(decodeEnvelope(encodeEnvelope(value))).toEqual(value)
      }),
      { numRuns: 300 }
    )
  })

  test('every changed bit is refused, changes what is signed, or changes the signature', () => {
    const original = sample()
    const bytes = encodeEnvelope(original)
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = bytes.slice()
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      let decoded: Envelope
      try {
        decoded = decodeEnvelope(changed)
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError)
        continue
      }
      const sameInput = compareBytes(signInput(decoded), signInput(original)) === 0
      const sameSignature = compareBytes(decoded.signature, original.signature) === 0
      expect(sameInput && sameSignature).toBe(false)
    }
  })

  test.each([
    ['another magic', { from: 'a3627431', to: 'a3627432' }, 'ERR_CODEC_ENVELOPE'],
    ['five fields', { from: '96a3', to: '95a3' }, 'ERR_CODEC_RANGE'],
    ['a type above 255', { from: 'a36274310a01', to: 'a3627431cd010001' }, 'ERR_CODEC_RANGE'],
    ['a type in two bytes', { from: 'a36274310a01', to: 'a3627431cc0a01' }, 'ERR_CODEC_NOT_SHORTEST'],
    ['a signer of 31 bytes', { from: 'c42001', to: 'c41f' }, 'ERR_CODEC_RANGE'],
    ['a body that is text', { from: 'c4029105', to: 'a29105' }, 'ERR_CODEC_TYPE']
  ])('refuses %s', (_name, { from, to }, code) => {
    const hex = toHex(encodeEnvelope(sample()))
    expect(hex).toContain(from)
    expect(() => decodeEnvelope(fromHex(hex.replace(from, to)))).toThrow(expect.objectContaining({ code }))
  })

  test('refuses a trailing byte', () => {
    const bytes = new Uint8Array([...encodeEnvelope(sample()), 0])
    expect(() => decodeEnvelope(bytes)).toThrow(expect.objectContaining({ code: 'ERR_CODEC_TRAILING' }))
  })

  test('takes a record of the longest allowed size and refuses one byte more, in both directions', () => {
    const overhead = encodeEnvelope(sample({ body: new Uint8Array(70_000) })).length - 70_000
    const longest = sample({ body: new Uint8Array(recordBytesMax - overhead) })
    expect(decodeEnvelope(encodeEnvelope(longest)).body.length).toBe(recordBytesMax - overhead)
    const longer = sample({ body: new Uint8Array(recordBytesMax - overhead + 1) })
    const refused = expect.objectContaining({ code: 'ERR_CODEC_RANGE' })
    expect(() => encodeEnvelope(longer)).toThrow(refused)
    expect(() => decodeEnvelope(new Uint8Array(recordBytesMax + 1))).toThrow(refused)
  })

  test.each<[string, Partial<Envelope>]>([
    ['a type of 256', { type: 256 }],
    ['a type of -1', { type: -1 }],
    ['a format of 1.5', { format: 1.5 }],
    ['a short signer', { signer: new Uint8Array(31) }],
    ['a long signer', { signer: new Uint8Array(33) }]
  ])('does not encode or sign %s', (_name, changes) => {
    const refused = expect.objectContaining({ code: 'ERR_CODEC_VALUE' })
    expect(() => encodeEnvelope(sample(changes))).toThrow(refused)
    expect(() => signInput(sample(changes))).toThrow(refused)
  })

  test('does not encode a signature of 63 bytes', () => {
    const refused = expect.objectContaining({ code: 'ERR_CODEC_VALUE' })
    expect(() => encodeEnvelope(sample({ signature: new Uint8Array(63) }))).toThrow(refused)
  })
})

describe('signInput', () => {
  test('is the domain string, type, format, signer and body', () => {
    const domain = toHex(new TextEncoder().encode('blocktree/1\0'))
    expect(toHex(signInput(sample()))).toBe(`${domain}0a01${'01'.repeat(32)}9105`)
  })

  test('does not depend on the signature', () => {
    const other = sample({ signature: new Uint8Array(64).fill(9) })
    expect(signInput(other)).toEqual(signInput(sample()))
  })

  test('differs for records that differ in any signed field', () => {
    fc.assert(
      fc.property(envelope, envelope, (left, right) => {
        const { signature: _left, ...leftSigned } = left
        const { signature: _right, ...rightSigned } = right
        const same = compareBytes(signInput(left), signInput(right)) === 0
        expect(same).toBe(JSON.stringify(leftSigned) === JSON.stringify(rightSigned))
      }),
      { numRuns: 300 }
    )
  })
})
