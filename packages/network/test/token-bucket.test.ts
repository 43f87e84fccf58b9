import { describe, expect, test } from 'vitest'
import { RateLimit } from '../src/rate-limit.ts'
import { TokenBucket } from '../src/token-bucket.ts'

describe('TokenBucket', () => {
  test('gives its burst at once, then as many a second', () => {
    const bucket = new TokenBucket(10, 3, 0)
    expect([1, 1, 1].map((count) => bucket.take(count, 0))).toEqual([true, true, true])
    expect(bucket.take(1, 99)).toBe(false)
    expect(bucket.take(1, 100)).toBe(true)
    expect(bucket.take(4, 100_000)).toBe(false) // never more than the burst
    expect(bucket.take(3, 100_000)).toBe(true)
  })

  test('what is refused takes nothing', () => {
    const bucket = new TokenBucket(1, 2, 0)
    expect(bucket.take(3, 0)).toBe(false)
    expect(bucket.take(2, 0)).toBe(true)
  })

  test('lends what is not there yet, and says for how long to wait', () => {
    const bucket = new TokenBucket(10, 10, 0)
    expect(bucket.borrow(10, 0)).toBe(0)
    expect(bucket.borrow(5, 0)).toBe(500)
    expect(bucket.take(1, 500)).toBe(false)
    expect(bucket.take(1, 600)).toBe(true)
  })

  test('a clock that was set back gives nothing and takes nothing', () => {
    const bucket = new TokenBucket(1, 2, 10_000)
    expect(bucket.take(1, 10_000)).toBe(true)
    expect(bucket.take(2, 0)).toBe(false)
    expect(bucket.take(1, 0)).toBe(true)
    expect(bucket.take(1, 1000)).toBe(true)
  })

  test('without a limit everything is given at once', () => {
    const bucket = new TokenBucket(Infinity, Infinity, 0)
    expect([bucket.take(1e12, 0), bucket.borrow(1e12, 0)]).toEqual([true, 0])
  })
})

describe('RateLimit', () => {
  test('counts each name by itself', () => {
    const limit = new RateLimit(2, 10)
    expect(['a', 'a', 'a', 'b'].map((name) => limit.take(name, 0))).toEqual([true, true, false, true])
    expect(limit.take('a', 500)).toBe(true)
  })

  test('forgets the name that was not used for longest when there are too many', () => {
    const limit = new RateLimit(1, 2)
    for (const name of ['a', 'b', 'a', 'c']) limit.take(name, 0) // b is forgotten
    expect(['a', 'b'].map((name) => limit.take(name, 0))).toEqual([false, true])
  })
})
