import { packFrame, unpackFrame } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { decodeDataFrame, encodeDataFrame } from '../src/stream-frame.ts'

const ids = fc.oneof(fc.maxSafeInteger(), fc.nat(300), fc.string({ maxLength: 40 }), fc.constant(null))

describe('a data frame', () => {
  test('is what the general encoder means by the same map', () => {
    fc.assert(
      fc.property(ids, fc.uint8Array({ maxLength: 300 }), (id, bytes) => {
        const frame = encodeDataFrame(id, bytes)
        expect(new DataView(frame.buffer).getUint32(0)).toBe(frame.length - 4)
        expect(unpackFrame(frame.subarray(4))).toEqual({ s: id, d: bytes })
        const fast = decodeDataFrame(frame.subarray(4))
        if (fast !== undefined) expect(fast).toEqual({ s: id, d: bytes })
      })
    )
  })

  test('is read by the short way for the ids that clients use', () => {
    for (const id of [0, 127, 128, 65_535, 70_000, 'abc']) {
      expect(decodeDataFrame(encodeDataFrame(id, new Uint8Array([1, 2])).subarray(4))).toEqual({
        s: id,
        d: new Uint8Array([1, 2])
      })
    }
  })

  test('is never read from anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (noise) => {
        const body = Uint8Array.from([0x82, 0xa1, 0x73, ...noise])
        const fast = decodeDataFrame(body)
        if (fast !== undefined) expect(unpackFrame(body)).toEqual(fast)
      })
    )
    expect(decodeDataFrame(packFrame({ s: 1, end: true }))).toBeUndefined()
  })
})
