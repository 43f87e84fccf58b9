import { type Id, listReferences, right } from '@blocktree/tree'
import type { ArchiveItem } from '@blocktree/store/archive'
import { buildFileRecords } from '@blocktree/files'
import { describe, expect, test } from 'vitest'
import { payloadsOf } from '../../src/backup-format.ts'
import { namePaths, rememberPath } from '../../src/hosted-paths.ts'
import { takeBackup } from '../../src/restore-backup.ts'
import { digest, observe } from './crash-model.ts'
import { hoardOf } from './crash-runner.ts'
import { content, crypto, firstImage, openWorld, people, sectorLog2, type World } from './crash-world.ts'
import {
  again,
  changed,
  enumerateLong,
  expectWritable,
  type LongOperation,
  pieces
} from './long-operations.ts'
import { emptyMachine, type Image, imageOf } from './memory-machine.ts'

const enough = { timeout: 3_600_000 }

async function prove(operation: LongOperation): Promise<void> {
  const { stops } = await enumerateLong(operation)
  expect(stops).toBeGreaterThan(5)
}

describe('stopped at every step', () => {
  test(
    'a bundle that is taken in: each block is absent or as it came, and has its name',
    enough,
    async () => {
      const start = await firstImage()
      const source = await newerTree(start)
      const bundle = await pieces(source.sharing.exportBundle(source.owner))
      await prove({
        name: 'import of a bundle',
        start,
        run: ({ files, sharing, owner }) =>
          files.arriving(async () => {
            await sharing.importBundle(again(bundle), { peer: 'bundle', from: 'host' })
            await files.indexNames(owner)
          }),
        verify: await expectBetween(start, source, 'sectors follow their header')
      })
    }
  )

  test('a backup that is restored: each block is absent or as it was, and has its name', enough, async () => {
    const start = await firstImage()
    const source = await newerTree(start)
    const items = await backupOf(source)
    const record = { treeId: 'the same' }
    await prove({
      name: 'restore of a backup',
      start,
      async run(world) {
        const backup = { head: { kind: 'node', node: record } as const, items: replay(items) }
        const options = { signal: new AbortController().signal, onBytes: () => undefined }
        await takeBackup({ ...world, record }, world.owner, 'backup', backup, options)
      },
      verify: await expectBetween(start, source, 'sectors come before their header')
    })
  })

  test('files made in bulk: each batch is there as a whole or not at all', enough, async () => {
    const start = await firstImage()
    const batches = [0, 1, 2].map((batch) => [0, 1, 2, 3].map((file) => `${batch}-${file}`))
    const bytesOf = (name: string): Uint8Array => content(name, name.endsWith('3') ? 6000 : 70)
    let acknowledged = 0
    const makeBatch = async ({ files, owner, random }: World, names: readonly string[]): Promise<void> => {
      const target = files.bulkTarget(owner, '/in')
      const nameSecret = new Uint8Array(32).fill(7)
      const prepared = names.map((name) =>
        buildFileRecords({ crypto, random }, people.node, nameSecret, target, {
          name,
          metadata: { modifiedMs: 1, mode: 0o644, mediaType: undefined, attributes: [] },
          kind: 'file',
          bytes: bytesOf(name),
          sectorLog2
        })
      )
      await files.commitPrepared(owner, target, prepared)
    }
    await prove({
      name: 'files made in bulk',
      start,
      async run(world) {
        const { files, owner } = world
        acknowledged = 0
        if (!files.exists(owner, '/in')) await files.makeDirectory(owner, '/in')
        for (const names of batches) {
          await makeBatch(world, names)
          acknowledged++
        }
        await files.writeStream(owner, '/in/large', [content('large', 20_000)], { sectorLog2 })
        acknowledged++
      },
      async verify({ files, owner }, done, where) {
        const isThere = (name: string): boolean => files.exists(owner, `/in/${name}`)
        for (const [index, names] of batches.entries()) {
          const found = names.filter(isThere)
          if (found.length > 0 || index < acknowledged) expect(found, where).toEqual(names)
          for (const name of found)
            expect(files.read(owner, `/in/${name}`).bytes, where).toEqual(bytesOf(name))
        }
        expect(isThere('large') || !done, where).toBe(true)
        if (isThere('large')) expect(files.read(owner, '/in/large').bytes).toEqual(content('large', 20_000))
      }
    })
  })

  test(
    'a share that is taken back: shared or plain, with all that is in it and no conflict',
    enough,
    async () => {
      const shared = await changed(await firstImage(), 'share', async ({ sharing, owner }) => {
        await sharing.createShare(owner, '/plain')
        await sharing.issueGrant(owner, { path: '/plain', to: { principal: people.reader.record } })
      })
      const before = (await observe(shared)).entries
      const start = await closed(shared)
      await prove({
        name: 'the end of a share',
        start,
        async run({ files, sharing, owner }) {
          if (files.stat(owner, '/plain').zoneRoot)
            await sharing.removeShare(owner, '/plain', { dropShares: true })
        },
        async verify(world, done, where) {
          const { files, owner } = world
          const { entries } = await observe(world)
          const isPlain = entries.get('/plain') === 'directory'
          expect(isPlain || !done, where).toBe(true)
          expect(new Map(entries).set('/plain', 'zone'), where).toEqual(before)
          expect(await files.conflicts(owner), where).toEqual([])
          const reader = files.actor(people.reader)
          if (isPlain) expect(() => files.read(reader, '/plain/a'), where).toThrow()
          else expect(files.read(reader, '/plain/a').bytes, where).toHaveLength(60)
          await expectWritable(world, '/plain/later', where)
        }
      })
    }
  )

  test(
    'a succession: the old root or the new one rules, and the old one opens nothing newer',
    enough,
    async () => {
      const start = await firstImage()
      const first = await changed(start, 'look', async () => undefined)
      const before = (await observe(first)).entries
      const hoard = hoardOf(first, undefined, people.root)
      await prove({
        name: 'a succession',
        start,
        async run({ tree, sharing, owner }) {
          if (tree.authority.successions.length > 0) return
          await sharing.succeedRoot(owner, { recovery: people.recovery, newRoot: people.heir })
        },
        async verify(world, done, where) {
          const { files, tree, owner } = world
          const hasSucceeded = tree.authority.successions.length > 0
          expect(hasSucceeded || !done, where).toBe(true)
          expect((await observe(world)).entries, where).toEqual(before)
          const [heir, former] = [files.actor(people.heir), files.actor(people.root)]
          await files.create(owner, '/zone/later', content('later', 50))
          if (hasSucceeded) {
            const { epoch } = tree.blockState(files.stat(owner, '/zone/later').block)?.winner?.body ?? {}
            expect(epoch && hoardOf(world, hoard, people.root).find(epoch), where).toBeUndefined()
            expect(files.read(heir, '/zone/later').bytes, where).toEqual(content('later', 50))
            await expect(files.create(former, '/zone/former', content('x', 5)), where).rejects.toThrow()
          } else expect(files.read(former, '/zone/later').bytes, where).toEqual(content('later', 50))
          await files.remove(owner, '/zone/later')
        }
      })
    }
  )

  test(
    'a tree of somebody else: what was taken in has its name, what its member wrote stays',
    enough,
    async () => {
      const owned = await newerTree(await firstImage())
      const { files, sharing, owner, tree } = owned
      const id = tree.tree
      if (id === undefined) throw new Error('a tree has an id')
      const hosting = { tree: id, member: people.second }
      const empty = await openWorld(emptyMachine(), 'hosted', true, hosting)
      const rights = right.write | right.create
      const draft = { path: '/zone', read: true, rights, name: 'second' }
      const request = sharing.parseAccessRequest(empty.sharing.requestAccess(empty.owner, draft))
      const { line } = await sharing.approveAccess(owner, request)
      const zone = files.stat(owner, '/zone').block
      const bundle = await pieces(sharing.exportBundle(owner, { paths: ['/zone'], to: people.second.id }))
      const start = await closed(empty)
      const names = (await observe(owned)).entries.keys().filter((path) => path.startsWith('/zone/'))
      const expected = [...names]
      let isWritten = false
      await prove({
        name: 'a hosted tree',
        start,
        hosting,
        async run(world) {
          isWritten = false
          await world.files.arriving(async () => {
            await rememberPath(world, zone, '/zone')
            const { offer } = await world.sharing.acceptAccess(world.owner, line)
            await world.tree.offer(offer, { peer: 'access', from: 'host' })
            await world.sharing.importBundle(again(bundle))
            await namePaths(world)
            await world.files.indexNames(world.owner)
          })
          if (!world.files.exists(world.owner, '/zone/mine'))
            await world.files.create(world.owner, '/zone/mine', content('mine', 5000), { sectorLog2 })
          isWritten = true
        },
        async verify(world, done, where) {
          const isThere = (path: string): boolean => world.files.exists(world.owner, path)
          if (done)
            expect(
              expected.filter((path) => !isThere(path)),
              where
            ).toEqual([])
          if (isWritten || isThere('/zone/mine'))
            expect(world.files.read(world.owner, '/zone/mine').bytes, where).toEqual(content('mine', 5000))
          const unnamed = (await pieces(world.tree.unnamedBlocks())).filter((block) => isOpen(world, block))
          expect(unnamed, `${where}: blocks without a name`).toEqual([])
        }
      })
    }
  )
})

function isOpen({ tree, owner }: World, block: Id): boolean {
  const winner = tree.blockState(block)?.winner
  return winner?.body.parent !== undefined && owner.canOpen(winner.body)
}

async function closed(world: World): Promise<Image> {
  await world.store.close()
  return imageOf(world.machine)
}

/** The tree as it is somewhere else, with more in it. */
function newerTree(start: Image): Promise<World> {
  return changed(start, 'newer', async ({ files, owner }) => {
    await files.makeDirectory(owner, '/zone/more')
    for (let index = 0; index < 5; index++)
      await files.create(owner, `/zone/more/${index}`, content(`more ${index}`, 80))
    await files.create(owner, '/zone/more/large', content('more large', 20_000), { sectorLog2 })
    await files.makeDirectory(owner, '/other')
    await files.create(owner, '/other/file', content('other', 90))
    await files.write(owner, '/plain/a', 0, content('a3', 60))
  })
}

/** As `treeItems` of ../../src/backup.ts makes them. */
async function backupOf({ store }: World): Promise<readonly ArchiveItem[]> {
  const items: ArchiveItem[] = []
  for await (const record of store.records()) {
    for (const payload of payloadsOf(crypto, record))
      for (const { hash } of listReferences(payload, (id) => store.readSector(id), {
        onMissing: () => undefined
      })) {
        const bytes = store.readSector(hash)
        if (bytes !== undefined) items.push({ kind: 'sector', sector: { reference: hash, bytes } })
      }
    items.push({ kind: 'record', record })
  }
  const count = (kind: ArchiveItem['kind']): number => items.filter((item) => item.kind === kind).length
  const tail = JSON.stringify({ records: count('record'), sectors: count('sector') })
  items.push({ kind: 'note', bytes: new TextEncoder().encode(tail) })
  return items
}

async function* replay(items: readonly ArchiveItem[]): AsyncGenerator<ArchiveItem> {
  yield* items
}

/** Each entry is as it was before or as it is at the source; all of them as there once it is acknowledged. */
async function expectBetween(
  start: Image,
  source: World,
  order: 'sectors follow their header' | 'sectors come before their header'
): Promise<LongOperation['verify']> {
  const before = (await observe(await changed(start, 'before', async () => undefined))).entries
  const after = (await observe(source)).entries
  return async (world, done, where) => {
    const entries = await observeHeld(world, after, order === 'sectors follow their header' && !done)
    if (done) expect(entries, where).toEqual(after)
    for (const [path, value] of entries) {
      const allowed = [before.get(path), after.get(path), 'without its content']
      expect(allowed, `${where}: ${path}`).toContain(value)
    }
    for (const path of before.keys()) expect(entries.has(path), `${where}: ${path} is lost`).toBe(true)
    await expectWritable(world, '/plain/later', where)
  }
}

/** What is there of these paths, found by name. */
async function observeHeld(
  { files, owner }: World,
  paths: ReadonlyMap<string, string>,
  mayLack: boolean
): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>()
  for (const path of paths.keys()) {
    if (!files.exists(owner, path)) continue
    const entry = files.stat(owner, path)
    if (entry.kind === 'directory') entries.set(path, entry.zoneRoot ? 'zone' : 'directory')
    else {
      try {
        entries.set(path, digest(files.read(owner, path).bytes))
      } catch (error) {
        if (!mayLack) throw error
        entries.set(path, 'without its content')
      }
    }
  }
  return entries
}
