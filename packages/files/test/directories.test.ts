import { listReferences } from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import { asText, crypto, failure, names, newFixture, text } from './files-fixture.ts'

describe('makeDirectory', () => {
  test('makes zone roots at the top of the tree and plain directories below', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/photos')
    await files.makeDirectory(actor, '/photos/2026')
    await files.makeDirectory(actor, '/plain', { plain: true })
    await files.makeDirectory(actor, '/photos/shared', { zone: true })
    expect(files.stat(actor, '/photos').zoneRoot).toBe(true)
    expect(files.stat(actor, '/photos/2026').zoneRoot).toBe(false)
    expect(files.stat(actor, '/plain').zoneRoot).toBe(false)
    expect(files.stat(actor, '/photos/shared').zoneRoot).toBe(true)
    await files.create(actor, '/photos/shared/x', text('deep'))
    expect(files.stat(actor, '/photos/shared/x').zone).toEqual(files.stat(actor, '/photos/shared').block)
    expect(asText(files.read(actor, '/photos/shared/x').bytes)).toBe('deep')
  })

  test('makes what is missing on the way only when asked, and takes what exists', async () => {
    const { files, actor } = await newFixture()
    expect(await failure(() => files.makeDirectory(actor, '/a/b/c'))).toBe('ERR_FILE_NOT_FOUND')
    await files.makeDirectory(actor, '/a/b/c', { parents: true })
    await files.makeDirectory(actor, '/a/b/c', { parents: true })
    expect(await failure(() => files.makeDirectory(actor, '/a/b/c'))).toBe('ERR_FILE_EXISTS')
    await files.create(actor, '/a/f', text(''))
    expect(await failure(() => files.makeDirectory(actor, '/a/f', { parents: true }))).toBe('ERR_FILE_EXISTS')
  })
})

describe('list', () => {
  test('A15: pages in both orders, named in the reply, without losing or repeating an entry', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/d')
    const expected = Array.from({ length: 57 }, (_, index) => `n${(index * 31) % 57}é`)
    await Promise.all(expected.map((name) => files.create(actor, `/d/${name}`, text(name))))
    for (const order of ['id', 'name'] as const) {
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await files.list(actor, '/d', {
          order,
          limit: 10,
          ...(cursor === undefined ? {} : { cursor })
        })
        expect(page).toMatchObject({ order, total: 57 })
        seen.push(...page.entries.map((entry) => entry.name))
        cursor = page.cursor
      } while (cursor !== undefined)
      expect(seen.toSorted()).toEqual(expected.toSorted())
      if (order === 'name') expect(seen).toEqual(seen.toSorted())
    }
  })

  test('A15: goes on in name order after its snapshot was dropped', async () => {
    const { files, actor } = await newFixture()
    for (const directory of ['/a', '/b', '/c', '/d', '/e', '/f', '/g', '/h', '/i', '/j']) {
      await files.makeDirectory(actor, directory, { plain: true })
      for (const name of ['1', '2', '3']) await files.create(actor, `${directory}/${name}`, text(name))
    }
    const first = await files.list(actor, '/a', { order: 'name', limit: 1 })
    for (const other of 'bcdefghij') await files.list(actor, `/${other}`, { order: 'name', limit: 1 })
    await files.create(actor, '/a/0', text('earlier'))
    const second = await files.list(actor, '/a', { order: 'name', cursor: first.cursor ?? '' })
    expect(second.entries.map((entry) => entry.name)).toEqual(['2', '3'])
  })

  test('shows what sorts after a name, there or not, in the directory as it is now', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/d')
    for (const name of ['a', 'b', 'ba', 'c']) await files.create(actor, `/d/${name}`, text(name))
    const after = async (name: string, limit = 10): Promise<readonly [readonly string[], boolean]> => {
      const page = await files.list(actor, '/d', { order: 'name', after: name, limit })
      return [page.entries.map((entry) => entry.name), page.cursor !== undefined]
    }
    expect(await after('')).toEqual([['a', 'b', 'ba', 'c'], false])
    expect(await after('b', 1)).toEqual([['ba'], true])
    expect(await after('aa')).toEqual([['b', 'ba', 'c'], false])
    await files.create(actor, '/d/bb', text(''))
    expect(await after('ba')).toEqual([['bb', 'c'], false])
    await files.move(actor, '/d/a', '/d/z')
    await files.remove(actor, '/d/c')
    expect(await after('b')).toEqual([['ba', 'bb', 'z'], false])
    await files.move(actor, '/d/z', '/z')
    expect(await after('bb')).toEqual([[], false])
  })

  test('reads a directory once for all pages after names while nothing in it changes', async () => {
    const { files, actor } = await newFixture()
    const { tree } = files.context
    await files.makeDirectory(actor, '/d')
    for (let number = 10; number < 60; number++) await files.create(actor, `/d/${number}`, text(''))
    let reads = 0
    const children = tree.children.bind(tree)
    tree.children = (parent, options) => {
      reads++
      return children(parent, options)
    }
    let last = ''
    for (let page = 0; page < 10; page++) {
      const { entries } = await files.list(actor, '/d', { order: 'name', after: last, limit: 5 })
      last = entries.at(-1)?.name ?? ''
    }
    expect([last, reads]).toEqual(['59', 1])
  })

  test('refuses cursors that are not its own, wrong limits and files', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/f', text(''))
    for (const cursor of ['', 'x', 'i.', 'i.AAAA', 'n.1.!!', 'n.0.AAAA']) {
      for (const order of ['id', 'name'] as const) {
        expect(await failure(() => files.list(actor, '/', { order, cursor }))).toBe('ERR_CURSOR_INVALID')
      }
    }
    expect(await failure(() => files.list(actor, '/', { limit: 0 }))).toBe('ERR_FILE_RANGE')
    expect(await failure(() => files.list(actor, '/', { limit: 1e9 }))).toBe('ERR_FILE_RANGE')
    expect(await failure(() => files.list(actor, '/f'))).toBe('ERR_FILE_NOT_DIRECTORY')
  })
})

describe('remove', () => {
  test('removes a file, an empty directory, and a full one only when asked', async () => {
    const fixture = await newFixture({ limits: { batchRecords: 16 } })
    const { files, actor } = fixture
    await files.makeDirectory(actor, '/d/e/f', { parents: true })
    for (let index = 0; index < 70; index++) await files.create(actor, `/d/e/${index}`, text(''))
    expect(await failure(() => files.remove(actor, '/d'))).toBe('ERR_DIRECTORY_NOT_EMPTY')
    await files.remove(actor, '/d/e/f')
    await files.remove(actor, '/d/e/0')
    expect(files.exists(actor, '/d/e/f')).toBe(false)
    const reply = await files.remove(actor, '/d', { recursive: true })
    expect(reply.removed).toBe(71)
    expect(await names(fixture, '/')).toEqual([])
    expect(await files.jobs()).toEqual([])
    expect(await failure(() => files.remove(actor, '/d'))).toBe('ERR_FILE_NOT_FOUND')
    expect(await failure(() => files.remove(actor, '/', { recursive: true }))).toBe('ERR_ROOT_IMMUTABLE')
  })

  test('a name that was removed can be made again', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/a', text('1'))
    await files.remove(actor, '/a')
    await files.create(actor, '/a', text('2'))
    expect(asText(files.read(actor, '/a').bytes)).toBe('2')
  })
})

describe('undelete and history', () => {
  test('brings back the block removed last, under its name or another one', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/d')
    await files.create(actor, '/d/a', text('one'))
    await files.remove(actor, '/d/a')
    expect(await failure(() => files.undelete(actor, '/d/b'))).toBe('ERR_FILE_NOT_FOUND')
    await files.undelete(actor, '/d/a')
    expect(asText(files.read(actor, '/d/a').bytes)).toBe('one')
    expect(await failure(() => files.undelete(actor, '/d/a'))).toBe('ERR_FILE_EXISTS')
    const { block } = files.stat(actor, '/d/a')
    await files.remove(actor, '/d/a')
    const removed = []
    for await (const entry of files.removed(actor, '/d')) removed.push(entry.name)
    expect(removed).toEqual(['a'])
    await files.undelete(actor, '/d/other', { block })
    expect(asText(files.read(actor, '/d/other').bytes)).toBe('one')
  })

  test('is refused where a collection left the root of the content without what is below it', async () => {
    const gone = new Set<string>()
    const store = createMemoryStore()
    const asked = new Set<string>()
    const hasSector = store.hasSector.bind(store)
    store.hasSector = (reference) => {
      asked.add(reference.toHex())
      return !gone.has(reference.toHex()) && hasSector(reference)
    }
    const { files, actor, tree } = await newFixture({ store, limits: { sectorLog2: 12 } })
    await files.makeDirectory(actor, '/d')
    const content = crypto.random.bytes(30_000)
    const { versionId } = await files.create(actor, '/d/a', content)
    await files.remove(actor, '/d/a')
    const payload = tree.header(versionId)?.body.payload
    if (payload === undefined) throw new Error('a large file has a payload')
    const parts = [...listReferences(payload, (id) => store.readSector(id))]
    gone.add(parts.at(-1)?.hash.toHex() ?? '')
    expect(await failure(() => files.undelete(actor, '/d/a'))).toBe('ERR_VERSION_PRUNED')
    gone.clear()
    asked.clear()
    await files.undelete(actor, '/d/a')
    // a collection under way keeps what was asked for
    const sectors = parts.filter(({ level }) => level === 0).map(({ hash }) => hash.toHex())
    expect(sectors.filter((sector) => !asked.has(sector))).toEqual([])
    expect(files.read(actor, '/d/a').bytes).toEqual(content)
  })

  test('lists versions newest first and restores one, small and large', async () => {
    const { files, actor } = await newFixture({ limits: { sectorLog2: 12 } })
    const large = new Uint8Array(30_000).fill(9)
    await files.create(actor, '/a', text('one'))
    await files.create(actor, '/a', large, { replace: true })
    await files.create(actor, '/a', text('three'), { replace: true, metadata: { mediaType: 'text/plain' } })
    const versions = await files.history(actor, '/a')
    expect(versions.map((version) => version.size)).toEqual([5, 30_000, 3])
    expect(versions.map((version) => version.label)).toEqual(['winner', 'ancestor', 'ancestor'])
    expect(versions.every((version) => version.restorable)).toBe(true)
    const [, second, first] = versions
    if (second === undefined || first === undefined) throw new Error('three versions')
    expect(asText(files.read(actor, '/a', { version: first.versionId }).bytes)).toBe('one')
    await files.restore(actor, '/a', second.versionId)
    expect(files.read(actor, '/a').bytes).toEqual(large)
    await files.restore(actor, '/a', first.versionId)
    expect(asText(files.read(actor, '/a').bytes)).toBe('one')
    expect(await failure(() => files.restore(actor, '/a', new Uint8Array(32)))).toBe('ERR_VERSION_NOT_FOUND')
  })
})

describe('symlink', () => {
  test('is followed relative to its directory, absolutely, and through "..": as text it stays what it was', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/a/b', { parents: true })
    await files.create(actor, '/a/f', text('found'))
    for (const target of ['../f', '/a/f', './../b/../f', '..//f']) {
      await files.symlink(actor, '/a/b/l', target, { replace: true })
      expect(asText(files.read(actor, '/a/b/l').bytes)).toBe('found')
      expect(files.readLink(actor, '/a/b/l')).toBe(target)
    }
    await files.symlink(actor, '/link', 'a/b')
    expect(asText(files.read(actor, '/link/l').bytes)).toBe('found')
    expect(files.stat(actor, '/link').kind).toBe('directory')
    expect(files.stat(actor, '/link', { followLast: false }).kind).toBe('symlink')
    await files.create(actor, '/a/b/l', text('through the link'), { replace: true })
    expect(asText(files.read(actor, '/a/f').bytes)).toBe('through the link')
  })

  test('loops, ways above the root and bad targets are refused', async () => {
    const { files, actor } = await newFixture()
    await files.symlink(actor, '/x', 'y')
    await files.symlink(actor, '/y', 'x')
    expect(await failure(() => files.read(actor, '/x'))).toBe('ERR_SYMLINK_LOOP')
    await files.symlink(actor, '/up', '../../etc/passwd')
    expect(await failure(() => files.read(actor, '/up'))).toBe('ERR_SYMLINK_TARGET')
    await files.symlink(actor, '/nowhere', 'absent')
    expect(await failure(() => files.read(actor, '/nowhere'))).toBe('ERR_FILE_NOT_FOUND')
    for (const target of ['', 'a\0b', 'x'.repeat(4096), '\ud800']) {
      expect(await failure(() => files.symlink(actor, '/bad', target))).toBe('ERR_SYMLINK_TARGET')
    }
    await files.create(actor, '/file', text(''))
    expect(await failure(() => files.symlink(actor, '/file', 'x', { replace: true }))).toBe('ERR_FILE_EXISTS')
    expect(await failure(() => files.readLink(actor, '/file'))).toBe('ERR_FILE_NOT_SYMLINK')
  })
})

describe('setMetadata', () => {
  test('sets, keeps and removes fields', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/a', text('x'), { metadata: { mode: 0o644, modifiedMs: 5 } })
    await files.setMetadata(actor, '/a', {
      mediaType: 'text/plain',
      attributes: { 'user.b': text('2'), 'user.a': text('1') }
    })
    await files.setMetadata(actor, '/a', { attributes: { 'user.b': undefined } })
    expect(files.stat(actor, '/a').metadata).toEqual({
      modifiedMs: 5,
      mode: 0o644,
      mediaType: 'text/plain',
      attributes: [['user.a', text('1')]]
    })
    await files.setMetadata(actor, '/a', { mode: undefined })
    expect(files.stat(actor, '/a').metadata.mode).toBeUndefined()
    expect(asText(files.read(actor, '/a').bytes)).toBe('x')
  })

  test('refuses values outside their bounds', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/a', text('x'))
    const refused = [
      { mode: 0o10000 },
      { mode: -1 },
      { modifiedMs: 1.5 },
      { mediaType: '' },
      { mediaType: 'x'.repeat(256) },
      { attributes: { '': text('') } },
      { attributes: { big: new Uint8Array(5000) } },
      { attributes: Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`a${index}`, text('')])) }
    ]
    for (const change of refused) {
      expect(await failure(() => files.setMetadata(actor, '/a', change))).toBe('ERR_METADATA_INVALID')
    }
  })
})

describe('paths', () => {
  test('the own tree may be named, another one is refused', async () => {
    const { files, actor, treeId, rootBlock } = await newFixture()
    const { formatId } = await import('@blocktree/codec')
    await files.create(actor, '/a', text('x'))
    expect(files.stat(actor, `/${formatId(treeId)}/a`).name).toBe('a')
    expect(files.stat(actor, `/${formatId(treeId)}`).name).toBe('')
    expect(await failure(() => files.stat(actor, `/${formatId(rootBlock)}/a`))).toBe('ERR_PATH_OTHER_TREE')
  })

  test('hostile paths are refused with a code, by every operation', async () => {
    const { files, actor } = await newFixture()
    const bad = [
      '',
      'a',
      'a/b',
      '///',
      '/a//b',
      '/.',
      '/..',
      '/a/../b',
      '/a/./b',
      '/a\0b',
      `/${'x'.repeat(256)}`,
      `/${'é'.repeat(128)}`,
      '/\ud800'
    ]
    for (const path of bad) {
      for (const call of [
        () => files.stat(actor, path),
        () => files.create(actor, path, text('')),
        () => files.makeDirectory(actor, path, { parents: true }),
        () => files.remove(actor, path),
        () => files.move(actor, path, '/x'),
        () => files.list(actor, path)
      ]) {
        expect(await failure(call), JSON.stringify(path)).toBe('ERR_PATH_INVALID')
      }
    }
    for (const path of ['/a'.repeat(300), `/${'/'.repeat(1_000_000)}`, `/${'x'.repeat(10_000_000)}`]) {
      expect(await failure(() => files.stat(actor, path))).toMatch(/^ERR_PATH_(DEPTH|INVALID)$/)
    }
  })

  test('names of 255 bytes, of any script and brought to NFC are kept', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    const good = [
      'x'.repeat(255),
      'é'.repeat(127),
      '日本語',
      '🎈 party',
      ' ',
      'a\nb',
      '-rf',
      'CON',
      '.hidden'
    ]
    for (const name of good) await files.create(actor, `/${name}`, text(name))
    expect((await names(fixture, '/')).toSorted()).toEqual(good.toSorted())
    await files.create(actor, '/e\u0301', text('composed'))
    expect(asText(files.read(actor, '/\u00e9').bytes)).toBe('composed')
  })
})
