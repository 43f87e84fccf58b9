import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytes, concatBytes, equalBytes } from '@blocktree/codec'

describe('compareBytes', () => {
  test('orders as the platform orders byte strings', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (left, right) => {
        expect(Math.sign(compareBytes(left, right))).toBe(Buffer.compare(left, right))
        expect(equalBytes(left, right)).toBe(Buffer.compare(left, right) === 0)
      })
    )
  })

  test('a prefix sorts before what it begins', () => {
    expect(compareBytes(new Uint8Array([1]), new Uint8Array([1, 0]))).toBeLessThan(0)
  })
})

describe('concatBytes', () => {
  test('joins the parts in order', () => {
    expect(concatBytes(new Uint8Array([1, 2]), new Uint8Array(), new Uint8Array([3]))).toEqual(
      new Uint8Array([1, 2, 3])
    )
  })
})
