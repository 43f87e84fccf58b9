import { CodecError } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeNodeFrame, encodeNodeFrame, type NodeFrame } from '../src/node-frame.ts'
import { SandboxError } from '../src/sandbox-error.ts'

const id = fc.integer({ min: 0, max: 0x7fff_ffff })
const payload = fc.uint8Array({ maxLength: 300 })
const fuel = fc.integer({ min: 0, max: 50_000_000_000 })
const frames: fc.Arbitrary<NodeFrame> = fc.oneof(
  fc.record({
    type: fc.constant('hello'),
    engine: fc.constantFrom('v8', 'wasmtime'),
    memoryPages: fc.integer({ min: 0, max: 65_536 }),
    tableElements: id,
    payloadBytes: fc.integer({ min: 0, max: 16 * 1024 * 1024 }),
    logBytesPerSecond: id,
    fuel,
    library: fc.option(fc.constant('/engine-library'), { nil: undefined })
  }),
  fc.record({ type: fc.constant('load'), sequence: id, isLast: fc.boolean(), bytes: payload }),
  fc.record({ type: fc.constant('invoke'), id, kind: id, payload, fuel }),
  fc.record({ type: fc.constant('hostReply'), id, status: id, payload })
)

describe('decodeNodeFrame', () => {
  test('gives back what was encoded', () => {
    fc.assert(
      fc.property(frames, (frame) => {
        expect(decodeNodeFrame(encodeNodeFrame(frame))).toEqual(frame)
      })
    )
  })

  test('refuses types that only a child sends', () => {
    for (const type of [3, 4, 6, 7]) {
      expect(() => decodeNodeFrame(Uint8Array.of(0x94, type, 1, 0, 0xc4, 0))).toThrow(SandboxError)
    }
  })

  test('throws its own errors alone, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        try {
          decodeNodeFrame(bytes)
        } catch (error) {
          if (!(error instanceof CodecError) && !(error instanceof SandboxError)) throw error
        }
      })
    )
  })
})
