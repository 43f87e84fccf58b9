/** A collection moves records behind others that rest on them: what is made from the log must not depend on its order. */
import { expect, test } from 'vitest'
import { operations } from './crash-operations.ts'
import { describe, observe } from './crash-model.ts'
import { content, crypto, openWorld, recoverWorld } from './crash-world.ts'
import { emptyMachine, imageOf, startFrom } from './memory-machine.ts'

test('the index is made again from a log whose oldest records were moved to its end', async () => {
  const world = await openWorld(emptyMachine(), 'collected', true)
  const { store, files, owner } = world
  const garbage = Array.from({ length: 2 }, (_, index) => content(`garbage ${index}`, 4000))
  await store.commit({ sectors: garbage.map((bytes) => ({ reference: crypto.sha256(bytes), bytes })) })
  await files.makeDirectory(owner, '/zone')
  for (let index = 0; index < 4; index++)
    await files.create(owner, `/zone/${index}`, content(`${index}`, 7000))
  const model = { ...(await observe(world)), a: '', b: '' }
  const step = await operations['collect garbage']?.(world, model, 0)
  await step?.run()
  expect(
    world.machine.disk.list('segments'),
    'the first segment, with the genesis, was collected'
  ).not.toContain('00000001.seg')
  await store.close()
  const machine = await startFrom(await imageOf(world.machine))
  machine.index.remove()
  const again = await recoverWorld(machine, 'again')
  expect(describe(await observe(again))).toBe(describe(model))
})
