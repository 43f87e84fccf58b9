/** What goes wrong: chosen by the seed, one event after another, and all of it mended at the end. */
import type { SeededRandom } from '@blocktree/crypto/seeded-random'
import type { Simulation } from './simulation.ts'

export type FaultKind = 'disk' | 'net' | 'clock' | 'crash' | 'loss' | 'root' | 'rollback'
/** All of them; `root`: the root key is lost and replaced; `rollback`: a disk is put back to an older image. */
export const faultKinds: readonly FaultKind[] = ['disk', 'net', 'clock', 'crash', 'loss', 'root', 'rollback']

type Fault = (simulation: Simulation, random: SeededRandom) => Promise<string> | string

const faults: Readonly<Record<FaultKind, readonly Fault[]>> = {
  net: [cutInTwo, cutOneWay, slowDown, lose, resetConnections, heal, heal],
  crash: [killProcess, losePower, killProcess, startAll, startAll, restartOrderly],
  disk: [failSync, failWrite, fillDisk, emptyDisk, flipContent, flipIndex],
  clock: [shiftClock, mendClocks],
  loss: [destroyMachine, startAll],
  root: [heal], // the owner does the rest: ./owner-at-work.ts
  rollback: [keepImage, keepImage, putBack]
}

export class FaultPlan {
  readonly #kinds: readonly FaultKind[]
  readonly #random: SeededRandom
  /** How often each happened, by name. */
  readonly counts: Map<string, number> = new Map()

  constructor(kinds: readonly FaultKind[], random: SeededRandom) {
    this.#kinds = kinds
    this.#random = random
  }

  /** Lets one thing go wrong. @returns a sentence for the trace; undefined without kinds */
  async strike(simulation: Simulation): Promise<string | undefined> {
    if (this.#kinds.length === 0) return undefined
    const fault = this.#random.pick(faults[this.#random.pick(this.#kinds)])
    this.counts.set(fault.name, (this.counts.get(fault.name) ?? 0) + 1)
    return await fault(simulation, this.#random)
  }

  /** Everything works again, and every process runs. */
  async mend(simulation: Simulation): Promise<void> {
    heal(simulation)
    mendClocks(simulation)
    for (const name of simulation.surviving) emptyOneDisk(simulation, name)
    // A store that could not write stops for good: its process has to begin anew.
    for (const name of simulation.surviving) await simulation.crash(name, 'process')
    await startAll(simulation)
    for (const name of simulation.surviving) await simulation.makeIndexAgain(name)
  }
}

function cutInTwo(simulation: Simulation, random: SeededRandom): string {
  const left = simulation.names.filter(() => random.chance(0.5))
  const right = simulation.names.filter((name) => !left.includes(name))
  simulation.hub.partition(left, right)
  return `cut ${left.join(' ')} from ${right.join(' ')}`
}

function cutOneWay(simulation: Simulation, random: SeededRandom): string {
  const [from, to] = [random.pick(simulation.surviving), random.pick(simulation.surviving)]
  if (from !== to) simulation.hub.setConditions(from, to, { isCut: true })
  return `nothing gets from ${from} to ${to}`
}

function slowDown(simulation: Simulation, random: SeededRandom): string {
  const [from, to] = [random.pick(simulation.surviving), random.pick(simulation.surviving)]
  if (from !== to) {
    simulation.hub.setConditions(from, to, {
      delayMs: 200 + random.below(800),
      jitterMs: 300,
      bytesPerSecond: 50_000
    })
  }
  return `slow from ${from} to ${to}`
}

function lose(simulation: Simulation, random: SeededRandom): string {
  const [from, to] = [random.pick(simulation.surviving), random.pick(simulation.surviving)]
  if (from !== to) simulation.hub.setConditions(from, to, { loss: 0.2, jitterMs: 50 })
  return `loss from ${from} to ${to}`
}

function resetConnections(simulation: Simulation, random: SeededRandom): string {
  const [left, right] = [random.pick(simulation.surviving), random.pick(simulation.surviving)]
  if (left !== right) simulation.hub.reset(left, right)
  return `reset between ${left} and ${right}`
}

function heal(simulation: Simulation): string {
  simulation.hub.heal()
  const fair = { delayMs: 2, jitterMs: 0, loss: 0, bytesPerSecond: Infinity, isCut: false }
  for (const from of simulation.names) {
    for (const to of simulation.names) if (from !== to) simulation.hub.setConditions(from, to, fair)
  }
  return 'the network is whole'
}

async function killProcess(simulation: Simulation, random: SeededRandom): Promise<string> {
  const name = random.pick(simulation.surviving)
  await simulation.crash(name, 'process')
  return `killed ${name}`
}

async function losePower(simulation: Simulation, random: SeededRandom): Promise<string> {
  const name = random.pick(simulation.surviving)
  await simulation.crash(name, 'power')
  return `${name} lost power`
}

/** A machine for good; a majority stays, and the run is seldom over before it. */
async function destroyMachine(simulation: Simulation, random: SeededRandom): Promise<string> {
  const { names, surviving } = simulation
  const isSpared = surviving.length <= Math.floor(names.length / 2) + 1
  if (isSpared || !random.chance(0.3)) return 'no machine is lost'
  const name = random.pick(surviving)
  await simulation.destroy(name)
  return `${name} is lost for good`
}

async function startAll(simulation: Simulation): Promise<string> {
  for (const name of simulation.names) await simulation.startNode(name)
  return 'started what was down'
}

async function restartOrderly(simulation: Simulation, random: SeededRandom): Promise<string> {
  const name = random.pick(simulation.surviving)
  await simulation.restart(name)
  return `restarted ${name}`
}

function failSync(simulation: Simulation, random: SeededRandom): string {
  const name = random.pick(simulation.surviving)
  simulation.machine(name).disk.failSyncs = 1
  return `the next sync of ${name} fails`
}

function failWrite(simulation: Simulation, random: SeededRandom): string {
  const name = random.pick(simulation.surviving)
  simulation.machine(name).disk.failWrites = 1
  return `the next write of ${name} fails`
}

function fillDisk(simulation: Simulation, random: SeededRandom): string {
  const name = random.pick(simulation.surviving)
  simulation.machine(name).disk.capacity = 1
  return `the disk of ${name} is full`
}

function emptyDisk(simulation: Simulation, random: SeededRandom): string {
  const name = random.pick(simulation.surviving)
  emptyOneDisk(simulation, name)
  return `the disk of ${name} has room`
}

function emptyOneDisk(simulation: Simulation, name: string): void {
  const { disk } = simulation.machine(name)
  disk.capacity = Number.MAX_SAFE_INTEGER
  disk.failSyncs = 0
  disk.failWrites = 0
}

function shiftClock(simulation: Simulation, random: SeededRandom): string {
  const name = random.pick(simulation.surviving)
  const offsetMs = Math.round((random.number() - 0.5) * 2 * 3 * 86_400_000)
  simulation.setClock(name, offsetMs)
  return `the clock of ${name} is ${Math.round(offsetMs / 60_000)} minutes off`
}

function mendClocks(simulation: Simulation): string {
  for (const name of simulation.names) simulation.setClock(name, 0)
  return 'all clocks are right'
}

/** A bit of what the store wrote: nobody notices before it is read. */
function flipContent(simulation: Simulation, random: SeededRandom): string {
  const name = random.pick(simulation.surviving)
  const where = simulation.flipBit(name, 'content', random)
  return where === undefined ? `${name} has no content yet` : `a bit of ${name} flips: ${where}`
}

function flipIndex(simulation: Simulation, random: SeededRandom): string {
  const name = random.pick(simulation.surviving)
  simulation.flipBit(name, 'index', random)
  return `a bit of the index of ${name} flips`
}

async function keepImage(simulation: Simulation, random: SeededRandom): Promise<string> {
  const name = random.pick(simulation.surviving)
  await simulation.keepImage(name)
  return `the disk of ${name} is copied`
}

async function putBack(simulation: Simulation, random: SeededRandom): Promise<string> {
  const name = random.pick(simulation.surviving)
  return (await simulation.putBack(name))
    ? `the disk of ${name} is put back to its copy`
    : `${name} has no copy`
}
