import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newTransferFixture, type TransferFixture } from './transfer-fixture.ts'

/** What a directory holds: kind, mode, whole milliseconds and content of every entry. */
function snapshot(root: string, at = ''): Record<string, string> {
  const found: Record<string, string> = {}
  for (const name of readdirSync(join(root, at)).sort()) {
    const path = join(at, name)
    const status = lstatSync(join(root, path))
    const time = Math.floor(status.mtimeMs)
    const mode = (status.mode & 0o7777).toString(8)
    if (status.isSymbolicLink()) found[path] = `link ${time} ${readlinkSync(join(root, path))}`
    else if (status.isDirectory())
      Object.assign(found, { [path]: `directory ${mode} ${time}` }, snapshot(root, path))
    else if (status.isFile()) {
      const digest = readFileSync(join(root, path)).toString('base64').slice(0, 40)
      found[path] = `file ${mode} ${time} ${status.size} ${digest}`
    }
  }
  return found
}

function pattern(size: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let at = 0; at < size; at++) bytes[at] = (at * 31 + seed * 17 + (at >> 8)) & 0xff
  return bytes
}

/** A directory with everything that real ones have. */
function makeSource(root: string): string {
  const source = join(root, 'source')
  mkdirSync(join(source, 'deep', 'er', 'est'), { recursive: true })
  mkdirSync(join(source, 'empty'))
  mkdirSync(join(source, 'ünïcödé 目录'))
  const sizes = [0, 1, 255, 256, 257, 4096, 4097, 131_071, 131_072, 131_073, 1_000_000]
  for (const size of sizes) writeFileSync(join(source, `size-${size}`), pattern(size, size))
  writeFileSync(join(source, 'ünïcödé 目录', 'naïve 😀.txt'), 'text')
  writeFileSync(join(source, 'deep', 'er', 'est', 'leaf'), 'leaf')
  writeFileSync(join(source, ' leading and trailing '), 'spaces')
  writeFileSync(join(source, 'private'), 'secret', { mode: 0o600 })
  chmodSync(join(source, 'private'), 0o400)
  writeFileSync(join(source, 'program'), '#!/bin/sh\n')
  chmodSync(join(source, 'program'), 0o755)
  symlinkSync('size-1', join(source, 'link'))
  symlinkSync('/nowhere/at all', join(source, 'dangling'))
  symlinkSync('deep', join(source, 'to-directory'))
  for (const name of readdirSync(source)) {
    const path = join(source, name)
    if (lstatSync(path).isSymbolicLink()) lutimesSync(path, 1_500_000_000, 1_500_000_000.123)
    else utimesSync(path, 1_600_000_000, 1_600_000_000.4567)
  }
  chmodSync(join(source, 'deep', 'er'), 0o750)
  return source
}

function output(fixture: TransferFixture, name = 'out'): string {
  return join(fixture.directory, name)
}

describe('import and export', () => {
  test('a directory with all oddities comes back byte for byte, with modes, times and links', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor } = fixture
    const source = makeSource(fixture.directory)
    const imported = await transfer.importTree(actor, source, '/home/data')
    expect(imported.problems).toEqual([])
    expect(imported).toMatchObject({ symlinks: 3, unchanged: 0 })
    const exported = await transfer.exportTree(actor, '/home/data', output(fixture))
    expect(exported.problems).toEqual([])
    expect(exported.bytes).toBe(imported.bytes)
    expect(snapshot(output(fixture))).toEqual(snapshot(source))
    expect(
      readFileSync(join(output(fixture), 'size-1000000')).equals(readFileSync(join(source, 'size-1000000')))
    ).toBe(true)
    expect(fixture.files.read(actor, '/home/data/size-131073').bytes.length).toBe(131_073)
  })

  test('a second import takes only what changed, and a second export writes only that', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, files } = fixture
    const source = makeSource(fixture.directory)
    const first = await transfer.importTree(actor, source, '/data')
    await transfer.exportTree(actor, '/data', output(fixture))
    writeFileSync(join(source, 'size-257'), 'now something else')
    writeFileSync(join(source, 'size-131073'), pattern(300_000, 5))
    writeFileSync(join(source, 'deep', 'new'), 'new')
    const second = await transfer.importTree(actor, source, '/data')
    expect(second).toMatchObject({ files: 3, problems: [], unchanged: first.files + first.symlinks - 2 })
    expect((await files.history(actor, '/data/size-257')).length).toBe(2)
    const exported = await transfer.exportTree(actor, '/data', output(fixture), { replace: true })
    expect(exported).toMatchObject({ files: 3, problems: [] })
    expect(snapshot(output(fixture))).toEqual(snapshot(source))
  })

  test('what differs is left alone where replacing was not asked for', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, files } = fixture
    const source = makeSource(fixture.directory)
    await transfer.importTree(actor, source, '/data')
    await transfer.exportTree(actor, '/data', output(fixture))
    writeFileSync(join(source, 'size-1'), 'longer')
    writeFileSync(join(output(fixture), 'size-255'), 'mine')
    const imported = await transfer.importTree(actor, source, '/data', { replace: false })
    expect(imported.problems).toEqual([
      { path: join(source, 'size-1'), code: 'ERR_ENTRY_EXISTS', reason: expect.any(String) }
    ])
    expect(files.read(actor, '/data/size-1').bytes.length).toBe(1)
    const exported = await transfer.exportTree(actor, '/data', output(fixture))
    expect(exported.problems.map(({ code }) => code)).toEqual(['ERR_ENTRY_EXISTS'])
    expect(readFileSync(join(output(fixture), 'size-255'), 'utf8')).toBe('mine')
  })

  test('a single file and a single link go both ways under the name given', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory } = fixture
    writeFileSync(join(directory, 'one'), pattern(70_000, 1), { mode: 0o640 })
    symlinkSync('elsewhere', join(directory, 'link'))
    await transfer.importTree(actor, join(directory, 'one'), '/here/renamed')
    await transfer.importTree(actor, join(directory, 'link'), '/here/link')
    await transfer.exportTree(actor, '/here/renamed', join(directory, 'back'))
    await transfer.exportTree(actor, '/here/link', join(directory, 'link-back'))
    expect(readFileSync(join(directory, 'back')).equals(pattern(70_000, 1))).toBe(true)
    expect(statSync(join(directory, 'back')).mode & 0o777).toBe(0o640)
    expect(readlinkSync(join(directory, 'link-back'))).toBe('elsewhere')
  })

  test('a large file goes through all workers and comes back whole', async () => {
    await using fixture = await newTransferFixture()
    const { transfer, actor, directory } = fixture
    const source = join(directory, 'large')
    mkdirSync(source)
    const bytes = Buffer.alloc(70 * 1024 * 1024 + 12_345)
    for (let at = 0; at < bytes.length; at += 4096) bytes.writeUInt32BE(at, at)
    writeFileSync(join(source, 'file'), bytes)
    const imported = await transfer.importTree(actor, source, '/large')
    expect(imported).toMatchObject({ files: 1, bytes: bytes.length, problems: [] })
    await transfer.exportTree(actor, '/large', output(fixture))
    expect(readFileSync(join(output(fixture), 'file')).equals(bytes)).toBe(true)
    const part = fixture.files.read(actor, '/large/file', { offset: 40_000_000, length: 5000 }).bytes
    expect(Buffer.from(part).equals(bytes.subarray(40_000_000, 40_005_000))).toBe(true)
  })

  test('a sparse file of 1 GiB is stored in little room and comes out sparse', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory, store } = fixture
    const source = join(directory, 'sparse')
    mkdirSync(source)
    writeFileSync(join(source, 'file'), 'head')
    truncateSync(join(source, 'file'), 2 ** 30)
    const before = (await store.statistics()).segmentBytes
    const imported = await transfer.importTree(actor, source, '/sparse')
    expect(imported).toMatchObject({ bytes: 2 ** 30, problems: [] })
    expect((await store.statistics()).segmentBytes - before).toBeLessThan(2_000_000)
    await transfer.exportTree(actor, '/sparse', output(fixture))
    const status = statSync(join(output(fixture), 'file'))
    expect(status.size).toBe(2 ** 30)
    expect(status.blocks * 512).toBeLessThan(2_000_000)
  })

  test('a directory of many files keeps each of them', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory } = fixture
    const source = join(directory, 'many')
    mkdirSync(source)
    for (let index = 0; index < 1500; index++) writeFileSync(join(source, `f${index}`), `content ${index}`)
    expect(await transfer.importTree(actor, source, '/many')).toMatchObject({ files: 1500, problems: [] })
    expect(await transfer.importTree(actor, source, '/many')).toMatchObject({ files: 0, unchanged: 1500 })
    expect(await transfer.exportTree(actor, '/many', output(fixture))).toMatchObject({
      files: 1500,
      problems: []
    })
    expect(snapshot(output(fixture))).toEqual(snapshot(source))
  })

  test('the rows that workers made are those that the records give', async () => {
    await using fixture = await newTransferFixture()
    const source = join(fixture.directory, 'source')
    mkdirSync(join(source, 'a', 'b'), { recursive: true })
    for (let index = 0; index < 120; index++)
      writeFileSync(join(source, 'a', `file ${index}`), `${index}`.repeat(index * 7))
    writeFileSync(join(source, 'a', 'b', 'empty'), '')
    writeFileSync(join(source, 'large'), Buffer.alloc(300_000, 5))
    await fixture.transfer.importTree(fixture.actor, source, '/from/here')
    // but for names, which are known when somebody with the keys has opened them
    const allRows = async (): Promise<readonly string[]> => {
      const rows: string[] = []
      const range = { from: new Uint8Array(), to: Uint8Array.of(0xff) }
      for await (const [key, value] of fixture.store.index.range(range)) {
        const prefix = String.fromCharCode(key[0] ?? 0)
        if (prefix === 'n' || prefix === 'u') continue
        if (prefix === 'b') value.fill(0, 102, 118)
        rows.push(`${prefix} ${Buffer.from(key).toString('hex')} ${Buffer.from(value).toString('hex')}`)
      }
      return rows
    }
    const made = await allRows()
    await fixture.store.rebuildIndex()
    expect(made.length).toBeGreaterThan(360)
    expect(await allRows()).toEqual(made)
  })

  test('directories at the top of the tree become zones, those below do not', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const source = makeSource(fixture.directory)
    await fixture.transfer.importTree(fixture.actor, source, '/')
    expect(fixture.files.stat(fixture.actor, '/deep').zoneRoot).toBe(true)
    expect(fixture.files.stat(fixture.actor, '/deep/er').zoneRoot).toBe(false)
    await fixture.transfer.exportTree(fixture.actor, '/', output(fixture))
    expect(snapshot(output(fixture))).toEqual(snapshot(source))
  })
})

describe('entries that cannot be taken', () => {
  test('special files, invalid names and unreadable files are reported and the rest is taken', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const source = join(fixture.directory, 'odd')
    mkdirSync(source)
    writeFileSync(join(source, 'good'), 'good')
    execFileSync('mkfifo', [join(source, 'pipe')])
    writeFileSync(Buffer.concat([Buffer.from(`${source}/bad-`), Buffer.of(0xff, 0xfe)]), 'x')
    const { problems, files } = await fixture.transfer.importTree(fixture.actor, source, '/odd')
    expect(files).toBe(1)
    expect(problems.map(({ code }) => code).sort()).toEqual(['ERR_ENTRY_NAME', 'ERR_ENTRY_SPECIAL'])
  })

  test('names that are equal after normalization: the first is taken, the other reported', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const source = join(fixture.directory, 'twins')
    mkdirSync(source)
    writeFileSync(join(source, 'é'.normalize('NFC')), 'composed')
    writeFileSync(join(source, 'é'.normalize('NFD')), 'decomposed')
    const { problems, files } = await fixture.transfer.importTree(fixture.actor, source, '/twins')
    expect(files).toBe(1)
    expect(problems).toMatchObject([{ code: 'ERR_ENTRY_EXISTS' }])
  })

  test('links that lead in a circle end when they are followed', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const source = join(fixture.directory, 'circle')
    mkdirSync(join(source, 'inside'), { recursive: true })
    writeFileSync(join(source, 'file'), 'text')
    symlinkSync('..', join(source, 'inside', 'up'))
    symlinkSync('file', join(source, 'again'))
    const { problems, files } = await fixture.transfer.importTree(fixture.actor, source, '/c', {
      followLinks: true
    })
    expect(files).toBe(2)
    expect(problems).toMatchObject([{ code: 'ERR_ENTRY_LINK' }])
  })

  test('a file has the place of a directory, and a directory that of a file', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, files } = fixture
    const source = join(fixture.directory, 'clash')
    mkdirSync(join(source, 'a'), { recursive: true })
    writeFileSync(join(source, 'b'), 'file')
    await files.makeDirectory(actor, '/clash')
    await files.create(actor, '/clash/a', new Uint8Array(3))
    await files.makeDirectory(actor, '/clash/b')
    const { problems } = await transfer.importTree(actor, source, '/clash')
    expect(problems.map(({ code }) => code)).toEqual(['ERR_ENTRY_EXISTS', 'ERR_ENTRY_EXISTS'])
    mkdirSync(join(output(fixture), 'a'), { recursive: true })
    writeFileSync(join(output(fixture), 'b'), 'file')
    const exported = await transfer.exportTree(actor, '/clash', output(fixture), { replace: true })
    expect(exported.problems.map(({ code }) => code).sort()).toEqual(['ERR_ENTRY_EXISTS', 'ERR_ENTRY_EXISTS'])
  })

  test('a source that is not there, not absolute or special is refused before any work', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory } = fixture
    for (const source of [
      join(directory, 'absent'),
      'relative',
      '/dev/null',
      join(directory, 'store', 'segments')
    ]) {
      await expect(transfer.importTree(actor, source, '/x')).rejects.toMatchObject({ code: 'ERR_PATH_LOCAL' })
    }
    expect(fixture.files.exists(actor, '/x')).toBe(false)
  })
})

describe('the destination of an export', () => {
  test('links that were planted there are neither followed nor written through', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory } = fixture
    const source = makeSource(directory)
    await transfer.importTree(actor, source, '/data')
    const outside = join(directory, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'victim'), 'untouched')
    mkdirSync(output(fixture))
    symlinkSync(outside, join(output(fixture), 'deep'))
    symlinkSync(join(outside, 'victim'), join(output(fixture), 'size-1'))
    const report = await transfer.exportTree(actor, '/data', output(fixture), { replace: true })
    expect(report.problems.map(({ path, code }) => `${path} ${code}`)).toEqual([
      '/data/deep ERR_ENTRY_EXISTS'
    ])
    expect(readdirSync(outside)).toEqual(['victim'])
    expect(readFileSync(join(outside, 'victim'), 'utf8')).toBe('untouched')
    expect(lstatSync(join(output(fixture), 'size-1')).isFile()).toBe(true)
  })

  test('a stored name that leads upwards is never used', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, files } = fixture
    await files.makeDirectory(actor, '/d')
    // what a hostile writer with a cap can sign: the view shows it under another name
    const { makeBlock } = await import('@blocktree/files')
    const { block, zone } = files.stat(actor, '/d')
    const directory = files.stat(actor, '/d').zoneRoot ? block : zone
    const made = makeBlock(files.context, actor, {
      parent: block,
      zone: directory,
      kind: 2,
      name: '../evil',
      path: '/d'
    })
    await fixture.tree.commitLocal({ records: [made.local] })
    const report = await transfer.exportTree(actor, '/d', output(fixture))
    expect(report.files).toBe(1)
    expect(existsSync(join(fixture.directory, 'evil'))).toBe(false)
    expect(readdirSync(output(fixture))).toEqual([expect.stringMatching(/^invalid-/)])
  })

  test('set-user-id bits are not restored', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const source = join(fixture.directory, 'bits')
    mkdirSync(source)
    writeFileSync(join(source, 'program'), 'x')
    chmodSync(join(source, 'program'), 0o4755)
    await fixture.transfer.importTree(fixture.actor, source, '/bits')
    expect(fixture.files.stat(fixture.actor, '/bits/program').metadata.mode).toBe(0o4755)
    await fixture.transfer.exportTree(fixture.actor, '/bits', output(fixture))
    expect(statSync(join(output(fixture), 'program')).mode & 0o7777).toBe(0o755)
  })

  test('one whose parent is missing, or that is a file, is refused', async () => {
    await using fixture = await newTransferFixture({ workers: 1 })
    const { transfer, actor, directory, files } = fixture
    await files.makeDirectory(actor, '/d')
    writeFileSync(join(directory, 'file'), '')
    for (const target of [join(directory, 'no', 'where'), join(directory, 'file'), 'relative']) {
      await expect(transfer.exportTree(actor, '/d', target)).rejects.toMatchObject({ code: 'ERR_PATH_LOCAL' })
    }
    await expect(transfer.exportTree(actor, '/absent', output(fixture))).rejects.toMatchObject({
      code: 'ERR_FILE_NOT_FOUND'
    })
    rmSync(join(directory, 'file'))
  })
})
