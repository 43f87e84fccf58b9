import { expect, test } from 'vitest'
import { observe } from './crash-model.ts'
import { content, firstImage, nextProcess, type World } from './crash-world.ts'
import { enumerateLong } from './long-operations.ts'
import { type Image, imageOf } from './memory-machine.ts'

/** `/zone` with old versions, and a file that was removed. */
async function withHistory(): Promise<Image> {
  const { machine, files, owner, store } = await nextProcess(await firstImage(), 'history')
  for (const version of ['2', '3', '4']) await files.write(owner, '/zone/s', 0, content(version, 50))
  await files.create(owner, '/zone/gone', content('gone', 50))
  await files.remove(owner, '/zone/gone')
  await store.close()
  return imageOf(machine)
}

/** A checkpoint, a base with a grave, and what is buried; each step goes on where it was cut short. */
async function prune({ files, sharing, owner }: World): Promise<void> {
  const zone = files.stat(owner, '/zone').block
  for (let round = 0; round < 3; round++)
    await sharing.pruneZone(owner, zone, { olderThanMs: 0, force: true })
}

test(
  'pruning and burial stopped at every step: what is shown never changes',
  { timeout: 3_600_000 },
  async () => {
    const start = await withHistory()
    const before = await observe(await nextProcess(start, 'before'))
    const { stops } = await enumerateLong({
      name: 'pruning',
      start,
      run: prune,
      async verify(world, done, where) {
        expect(await observe(world), where).toEqual(before)
        const { files, owner, tree } = world
        if (done) expect(tree.headersOf(files.stat(owner, '/zone/s').block), where).toHaveLength(1)
      }
    })
    expect(stops).toBeGreaterThan(5)
  }
)
