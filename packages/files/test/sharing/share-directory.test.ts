import { describe, expect, test } from 'vitest'
import { asText, blockAt, crypto, failure, newPrincipal, newWorld, text } from './sharing-fixture.ts'

describe('createShare', () => {
  test('makes a plain directory a zone that can be granted, with its content where it is', async () => {
    const world = await newWorld()
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.makeDirectory(owner, '/d/plain')
    await files.makeDirectory(owner, '/d/plain/in')
    const bytes = crypto.random.bytes(300_000)
    await files.create(owner, '/d/plain/in/big', bytes)
    await files.create(owner, '/d/plain/a', text('1'))
    const before = await blockAt(world, '/d/plain')
    const report = await sharing.createShare(owner, '/d/plain')
    expect(report).toMatchObject({ blocks: 4, grantsEnded: 0 })
    expect(report.block).not.toEqual(before)
    expect(files.read(owner, '/d/plain/in/big').bytes).toEqual(bytes)
    const bob = newPrincipal()
    await sharing.issueGrant(owner, { path: '/d/plain', to: { principal: bob.record } })
    expect(asText(files.read(files.actor(bob), '/d/plain/a').bytes)).toBe('1')
    expect(await failure(() => files.list(files.actor(bob), '/d'))).toBe('ERR_ACCESS_DENIED')
  })

  test('is refused for a zone, a file, and a member without the right', async () => {
    const world = await newWorld()
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.makeDirectory(owner, '/d/plain')
    await files.create(owner, '/d/a', text('1'))
    expect(await failure(() => sharing.createShare(owner, '/d'))).toBe('ERR_SHARE_EXISTS')
    expect(await failure(() => sharing.createShare(owner, '/d/a'))).toBe('ERR_FILE_NOT_DIRECTORY')
    const bob = newPrincipal()
    await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.record } })
    expect(await failure(() => sharing.createShare(files.actor(bob), '/d/plain'))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => sharing.removeShare(owner, '/d/plain'))).toBe('ERR_SHARE_PLAIN')
  })
})

describe('removeShare', () => {
  test('makes a zone a plain directory again, and refuses to end live grants unless told to', async () => {
    const world = await newWorld()
    const { files, owner, sharing } = world
    await files.makeDirectory(owner, '/d')
    await files.makeDirectory(owner, '/d/share', { zone: true })
    await files.create(owner, '/d/share/a', text('1'))
    const bob = newPrincipal()
    await sharing.issueGrant(owner, { path: '/d/share', to: { principal: bob.record } })
    expect(await failure(() => sharing.removeShare(owner, '/d/share'))).toBe('ERR_ACCESS_DENIED')
    const report = await sharing.removeShare(owner, '/d/share', { dropShares: true })
    expect(report).toMatchObject({ blocks: 2, grantsEnded: 1 })
    expect(asText(files.read(owner, '/d/share/a').bytes)).toBe('1')
    expect(await failure(() => files.read(files.actor(bob), '/d/share/a'))).toBe('ERR_ACCESS_DENIED')
    expect(
      await failure(() => sharing.issueGrant(owner, { path: '/d/share', to: { principal: bob.id } }))
    ).toBe('ERR_SHARE_PLAIN')
  })
})

describe('createShare and removeShare', () => {
  test('leave one tombstone for each block that was moved, and no conflict', async () => {
    const world = await newWorld()
    const { files, owner, sharing, tree } = world
    await files.makeDirectory(owner, '/d')
    await files.makeDirectory(owner, '/d/plain')
    await files.create(owner, '/d/plain/a', text('1'))
    const former = await blockAt(world, '/d/plain')
    const shared = await sharing.createShare(owner, '/d/plain')
    const back = await sharing.removeShare(owner, '/d/plain')
    expect(await files.conflicts(owner)).toEqual([])
    for (const block of [former, shared.block]) {
      expect(tree.blockState(block)).toMatchObject({ deleted: true, labels: { selfFork: false } })
      expect(tree.blockState(block)?.heads).toHaveLength(1)
    }
    expect(await blockAt(world, '/d/plain')).toEqual(back.block)
    // where a tombstone leads is said in its sealed part, and what was moved is not brought back by its name
    await files.remove(owner, '/d/plain', { recursive: true })
    const restored = await files.undelete(owner, '/d/plain')
    expect(restored.block).toEqual(back.block)
  })
})
