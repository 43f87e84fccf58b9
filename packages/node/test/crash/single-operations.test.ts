import { expect, test } from 'vitest'
import { operations } from './crash-operations.ts'
import { allLosses, enumerate } from './crash-runner.ts'

test(
  'one operation, stopped at every step of the disk, with every kind of loss',
  { timeout: 300_000 },
  async () => {
    const sequences = Object.keys(operations).map((name) => [name])
    const counts = await enumerate({
      name: 'one operation',
      sequences,
      lossesAt: () => allLosses,
      twiceEvery: 4,
      rebuildEvery: 1
    })
    expect(counts.stops).toBeGreaterThan(100)
  }
)
