import { expect, test } from 'vitest'
import { operations } from './crash-operations.ts'
import { enumerate, inTurn, slow } from './crash-runner.ts'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'

test(
  'sequences of three operations: a seeded sample, all of them in nightly runs',
  { timeout: 7_200_000 },
  async () => {
    const names = Object.keys(operations)
    const all = names.flatMap((first) =>
      names.flatMap((second) => names.map((third) => [first, second, third]))
    )
    const seed = process.env['SCENARIO_SEED'] ?? '1'
    const random = createSeededRandom(`triples ${seed}`)
    const sequences = slow ? all : all.filter(() => random.chance(60 / all.length))
    const counts = await enumerate({
      name: `three operations, seed ${seed}`,
      sequences,
      lossesAt: inTurn,
      twiceEvery: 3,
      rebuildEvery: 5,
      stopEvery: slow ? 4 : 7
    })
    expect(counts.sequences).toBeGreaterThan(20)
  }
)
