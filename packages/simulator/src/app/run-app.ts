/** One run of an app: install, work, break, mend, judge. */
import { hash } from 'node:crypto'
import { createNativeProvider } from '@blocktree/crypto/native'
import { type SeededRandom, createSeededRandom } from '@blocktree/crypto/seeded-random'
import { FaultPlan } from '../faults.ts'
import { summaryOf } from '../invariants.ts'
import { Simulation } from '../simulation.ts'
import type { Violation } from '../summary.ts'
import { AppCluster, type AppEvent } from './app-cluster.ts'
import { judgeApp } from './app-invariants.ts'
import { readyPackage } from './app-package.ts'
import { AppRequests } from './app-requests.ts'
import { type Step, inventSteps } from './app-script.ts'

/** Failing disks make apps fail as they must, and are left out. */
export const appFaultKinds: readonly ('crash' | 'net' | 'clock')[] = ['crash', 'net', 'clock']
export type AppFaultKind = (typeof appFaultKinds)[number]

export interface AppRunOptions {
  readonly package: Uint8Array
  readonly seed: string
  readonly nodes: number
  readonly hours: number
  readonly faults: readonly AppFaultKind[]
  /** Made up from the routes when absent. */
  readonly steps?: readonly Step[]
  /** For tests: the run has to notice it. */
  readonly sabotage?: AppSabotage
  readonly onEvent?: (event: AppEvent) => void
}

/** As ../sabotage.ts, of a run of an app. */
export interface AppSabotage {
  /** After everything was mended, before it is judged. */
  readonly end: (cluster: AppCluster) => Promise<void>
}

export interface AppRunReport {
  readonly app: string
  readonly version: number
  readonly events: readonly AppEvent[]
  readonly violations: readonly Violation[]
  readonly answered: number
  readonly lost: number
  /** Acknowledged to the app. */
  readonly writes: number
  /** By kind of fault. */
  readonly faults: Readonly<Record<string, number>>
  /** SHA-256 over all events and what all nodes hold at the end: the same for the same seed and package. */
  readonly digest: string
}

const hourSeconds = 3600
/** Between two faults on average. */
const faultMs = 60_000

/** @throws PackageError, ERR_APP_MODULE, ERR_APP_FAILED when the app does not start where nothing is broken yet */
export async function runApp(options: AppRunOptions): Promise<AppRunReport> {
  const { seed, nodes, faults } = options
  const ready = await readyPackage(createNativeProvider(), options.package)
  const simulation = await Simulation.start({ seed, nodes })
  const cluster = new AppCluster(simulation, ready, options.onEvent ?? (() => undefined))
  await cluster.install()
  cluster.begin()
  const requests = new AppRequests(cluster)
  requests.plan(options.steps ?? invented(cluster, options))
  const random = createSeededRandom(`${seed} faults`)
  const plan = new FaultPlan(faults, random)
  const endMs = simulation.time.now() + options.hours * hourSeconds * 1000
  while (simulation.time.now() < endMs) {
    const leftMs = endMs - simulation.time.now()
    await simulation.time.advance(Math.min(leftMs, simulation.random.number() * 2 * faultMs))
    if (simulation.time.now() >= endMs) break
    await startAgain(cluster, random)
    const what = await plan.strike(simulation)
    if (what !== undefined) cluster.note('fault', what)
    await cluster.follow()
  }
  await requests.settled()
  await plan.mend(simulation)
  await cluster.follow()
  await options.sabotage?.end(cluster)
  const violations = [...(await judgeApp(cluster)), ...cluster.violations]
  const summaries = await Promise.all(simulation.running().map((node) => summaryOf(simulation, node)))
  await simulation.close()
  const { manifest } = ready.found
  return {
    app: manifest.name,
    version: manifest.version,
    events: cluster.events,
    violations,
    answered: requests.answered,
    lost: requests.lost,
    writes: cluster.writes.length,
    faults: Object.fromEntries(plan.counts),
    digest: hash('sha256', [JSON.stringify(cluster.events), ...summaries].join('\n\n'))
  }
}

/** Who is down comes back soon: an app that is not there shows nothing. */
async function startAgain(cluster: AppCluster, random: SeededRandom): Promise<void> {
  const { simulation } = cluster
  for (const name of simulation.names) {
    if (simulation.node(name) !== undefined || random.chance(0.3)) continue
    await simulation.startNode(name)
    cluster.note('fault', `started ${name}`)
  }
  await cluster.follow()
}

/** An app that may not answer requests gets none. */
function invented({ app }: AppCluster, { seed, nodes, hours }: AppRunOptions): readonly Step[] {
  const { routes, permissions } = app.found.manifest
  if (!permissions.some(({ scope }) => scope.kind === 'http-server')) return []
  const random = createSeededRandom(`${seed} requests`)
  return inventSteps(routes, random, { nodes, seconds: hours * hourSeconds })
}
