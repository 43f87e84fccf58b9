import { expect, test } from 'vitest'
import { enumeratePairs } from './pairs.ts'

test(
  'every second sequence of two operations, stopped at every step of the disk',
  { timeout: 1_800_000 },
  async () => {
    expect((await enumeratePairs(0)).stops).toBeGreaterThan(900)
  }
)
