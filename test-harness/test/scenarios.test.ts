import { describe, test } from 'vitest'
import { runScenario } from '../src/scenario.ts'
import { scenarios } from '../src/scenarios.ts'

const scale = process.env['SLOW'] === '1' ? 4 : 1
const seed = Number(process.env['SCENARIO_SEED'] ?? 1)

describe('scenarios', () => {
  for (const scenario of scenarios) {
    const missing = scenario.missing?.()
    const name = missing === undefined ? scenario.name : `${scenario.name} (${missing})`
    test.skipIf(missing !== undefined)(name, { timeout: 600_000 }, async () => {
      await runScenario(scenario, { seed, scale })
    })
  }
})
