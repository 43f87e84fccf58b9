/**
 * What every BlockStore must do, as test suites for drivers: `testBlockStore('level', () => openLevelStore(directory))`.
 * What not every driver can show has a suite of its own, which the driver is registered for when it can: a store that
 * keeps what it holds (`testLastingBlockStore`), one that can be made to fail (`testFailingBlockStore`). They run under
 * vitest; the memory store is the first subject.
 */
import { equalBytes } from '@blocktree/codec'
import { afterEach, describe, expect, test } from 'vitest'
import type { BlockStore, IndexReader, StoredRecord } from './ports.ts'

/** A store under test. */
export interface StoreUnderTest {
  readonly store: BlockStore
  /** Removes what the store left behind. */
  readonly dispose?: () => Promise<void>
}

export interface LastingStore extends StoreUnderTest {
  /** Closes the store and opens it again over the same data. */
  readonly reopen: () => Promise<BlockStore>
}

export interface FailingStore extends StoreUnderTest {
  /** Makes the next batch that reaches the disk fail with ERR_STORE_FULL or ERR_STORE_IO. */
  readonly failNextCommit: () => void
}

/** What every store does. */
export function testBlockStore(name: string, create: () => Promise<StoreUnderTest>): void {
  testStores(`BlockStore: ${name}`, create, (open) => {
    testReads(open)
    testRanges(open)
  })
}

/** What a store does that keeps what it holds when it is closed. */
export function testLastingBlockStore(name: string, create: () => Promise<LastingStore>): void {
  testStores(`BlockStore that lasts: ${name}`, create, testReopening)
}

/** What a store does when the disk refuses. */
export function testFailingBlockStore(name: string, create: () => Promise<FailingStore>): void {
  testStores(`BlockStore that fails: ${name}`, create, testFailures)
}

type Open<Subject extends StoreUnderTest = StoreUnderTest> = () => Promise<Subject>

/** Closes and disposes of the stores that a test has opened. */
function testStores<Subject extends StoreUnderTest>(
  title: string,
  create: Open<Subject>,
  cases: (open: Open<Subject>) => void
): void {
  describe(title, () => {
    const opened: Subject[] = []
    afterEach(async () => {
      for (const subject of opened.splice(0)) {
        await subject.store.close().catch(() => undefined)
        await subject.dispose?.()
      }
    })
    cases(async () => {
      const subject = await create()
      opened.push(subject)
      return subject
    })
  })
}

function testReads(open: Open): void {
  test('returns undefined for what is not held', async () => {
    const { store } = await open()
    expect(store.readSector(id(1))).toBeUndefined()
    expect(store.readRecord(id(1))).toBeUndefined()
    expect(store.index.get(bytes('none'))).toBeUndefined()
    expect(store.local.get(bytes('none'))).toBeUndefined()
    expect([store.hasSector(id(1)), store.hasRecord(id(1))]).toEqual([false, false])
  })

  test('shows a batch at once, before it is durable', async () => {
    const { store } = await open()
    const sector = { reference: await sha256(bytes('sector')), bytes: bytes('sector') }
    const durable = store.commit({
      sectors: [sector],
      records: [record(2, 'record')],
      rows: [{ key: bytes('row'), value: bytes('1') }],
      local: [{ key: bytes('row'), value: bytes('2') }]
    })
    expect(text(store.readSector(sector.reference))).toBe('sector')
    expect(store.hasSector(sector.reference)).toBe(true)
    expect(text(store.readRecord(id(2))?.bytes)).toBe('record')
    expect(store.hasRecord(id(2))).toBe(true)
    expect(text(store.index.get(bytes('row')))).toBe('1')
    expect(text(store.local.get(bytes('row')))).toBe('2')
    await durable
    expect(text(store.readSector(sector.reference))).toBe('sector')
    expect(text(store.readRecord(id(2))?.bytes)).toBe('record')
  })

  test('reads a sector into memory of the caller where there is room, and elsewhere where there is none', async () => {
    const { store } = await open()
    const sector = { reference: await sha256(bytes('sector')), bytes: bytes('sector') }
    const durable = store.commit({ sectors: [sector] })
    const into = new Uint8Array(sector.bytes.length + 128)
    const tight = new Uint8Array(sector.bytes.length - 1)
    const reads = (): readonly (string | undefined)[] =>
      [into, tight].map((memory) => text(store.readSector(sector.reference, 'checksum', memory)))
    expect(reads()).toEqual(['sector', 'sector'])
    await durable
    expect(reads()).toEqual(['sector', 'sector'])
    expect(store.readSector(id(1), 'checksum', into)).toBeUndefined()
  })

  test('gives back type and inline sector of a record', async () => {
    const { store } = await open()
    await store.commit({ records: [{ ...record(3, 'header'), type: 10, inline: bytes('inline') }] })
    const found = store.readRecord(id(3))
    expect(found?.type).toBe(10)
    expect(text(found?.inline)).toBe('inline')
    await store.commit({ records: [record(4, 'other')] })
    expect(store.readRecord(id(4))?.inline).toBeUndefined()
  })

  test('hands out bytes that the caller may change', async () => {
    const { store } = await open()
    const reference = await sha256(bytes('mine'))
    await store.commit({ sectors: [{ reference, bytes: bytes('mine') }] })
    store.readSector(reference)?.fill(0)
    expect(text(store.readSector(reference))).toBe('mine')
  })

  test('keeps the later of two rows, and a row that was deleted is gone', async () => {
    const { store } = await open()
    const batches = [
      store.commit({ rows: [{ key: bytes('a'), value: bytes('1') }] }),
      store.commit({ rows: [{ key: bytes('a'), value: bytes('2') }] }),
      store.commit({ rows: [{ key: bytes('b'), value: bytes('1') }] }),
      store.commit({ rows: [{ key: bytes('b'), value: undefined }] })
    ]
    expect(text(store.index.get(bytes('a')))).toBe('2')
    expect(store.index.get(bytes('b'))).toBeUndefined()
    await Promise.all(batches)
    expect(text(store.index.get(bytes('a')))).toBe('2')
    expect(store.index.get(bytes('b'))).toBeUndefined()
  })

  test('lists records in the order of their commits', async () => {
    const { store } = await open()
    for (const at of [5, 3, 4]) await store.commit({ records: [record(at, `record ${at}`)] })
    const all = await Array.fromAsync(store.records())
    expect(all.map((found) => text(found.bytes))).toEqual(['record 5', 'record 3', 'record 4'])
  })

  test('resolves flush and batches of every durability', async () => {
    const { store } = await open()
    for (const durability of ['none', 'group', 'each'] as const) {
      await store.commit({ rows: [{ key: bytes(durability), value: bytes('1') }] }, { durability })
    }
    await store.flush()
    expect(text(store.index.get(bytes('none')))).toBe('1')
  })
}

function testRanges(open: Open): void {
  for (const space of ['index', 'local'] as const) {
    const rowsOf = (...names: readonly string[]) => {
      const rows = names.map((name) => ({ key: bytes(name), value: bytes(name) }))
      return space === 'index' ? { rows } : { local: rows }
    }

    test(`ranges over ${space} from an inclusive to an exclusive key, both ways, with a limit`, async () => {
      const { store } = await open()
      await store.commit(rowsOf('b', 'd', 'a', 'c'))
      const reader = store[space]
      expect(await keys(reader, { from: 'a', to: 'd' })).toEqual(['a', 'b', 'c'])
      expect(await keys(reader, { from: 'b', to: 'zz' })).toEqual(['b', 'c', 'd'])
      expect(await keys(reader, { from: 'a', to: 'zz', limit: 2 })).toEqual(['a', 'b'])
      expect(await keys(reader, { from: 'a', to: 'zz', reverse: true })).toEqual(['d', 'c', 'b', 'a'])
      expect(await keys(reader, { from: 'a', to: 'd', limit: 1, reverse: true })).toEqual(['c'])
      expect(await keys(reader, { from: 'x', to: 'zz' })).toEqual([])
    })

    test(`ranges over ${space} see rows that are not durable yet, and deletions of durable ones`, async () => {
      const { store } = await open()
      await store.commit(rowsOf('a', 'b', 'c'))
      const gone = [{ key: bytes('b'), value: undefined }]
      const durable = [
        store.commit(rowsOf('bb')),
        store.commit(space === 'index' ? { rows: gone } : { local: gone })
      ]
      expect(await keys(store[space], { from: 'a', to: 'zz' })).toEqual(['a', 'bb', 'c'])
      await Promise.all(durable)
      expect(await keys(store[space], { from: 'a', to: 'zz' })).toEqual(['a', 'bb', 'c'])
    })

    test(`a range over ${space} shows rows as of the call`, async () => {
      const { store } = await open()
      await store.commit(rowsOf('a', 'c'))
      const range = store[space].range({ from: bytes('a'), to: bytes('z') })
      await store.commit(rowsOf('b'))
      const found: string[] = []
      for await (const [key] of range) found.push(text(key) ?? '')
      expect(found).toEqual(['a', 'c'])
    })
  }

  test('keeps derived and local rows apart', async () => {
    const { store } = await open()
    await store.commit({ rows: [{ key: bytes('only'), value: bytes('derived') }] })
    expect(store.local.get(bytes('only'))).toBeUndefined()
  })
}

function testFailures(open: Open<FailingStore>): void {
  test('a batch that fails takes itself and every later one that was queued out of sight', async () => {
    const { store, failNextCommit } = await open()
    await store.commit({ rows: [{ key: bytes('before'), value: bytes('1') }] })
    failNextCommit()
    const results = await Promise.allSettled([
      store.commit({ rows: [{ key: bytes('failed'), value: bytes('1') }], records: [record(6, 'failed')] }),
      store.commit({ rows: [{ key: bytes('later'), value: bytes('1') }] })
    ])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'rejected'])
    for (const result of results) {
      if (result.status === 'rejected') expect(String(result.reason?.code)).toMatch(/^ERR_STORE_(FULL|IO)$/)
    }
    expect(store.index.get(bytes('failed'))).toBeUndefined()
    expect(store.index.get(bytes('later'))).toBeUndefined()
    expect(store.readRecord(id(6))).toBeUndefined()
    expect(text(store.index.get(bytes('before')))).toBe('1')
  })
}

function testReopening(open: Open<LastingStore>): void {
  test('an acknowledged batch is there after closing and opening again', async () => {
    const { store, reopen } = await open()
    const reference = await sha256(bytes('kept'))
    await store.commit({
      sectors: [{ reference, bytes: bytes('kept') }],
      records: [record(7, 'kept')],
      rows: [{ key: bytes('kept'), value: bytes('1') }],
      local: [{ key: bytes('kept'), value: bytes('2') }]
    })
    const again = await reopen()
    expect(text(again.readSector(reference))).toBe('kept')
    expect(text(again.readRecord(id(7))?.bytes)).toBe('kept')
    expect(text(again.index.get(bytes('kept')))).toBe('1')
    expect(text(again.local.get(bytes('kept')))).toBe('2')
    const all = await Array.fromAsync(again.records())
    expect(all.some((found) => equalBytes(found.id, id(7)))).toBe(true)
    await again.close()
  })
}

function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value)
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value)
}

function id(value: number): Uint8Array {
  return new Uint8Array(32).fill(value)
}

function record(at: number, body: string): StoredRecord {
  return { id: id(at), type: 4, bytes: bytes(body), inline: undefined }
}

/** Sectors are checked against their hash when they are read, so the tests need true ones. */
async function sha256(value: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await globalThis.crypto.subtle.digest('SHA-256', Uint8Array.from(value)))
}

async function keys(
  reader: IndexReader,
  options: { from: string; to: string; limit?: number; reverse?: boolean }
): Promise<string[]> {
  const range = reader.range({ ...options, from: bytes(options.from), to: bytes(options.to) })
  const found: string[] = []
  for await (const [key, value] of range) {
    expect(text(value)).toBeDefined()
    found.push(text(key) ?? '')
  }
  return found
}
