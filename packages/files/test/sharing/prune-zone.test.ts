import { right } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { makeVersion, openOrDeny } from '../../src/write-version.ts'
import { type World, blockAt, failure, newPrincipal, newWorld, text } from './sharing-fixture.ts'

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
})

function fail(): never {
  throw new Error('the block is not held')
}
