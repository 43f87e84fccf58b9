/**
 * Stops at every step of what takes many batches, or brings records of elsewhere: there is no single point where it is
 * done, so each one says itself what must hold whenever it was cut short. Afterwards it is done once more, to its end.
 */
import { expect } from 'vitest'
import { expectNoJobs, expectSound, type Loss, lose, slow, stopTheStart } from './crash-runner.ts'
import { content, type Hosting, nextProcess, recoverWorld, type World } from './crash-world.ts'
import { type Image, isStop, startFrom } from './memory-machine.ts'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'

export interface LongOperation {
  readonly name: string
  readonly start: Image
  readonly hosting?: Hosting
  /** Can be done again after it was cut short. */
  readonly run: (world: World) => Promise<void>
  /** @param done it was acknowledged */
  readonly verify: (world: World, done: boolean, where: string) => Promise<void>
}

export interface LongCounts {
  readonly stops: number
  readonly cases: number
}

const losses: readonly Loss[] = ['kill', 'all unsynced', 'some unsynced']
const stopsWanted = 24 // by default; with SLOW=1 every step and every loss

export async function enumerateLong(operation: LongOperation): Promise<LongCounts> {
  const steps = await countSteps(operation)
  const stopEvery = slow ? 1 : Math.max(1, Math.floor(steps / stopsWanted))
  const seeded = createSeededRandom(`long ${operation.name}`)
  const counts = { stops: 0, cases: 0 }
  for (let stop = 1 + seeded.below(stopEvery); stop <= steps + 1; stop += stopEvery) {
    const played = slow ? losses : losses.slice(counts.stops % 3, (counts.stops % 3) + 1)
    for (const loss of played) {
      await stopOnce(operation, stop, loss, ++counts.cases % 3 === 0)
    }
    counts.stops++
  }
  console.log(`crash enumeration, ${operation.name}: ${steps} steps, ${counts.cases} crashes verified`)
  return counts
}

async function countSteps({ name, start, hosting, run, verify }: LongOperation): Promise<number> {
  const world = await nextProcess(start, `whole ${name}`, hosting)
  const before = world.machine.disk.operations
  await run(world)
  const steps = world.machine.disk.operations - before
  await verify(world, true, `${name}, whole`)
  return steps
}

async function stopOnce(operation: LongOperation, stop: number, loss: Loss, isTwice: boolean): Promise<void> {
  const { name, start, hosting, run, verify } = operation
  const where = `${name}; stop ${stop}, ${loss}`
  const stopped = await nextProcess(start, `run ${where}`, hosting)
  stopped.machine.disk.stopAt = stopped.machine.disk.operations + stop
  const done = await untilStopped(() => run(stopped), where)
  const random = createSeededRandom(`loss ${where}`)
  let image = await lose(stopped, loss, random)
  if (isTwice) image = await stopTheStart(image, random, where, hosting)
  const machine = await startFrom(image)
  const world = await recoverWorld(machine, `start ${where}`, hosting).catch((cause: unknown) => {
    throw new Error(`${where}: the start fails: ${String(cause)}`, { cause })
  })
  expect(world.store.recovery.findings, where).toEqual([])
  await verify(world, done, where)
  await expectNoJobs(world, where)
  await expectSound(world, where)
  await run(world)
  await verify(world, true, `${where}, done again`)
  await expectSound(world, `${where}, done again`)
  await world.store.close()
}

async function untilStopped(work: () => Promise<void>, where: string): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isStop(error)) return false
    throw new Error(`${where}: it fails: ${String(error)}`, { cause: error })
  }
}

/** Done in a process of its own on a copy of what lies there. */
export async function changed(
  image: Image,
  seed: string,
  change: (world: World) => Promise<void>
): Promise<World> {
  const world = await nextProcess(image, seed)
  await change(world)
  return world
}

export async function pieces(source: AsyncIterable<Uint8Array>): Promise<readonly Uint8Array[]> {
  const found: Uint8Array[] = []
  for await (const piece of source) found.push(piece.slice())
  return found
}

export async function* again(bytes: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* bytes
}

/** Writes into a directory and looks whether it can be read. */
export async function expectWritable({ files, owner }: World, path: string, where: string): Promise<void> {
  const bytes = content('later', 300)
  await files.create(owner, path, bytes)
  expect(files.read(owner, path).bytes, where).toEqual(bytes)
  await files.remove(owner, path)
}
