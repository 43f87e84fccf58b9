import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LruCache } from '../src/lru-cache.ts'

describe('LruCache', () => {
  test('hands over each value that leaves, once, and none that it still holds', () => {
    const steps = fc.array(
      fc.record({ act: fc.constantFrom('set', 'get', 'delete', 'clear'), key: fc.nat({ max: 9 }) })
    )
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), steps, (limit, acts) => {
        const dropped: object[] = []
        const given: object[] = []
        const cache = new LruCache<number, object>(limit, (value) => dropped.push(value))
        for (const { act, key } of acts) {
          if (act === 'get') cache.get(key)
          else if (act === 'delete') cache.delete(key)
          else if (act === 'clear') cache.clear()
          else {
            const value = { key }
            given.push(value)
            cache.set(key, value)
          }
          expect(cache.size).toBeLessThanOrEqual(limit)
          expect(given.length).toBe(dropped.length + cache.size)
        }
        expect(new Set(dropped).size).toBe(dropped.length)
        for (let key = 0; key < 10; key++) {
          const held = cache.get(key)
          if (held !== undefined) expect(dropped).not.toContain(held)
        }
      })
    )
  })

  test('without somebody to hand them to, forgets what was not used for longest', () => {
    const cache = new LruCache<number, string>(4)
    for (let key = 0; key < 6; key++) cache.set(key, String(key))
    expect(cache.get(0)).toBeUndefined()
    expect(cache.get(5)).toBe('5')
  })
})
