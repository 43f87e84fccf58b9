import {
  type HeaderRecord,
  PayloadReader,
  blockKey,
  createHeader,
  limits,
  noMetadata,
  openSector
} from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { asText, crypto, failure, names, newFixture, text } from './files-fixture.ts'

describe('create', () => {
  test('makes a small file that reads back byte for byte', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/docs')
    const reply = await files.create(actor, '/docs/a.txt', text('hello'))
    expect(asText(files.read(actor, '/docs/a.txt').bytes)).toBe('hello')
    const entry = files.stat(actor, '/docs/a.txt')
    expect(entry).toMatchObject({
      name: 'a.txt',
      kind: 'file',
      size: 5,
      readable: true,
      version: 1,
      conflict: false
    })
    expect(entry.versionId).toEqual(reply.versionId)
    expect(reply.exposed).toEqual([])
  })

  test('refuses a name that is taken, and replaces it only when asked', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/a', text('1'))
    expect(await failure(() => files.create(actor, '/a', text('2')))).toBe('ERR_FILE_EXISTS')
    await files.create(actor, '/a', text('2'), { replace: true })
    expect(asText(files.read(actor, '/a').bytes)).toBe('2')
    expect(files.stat(actor, '/a').version).toBe(2)
  })

  test('lets exactly one of many parallel creations of a name win', async () => {
    const fixture = await newFixture()
    const { files, actor } = fixture
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, (_, index) => files.create(actor, '/same', text(String(index))))
    )
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1)
    expect(await names(fixture, '/')).toEqual(['same'])
  })

  test('refuses to replace a directory and to write below a file', async () => {
    const { files, actor } = await newFixture()
    await files.makeDirectory(actor, '/d')
    await files.create(actor, '/f', text('x'))
    expect(await failure(() => files.create(actor, '/d', text('x'), { replace: true }))).toBe(
      'ERR_FILE_IS_DIRECTORY'
    )
    expect(await failure(() => files.create(actor, '/f/g', text('x')))).toBe('ERR_FILE_NOT_DIRECTORY')
    expect(await failure(() => files.create(actor, '/none/g', text('x')))).toBe('ERR_FILE_NOT_FOUND')
    expect(await failure(() => files.create(actor, '/', text('x')))).toBe('ERR_ROOT_IMMUTABLE')
  })

  test('compares the version that the caller has seen', async () => {
    const { files, actor } = await newFixture()
    const first = await files.create(actor, '/a', text('1'))
    const second = await files.append(actor, '/a', text('2'), { ifVersion: first.versionId })
    expect(await failure(() => files.append(actor, '/a', text('3'), { ifVersion: first.versionId }))).toBe(
      'ERR_FILE_CHANGED'
    )
    await files.append(actor, '/a', text('3'), { ifVersion: second.versionId })
    expect(asText(files.read(actor, '/a').bytes)).toBe('123')
  })

  test('works in a public tree, where nothing is sealed', async () => {
    const { files, actor } = await newFixture({ public: true })
    await files.makeDirectory(actor, '/open')
    await files.create(actor, '/open/a', text('in clear'))
    expect(asText(files.read(actor, '/open/a').bytes)).toBe('in clear')
    expect(files.stat(actor, '/open').public).toBe(true)
  })

  test('keeps empty files and files on both sides of the inline limit', async () => {
    const { files, actor, tree } = await newFixture()
    for (const size of [0, 1, 255, 256, 257, 4095, 4096, 4097, 200_000]) {
      const bytes = new Uint8Array(size).map((_, index) => index * 7)
      await files.create(actor, `/f${size}`, bytes)
      expect(files.read(actor, `/f${size}`).bytes).toEqual(bytes)
      const isInline = tree.inlineOf(files.stat(actor, `/f${size}`).versionId) !== undefined
      expect(isInline).toBe(size > 0 && size <= 4096)
    }
  })
})

describe('writeStream', () => {
  async function* chunks(count: number, size: number): AsyncIterable<Uint8Array> {
    for (let index = 0; index < count; index++) yield new Uint8Array(size).fill(index)
  }

  test('shows the new version only when the stream has ended', async () => {
    const { files, actor } = await newFixture({ limits: { sectorLog2: 12 } })
    await files.create(actor, '/big', text('old'))
    async function* watched(): AsyncIterable<Uint8Array> {
      for await (const chunk of chunks(60, 100_000)) {
        expect(asText(files.read(actor, '/big').bytes)).toBe('old')
        yield chunk
      }
    }
    const reply = await files.writeStream(actor, '/big', watched())
    expect(reply.size).toBe(6_000_000)
    const read: Uint8Array[] = []
    for await (const chunk of files.readStream(actor, '/big', { offset: 99_990, length: 20 }))
      read.push(chunk)
    expect([...Buffer.concat(read)]).toEqual([...Array<number>(10).fill(0), ...Array<number>(10).fill(1)])
  })

  test('leaves nothing visible when the source fails or is aborted', async () => {
    const { files, actor } = await newFixture()
    async function* failing(): AsyncIterable<Uint8Array> {
      yield text('part')
      throw new Error('source failed')
    }
    await expect(files.writeStream(actor, '/a', failing())).rejects.toThrow('source failed')
    const abort = new AbortController()
    async function* aborting(): AsyncIterable<Uint8Array> {
      yield text('part')
      abort.abort()
      yield text('more')
    }
    await expect(files.writeStream(actor, '/a', aborting(), { signal: abort.signal })).rejects.toThrow()
    expect(files.exists(actor, '/a')).toBe(false)
  })

  test('refuses at the end when somebody took the name meanwhile', async () => {
    const { files, actor } = await newFixture()
    async function* slow(): AsyncIterable<Uint8Array> {
      yield text('mine')
      await files.create(actor, '/a', text('theirs'))
    }
    expect(await failure(() => files.writeStream(actor, '/a', slow(), { expectAbsent: true }))).toBe(
      'ERR_FILE_EXISTS'
    )
    expect(asText(files.read(actor, '/a').bytes)).toBe('theirs')
  })

  test('a reader that began with the old version reads it to its end', async () => {
    const { files, actor } = await newFixture({ limits: { sectorLog2: 12 } })
    await files.create(actor, '/a', new Uint8Array(50_000).fill(1))
    const seen: number[] = []
    for await (const chunk of files.readStream(actor, '/a')) {
      if (seen.length === 0)
        await files.create(actor, '/a', new Uint8Array(50_000).fill(2), { replace: true })
      seen.push(...chunk)
    }
    expect(seen).toHaveLength(50_000)
    expect(seen.every((byte) => byte === 1)).toBe(true)
  })
})

describe('write, append, truncate', () => {
  test('write inside, past the end and into an empty file', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/a', new Uint8Array(0))
    await files.write(actor, '/a', 3, text('def'))
    await files.write(actor, '/a', 0, text('ab'))
    expect([...files.read(actor, '/a').bytes]).toEqual([97, 98, 0, 100, 101, 102])
    await files.truncate(actor, '/a', 1)
    await files.append(actor, '/a', text('z'))
    expect(asText(files.read(actor, '/a').bytes)).toBe('az')
    await files.truncate(actor, '/a', 0)
    expect(files.stat(actor, '/a').size).toBe(0)
  })

  test('extends by terabytes without storing them', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/sparse', text('x'))
    await files.truncate(actor, '/sparse', 2 ** 42)
    expect(files.stat(actor, '/sparse').size).toBe(2 ** 42)
    expect([...files.read(actor, '/sparse', { offset: 2 ** 41, length: 3 }).bytes]).toEqual([0, 0, 0])
    expect(asText(files.read(actor, '/sparse', { length: 1 }).bytes)).toBe('x')
  })

  test('refuses offsets that are no whole numbers, directories and absent files', async () => {
    const { files, actor } = await newFixture()
    await files.create(actor, '/a', text('x'))
    for (const offset of [-1, 1.5, Number.NaN, 2 ** 53]) {
      expect(await failure(() => files.write(actor, '/a', offset, text('y')))).toBe('ERR_FILE_RANGE')
      expect(await failure(() => files.read(actor, '/a', { offset }))).toBe('ERR_FILE_RANGE')
    }
    expect(await failure(() => files.append(actor, '/', text('y')))).toBe('ERR_FILE_IS_DIRECTORY')
    expect(await failure(() => files.append(actor, '/b', text('y')))).toBe('ERR_FILE_NOT_FOUND')
    expect(await failure(() => files.write(actor, '/a', 2 ** 53 - 1, text('y')))).toBe('ERR_FILE_TOO_LARGE')
    expect(await failure(() => files.read(actor, '/a', { length: 2 ** 40 }))).toBe(undefined)
  })
})

describe('read', () => {
  test('refuses a damaged or missing sector with one code', async () => {
    const fixture = await newFixture({ limits: { sectorLog2: 12 } })
    const { files, actor, store } = fixture
    await files.create(actor, '/a', new Uint8Array(40_000).fill(5))
    const readSector = store.readSector.bind(store)
    store.readSector = () => undefined
    expect(await failure(() => files.read(actor, '/a'))).toBe('ERR_FILE_DAMAGED')
    store.readSector = readSector
    expect(files.read(actor, '/a').bytes).toHaveLength(40_000)
  })
})

describe('readStream with an opener elsewhere', () => {
  test('keeps the order, asks for a few sectors ahead, and reports damage at its place', async () => {
    const inFlight = { now: 0, most: 0 }
    const { files, actor } = await newFixture({
      limits: { sectorLog2: 12 },
      openSector: async (aead, key, sealed) => {
        inFlight.most = Math.max(inFlight.most, ++inFlight.now)
        await new Promise((resolve) => setTimeout(resolve, (sealed[0] ?? 0) & 3))
        inFlight.now--
        return openSector(crypto, aead, key, sealed)
      }
    })
    const bytes = new Uint8Array(100_000).map((_, index) => index >> 8)
    await files.create(actor, '/a', bytes)
    const read: Uint8Array[] = []
    for await (const chunk of files.readStream(actor, '/a', { offset: 5000, length: 50_000 }))
      read.push(chunk)
    expect(Buffer.concat(read).equals(bytes.subarray(5000, 55_000))).toBe(true)
    expect(inFlight.most).toBeGreaterThan(1)
    expect(inFlight.most).toBeLessThanOrEqual(4)
  })

  test('hands out what a worker needs to read by itself', async () => {
    const { files, actor } = await newFixture({ limits: { sectorLog2: 12 } })
    await files.create(actor, '/a', new Uint8Array(30_000).fill(3))
    const source = files.content(actor, '/a')
    if (source.payload === undefined) throw new Error('a payload')
    const reader = new PayloadReader(crypto, source.payload, {
      readSector: source.readSector,
      isVerified: true
    })
    expect(reader.read(0, source.size)).toEqual(new Uint8Array(30_000).fill(3))
    await files.create(actor, '/empty', new Uint8Array(0))
    expect(files.content(actor, '/empty').payload).toBeUndefined()
  })
})

describe('a writer who claims the greatest version', () => {
  test('A17: stops nobody: the next versions claim it too, and follow one another', async () => {
    const { files, actor, tree, node, nodeCap, rootEpoch } = await newFixture()
    const { versionId } = await files.create(actor, '/a', text('1'))
    const before = tree.header(versionId)
    if (before === undefined) throw new Error('the version just made is not held')
    await tree.commitLocal({ records: [{ record: hostile(before) }] })
    await files.append(actor, '/a', text('2'))
    const last = await files.append(actor, '/a', text('3'))
    expect(asText(files.read(actor, '/a').bytes)).toBe('23')
    expect(tree.header(last.versionId)?.body.version).toBe(limits.versionMax)
    expect(files.stat(actor, '/a')).toMatchObject({ version: 4, conflict: false })

    function hostile({ body, id }: HeaderRecord): HeaderRecord {
      return createHeader(
        { crypto, random: crypto.random },
        node,
        { ...body, version: limits.versionMax, prev: [id], payload: undefined, cap: nodeCap.id },
        { name: 'a', metadata: noMetadata, size: 0, rootKey: undefined },
        blockKey(crypto, rootEpoch.key, body.block, 0)
      )
    }
  })
})
