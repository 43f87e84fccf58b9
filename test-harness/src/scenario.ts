/** A story with real nodes: steps in plain words, seeded randomness, everything it made gone afterwards. */
import { createHarness, type Harness, type NodeProcess } from '@blocktree/harness'
import { type NodeMethods, nodeMethodTable } from '@blocktree/node/method-table'
import { createSeededRandom, type SeededRandom } from '@blocktree/crypto/seeded-random'

export type Node = NodeProcess<NodeMethods>

export interface ScenarioContext {
  readonly harness: Harness<NodeMethods>
  /** Printed with a failure; the same seed gives the same choices. */
  readonly seed: number
  readonly random: SeededRandom
  /** 1 in `npm test`, more in nightly runs: multiplies rounds and counts. */
  readonly scale: number
  /** Runs one step; its name is in the message when it fails. */
  readonly step: <T>(name: string, action: () => T | Promise<T>) => Promise<T>
  /** A figure for the report. */
  readonly report: (name: string, value: number | string) => void
}

export interface Scenario {
  readonly name: string
  readonly summary: string
  /** Why it cannot run on this machine; undefined when it can. */
  readonly missing?: () => string | undefined
  run(context: ScenarioContext): Promise<void>
}

export interface ScenarioOptions {
  readonly seed: number
  readonly scale?: number
  /** Leaves the directories behind. */
  readonly keep?: boolean
  readonly onStep?: (name: string) => void
}

export interface ScenarioReport {
  readonly steps: number
  readonly figures: Readonly<Record<string, number | string>>
  readonly durationMs: number
  /** Where the nodes' data lay. */
  readonly directory: string
}

/** Rejects with ScenarioError naming scenario, step and seed. */
export async function runScenario(scenario: Scenario, options: ScenarioOptions): Promise<ScenarioReport> {
  const started = performance.now()
  const figures: Record<string, number | string> = {}
  let steps = 0
  await using harness = createHarness<NodeMethods>({ table: nodeMethodTable, keep: options.keep === true })
  await scenario.run({
    harness,
    seed: options.seed,
    random: createSeededRandom(String(options.seed)),
    scale: options.scale ?? 1,
    async step(name, action) {
      options.onStep?.(name)
      steps++
      try {
        return await action()
      } catch (cause) {
        throw new ScenarioError(scenario.name, name, options.seed, cause)
      }
    },
    report(name, value) {
      figures[name] = value
    }
  })
  return { steps, figures, durationMs: performance.now() - started, directory: harness.directory }
}

export class ScenarioError extends Error {
  override readonly name = 'ScenarioError'
  readonly code = 'ERR_SCENARIO_FAILED'
  constructor(scenario: string, step: string, seed: number, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(`scenario "${scenario}" failed at "${step}" (seed ${seed}): ${reason}`, { cause })
  }
}
