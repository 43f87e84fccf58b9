import { PayloadWriter, createGrantRevocation, createTreeState, noMetadata, right } from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import {
  type FileEvent,
  type LostEvents,
  type NameOpener,
  buildFileRecords,
  createFiles,
  createNameOpener
} from '../src/index.ts'
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

async function shareZone(
  fixture: Fixture,
  path: string,
  reader = newPrincipal()
): Promise<{ reader: typeof reader; grant: Uint8Array }> {
  const zone = fixture.files.stat(fixture.actor, path).block
  const epoch = fixture.tree.authority.epochsOf(zone)[0]
  const key = epoch && fixture.actor.zoneKey(epoch.id)
  if (epoch === undefined || key === undefined) throw new Error('no epoch')
  return { reader, grant: await grantZone(fixture, reader, zone, { record: epoch, key }) }
}

describe('an actor', () => {
  test('without a grant reads nothing and learns no names; with one it reads that zone alone', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await files.makeDirectory(actor, '/shared/sub', { parents: true })
    await files.makeDirectory(actor, '/own')
    await files.create(actor, '/shared/sub/a', text('for both'))
    await files.create(actor, '/own/a', text('mine'))
    const stranger = files.actor(newPrincipal())
    for (const path of ['/', '/own', '/shared', '/shared/sub']) {
      expect(await failure(() => files.list(stranger, path)), path).toBe('ERR_ACCESS_DENIED')
    }
    for (const path of ['/own/a', '/own/absent', '/absent', '/shared/sub/a']) {
      expect(await failure(() => files.read(stranger, path)), path).toBe('ERR_ACCESS_DENIED')
    }
    const { reader } = await shareZone(fixture, '/shared')
    const other = files.actor(reader)
    expect(asText(files.read(other, '/shared/sub/a').bytes)).toBe('for both')
    expect((await files.list(other, '/shared/sub')).entries.map((entry) => entry.name)).toEqual(['a'])
    expect(await failure(() => files.read(other, '/own/a'))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => files.list(other, '/'))).toBe('ERR_ACCESS_DENIED')
  })

  test('writes only what its caps cover', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await files.makeDirectory(actor, '/shared')
    await files.makeDirectory(actor, '/own')
    await files.create(actor, '/shared/a', text('1'))
    const { reader } = await shareZone(fixture, '/shared')
    const other = files.actor(reader)
    expect(await failure(() => files.append(other, '/shared/a', text('2')))).toBe('ERR_ACCESS_DENIED')
    await giveCap(fixture, reader, files.stat(actor, '/shared').block, right.write | right.create)
    await files.append(other, '/shared/a', text('2'))
    await files.create(other, '/shared/b', text('b'))
    expect(asText(files.read(actor, '/shared/a').bytes)).toBe('12')
    expect(await failure(() => files.remove(other, '/shared/a'))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => files.move(other, '/shared', '/renamed'))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => files.create(other, '/own/x', text('')))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => files.makeDirectory(other, '/shared/zone', { zone: true }))).toBe(
      'ERR_ACCESS_DENIED'
    )
    await files.makeDirectory(other, '/shared/plain')
  })

  test('a grant that is revoked opens nothing more, and a writer who may changes the key first', async () => {
    const fixture = await newFixture()
    const { files, actor, tree, root, treeId } = fixture
    await files.makeDirectory(actor, '/shared')
    await files.create(actor, '/shared/a', text('1'))
    const { reader, grant } = await shareZone(fixture, '/shared')
    const other = files.actor(reader)
    expect(asText(files.read(other, '/shared/a').bytes)).toBe('1')
    expect((await files.append(actor, '/shared/a', text('2'))).exposed).toEqual([])
    const revocation = createGrantRevocation(crypto, root, { tree: treeId, grant, cap: undefined })
    await tree.commitLocal({ records: [{ record: revocation }] })
    expect(await failure(() => files.read(other, '/shared/a'))).toBe('ERR_ACCESS_DENIED')
    expect((await files.append(actor, '/shared/a', text('3'))).exposed).toEqual([])
    expect(tree.authority.epochsOf(files.stat(actor, '/shared').block)).toHaveLength(2)
  })

  test('wipes the keys of blocks when it is closed, and when a grant that opened them is taken back', async () => {
    const fixture = await newFixture()
    const { files, actor, tree } = fixture
    await files.makeDirectory(actor, '/shared')
    await files.create(actor, '/shared/a', text('a'))
    const header = tree.blockState(files.stat(actor, '/shared/a').block)?.winner?.body
    if (header === undefined) throw new Error('no header')
    const { reader, grant } = await shareZone(fixture, '/shared')
    const [closed, revoked] = [files.actor(reader), files.actor(reader)]
    const keys = [closed, revoked].map((other) => other.blockKey(header)?.bytes)
    const isWiped = (key: Uint8Array | undefined): boolean => key?.every((byte) => byte === 0) === true
    expect(keys.some(isWiped)).toBe(false)
    closed.close()
    expect(keys.map(isWiped)).toEqual([true, false])
    const revocation = createGrantRevocation(crypto, fixture.root, {
      tree: fixture.treeId,
      grant,
      cap: undefined
    })
    await tree.commitLocal({ records: [{ record: revocation }] })
    expect(revoked.blockKey(header)).toBeUndefined()
    expect(keys.map(isWiped)).toEqual([true, true])
    expect(asText(files.read(actor, '/shared/a').bytes)).toBe('a')
  })

  test('a cap is used within its time only', async () => {
    const fixture = await newFixture()
    const { files, actor, clock } = fixture
    await files.makeDirectory(actor, '/shared')
    const { reader } = await shareZone(fixture, '/shared')
    const other = files.actor(reader)
    const notAfter = clock.now() + 1000
    await giveCap(fixture, reader, files.stat(actor, '/shared').block, right.create, { notAfter })
    expect(
      other.capFor({ home: files.stat(actor, '/shared').block, block: undefined }, right.create)
    ).toBeDefined()
    clock.set(notAfter + 1)
    expect(await failure(() => files.create(other, '/shared/x', text('')))).toBe('ERR_ACCESS_DENIED')
  })
})

describe('watch', () => {
  async function take(
    events: AsyncIterable<FileEvent | LostEvents>,
    count: number
  ): Promise<(FileEvent | LostEvents)[]> {
    const taken: (FileEvent | LostEvents)[] = []
    for await (const event of events) {
      taken.push(event)
      if (taken.length === count) break
    }
    return taken
  }

  test('tells what happens below a directory, and goes on after a token', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/d/e', { parents: true })
    await files.makeDirectory(actor, '/other')
    const start = files.watchToken
    await files.create(actor, '/other/no', text(''))
    await files.create(actor, '/d/e/a', text('1'))
    await files.append(actor, '/d/e/a', text('2'))
    await files.move(actor, '/d/e/a', '/d/b')
    await files.remove(actor, '/d/b')
    const events = await take(files.watch(actor, '/d', { after: start }), 4)
    expect(events.map((event) => event.change)).toEqual(['created', 'changed', 'moved', 'deleted'])
    const [first] = events
    const rest = await take(files.watch(actor, '/d', { after: first?.token ?? '' }), 3)
    expect(rest).toEqual(events.slice(1))
    const direct = await take(files.watch(actor, '/d', { after: start, recursive: false }), 2)
    expect(direct.map((event) => event.change)).toEqual(['moved', 'deleted'])
  })

  test('waits for what comes and ends with its signal', async () => {
    const { files, actor } = await newFixture()
    const abort = new AbortController()
    const seen: string[] = []
    const watching = (async () => {
      for await (const event of files.watch(actor, '/', { signal: abort.signal })) {
        seen.push('path' in event ? (event.path ?? '') : event.change)
        if (seen.length === 2) abort.abort()
      }
    })()
    await files.create(actor, '/a', text(''))
    await files.create(actor, '/b', text(''))
    await watching
    expect(seen).toEqual(['/a', '/b'])
  })

  test('says when changes were lost, and refuses tokens that are none', async () => {
    const { files, actor } = await newFixture({ limits: { watchEventsKept: 4 } })
    const start = files.watchToken
    for (let index = 0; index < 10; index++) await files.create(actor, `/${index}`, text(''))
    const [lost] = await take(files.watch(actor, '/', { after: start }), 1)
    expect(lost?.change).toBe('overrun')
    const [other] = await take(files.watch(actor, '/', { after: 'abc123.5' }), 1)
    expect(other?.change).toBe('overrun')
    expect(await failure(() => files.watch(actor, '/', { after: 'nonsense' }))).toBe('ERR_CURSOR_INVALID')
    expect(await failure(() => files.watch(actor, '/absent'))).toBe('ERR_FILE_NOT_FOUND')
  })
})

/** The same tree on a second node that starts empty and gets every record by offer. */
async function replicate(fixture: Fixture, opener?: NameOpener): Promise<Fixture> {
  const store = createMemoryStore()
  const tree = await createTreeState({
    store,
    crypto,
    clock: fixture.clock,
    ...(opener && { names: opener })
  })
  const files = createFiles({
    tree,
    store,
    crypto,
    random: crypto.random,
    clock: fixture.clock,
    nameSecret: new Uint8Array(32).fill(9)
  })
  const replica = { ...fixture, files, tree, store, actor: files.actor(fixture.node) }
  opener?.attach(files, replica.actor)
  await sync(fixture, replica)
  return replica
}

async function sync(from: Fixture, to: Fixture): Promise<void> {
  for await (const record of from.store.records()) {
    const inline = record.inline === undefined ? {} : { inline: record.inline }
    await to.tree.offer({ records: [{ bytes: record.bytes, ...inline }] }, { peer: 'other', from: 'host' })
  }
}

describe('replicas', () => {
  test('names are found after they were indexed, and unreadable ones are left', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await files.makeDirectory(actor, '/d')
    await files.create(actor, '/d/a', text('over'))
    const replica = await replicate(fixture)
    expect(replica.files.exists(replica.actor, '/d/a')).toBe(false)
    expect(await replica.files.indexNames(replica.files.actor(newPrincipal()))).toBe(0)
    expect(await replica.files.indexNames(replica.actor)).toBe(2)
    expect(asText(replica.files.read(replica.actor, '/d/a').bytes)).toBe('over')
  })

  test('names are found at once when an actor is attached to the tree state', async () => {
    const fixture = await newFixture()
    await fixture.files.makeDirectory(fixture.actor, '/d')
    await fixture.files.create(fixture.actor, '/d/a', text('over'))
    const replica = await replicate(fixture, createNameOpener())
    expect(asText(replica.files.read(replica.actor, '/d/a').bytes)).toBe('over')
  })

  test('two versions made apart are a conflict that a person ends', async () => {
    const fixture = await newFixture()
    await fixture.files.create(fixture.actor, '/a', text('base'))
    const replica = await replicate(fixture)
    await replica.files.indexNames(replica.actor)
    await fixture.files.create(fixture.actor, '/a', text('here'), { replace: true })
    await replica.files.create(replica.actor, '/a', text('there'), { replace: true })
    await sync(replica, fixture)
    const { files, actor } = fixture
    await files.indexNames(actor)
    const [conflict] = await files.conflicts(actor)
    expect(conflict?.path).toBe('/a')
    expect(conflict?.heads).toHaveLength(2)
    expect(files.stat(actor, '/a').conflict).toBe(true)
    const loser = conflict?.heads[1]
    if (loser === undefined) throw new Error('two heads')
    const lost = asText(files.read(actor, '/a', { version: loser }).bytes)
    await files.resolveConflict(actor, '/a', { keep: loser })
    expect(asText(files.read(actor, '/a').bytes)).toBe(lost)
    expect(await files.conflicts(actor)).toEqual([])
    expect(await failure(() => files.resolveConflict(actor, '/a'))).toBe('ERR_CONFLICT_NONE')
  })

  test('two files of one name made apart are both shown and both reached', async () => {
    const fixture = await newFixture()
    const replica = await replicate(fixture)
    await fixture.files.create(fixture.actor, '/a.txt', text('here'))
    await replica.files.create(replica.actor, '/a.txt', text('there'))
    await sync(replica, fixture)
    await fixture.files.indexNames(fixture.actor)
    const shown = await names(fixture, '/')
    expect(shown).toHaveLength(2)
    expect(shown.find((name) => name !== 'a.txt')).toMatch(/^a \(conflict [a-z2-7]{8}\)\.txt$/)
    const contents = shown.map((name) => asText(fixture.files.read(fixture.actor, `/${name}`).bytes))
    expect(contents.toSorted()).toEqual(['here', 'there'])
    expect(await failure(() => fixture.files.read(fixture.actor, '/a (conflict aaaaaaaa).txt'))).toBe(
      'ERR_FILE_NOT_FOUND'
    )
  })
})

describe('bulk creation', () => {
  const deps = { crypto, random: crypto.random }
  const secret = new Uint8Array(32).fill(7)

  test('commits what workers built, but for names that are taken', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    await files.makeDirectory(actor, '/d')
    await files.create(actor, '/d/f3', text('first'))
    const target = files.bulkTarget(actor, '/d')
    const built = ['f1', 'f2', 'f3', 'f1'].map((name) =>
      buildFileRecords(deps, actor.signer, secret, target, {
        name,
        metadata: noMetadata,
        kind: 'file',
        bytes: text(name),
        sectorLog2: 17
      })
    )
    const outcomes = await files.commitPrepared(actor, target, built)
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['committed', 'committed', 'exists', 'exists'])
    expect(await names(fixture, '/d')).toEqual(['f1', 'f2', 'f3'])
    expect(asText(files.read(actor, '/d/f2').bytes)).toBe('f2')
    expect(asText(files.read(actor, '/d/f3').bytes)).toBe('first')
  })

  test('refuses files built for another place or actor', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/d')
    await files.makeDirectory(actor, '/e')
    const target = files.bulkTarget(actor, '/d')
    const other = files.bulkTarget(actor, '/e')
    const recipe = {
      name: 'x',
      metadata: noMetadata,
      kind: 'file',
      bytes: text('x'),
      sectorLog2: 17
    } as const
    const built = buildFileRecords(deps, actor.signer, secret, target, recipe)
    expect(await failure(() => files.commitPrepared(actor, other, [built]))).toBe('ERR_BATCH_INVALID')
    const foreign = buildFileRecords(deps, newPrincipal(), secret, target, recipe)
    expect(await failure(() => files.commitPrepared(actor, target, [foreign]))).toBe('ERR_BATCH_INVALID')
    const hostile = buildFileRecords(deps, actor.signer, secret, target, { ...recipe, name: '..' })
    expect(await failure(() => files.commitPrepared(actor, target, [hostile]))).toBe('ERR_BATCH_INVALID')
    await files.remove(actor, '/d')
    expect(await failure(() => files.commitPrepared(actor, target, [built]))).toBe('ERR_FILE_NOT_FOUND')
  })

  test('takes a large file whose sectors are stored already, and refuses one whose are not', async () => {
    const { files, actor, store } = await newFixture({ limits: { sectorLog2: 12 } })
    const sectors: { reference: Uint8Array; bytes: Uint8Array }[] = []
    const writer = new PayloadWriter(
      { ...deps, block: new Uint8Array(32), aead: 1 },
      { sectorLog2: 12, emit: (sector) => sectors.push(sector) }
    )
    writer.push(new Uint8Array(50_000).fill(9))
    const state = writer.finish()
    const content = { descriptor: state.payload, rootKey: state.rootKey, size: state.size }
    expect(await failure(() => files.commitLargeFile(actor, '/b', content))).toBe('ERR_BATCH_INVALID')
    await store.commit({ sectors })
    await files.commitLargeFile(actor, '/b', content)
    expect(files.read(actor, '/b').bytes).toEqual(new Uint8Array(50_000).fill(9))
    expect(await failure(() => files.commitLargeFile(actor, '/b', content))).toBe('ERR_FILE_EXISTS')
  })
})
