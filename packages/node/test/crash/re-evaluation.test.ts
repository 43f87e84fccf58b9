/**
 * A re-evaluation of many blocks goes in several batches, whose rows lie in the log beside no record. Wherever the log
 * ends and however much of the index is lost, a start gives the names, counts and counters that the records make.
 */
import type { Id } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { expectSound, slow } from './crash-runner.ts'
import { content, firstImage, nextProcess, people, recoverWorld, type World } from './crash-world.ts'
import { afterKill, type Image, isStop, startFrom } from './memory-machine.ts'

const names = Array.from({ length: 140 }, (_, at) => `m${at}`) // more than one batch evaluates

interface Evaluation {
  readonly title: string
  /** Makes what is evaluated. */
  readonly prepare: (world: World) => Promise<unknown>
  readonly run: (world: World) => Promise<unknown>
  readonly verify: (world: World, where: string) => void
}

const evaluations: readonly Evaluation[] = [
  {
    title: 'a succession: every file keeps its name',
    prepare: ({ files, owner }) =>
      Promise.all(names.map((name) => files.create(owner, `/plain/d/${name}`, content(name, 20)))),
    run: ({ sharing, owner }) =>
      sharing.succeedRoot(owner, { recovery: people.recovery, newRoot: people.heir }),
    verify({ files, owner }, where) {
      for (const name of names) expect(files.stat(owner, `/plain/d/${name}`).kind, where).toBe('file')
    }
  },
  {
    title: 'a revocation from the beginning: what was written under the cap is all there, or nothing of it',
    prepare: ({ files }) => {
      const writer = files.actor(people.writer)
      return Promise.all(names.map((name) => files.create(writer, `/zone/${name}`, content(name, 20))))
    },
    async run(world) {
      const cap = writerCap(world)
      if (cap !== undefined) await world.sharing.revokeCap(world.owner, cap, { sinceMs: 0 })
    },
    verify(world, where) {
      const { tree, files, owner } = world
      const own = 2 // `s` of the owner, `w` of the writer
      const shown = writerCap(world) === undefined ? own - 1 : own + names.length
      expect(tree.childCount(files.stat(owner, '/zone').block), where).toBe(shown)
    }
  }
]

function writerCap({ sharing, owner }: World): Id | undefined {
  return sharing.listCaps(owner).find(({ subject }) => Buffer.from(subject).equals(people.writer.id))?.cap.id
}

/**
 * @param stop the operation of the disk, of those of the evaluation, that is not done any more
 * @param lost share of the writes of the index that is lost, from the last one backwards
 */
async function crash(
  start: Image,
  evaluation: Evaluation,
  stop: number,
  lost: number
): Promise<{ readonly image: Image; readonly isDone: boolean }> {
  const world = await nextProcess(start, 'evaluation')
  const { disk, index } = world.machine
  await evaluation.prepare(world)
  disk.stopAt = disk.operations + stop
  const isDone = await untilStopped(() => evaluation.run(world))
  await afterKill(world.machine)
  index.rewind(Math.max(1, Math.floor(index.writes * (1 - lost))))
  return { image: await afterKill(world.machine), isDone }
}

async function untilStopped(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (isStop(error)) return false
    throw error
  }
}

describe('an evaluation of many blocks that is cut short anywhere, its index lost from anywhere on', () => {
  test.each(evaluations)('$title', { timeout: 3_600_000 }, async (evaluation) => {
    const start = await firstImage()
    for (let stop = 1, isDone = false; !isDone; stop += slow ? 1 : 3) {
      for (const lost of slow ? [0, 0.2, 0.5, 0.9, 1] : [stop % 2 === 0 ? 0.5 : 1]) {
        const where = `stop ${stop}, ${lost} of the index lost`
        const stopped = await crash(start, evaluation, stop, lost)
        isDone = stopped.isDone
        const world = await recoverWorld(await startFrom(stopped.image), where)
        await world.tree.settled()
        evaluation.verify(world, where)
        await expectSound(world, where)
        await world.store.close()
      }
    }
  })
})
