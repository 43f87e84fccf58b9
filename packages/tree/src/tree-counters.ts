/** The counters of a tree, kept in one row that every change writes: exact after each commit. */
import { readUint48, rowKey, rowPrefix, writeUint48 } from './index-rows.ts'
import type { BlockStore, IndexRow } from './ports.ts'
import type { TreeStatistics } from './tree-state.ts'

const counterNames = ['records', 'headers', 'blocks', 'live', 'conflicts'] as const
const counterBytes = 6
const countersKey: Uint8Array = rowKey(rowPrefix.statistics)

export const noCounters: TreeStatistics = { records: 0, headers: 0, blocks: 0, live: 0, conflicts: 0 }

/** As the last change left them; undefined in a store without any. */
export function readCounters(store: BlockStore): TreeStatistics | undefined {
  const bytes = store.index.get(countersKey)
  return bytes === undefined ? undefined : decodeCounters(bytes)
}

export function decodeCounters(bytes: Uint8Array): TreeStatistics {
  const [records, headers, blocks, live, conflicts] = counterNames.map((_, at) =>
    readUint48(bytes, at * counterBytes)
  )
  return {
    records: records ?? 0,
    headers: headers ?? 0,
    blocks: blocks ?? 0,
    live: live ?? 0,
    conflicts: conflicts ?? 0
  }
}

export function isSameCounters(left: TreeStatistics, right: TreeStatistics): boolean {
  return counterNames.every((name) => left[name] === right[name])
}

export function countersRow(counters: TreeStatistics): IndexRow {
  const value = new Uint8Array(counterNames.length * counterBytes)
  let offset = 0
  for (const name of counterNames) {
    writeUint48(value, offset, Math.max(0, counters[name]))
    offset += counterBytes
  }
  return { key: countersKey, value }
}
