/** Counts of key tails: a key that was added is never denied. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TailCounts } from '../src/tail-counts.ts'

describe('TailCounts', () => {
  test('holds what was added until it is removed, and nothing before', () => {
    const counts = new TailCounts()
    expect(counts.has(7)).toBe(false)
    counts.add(Uint32Array.of(7, 7, 0xffffffff))
    counts.remove(Uint32Array.of(7))
    expect(counts.has(7)).toBe(true)
    expect(counts.has(0xffffffff)).toBe(true)
    counts.remove(Uint32Array.of(7, 0xffffffff))
    expect(counts.has(7)).toBe(false)
    expect(counts.has(0xffffffff)).toBe(false)
  })

  test('does not forget a tail that was counted more often than it can count', () => {
    const counts = new TailCounts()
    const many = new Uint32Array(70_000).fill(5)
    counts.add(many)
    counts.remove(many.subarray(1))
    expect(counts.has(5)).toBe(true)
  })

  test('never denies a tail that is still there, whatever else comes and goes', () => {
    const batch = fc.uint32Array({ maxLength: 20 })
    fc.assert(
      fc.property(fc.array(fc.tuple(batch, fc.boolean())), (batches) => {
        const counts = new TailCounts()
        for (const [tails] of batches) counts.add(tails)
        for (const [tails, isKept] of batches) if (!isKept) counts.remove(tails)
        return batches.every(([tails, isKept]) => !isKept || tails.every((tail) => counts.has(tail)))
      })
    )
  })
})
