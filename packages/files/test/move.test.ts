import type { BlockStore } from '@blocktree/tree'
import { createTreeState, movedTo } from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import { type Actor, type Files, createFiles, openFor } from '../src/index.ts'
import {
  type Fixture,
  asText,
  crypto,
  failure,
  giveCap,
  grantZone,
  names,
  newFixture,
  newPrincipal,
  text
} from './files-fixture.ts'

/** Every path below `path` with its content, links and empty directories included. */
async function snapshot(files: Files, actor: Actor, path: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  const page = await files.list(actor, path, { limit: 10_000 })
  for (const entry of page.entries) {
    const child = `${path === '/' ? '' : path}/${entry.name}`
    if (entry.kind === 'directory') {
      found[child] = '<directory>'
      Object.assign(found, await snapshot(files, actor, child))
    } else if (entry.kind === 'symlink') found[child] = `-> ${files.readLink(actor, child)}`
    else found[child] = Buffer.from(files.read(actor, child).bytes).toString('base64')
  }
  return found
}

async function fill({ files, actor }: Pick<Fixture, 'files' | 'actor'>): Promise<void> {
  await files.makeDirectory(actor, '/src')
  await files.makeDirectory(actor, '/dst')
  await files.makeDirectory(actor, '/src/tree/sub/empty', { parents: true })
  await files.create(actor, '/src/tree/small', text('small'), {
    metadata: { mode: 0o600, attributes: { a: text('b') } }
  })
  await files.create(actor, '/src/tree/none', text(''))
  await files.create(actor, '/src/tree/sub/large', new Uint8Array(30_000).fill(3))
  await files.symlink(actor, '/src/tree/sub/link', '../small')
}

describe('move inside a zone', () => {
  test('renames and moves with one header, content and id stay', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await fill(fixture)
    const before = files.stat(actor, '/src/tree/small')
    const reply = await files.move(actor, '/src/tree/small', '/src/tree/sub/renamed')
    expect(reply).toMatchObject({ crossedZone: false, blocks: 1 })
    expect(files.stat(actor, '/src/tree/sub/renamed')).toMatchObject({
      block: before.block,
      metadata: before.metadata
    })
    expect(asText(files.read(actor, '/src/tree/sub/renamed').bytes)).toBe('small')
    expect(files.exists(actor, '/src/tree/small')).toBe(false)
    await files.move(actor, '/src', '/source')
    expect(files.stat(actor, '/source').zoneRoot).toBe(true)
    expect(asText(files.read(actor, '/source/tree/sub/renamed').bytes)).toBe('small')
  })

  test('refuses to move a directory into itself, the root, and onto what exists', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await fill(fixture)
    await files.create(actor, '/src/f', text('f'))
    expect(await failure(() => files.move(actor, '/src/tree', '/src/tree/sub/x'))).toBe(
      'ERR_DIRECTORY_INTO_ITSELF'
    )
    expect(await failure(() => files.move(actor, '/src/tree', '/src/tree/x'))).toBe(
      'ERR_DIRECTORY_INTO_ITSELF'
    )
    expect(await failure(() => files.move(actor, '/', '/x'))).toBe('ERR_ROOT_IMMUTABLE')
    expect(await failure(() => files.move(actor, '/absent', '/x'))).toBe('ERR_FILE_NOT_FOUND')
    expect(await failure(() => files.move(actor, '/src/f', '/src/tree/small'))).toBe('ERR_FILE_EXISTS')
    expect(await failure(() => files.move(actor, '/src/f', '/src/tree', { replace: true }))).toBe(
      'ERR_FILE_IS_DIRECTORY'
    )
    expect(await failure(() => files.move(actor, '/src/tree/sub', '/src/f', { replace: true }))).toBe(
      'ERR_FILE_NOT_DIRECTORY'
    )
    expect(
      await failure(() => files.move(actor, '/src/tree/sub/empty', '/src/tree', { replace: true }))
    ).toBe('ERR_DIRECTORY_NOT_EMPTY')
    await files.move(actor, '/src/f', '/src/tree/small', { replace: true })
    expect(asText(files.read(actor, '/src/tree/small').bytes)).toBe('f')
    await files.move(actor, '/src/tree/small', '/src/tree/small')
  })
})

describe('move across zones', () => {
  test('makes the blocks anew with shared sectors, and leaves tombstones that say where', async () => {
    const fixture = await newFixture()
    const { files, actor, tree } = fixture
    await fill(fixture)
    const before = await snapshot(files, actor, '/src/tree')
    const source = files.stat(actor, '/src/tree/sub/large')
    const sourceHeader = tree.header(source.versionId)
    const reply = await files.move(actor, '/src/tree', '/dst/moved')
    expect(reply).toMatchObject({ crossedZone: true, blocks: 7 })
    expect(await snapshot(files, actor, '/dst/moved')).toEqual(
      Object.fromEntries(
        Object.entries(before).map(([path, value]) => [path.replace('/src/tree', '/dst/moved'), value])
      )
    )
    expect(await names(fixture, '/src')).toEqual([])
    const moved = files.stat(actor, '/dst/moved/sub/large')
    expect(tree.header(moved.versionId)?.body.payload).toEqual(sourceHeader?.body.payload)
    expect(files.stat(actor, '/dst/moved/small').metadata.mode).toBe(0o600)
    const tombstone = tree.header(tree.blockSummary(source.block)?.heads[0]?.id ?? source.block)
    const opened = tombstone && openFor(files.context, actor, tombstone)
    expect(opened && movedTo(opened)).toEqual(moved.block)
    expect(await files.jobs()).toEqual([])
  })

  test('a top directory moved below another becomes plain, and back at the top a zone', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await fill(fixture)
    await files.move(actor, '/src', '/dst/src')
    expect(files.stat(actor, '/dst/src').zoneRoot).toBe(false)
    await files.move(actor, '/dst/src', '/again')
    expect(files.stat(actor, '/again').zoneRoot).toBe(true)
    expect(asText(files.read(actor, '/again/tree/small').bytes)).toBe('small')
  })

  test('replaces a file at the target in the last step', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await fill(fixture)
    await files.create(actor, '/dst/small', text('old'))
    expect(await failure(() => files.move(actor, '/src/tree/small', '/dst/small'))).toBe('ERR_FILE_EXISTS')
    await files.move(actor, '/src/tree/small', '/dst/small', { replace: true })
    expect(await names(fixture, '/dst')).toEqual(['small'])
    expect(asText(files.read(actor, '/dst/small').bytes)).toBe('small')
  })

  test('does not end the shares of a folder by accident', async () => {
    const fixture = await newFixture()
    const { files, actor, tree } = fixture
    await fill(fixture)
    await files.makeDirectory(actor, '/src/tree/shared', { zone: true })
    const zone = files.stat(actor, '/src/tree/shared').block
    await giveCap(fixture, newPrincipal(), zone, 1)
    expect(await failure(() => files.move(actor, '/src/tree', '/dst/tree'))).toBe('ERR_ACCESS_DENIED')
    expect(tree.statistics().conflicts).toBe(0)
    await files.move(actor, '/src/tree', '/dst/tree', { dropShares: true })
    expect(files.exists(actor, '/dst/tree/shared')).toBe(true)
  })

  test('seals content again between a private and a public zone', async () => {
    const fixture = await newFixture({ public: true, limits: { sectorLog2: 12 } })
    const { files, actor } = fixture
    await files.makeDirectory(actor, '/a')
    await files.makeDirectory(actor, '/b')
    await files.create(actor, '/a/f', new Uint8Array(20_000).fill(4))
    await files.move(actor, '/a/f', '/b/f')
    expect(files.read(actor, '/b/f').bytes).toEqual(new Uint8Array(20_000).fill(4))
  })
})

describe('copy', () => {
  test('makes an independent tree that shares sectors', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await fill(fixture)
    const before = await snapshot(files, actor, '/src/tree')
    await files.copy(actor, '/src/tree', '/src/copy')
    await files.copy(actor, '/src/tree', '/dst/copy')
    await files.append(actor, '/src/copy/small', text('!'))
    expect(await snapshot(files, actor, '/src/tree')).toEqual(before)
    expect(Object.keys(await snapshot(files, actor, '/dst/copy'))).toHaveLength(Object.keys(before).length)
    expect(asText(files.read(actor, '/src/copy/small').bytes)).toBe('small!')
    expect(await failure(() => files.copy(actor, '/src/tree', '/src/tree/sub/x'))).toBe(
      'ERR_DIRECTORY_INTO_ITSELF'
    )
    expect(await failure(() => files.copy(actor, '/src/tree', '/src/tree'))).toBe('ERR_FILE_EXISTS')
    expect(await failure(() => files.copy(actor, '/src/tree', '/src/copy'))).toBe('ERR_FILE_EXISTS')
  })
})

/** Refuses every commit from the n-th on, as a machine that lost its power. */
function failingAfter(store: BlockStore, commits: number): BlockStore & { readonly count: () => number } {
  let done = 0
  return {
    index: store.index,
    local: store.local,
    readSector: (reference) => store.readSector(reference),
    hasSector: (reference) => store.hasSector(reference),
    readRecord: (id) => store.readRecord(id),
    hasRecord: (id) => store.hasRecord(id),
    records: () => store.records(),
    flush: () => store.flush(),
    close: () => store.close(),
    commit: (batch, options) => {
      if (done >= commits) return Promise.reject(new Error('power lost'))
      done++
      return store.commit(batch, options)
    },
    count: () => done
  }
}

async function reopened(fixture: Fixture, store: BlockStore): Promise<{ files: Files; actor: Actor }> {
  const tree = await createTreeState({ store, crypto, clock: fixture.clock })
  const files = createFiles({
    tree,
    store,
    crypto,
    random: crypto.random,
    clock: fixture.clock,
    nameSecret: new Uint8Array(32).fill(7),
    limits: { batchRecords: 8 }
  })
  return { files, actor: files.actor(fixture.node) }
}

describe('a crash', () => {
  for (const operation of ['move', 'copy', 'remove'] as const) {
    test(`at each commit of a ${operation} is made good by going on with the job`, async () => {
      for (let commits = 0; ; commits++) {
        const store = createMemoryStore()
        const fixture = await newFixture({ store })
        await fill(fixture)
        // enough to need several batches
        for (let index = 0; index < 20; index++) {
          await fixture.files.create(fixture.actor, `/src/tree/sub/f${index}`, text(`${index}`))
        }
        const before = await snapshot(fixture.files, fixture.actor, '/src/tree')
        const failing = failingAfter(store, commits)
        const crashed = await reopened(fixture, failing)
        const run = {
          move: () => crashed.files.move(crashed.actor, '/src/tree', '/dst/tree'),
          copy: () => crashed.files.copy(crashed.actor, '/src/tree', '/dst/tree'),
          remove: () => crashed.files.remove(crashed.actor, '/src/tree', { recursive: true })
        }[operation]
        const outcome = await failure(run)
        const { files, actor } = await reopened(fixture, store)
        const resumed = await files.resumeJobs(actor)
        expect(resumed.map((job) => job.error)).toEqual(resumed.map(() => undefined))
        expect(await files.jobs()).toEqual([])
        const source = files.exists(actor, '/src/tree')
          ? await snapshot(files, actor, '/src/tree')
          : undefined
        const target = files.exists(actor, '/dst/tree')
          ? await snapshot(files, actor, '/dst/tree')
          : undefined
        const moved = Object.fromEntries(
          Object.entries(before).map(([path, value]) => [path.replace('/src', '/dst'), value])
        )
        const isDone = outcome === undefined || resumed.length > 0
        if (operation === 'copy' || !isDone) expect(source).toEqual(before)
        else expect(source).toBeUndefined()
        if (operation !== 'remove' && isDone) expect(target).toEqual(moved)
        else expect(target).toBeUndefined()
        if (outcome === undefined) break
        expect(commits).toBeLessThan(30)
      }
    })
  }

  test('what was written at the source before the job went on is not lost', async () => {
    const store = createMemoryStore()
    const fixture = await newFixture({ store })
    await fill(fixture)
    for (let index = 0; index < 20; index++) {
      await fixture.files.create(fixture.actor, `/src/tree/sub/f${index}`, text(`${index}`))
    }
    const crashed = await reopened(fixture, failingAfter(store, 2))
    expect(
      await failure(() => crashed.files.move(crashed.actor, '/src/tree', '/dst/tree'))
    ).not.toBeUndefined()
    const { files, actor } = await reopened(fixture, store)
    await files.create(actor, '/src/tree/late', text('late'))
    for (let index = 0; index < 20; index++) await files.append(actor, `/src/tree/sub/f${index}`, text('+'))
    await files.resumeJobs(actor)
    expect(asText(files.read(actor, '/dst/tree/late').bytes)).toBe('late')
    for (let index = 0; index < 20; index++) {
      expect(asText(files.read(actor, `/dst/tree/sub/f${index}`).bytes)).toBe(`${index}+`)
    }
  })
})

describe('grants and moves', () => {
  test('a reader of the source zone cannot open what moved out of it', async () => {
    const fixture = await newFixture()
    const { files, actor, tree } = fixture
    await fill(fixture)
    const zone = files.stat(actor, '/src').block
    const epoch = tree.authority.epochsOf(zone)[0]
    const key = epoch && actor.zoneKey(epoch.id)
    if (epoch === undefined || key === undefined) throw new Error('no epoch')
    const reader = newPrincipal()
    await grantZone(fixture, reader, zone, { record: epoch, key })
    const other = files.actor(reader)
    expect(asText(files.read(other, '/src/tree/small').bytes)).toBe('small')
    await files.move(actor, '/src/tree', '/dst/tree')
    expect(await failure(() => files.read(other, '/dst/tree/small'))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => files.read(other, '/dst/absent'))).toBe('ERR_ACCESS_DENIED')
  })
})
