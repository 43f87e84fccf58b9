import { describe, expect, test } from 'vitest'
import { createPooledRandom } from '../src/native-random.ts'

describe('createPooledRandom', () => {
  test('gives the length asked for, fresh each time, across refills of the pool', () => {
    const random = createPooledRandom()
    const drawn = Array.from({ length: 600 }, (_unused, index) => random.bytes(8 + (index % 200)))
    expect(drawn.map(({ length }) => length)).toEqual(drawn.map((_bytes, index) => 8 + (index % 200)))
    expect(new Set(drawn.map((bytes) => bytes.toHex())).size).toBe(600)
  })

  test('hands out bytes that the caller owns', () => {
    const random = createPooledRandom()
    const first = random.bytes(32)
    const copy = first.slice()
    random.bytes(32)
    expect(first).toEqual(copy)
    expect(first.buffer.byteLength).toBe(32)
  })
})
