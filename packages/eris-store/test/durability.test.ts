/** Stores on disk when their process is killed and when the disk is full: what is there is right, what was told is there. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Block, type BlockRequest, type BlockStore, verifyBlock } from '@blocktree/eris'
import { afterAll, describe, expect, test } from 'vitest'
import {
  createVerifiedStore,
  openBlockStore,
  openDirectoryStore,
  openSqliteStore
} from '@blocktree/eris-store'
import { hashing } from '../src/hashing.ts'
import { blockForTest } from './numbered-block.ts'
import { makeScratch } from './scratch.ts'

const rounds = process.env['SLOW'] === '1' ? 100 : 6
const writer = fileURLToPath(new URL('./killed-store-writer.ts', import.meta.url))

function requestFor({ reference, bytes }: Block): BlockRequest {
  return { reference, size: bytes.length === 1024 ? 1024 : 32_768 }
}

/** Every block that is listed, checked. @returns how many */
async function checkAll(store: BlockStore): Promise<number> {
  let count = 0
  for await (const request of store.list()) {
    const bytes = await store.get(request)
    expect(bytes).toBeDefined()
    if (bytes !== undefined) verifyBlock(hashing, request.reference, bytes)
    count++
  }
  return count
}

async function writeAndKill(url: string, from: number, delayMs: number): Promise<number[]> {
  const child = spawn(process.execPath, ['--conditions=source', writer, url, String(from)], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  const closed = new Promise((resolve) => {
    child.once('close', resolve)
  })
  await Promise.race([closed, new Promise((resolve) => child.stdout.once('data', resolve))])
  await new Promise((resolve) => {
    setTimeout(resolve, delayMs)
  })
  child.kill('SIGKILL')
  await closed
  return output.split('\n').slice(0, -1).map(Number)
}

describe.each([
  ['directory', (path: string) => `dir+file://${path}`],
  ['SQLite', (path: string) => `sqlite:${path}`]
])('a %s store', (_, urlOf) => {
  test(
    `whose writer is killed ${rounds} times has what it acknowledged and nothing wrong`,
    { timeout: 20_000 + rounds * 3000 },
    async () => {
      using scratch = makeScratch()
      const url = urlOf(scratch.path('blocks'))
      const acknowledged: number[] = []
      for (let round = 0; round < rounds; round++) {
        const seeds = await writeAndKill(url, round * 1_000_000, (round * 37) % 150)
        expect(seeds.length).toBeGreaterThan(0)
        acknowledged.push(...seeds)
      }
      await using store = await openBlockStore(url)
      for (const seed of acknowledged) expect(await store.has(requestFor(blockForTest(seed)))).toBe(true)
      expect(await checkAll(store)).toBeGreaterThanOrEqual(acknowledged.length)
    }
  )
})

describe('a damaged file', () => {
  test('of a directory store is refused when it is checked, and replaced by the next put', async () => {
    using scratch = makeScratch()
    const block = blockForTest(1)
    const directory = scratch.path('blocks')
    await using store = createVerifiedStore(await openDirectoryStore(directory))
    await store.put(block)
    const folder = readdirSync(directory).find((name) => name.length === 2) ?? ''
    const file = join(directory, folder, readdirSync(join(directory, folder))[0] ?? '')
    writeFileSync(file, new Uint8Array(1024))
    await expect(store.get(requestFor(block))).rejects.toMatchObject({ code: 'ERR_ERIS_BLOCK_CORRUPT' })
    await store.put(block)
    expect(Buffer.compare((await store.get(requestFor(block))) ?? new Uint8Array(0), block.bytes)).toBe(0)
    writeFileSync(file, new Uint8Array(10))
    expect(await store.get(requestFor(block))).toBeUndefined()
  })

  test.each([
    ['that is no database', 'not a database at all, but long enough to look like one '.repeat(200)],
    ['that is cut off', 'SQLite format 3\0']
  ])('%s is refused', async (_, text) => {
    using scratch = makeScratch()
    writeFileSync(scratch.path('file'), text)
    await expect(openSqliteStore(scratch.path('file'))).rejects.toMatchObject({ name: 'ErisError' })
  })

  test('of another program is refused and left as it is', async () => {
    using scratch = makeScratch()
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(scratch.path('file'))
    database.exec('create table mine (x)')
    database.close()
    const opened = openSqliteStore(scratch.path('file'))
    await expect(opened).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_FORMAT' })
  })
})

/** A file system of its own that is soon full; undefined when it may not be mounted. */
function mountSmallDisk(path: string): boolean {
  mkdirSync(path)
  return spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', path]).status === 0
}

describe('a full disk', () => {
  const place = makeScratch()
  const disk = place.path('disk')
  const isMounted = process.getuid?.() === 0 && mountSmallDisk(disk)
  afterAll(() => {
    if (isMounted) execFileSync('umount', [disk])
    place[Symbol.dispose]()
  })

  /** Puts until it is refused. @returns what was kept */
  const fill = async (store: BlockStore): Promise<{ kept: Block[]; failure: unknown }> => {
    const kept: Block[] = []
    for (let seed = 1; seed < 2000; seed++) {
      const block = blockForTest(seed)
      try {
        await store.put(block)
        kept.push(block)
      } catch (error) {
        return { kept, failure: error }
      }
    }
    return { kept, failure: undefined }
  }

  describe.skipIf(!isMounted)('under a store (needs root, to mount a small disk)', () => {
    test.each([
      ['directory', `dir+file://${disk}/blocks`],
      ['SQLite', `sqlite:${disk}/blocks.sqlite`],
      ['CBOR', `cbor+file://${disk}/blocks.cbor`]
    ])('of the kind %s is an error that says so; nothing wrong is stored', async (_, url) => {
      const store = await openBlockStore(url)
      const { kept, failure } = await fill(store)
      expect(failure).toMatchObject({ code: 'ERR_ERIS_STORE_FULL' })
      expect(kept.length).toBeGreaterThan(5)
      for (const block of kept)
        expect(Buffer.compare((await store.get(requestFor(block))) ?? new Uint8Array(0), block.bytes)).toBe(0)
      expect(await checkAll(store)).toBe(kept.length)
      await store.close().catch(() => undefined)
      execFileSync('sh', ['-c', `rm -rf ${disk}/*`])
    })
  })

  test('of a database with a limit is an error that says so, and it goes on after something was removed', async () => {
    await using store = await openSqliteStore(place.path('limited.sqlite'), { bytesMax: 500_000 })
    const { kept, failure } = await fill(store)
    expect(failure).toMatchObject({ code: 'ERR_ERIS_STORE_FULL' })
    expect(statSync(place.path('limited.sqlite')).size).toBeLessThanOrEqual(500_000)
    expect(await checkAll(store)).toBe(kept.length)
    for (const block of kept.slice(0, 10)) await store.drop(requestFor(block))
    await store.put(blockForTest(5001))
    expect(await store.has(requestFor(blockForTest(5001)))).toBe(true)
  })
})
