/**
 * Runs one sequence of operations, stops the process at a chosen write, sync, truncation, creation or removal of its
 * last one, loses what a disk may lose, starts again and proves what a start must give.
 */
import { expect } from 'vitest'
import { type Id, type Principal, ZoneKeyRing } from '@blocktree/tree'
import { createMemoryIndex } from '@blocktree/store/memory-index'
import { checkRows } from '../../src/row-check.ts'
import { describe, type Model, observe } from './crash-model.ts'
import { operations, type Operation } from './crash-operations.ts'
import {
  clock,
  content,
  crypto,
  firstImage,
  type Hosting,
  nextProcess,
  people,
  recoverWorld,
  type World
} from './crash-world.ts'
import { afterKill, afterPowerLoss, type Image, isStop, startFrom } from './memory-machine.ts'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'

export interface Counts {
  sequences: number
  /** Operations of the disk at which a process was stopped. */
  stops: number
  /** Starts after a crash that were verified: stops times ways to lose. */
  cases: number
  /** Of them, those where the start was stopped as well. */
  twice: number
}

export type Loss = 'kill' | 'all unsynced' | 'some unsynced'

export interface Plan {
  readonly base: Image
  /** Names of operations; the last one is stopped. */
  readonly sequence: readonly string[]
  /** Which losses to play at a stop. */
  readonly lossesAt: (stop: number) => readonly Loss[]
  /** Every n-th case also stops the start, at an operation that the seed chooses. */
  readonly twiceEvery: number
  /** Only every n-th stop, beginning with a seeded one. */
  readonly stopEvery?: number
  /** Every n-th case also makes the index again from the segments and compares. */
  readonly rebuildEvery: number
}

export const allLosses: readonly Loss[] = ['kill', 'all unsynced', 'some unsynced']
export const slow: boolean = process.env['SLOW'] === '1'

/** One way to lose at each stop, all of them in turn. */
export function inTurn(stop: number): readonly Loss[] {
  return allLosses.slice(stop % allLosses.length, (stop % allLosses.length) + 1)
}

const startModel = async (base: Image): Promise<Model> => {
  const world = await nextProcess(base, 'model')
  return { ...(await observe(world)), a: '/plain/a', b: '/plain/b' }
}

export interface Enumeration extends Omit<Plan, 'base' | 'sequence'> {
  readonly sequences: readonly (readonly string[])[]
  /** For the report. */
  readonly name: string
}

/** Runs all sequences and says how many there were. */
export async function enumerate(enumeration: Enumeration): Promise<Counts> {
  const started = performance.now()
  const base = await firstImage()
  const first = await startModel(base)
  const counts: Counts = { sequences: 0, stops: 0, cases: 0, twice: 0 }
  for (const sequence of enumeration.sequences)
    await runSequence({ ...enumeration, base, sequence }, first, counts)
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(
    `crash enumeration, ${enumeration.name}: ${counts.sequences} sequences, ${counts.stops} stops, ` +
      `${counts.cases} crashes verified, ${counts.twice} of them with a second crash during the start; ${seconds} s`
  )
  return counts
}

interface Stopped {
  readonly world: World
  readonly before: Model
  readonly after: Model
  /** The last operation was acknowledged. */
  readonly done: boolean
  /** Records that were acknowledged. */
  readonly held: readonly Id[]
  /** The keys of the reader whose grant may be taken back, as of before the last operation. */
  readonly hoard: ZoneKeyRing
}

export async function runSequence(plan: Plan, first: Model, counts: Counts): Promise<void> {
  counts.sequences++
  const { sequence, stopEvery = 1 } = plan
  const seeded = createSeededRandom(`plan ${sequence.join()}`)
  let cases = seeded.below(plan.twiceEvery)
  for (let stop = 1 + seeded.below(stopEvery); ; stop += stopEvery) {
    let done = false
    for (const loss of plan.lossesAt(stop)) {
      const where = `${sequence.join(', ')}; stop ${stop}, ${loss}`
      const stopped = await runUntil(plan, first, stop, where)
      done = stopped.done
      const random = createSeededRandom(`loss ${where}`)
      const isTwice = ++cases % plan.twiceEvery === 0
      counts.cases++
      if (isTwice) counts.twice++
      let image = await lose(stopped.world, loss, random)
      if (isTwice) image = await stopTheStart(image, random, where)
      await verify(image, stopped, where, cases % plan.rebuildEvery === 0)
    }
    counts.stops++
    if (done) return
  }
}

async function runUntil(
  { base, sequence }: Plan,
  first: Model,
  stop: number,
  where: string
): Promise<Stopped> {
  const world = await nextProcess(base, `run ${where}`)
  const held: Id[] = []
  let before = first
  for (const [at, name] of sequence.entries()) {
    const step = await operationOf(name)(world, before, at)
    const isLast = at === sequence.length - 1
    const hoard = hoardOf(world)
    if (isLast) world.machine.disk.stopAt = world.machine.disk.operations + stop
    try {
      held.push(...(await runStep(step)))
    } catch (error) {
      if (!isStop(error)) throw new Error(`${where}: "${name}" fails: ${String(error)}`, { cause: error })
      return { world, before, after: step.after, done: false, held, hoard }
    }
    if (isLast) return { world, before: step.after, after: step.after, done: true, held, hoard }
    before = step.after
  }
  throw new Error('a sequence has an operation')
}

async function runStep(step: Awaited<ReturnType<Operation>>): Promise<readonly Id[]> {
  if (step.refusal === undefined) return step.run()
  try {
    await step.run()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === step.refusal) return []
    throw error
  }
  throw new Error(`it is not refused with ${step.refusal}`)
}

function operationOf(name: string): Operation {
  const operation = operations[name]
  if (operation === undefined) throw new Error(`no operation "${name}"`)
  return operation
}

export function lose(
  { machine }: World,
  loss: Loss,
  random: ReturnType<typeof createSeededRandom>
): Promise<Image> {
  if (loss === 'kill') return afterKill(machine)
  return afterPowerLoss(machine, loss === 'all unsynced' ? () => false : (chance) => random.chance(chance))
}

/** Stops a start, and what it resumes, at one of its first operations; undefined damage, then the power goes. */
export async function stopTheStart(
  image: Image,
  random: ReturnType<typeof createSeededRandom>,
  where: string,
  hosting?: Hosting
): Promise<Image> {
  const machine = await startFrom(image)
  machine.disk.stopAt = 1 + random.below(12)
  try {
    await recoverWorld(machine, `stopped start ${where}`, hosting)
  } catch (error) {
    if (!isStop(error)) throw new Error(`${where}: the start fails: ${String(error)}`, { cause: error })
  }
  return random.chance(0.3) ? afterKill(machine) : afterPowerLoss(machine, (chance) => random.chance(chance))
}

async function verify(image: Image, stopped: Stopped, where: string, withRebuild: boolean): Promise<void> {
  const machine = await startFrom(image)
  const world = await recoverWorld(machine, `start ${where}`).catch((cause: unknown) => {
    throw new Error(`${where}: the start fails: ${String(cause)}`, { cause })
  })
  const { store, tree, files, owner } = world
  expect(store.recovery.findings, where).toEqual([])
  const seen = describe(await observe(world))
  const [before, after] = [describe(stopped.before), describe(stopped.after)]
  if (seen !== before) expect(seen, `${where}: neither absent nor complete`).toBe(after)
  for (const id of stopped.held)
    expect(tree.record(id) !== undefined, `${where}: an acknowledged record is lost`).toBe(true)
  await expectNoJobs(world, where)
  await expectSound(world, where)
  await expectReaders(world, stopped, seen, where)
  await files.create(owner, '/after', content('after', 5000))
  expect(files.read(owner, '/after').bytes, where).toEqual(content('after', 5000))
  expect(tree.statistics().records, where).toBeGreaterThan(0)
  await store.close()
  if (withRebuild) await expectSame(machine, seen, where)
}

export async function expectNoJobs({ files, store }: World, where: string): Promise<void> {
  expect(await files.jobs(), `${where}: a job is left`).toEqual([])
  const prefix = new TextEncoder().encode('sharing/')
  const end = new TextEncoder().encode('sharing0')
  for await (const [key] of store.local.range({ from: prefix, to: end }))
    throw new Error(`${where}: left in the journal: ${String(key)}`)
}

export async function expectSound(world: World, where: string): Promise<void> {
  const { store, tree, files, owner } = world
  expect((await store.check()).findings, where).toEqual([])
  for await (const { message } of tree.verifyAll())
    throw new Error(`${where}: a record is damaged: ${message}`)
  const rows = await checkRows({
    store,
    tree,
    files,
    crypto,
    clock,
    actor: owner,
    scratch: createMemoryIndex()
  })
  if (rows.length > 0)
    throw new Error(
      `${where}: ${rows.map(({ problem, key }) => `${problem} (${Buffer.from(key).toString('hex')})`).join('; ')}`
    )
}

/** Who has a grant reads; who lost it opens nothing that is written from now on, with all the keys it ever had. */
async function expectReaders(world: World, { hoard }: Stopped, seen: string, where: string): Promise<void> {
  const { files, owner, tree } = world
  await files.create(owner, '/zone/later', content('later', 50))
  const { epoch } = tree.blockState(files.stat(owner, '/zone/later').block)?.winner?.body ?? {}
  if (epoch === undefined) throw new Error(`${where}: written without an epoch`)
  const isReader = seen.includes('grant /zone→reader')
  const actor = files.actor(people.reader)
  if (isReader) expect(files.read(actor, '/zone/later').bytes, where).toEqual(content('later', 50))
  else {
    expect(hoardOf(world, hoard).find(epoch), `${where}: a former reader opens what is newer`).toBeUndefined()
    expect(() => files.read(actor, '/zone/later'), where).toThrow()
  }
  await files.remove(owner, '/zone/later')
}

/** Everything that the keys which a principal was given will ever open, also in records that come later. */
export function hoardOf(world: World, former?: ZoneKeyRing, holder: Principal = people.reader): ZoneKeyRing {
  const { authority } = world.tree
  const name = (id: Id): string => Buffer.from(id).toString('hex')
  const ring = new ZoneKeyRing(crypto, {
    epoch: (id) => authority.epoch(id),
    successors: (id) => {
      const zone = authority.epoch(id)?.body.zone
      const later = zone === undefined ? [] : authority.epochsOf(zone)
      return later
        .filter(({ body }) => body.prev.some((prev) => name(prev) === name(id)))
        .map((epoch) => epoch.id)
    }
  })
  const reader = world.files.actor(holder)
  for (const record of world.tree.authorityRecords()) {
    if (record.type !== 6) continue
    const key = former?.find(record.id) ?? reader.zoneKey(record.id)
    if (key !== undefined) ring.add(record, key)
  }
  return ring
}

/** The same tree once more after a clean end, from the segments alone. */
async function expectSame(machine: World['machine'], seen: string, where: string): Promise<void> {
  machine.disk.kill()
  machine.index.remove()
  const again = await recoverWorld({ ...machine, process: machine.process + 1 }, `again ${where}`)
  const now = describe(await observe(again))
  const same = now
    .split('\n')
    .filter((line) => !line.startsWith('/after  '))
    .join('\n')
  if (same !== seen) throw new Error(`${where}: after a rebuild\n${same}\n--- instead of\n${seen}`)
  await again.store.close()
}
