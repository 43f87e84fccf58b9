import { right } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { blockAt, failure, newPrincipal, newWorld, text } from './sharing-fixture.ts'

describe('makeCheckpoint', () => {
  test('lists every head of the zone, and is the last one again while nothing changes', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const zone = await blockAt(world, '/d')
    for (let count = 0; count < 5; count++) await world.files.create(world.owner, `/d/${count}`, text('x'))
    const first = await world.sharing.makeCheckpoint(world.owner, zone)
    expect(first).toMatchObject({ isNew: true })
    expect(first.record.body).toMatchObject({ sequence: 1, blocks: 5, graves: 0 })
    const again = await world.sharing.makeCheckpoint(world.owner, zone)
    expect(again.isNew).toBe(false)
    expect(again.record.id).toEqual(first.record.id)
    await world.files.remove(world.owner, '/d/0')
    const second = await world.sharing.makeCheckpoint(world.owner, zone)
    expect(second.record.body).toMatchObject({ sequence: 2, blocks: 5, prev: [first.record.id] })
  })

  test('anchors what it lists: the same heads win with it and without it', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('x'))
    const block = await blockAt(world, '/d/a')
    const before = world.tree.blockSummary(block)?.heads
    await world.sharing.makeCheckpoint(world.owner, await blockAt(world, '/d'))
    expect(world.tree.blockSummary(block)?.heads).toEqual(before)
    await world.files.write(world.owner, '/d/a', 0, text('y'))
    expect(world.tree.blockState(block)?.labels.late).toEqual([])
  })

  test('takes an empty zone, and is refused without the right "admin"', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const zone = await blockAt(world, '/d')
    expect((await world.sharing.makeCheckpoint(world.owner, zone)).record.body.blocks).toBe(0)
    const bob = newPrincipal()
    await world.sharing.issueWriteCap(world.owner, { path: '/d', to: bob.record, rights: right.write })
    expect(await failure(() => world.sharing.makeCheckpoint(world.files.actor(bob), zone))).toBe(
      'ERR_ACCESS_DENIED'
    )
  })
})
