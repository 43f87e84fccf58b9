import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  statSync
} from 'node:fs'
import { writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { createStore, openStore } from '../src/open-store.ts'
import type { DiskStore } from '../src/disk-store.ts'
import { isIndexDamage } from '../src/index-store.ts'
import type { IndexDamage, IndexDriver, IndexStore } from '../src/index-store.ts'
import { createLevelIndex } from '../src/level-index.ts'
import { filesOf } from '../src/level-files.ts'
import { crc32c } from '../src/crc32c.ts'
import { verifyLevelLog } from '../src/level-verification.ts'
import { nodeDrivers } from '../src/node-drivers.ts'
import type { Finding } from '../src/store-parts.ts'
import { makeRecord, makeSector, sequence, text } from './memory-drivers.ts'

const made: string[] = []

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'blocktree-store-'))
  made.push(directory)
  return directory
}

afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true, force: true })
})

async function opened(driver: IndexDriver): Promise<IndexStore> {
  const index = await driver.open()
  if (index === 'missing' || isIndexDamage(index)) throw new Error(JSON.stringify(index))
  return index
}

async function scrubbed(driver: IndexDriver): Promise<IndexDamage[]> {
  const found: IndexDamage[] = []
  for await (const damage of driver.scrub()) found.push(damage)
  return found
}

function flip(path: string, offset: number): void {
  const descriptor = openSync(path, 'r+') // in place: LevelDB may have mapped the file
  const byte = Buffer.alloc(1)
  readSync(descriptor, byte, 0, 1, offset)
  byte[0] = (byte[0] ?? 0) ^ 0x10
  writeSync(descriptor, byte, 0, 1, offset)
  closeSync(descriptor)
}

/** An index with tables and a log. */
async function filledIndex(): Promise<{ directory: string; driver: IndexDriver }> {
  const directory = join(temporaryDirectory(), 'index')
  const driver = createLevelIndex(directory)
  const index = await driver.create()
  for (let round = 0; round < 60; round++) {
    await index.write(
      Array.from({ length: 100 }, (_, row) => ({
        key: sequence(40, round * 100 + row),
        value: sequence(1000, row)
      }))
    )
  }
  await index.close()
  return { directory, driver }
}

describe('crc32c', () => {
  test('gives the check value of the standard, in one piece and in two', () => {
    const bytes = text('123456789')
    expect(crc32c(bytes)).toBe(0xe3069283)
    expect(crc32c(bytes, 4, 9, crc32c(bytes, 0, 4))).toBe(0xe3069283)
  })
})

describe('createLevelIndex', () => {
  test('a directory that is not there is missing, and is not made', async () => {
    const directory = join(temporaryDirectory(), 'index')
    expect(await createLevelIndex(directory).open()).toBe('missing')
    expect(readdirSync(join(directory, '..'))).toEqual([])
  })

  test('rows come back in order, with limits and in reverse, as of the call', async () => {
    const driver = createLevelIndex(join(temporaryDirectory(), 'index'))
    const index = await driver.create()
    await index.write(['a', 'b', 'c', 'd'].map((key) => ({ key: text(key), value: text(key) })))
    const rows = index.range({ from: text('b'), to: text('z'), reverse: true, limit: 2 })
    await index.write([
      { key: text('c'), value: undefined },
      { key: text('e'), value: text('e') }
    ])
    const keys: string[] = []
    for await (const [key] of rows) keys.push(Buffer.from(key).toString())
    expect(keys).toEqual(['d', 'c'])
    expect(index.get(text('c'))).toBeUndefined()
    expect(new Uint8Array(index.get(text('e')) ?? [])).toEqual(text('e'))
    await index.close()
  })

  test('a sound index is opened and scrubbed without complaint', async () => {
    const { directory, driver } = await filledIndex()
    const index = await opened(driver)
    expect(readdirSync(directory).some((name) => name.endsWith('.ldb'))).toBe(true)
    expect(await scrubbed(driver)).toEqual([])
    await index.close()
  })

  test('a flipped bit in a log, the manifest or CURRENT is noticed at opening', async () => {
    for (const pattern of [/\.log$/, /^MANIFEST/, /^CURRENT$/]) {
      for (let round = 0; round < 5; round++) {
        const { directory, driver } = await filledIndex()
        const name = readdirSync(directory).find((file) => pattern.test(file)) ?? ''
        const size = readFileSync(join(directory, name)).length
        flip(join(directory, name), Math.floor((size * round) / 5.5))
        const found = await driver.open()
        if (found === 'missing' || !isIndexDamage(found)) throw new Error(`${name} passed`)
        expect(found.file).toBe(`index/${name}`)
      }
    }
  })

  test('a flipped bit anywhere in a table is found by a scrub', async () => {
    const { directory, driver } = await filledIndex()
    const index = await opened(driver)
    const name = readdirSync(directory).find((file) => file.endsWith('.ldb')) ?? ''
    const path = join(directory, name)
    const size = readFileSync(path).length
    const places = [0, Math.floor(size / 2), size - 60, size - 48, size - 1]
    await index.close()
    for (const place of places) {
      flip(path, place)
      expect(
        (await scrubbed(driver)).map(({ file }) => file),
        `byte ${place} of ${size}`
      ).toEqual([`index/${name}`])
      flip(path, place)
    }
    expect(await scrubbed(driver)).toEqual([])
  }, 60_000)

  test('a log cut off in the middle of a record is a crash, not damage', async () => {
    const { directory, driver } = await filledIndex()
    const name = readdirSync(directory).findLast((file) => file.endsWith('.log')) ?? ''
    const content = readFileSync(join(directory, name))
    writeFileSync(join(directory, name), content.subarray(0, content.length - 700))
    await (await opened(driver)).close()
  })
})

describe('verifyLevelLog', () => {
  test('batches whose sequence numbers do not follow each other are damage', async () => {
    const { directory } = await filledIndex()
    const name = readdirSync(directory).findLast((file) => file.endsWith('.log')) ?? ''
    const content = readFileSync(join(directory, name))
    const { sequence: numbers, damage } = verifyLevelLog(name, content, { batches: true })
    expect(damage).toBeUndefined()
    expect(numbers?.next).toBe(6001n)
    // The first block of 32 KiB is gone, so the log begins in the middle of a record.
    expect(verifyLevelLog(name, content.subarray(32 * 1024), { batches: true }).damage).toBeDefined()
  })
})

describe('a store on a real disk', () => {
  test('everything is there after opening again, and modes keep others out', async () => {
    const directory = join(temporaryDirectory(), 'data')
    const store = await createStore(nodeDrivers(directory))
    const sector = makeSector(1, 100_000)
    await store.commit({
      sectors: [sector],
      records: [makeRecord(1, 4000)],
      rows: [{ key: text('k'), value: text('v') }]
    })
    await expect(openStore(nodeDrivers(directory))).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED' })
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, 'index')).mode & 0o777).toBe(0o700)
    expect(statSync(join(directory, 'segments/00000001.seg')).mode & 0o777).toBe(0o600)
    await store.close()
    const again = await openStore(nodeDrivers(directory))
    expect(again.readSector(sector.reference)).toEqual(sector.bytes)
    expect(again.readRecord(makeRecord(1).id)).toEqual(makeRecord(1, 4000))
    expect(again.index.get(text('k'))).toEqual(text('v'))
    expect((await again.check()).findings).toEqual([])
    expect((await again.check({ quick: true })).findings).toEqual([])
    await again.close()
  })

  test('a removed index is made again, and so is one with a damaged table', async () => {
    const directory = join(temporaryDirectory(), 'data')
    const drivers = nodeDrivers(directory)
    const store = await createStore(drivers)
    const count = await fill(store, directory)
    await store.close()
    const path = requiredTable(directory)
    flip(path, 5000)
    const again = await openStore(drivers)
    expect(again.recovery.findings).toMatchObject([
      { code: 'ERR_STORE_CORRUPT', file: path.slice(directory.length + 1) }
    ])
    expect(again.recovery.rebuilt).toContain('damaged')
    expect(again.hasRecord(makeRecord(17).id)).toBe(true)
    await again.close()
    rmSync(join(directory, 'index'), { recursive: true })
    const third = await openStore(drivers)
    expect(third.recovery.rebuilt).toBe('it was missing')
    expect(third.hasRecord(makeRecord(count - 1).id)).toBe(true)
    expect((await third.check()).findings).toEqual([])
    await third.close()
  }, 60_000)

  test('a table that is damaged while the store is open is found by the scrub, and the index made again next', async () => {
    const directory = join(temporaryDirectory(), 'data')
    const drivers = nodeDrivers(directory)
    const findings: Finding[] = []
    const first = await createStore(drivers)
    await fill(first, directory)
    await first.close()
    const path = requiredTable(directory)
    const opening = openStore(drivers, { scrub: true, onFinding: (finding) => findings.push(finding) })
    const store = await opening
    flip(path, 5000)
    await expect.poll(() => findings.length, { timeout: 10_000 }).toBe(1)
    expect(findings[0]?.file).toBe(path.slice(directory.length + 1))
    expect((await store.check()).findings.length).toBeGreaterThan(0)
    await store.close()
    const again = await openStore(drivers)
    expect(again.recovery.rebuilt).toBe('it was found damaged before')
    expect((await again.check()).findings).toEqual([])
    await again.close()
  }, 60_000)
})

/** Fills the store until LevelDB has made a large table, whatever its buffer; @returns how many records there are. */
async function fill(store: DiskStore, directory: string): Promise<number> {
  let count = 0
  for (let round = 0; largestTable(directory) === undefined; round++) {
    if (round === 1000) throw new Error('no large table after 60 MB of rows')
    await store.commit({
      records: Array.from({ length: 100 }, () => makeRecord(count++)),
      local: [{ key: sequence(30, round), value: sequence(60_000, round) }]
    })
    await store.flush() // the rows are in the index
  }
  return count
}

/** Of more than a megabyte, and in the manifest; undefined while there is none. */
function largestTable(directory: string): string | undefined {
  const files = filesOf(join(directory, 'index'))
  if (files === 'missing' || isIndexDamage(files)) return undefined
  const [number] = [...files.tables].find(([, size]) => size > 1e6) ?? []
  return number === undefined
    ? undefined
    : join(directory, 'index', `${number.toString().padStart(6, '0')}.ldb`)
}

function requiredTable(directory: string): string {
  const path = largestTable(directory)
  if (path === undefined) throw new Error('there is no large table')
  return path
}
