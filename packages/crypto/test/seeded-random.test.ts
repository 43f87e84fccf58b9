import { describe, expect, test } from 'vitest'
import { createSeededRandom } from '../src/seeded-random.ts'

describe('createSeededRandom', () => {
  test('gives the same bytes for the same seed, in whatever pieces they are asked for', () => {
    const whole = createSeededRandom('a').bytes(100)
    const random = createSeededRandom('a')
    const pieces = [1, 0, 70, 29].map((length) => random.bytes(length))
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(whole))
    expect(createSeededRandom('b').bytes(100)).not.toEqual(whole)
  })

  test('stays within the bounds that are asked for, and reaches all of them', () => {
    const random = createSeededRandom('bounds')
    const seen = new Set(Array.from({ length: 500 }, () => random.below(7)))
    expect([...seen].toSorted((left, right) => left - right)).toEqual([0, 1, 2, 3, 4, 5, 6])
    const hits = Array.from({ length: 1000 }, () => random.chance(0.25)).filter(Boolean).length
    expect(hits).toBeGreaterThan(150)
    expect(hits).toBeLessThan(350)
    expect(random.pick(['only'])).toBe('only')
  })

  test('refuses to pick one of none', () => {
    expect(() => createSeededRandom('none').pick([])).toThrow(RangeError)
  })
})
