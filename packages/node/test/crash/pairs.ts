/** All sequences of two operations. The first one is done; where it is stopped is the matter of single operations. */
import { operations } from './crash-operations.ts'
import { allLosses, type Counts, enumerate, inTurn, slow } from './crash-runner.ts'

/** @param share 0 or 1: half of them each, for two processes */
export function enumeratePairs(share: number): Promise<Counts> {
  const names = Object.keys(operations)
  const sequences = names.flatMap((first, row) =>
    names.filter((_, column) => (row + column) % 2 === share).map((second) => [first, second])
  )
  return enumerate({
    name: `two operations, half ${share + 1}`,
    sequences,
    lossesAt: slow ? () => allLosses : inTurn,
    twiceEvery: 5,
    rebuildEvery: slow ? 1 : 5
  })
}
