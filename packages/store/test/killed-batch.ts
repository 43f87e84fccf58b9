import type { StoreBatch } from '@blocktree/tree'
import { makeRecord, sequence } from './memory-drivers.ts'

/** The batch that the killed writer commits for a number. */
export function killedBatch(
  seed: number
): StoreBatch & { readonly records: readonly [ReturnType<typeof makeRecord>] } {
  const record = makeRecord(seed, 1000 + (seed % 3000))
  return {
    records: [record],
    rows: [{ key: record.id, value: sequence(32, seed) }],
    local: [{ key: sequence(8, seed), value: record.id }]
  }
}
