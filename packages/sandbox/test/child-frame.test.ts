import { CodecError } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ChildFrame, decodeChildFrame, encodeChildFrame } from '../src/child-frame.ts'
import { faultNames } from '../src/frame-type.ts'
import { SandboxError } from '../src/sandbox-error.ts'

const payloadBytesMax = 1000
const id = fc.integer({ min: 0, max: 0x7fff_ffff })
const payload = fc.uint8Array({ maxLength: 300 })
const text = fc.string({ maxLength: 60, unit: 'grapheme' })
const frames: fc.Arbitrary<ChildFrame> = fc.oneof(
  fc.record({ type: fc.constant('hello'), engine: fc.constantFrom('v8', 'wasmtime'), engineVersion: text }),
  fc.record({
    type: fc.constant('result'),
    id,
    payload,
    fuelUsed: fc.integer({ min: 0, max: 50_000_000_000 })
  }),
  fc.record({ type: fc.constant('hostCall'), id, op: id, payload }),
  fc.record({
    type: fc.constant('log'),
    stream: fc.constantFrom(1, 2),
    text: fc.uint8Array({ minLength: 1, maxLength: 300 })
  }),
  fc.record({ type: fc.constant('trap'), id, fault: fc.constantFrom(...faultNames), message: text })
)

describe('decodeChildFrame', () => {
  test('gives back what was encoded', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeChildFrame(encodeChildFrame(frame), payloadBytesMax)).toEqual(frame)
      })
    )
  })

  test('refuses a payload above the limit of the app, and takes one at the limit', () => {
    const frame = (length: number): Uint8Array =>
      encodeChildFrame({ type: 'hostCall', id: 1, op: 2, payload: new Uint8Array(length) })
    expect(decodeChildFrame(frame(payloadBytesMax), payloadBytesMax).type).toBe('hostCall')
    expect(() => decodeChildFrame(frame(payloadBytesMax + 1), payloadBytesMax)).toThrow(CodecError)
  })

  test('refuses types that only a node sends', () => {
    for (const type of [1, 2, 5]) {
      expect(() => decodeChildFrame(Uint8Array.of(0x94, type, 1, 0, 0xc4, 0), payloadBytesMax)).toThrow(
        SandboxError
      )
    }
  })

  test('refuses a hello of another version, an unknown engine, an unknown fault, another stream', () => {
    const refused = [
      [0x94, 0, 1, 0, 0xa0], // version 1
      [0x94, 0, 2, 9, 0xa0], // engine 9
      [0x94, 7, 0, 6, 0xa0], // fault 6
      [0x94, 6, 0, 3, 0xc4, 1, 65], // stream 3
      [0x94, 3, 0, 1, 0x92, 0xc4, 0, 0] // a result with an op
    ]
    for (const bytes of refused) {
      expect(() => decodeChildFrame(Uint8Array.from(bytes), payloadBytesMax)).toThrow(SandboxError)
    }
  })

  test('refuses an empty log', () => {
    expect(() => decodeChildFrame(Uint8Array.of(0x94, 6, 0, 1, 0xc4, 0), payloadBytesMax)).toThrow(CodecError)
  })

  test('refuses trailing bytes', () => {
    const frame = encodeChildFrame({ type: 'trap', id: 0, fault: 'trap', message: 'x' })
    expect(() => decodeChildFrame(Uint8Array.of(...frame, 0), payloadBytesMax)).toThrow(CodecError)
  })

  test('throws its own errors alone, whatever the bytes are', () => {
    const mutated = fc.tuple(frames, fc.nat(), fc.nat({ max: 255 })).map(([frame, place, byte]) => {
      const bytes = encodeChildFrame(frame)
      bytes[place % bytes.length] = byte
      return bytes
    })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated), (bytes) => {
        try {
          // What passes must have exactly one spelling.
          expect(encodeChildFrame(decodeChildFrame(bytes, payloadBytesMax))).toEqual(bytes)
        } catch (error) {
          if (!(error instanceof CodecError) && !(error instanceof SandboxError)) throw error
        }
      }),
      { numRuns: process.env['SLOW'] === '1' ? 100_000 : 1000 }
    )
  })
})
