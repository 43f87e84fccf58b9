/** One whole run: found, work, break, mend, judge. */
import { hash } from 'node:crypto'
import { type FaultKind, FaultPlan } from './faults.ts'
import { judge, summaryOf, untilAgreed } from './invariants.ts'
import type { Violation } from './summary.ts'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import type { Sabotage } from './sabotage.ts'
import { Simulation } from './simulation.ts'
import { Workload } from './workload.ts'

export interface RunOptions {
  readonly seed: string
  readonly nodes: number
  readonly hours: number
  readonly faults: readonly FaultKind[]
  /** For tests: the run has to notice it. */
  readonly sabotage?: Sabotage
  /** Told of each fault, with its moment in seconds of the run. */
  readonly onEvent?: (seconds: number, what: string) => void
}

export interface RunReport {
  readonly options: RunOptions
  readonly violations: readonly Violation[]
  readonly acknowledged: number
  readonly reads: number
  readonly refusals: ReadonlyMap<string, number>
  readonly faults: ReadonlyMap<string, number>
  readonly leases: number
  readonly terms: number
  /** Of the root key. */
  readonly successions: number
  readonly visitors: number
  readonly putOut: number
  /** Of them, put out again since a change of the root key had undone it. */
  readonly putOutAgain: number
  /** SHA-256 over what all nodes hold at the end: the same for the same seed. */
  readonly digest: string
  /** The last lines that nodes would have logged. */
  readonly notes: readonly string[]
}

const hourMs = 3_600_000
/** Until nodes that began anew have met. */
const settleMs = 30_000
/** Between two faults on average. */
const faultMs = 20_000

export async function runSimulation(options: RunOptions): Promise<RunReport> {
  const { seed, nodes, hours } = options
  const simulation = await Simulation.start({ seed, nodes, sabotage: options.sabotage })
  const workload = new Workload(simulation, seed, options.faults.includes('root'))
  const plan = new FaultPlan(options.faults, createSeededRandom(`${seed} faults`))
  const startMs = simulation.time.now()
  workload.start()
  while (simulation.time.now() - startMs < hours * hourMs) {
    await simulation.time.advance(simulation.random.number() * 2 * faultMs)
    const before = simulation.running()
    const what = await plan.strike(simulation)
    const gone = before.filter((node) => simulation.node(node.identity.name) !== node)
    for (const { identity } of gone) workload.crashed(identity.name)
    for (const name of simulation.takeDamaged()) workload.damaged(name)
    if (what !== undefined) options.onEvent?.((simulation.time.now() - startMs) / 1000, what)
  }
  await workload.stop()
  for (const { identity } of simulation.running()) workload.crashed(identity.name)
  await plan.mend(simulation)
  for (const name of simulation.takeDamaged()) workload.damaged(name)
  await scrubAll(simulation)
  const untold = await repeatUndone(simulation, workload)
  await options.sabotage?.end?.(simulation, workload)
  const violations = [...untold, ...(await judge(simulation, workload))]
  const summaries = await Promise.all(simulation.running().map((node) => summaryOf(simulation, node)))
  await simulation.close()
  return {
    options,
    violations,
    acknowledged: workload.acknowledged.length,
    reads: workload.reads,
    refusals: workload.refusals,
    faults: plan.counts,
    leases: workload.locks.length,
    terms: simulation.leaders.size,
    successions: workload.owner.successions,
    visitors: workload.owner.visitors.length,
    putOut: workload.owner.visitors.filter(({ putOut }) => putOut !== undefined).length,
    putOutAgain: workload.owner.repeated,
    digest: hash('sha256', summaries.join('\n\n')),
    notes: simulation.notes
  }
}

/** What every node does now and then (spec 28.9): reads its content and fetches anew what is damaged. */
async function scrubAll(simulation: Simulation): Promise<void> {
  await simulation.time.advance(settleMs)
  const { signal } = new AbortController()
  for (const { sync } of simulation.running()) await simulation.time.until(sync.scrub({ signal }), hourMs)
}

/** Revocations that met a change of the root key have to be told of, and to be made good (MODEL B.2, E12). */
async function repeatUndone(simulation: Simulation, workload: Workload): Promise<readonly Violation[]> {
  if (workload.owner.successions === 0) return []
  await untilAgreed(simulation, workload.acknowledged)
  const missed = await simulation.time.until(workload.owner.repeatUndone(), hourMs)
  const rule = 'a revocation that was acknowledged holds, or is told to be undone'
  return missed.map((what) => ({ rule, what }))
}

/** The command that repeats a run. */
export function commandOf({ seed, nodes, hours, faults }: RunOptions): string {
  return `npm run simulate -- --seed ${seed} --nodes ${nodes} --hours ${hours} --faults ${faults.join(',') || 'none'}`
}
