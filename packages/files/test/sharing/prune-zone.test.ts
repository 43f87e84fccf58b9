import { authorityRoot, makeCheckpoint, right } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { makeVersion, openOrDeny } from '../../src/write-version.ts'
import { type World, blockAt, crypto, failure, newPrincipal, newWorld, text } from './sharing-fixture.ts'

const now = { olderThanMs: 0, force: true }

/** `/d` with a file of some versions, and another one that was removed. */
async function worldWithHistory(): Promise<{
  world: World
  zone: Uint8Array
  file: Uint8Array
  gone: Uint8Array
}> {
  const world = await newWorld()
  const { files, owner } = world
  await files.makeDirectory(owner, '/d')
  await files.create(owner, '/d/file', text('1'))
  for (const version of ['2', '3', '4']) await files.write(owner, '/d/file', 0, text(version))
  await files.create(owner, '/d/gone', text('x'))
  const gone = await blockAt(world, '/d/gone')
  await files.remove(owner, '/d/gone')
  return { world, zone: await blockAt(world, '/d'), file: await blockAt(world, '/d/file'), gone }
}

describe('pruneZone', () => {
  test('makes a checkpoint first, then gives up what is below it, then what was removed before', async () => {
    const { world, zone, file, gone } = await worldWithHistory()
    const { sharing, owner, tree, files } = world
    expect(await sharing.pruneZone(owner, zone, now)).toMatchObject({
      base: undefined,
      isNewCheckpoint: true
    })
    const dry = await sharing.pruneZone(owner, zone, { ...now, dryRun: true })
    expect(dry).toMatchObject({ versions: 4, graves: 1, isNewCheckpoint: true })
    expect(tree.headersOf(file)).toHaveLength(4)
    expect(await sharing.pruneZone(owner, zone, now)).toMatchObject({ versions: 4, graves: 1, buried: 0 })
    expect(tree.headersOf(file)).toHaveLength(1)
    expect(tree.blockSummary(gone)?.heads).toEqual([])
    await files.write(owner, '/d/file', 0, text('5'))
    expect(await sharing.pruneZone(owner, zone, now)).toMatchObject({ buried: 1, graves: 0 })
    expect(tree.blockSummary(gone)).toBeUndefined()
    expect(files.read(owner, '/d/file').bytes).toEqual(text('5'))
    expect(await failure(() => files.undelete(owner, '/d/gone'))).not.toBe('no failure')
    const { record } = await sharing.makeCheckpoint(owner, zone)
    expect(record.body.graves).toBe(1)
  })

  test('keeps as many older versions as asked for', async () => {
    const { world, zone, file } = await worldWithHistory()
    await world.sharing.pruneZone(world.owner, zone, now)
    await world.sharing.pruneZone(world.owner, zone, { ...now, versions: 2 })
    expect(world.tree.headersOf(file)).toHaveLength(3)
  })

  test('touches nothing of the last 30 days unless the caller insists', async () => {
    const { world, zone, file } = await worldWithHistory()
    const { sharing, owner } = world
    await sharing.makeCheckpoint(owner, zone)
    expect(await sharing.pruneZone(owner, zone, {})).toMatchObject({
      base: undefined,
      versions: 0,
      graves: 0
    })
    expect(await failure(() => sharing.pruneZone(owner, zone, { olderThanMs: 1000 }))).toBe('ERR_PRUNE_YOUNG')
    expect(world.tree.headersOf(file)).toHaveLength(4)
  })

  test('without the right "admin" gives up only what a checkpoint allows', async () => {
    const { world, zone, file } = await worldWithHistory()
    const { sharing, owner, files } = world
    const bob = newPrincipal()
    await sharing.issueWriteCap(owner, { path: '/d', to: bob.record, rights: right.write })
    await sharing.makeCheckpoint(owner, zone)
    const report = await sharing.pruneZone(files.actor(bob), zone, now)
    expect(report).toMatchObject({ base: undefined, versions: 0, isNewCheckpoint: false })
    await sharing.pruneZone(owner, zone, { ...now, versions: 3 })
    expect(world.tree.headersOf(file)).toHaveLength(4)
    expect(await sharing.pruneZone(files.actor(bob), zone, now)).toMatchObject({ versions: 4 })
    expect(world.tree.headersOf(file)).toHaveLength(1)
  })

  test('a version that came late upon pruned history is listed, and taken over or settled', async () => {
    for (const choice of ['keep', 'drop'] as const) {
      const { world, zone, file } = await worldWithHistory()
      const { sharing, owner, tree, files } = world
      const old = tree.headersOf(file).find(({ body }) => body.version === 2)
      if (old === undefined) throw new Error('no version 2')
      await sharing.pruneZone(owner, zone, { ...now, versions: 3 })
      // A writer that has seen nothing since: its version stands upon one that the checkpoint does not list.
      const located = { summary: tree.blockSummary(file) ?? fail(), header: old, version: 2 }
      const { metadata, name } = openOrDeny(files.context, owner, old, '/d/file')
      const late = makeVersion(
        files.context,
        owner,
        located,
        { from: old, metadata, name, settles: [old.id] },
        '/d/file'
      )
      await tree.commitLocal({ records: late.records })
      const [listed] = await files.conflicts(owner)
      expect(listed?.labels.late).toContainEqual(late.header.id)
      expect(files.read(owner, '/d/file').bytes).toEqual(text('4'))
      expect(await failure(() => files.resolveConflict(owner, '/d/file'))).toBe('ERR_CONFLICT_NONE')
      const options = choice === 'keep' ? { keep: late.header.id } : { drop: true }
      await files.resolveConflict(owner, '/d/file', options)
      expect(await files.conflicts(owner)).toEqual([])
      expect(files.read(owner, '/d/file').bytes).toEqual(text(choice === 'keep' ? '2' : '4'))
    }
  })

  test('brings checkpoints together that two nodes signed beside each other, then gives up what lies below', async () => {
    const { world, zone, file } = await worldWithHistory()
    const { sharing, owner, files, tree, store, root, clock } = world
    await sharing.pruneZone(owner, zone, now)
    const previous = tree.anchors(zone)
    for (const version of ['5', '6']) {
      await files.write(owner, '/d/file', 0, text(version))
      const deps = { tree, store, crypto, random: crypto.random, clock }
      const options = { zone, cap: undefined, previous, authorityRoot: authorityRoot(tree, crypto) }
      const record = await makeCheckpoint(deps, root, options)
      await tree.commitLocal({ records: [{ record }] })
      await tree.settled()
    }
    const beside = tree.anchors(zone)
    expect(beside).toHaveLength(2)
    const dry = await sharing.pruneZone(owner, zone, { ...now, dryRun: true })
    expect(dry).toMatchObject({ isNewCheckpoint: true, versions: 0 })
    expect(await sharing.pruneZone(owner, zone, now)).toMatchObject({ isNewCheckpoint: true, versions: 0 })
    const [merged, ...others] = tree.anchors(zone)
    expect(others).toEqual([])
    expect(merged?.body.prev.map((id) => id.toHex())).toEqual(beside.map(({ id }) => id.toHex()).toSorted())
    // neither of the two: what one lists is older than what the other does
    const between = await sharing.pruneZone(owner, zone, { ...now, olderThanMs: 1, force: true })
    expect(between.base?.toHex()).not.toBe(beside[0]?.id.toHex())
    expect(between.base?.toHex()).not.toBe(beside[1]?.id.toHex())
    await sharing.pruneZone(owner, zone, now)
    expect(tree.headersOf(file)).toHaveLength(1)
    expect(files.read(owner, '/d/file').bytes).toEqual(text('6'))
  })
})

function fail(): never {
  throw new Error('the block is not held')
}

describe('versions of a block that was buried meanwhile', () => {
  /** `/d/gone` was removed for good; somebody who was away had written in it. */
  async function buriedWithLate(): Promise<{
    world: World
    block: Uint8Array
    late: Uint8Array
    zone: Uint8Array
  }> {
    const { world, zone, gone } = await worldWithHistory()
    const { sharing, owner, tree, files } = world
    const old = tree.headersOf(gone).find(({ body }) => body.version === 1)
    if (old === undefined) throw new Error('no first version')
    const located = { summary: tree.blockSummary(gone) ?? fail(), header: old, version: 1 }
    const { metadata, name } = openOrDeny(files.context, owner, old, '/d/gone')
    const change = { from: old, metadata, name, settles: [old.id] }
    const late = makeVersion(files.context, owner, located, change, '/d/gone')
    await sharing.pruneZone(owner, zone, now)
    await sharing.pruneZone(owner, zone, now)
    await files.write(owner, '/d/file', 0, text('5'))
    await sharing.pruneZone(owner, zone, now)
    expect(tree.blockSummary(gone)).toBeUndefined()
    await tree.commitLocal({ records: [{ record: old }] }) // what it was written upon comes with it
    await tree.commitLocal({ records: late.records })
    return { world, block: gone, late: late.header.id, zone }
  }

  test('are listed with the place where it was, and come back as a new file', async () => {
    const { world, block, late, zone } = await buriedWithLate()
    const { files, owner, tree, sharing } = world
    const [listed, ...more] = await files.conflicts(owner)
    expect(more).toEqual([])
    expect(listed).toMatchObject({ entry: undefined, path: '/d/gone', heads: [late] })
    expect(tree.statistics().conflicts).toBe(1)
    expect(files.exists(owner, '/d/gone')).toBe(false)
    const { kept, settled } = await files.settleUnshown(owner, block, { keep: late })
    expect(kept?.path).toBe('/d/gone')
    expect(settled).toBe(1)
    expect(files.read(owner, '/d/gone').bytes).toEqual(text('x'))
    expect(await blockAt(world, '/d/gone')).not.toEqual(block)
    expect(await files.conflicts(owner)).toEqual([])
    expect(tree.statistics().conflicts).toBe(0)
    expect(await sharing.pruneZone(owner, zone, now)).toMatchObject({ kept: 0 })
    expect(tree.blockSummary(block)).toBeUndefined()
  })

  test('are kept at another path when something is there already', async () => {
    const { world, block, late } = await buriedWithLate()
    const { files, owner } = world
    await files.create(owner, '/d/gone', text('new'))
    expect(await failure(() => files.settleUnshown(owner, block, { keep: late }))).toBe('ERR_FILE_EXISTS')
    expect(await files.conflicts(owner)).toHaveLength(1)
    await files.settleUnshown(owner, block, { keep: late, path: '/d/back' })
    expect(files.read(owner, '/d/back').bytes).toEqual(text('x'))
    expect(files.read(owner, '/d/gone').bytes).toEqual(text('new'))
  })

  test('are given up when nobody wants them', async () => {
    const { world, block } = await buriedWithLate()
    const { files, owner, tree } = world
    const { kept, settled } = await files.settleUnshown(owner, block)
    expect({ kept, settled }).toEqual({ kept: undefined, settled: 1 })
    expect(await files.conflicts(owner)).toEqual([])
    expect(files.exists(owner, '/d/gone')).toBe(false)
    expect(tree.statistics().conflicts).toBe(0)
    expect(await failure(() => files.settleUnshown(owner, block))).toBe('ERR_CONFLICT_NONE')
  })

  test('are left alone by who may not write there, and of what is shown nothing is settled so', async () => {
    const { world, block, late } = await buriedWithLate()
    const { files, owner, sharing } = world
    const bob = newPrincipal()
    await sharing.issueGrant(owner, { path: '/d', to: { principal: bob.record } })
    const actor = files.actor(bob)
    expect(await failure(() => files.settleUnshown(actor, block))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => files.settleUnshown(actor, block, { keep: late, path: '/d/again' }))).toBe(
      'ERR_ACCESS_DENIED'
    )
    const file = await blockAt(world, '/d/file')
    expect(await failure(() => files.settleUnshown(owner, file))).toBe('ERR_CONFLICT_NONE')
    expect(await failure(() => files.settleUnshown(owner, block, { keep: file }))).toBe(
      'ERR_VERSION_NOT_FOUND'
    )
    expect(await files.conflicts(owner)).toHaveLength(1)
  })
})
