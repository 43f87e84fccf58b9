import { describe, expect, test } from 'vitest'
import { right } from '@blocktree/tree'
import { asText, blockAt, failure, hoard, newPrincipal, newWorld, text, winnerAt } from './sharing-fixture.ts'

describe('a lost root key is replaced', () => {
  test('the new root may do everything, daily work goes on, the old root does nothing any more', async () => {
    const world = await newWorld({ withRecovery: true })
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.create(owner, '/d/a', text('kept'))
    const bob = newPrincipal()
    await sharing.issueGrant(world.rootActor, { path: '/d', to: { principal: bob.record } })
    const newRoot = newPrincipal()
    const newRecovery = newPrincipal()
    const report = await sharing.succeedRoot(owner, {
      recovery: world.recovery,
      newRoot,
      newRecovery: newRecovery.id
    })
    expect(report).toMatchObject({ generation: 1, keptCaps: 1 })
    expect(asText(files.read(owner, '/d/a').bytes)).toBe('kept')
    await files.create(owner, '/d/b', text('daily'))
    expect(asText(files.read(files.actor(bob), '/d/b').bytes)).toBe('daily')
    const rootActor = files.actor(newRoot)
    expect(asText(files.read(rootActor, '/d/b').bytes)).toBe('daily')
    const cap = await sharing.issueWriteCap(rootActor, { path: '/d', to: bob.id, rights: right.write })
    expect(cap.cap.body.rootGeneration).toBe(1)
    expect(await failure(() => files.create(world.rootActor, '/d/c', text('x')))).toBe('ERR_ACCESS_DENIED')
  })

  test('a thief of the old root key reads nothing that is written afterwards', async () => {
    const world = await newWorld({ withRecovery: true })
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/d/sub', { zone: true })
    const ring = hoard(world, world.rootActor)
    const { nodeCap } = world.genesis
    await world.sharing.succeedRoot(world.owner, {
      recovery: world.recovery,
      newRoot: newPrincipal(),
      keepCaps: [nodeCap.id]
    })
    for (const path of ['/d/new', '/d/sub/new']) {
      await world.files.create(world.owner, path, text('1'))
      const { epoch } = (await winnerAt(world, path)).body
      expect(epoch && ring.find(epoch)).toBeUndefined()
    }
  })

  test('can be done twice, and not with the recovery key of before', async () => {
    const world = await newWorld({ withRecovery: true })
    const second = newPrincipal()
    await world.sharing.succeedRoot(world.owner, {
      recovery: world.recovery,
      newRoot: newPrincipal(),
      newRecovery: second.id
    })
    expect(
      await failure(() =>
        world.sharing.succeedRoot(world.owner, { recovery: world.recovery, newRoot: newPrincipal() })
      )
    ).toBe('ERR_SUCCESSION_NONE')
    const report = await world.sharing.succeedRoot(world.owner, { recovery: second, newRoot: newPrincipal() })
    expect(report.generation).toBe(2)
    expect(
      await failure(() =>
        world.sharing.succeedRoot(world.owner, { recovery: second, newRoot: newPrincipal() })
      )
    ).toBe('ERR_SUCCESSION_NONE')
    await world.files.makeDirectory(world.owner, '/still')
    expect(await blockAt(world, '/still')).toHaveLength(32)
  })

  test('is refused in a tree made without a recovery key', async () => {
    const world = await newWorld()
    expect(
      await failure(() =>
        world.sharing.succeedRoot(world.owner, { recovery: world.recovery, newRoot: newPrincipal() })
      )
    ).toBe('ERR_SUCCESSION_NONE')
  })

  test('a reader of one file keeps reading it', async () => {
    const world = await newWorld({ withRecovery: true })
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('one'))
    const bob = newPrincipal()
    await world.sharing.issueGrant(world.rootActor, { path: '/d/a', to: { principal: bob.record } })
    await world.sharing.succeedRoot(world.owner, { recovery: world.recovery, newRoot: newPrincipal() })
    expect(asText(world.files.read(world.files.actor(bob), '/d/a').bytes)).toBe('one')
  })
})
