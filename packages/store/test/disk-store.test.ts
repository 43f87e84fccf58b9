import { describe, expect, test } from 'vitest'
import type { StoreBatch } from '@blocktree/tree'
import { createStore, openStore } from '../src/open-store.ts'
import type { DiskStore } from '../src/disk-store.ts'
import type { Reindex } from '../src/store-parts.ts'
import { createFrameBuilder } from '../src/prepared-frames.ts'
import { makeRecord, makeSector, memoryDrivers, text } from './memory-drivers.ts'
import type { MemoryDrivers } from './memory-drivers.ts'

/** One row a record: its type under its id. */
export const reindex: Reindex = (records) =>
  records.map(({ id, type }) => ({ key: id, value: Uint8Array.of(type) }))

export function recordBatch(
  seed: number,
  inlineBytes?: number
): StoreBatch & { records: [ReturnType<typeof makeRecord>] } {
  const record = makeRecord(seed, inlineBytes)
  return { records: [record], rows: [{ key: record.id, value: Uint8Array.of(record.type) }] }
}

async function reopen(drivers: MemoryDrivers, store: DiskStore | undefined): Promise<DiskStore> {
  await store?.close()
  drivers.processes.nextProcess()
  return openStore(drivers, { reindex })
}

async function rowsOf(store: DiskStore, limit?: number, reverse = false): Promise<string[]> {
  const rows: string[] = []
  const options = { from: text('a'), to: text('z'), reverse, ...(limit === undefined ? {} : { limit }) }
  for await (const [key, value] of store.index.range(options))
    rows.push(`${Buffer.from(key)}=${Buffer.from(value)}`)
  return rows
}

describe('createStore and openStore', () => {
  test('an empty store is created once, and opened again', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    expect(store.recovery).toEqual({ replayed: 0, truncatedBytes: 0, rebuilt: undefined, findings: [] })
    await store.close()
    await expect(createStore(drivers)).rejects.toMatchObject({ code: 'ERR_STORE_EXISTS' })
    await (await openStore(drivers)).close()
  })

  test('a directory without a store is refused', async () => {
    await expect(openStore(memoryDrivers())).rejects.toMatchObject({ code: 'ERR_STORE_MISSING' })
  })

  test('a second opening is refused and names the process', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await expect(openStore(drivers)).rejects.toMatchObject({ code: 'ERR_STORE_LOCKED', message: /process 1/ })
    await store.close()
  })

  test('the lock of a process that is gone is taken over', async () => {
    const drivers = memoryDrivers()
    await createStore(drivers)
    drivers.files.kill()
    drivers.processes.nextProcess()
    await (await openStore(drivers)).close()
  })

  test('a directory of a later version is refused', async () => {
    const drivers = memoryDrivers()
    await (await createStore(drivers)).close()
    const { crc32 } = await import('node:zlib')
    const body = `blocktree store\nversion 2\nid ${'0'.repeat(32)}\n`
    drivers.files.replace('format', text(`${body}checksum ${crc32(body).toString(16).padStart(8, '0')}\n`))
    await expect(openStore(drivers)).rejects.toMatchObject({ code: 'ERR_STORE_VERSION' })
  })

  test('a damaged format file is written again from the segments and reported', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit(recordBatch(1))
    await store.close()
    drivers.files.flipBit('format', 20, 3)
    const again = await reopen(drivers, undefined)
    expect(again.recovery.findings).toMatchObject([{ code: 'ERR_STORE_CORRUPT', file: 'format' }])
    expect(again.hasRecord(makeRecord(1).id)).toBe(true)
    const third = await reopen(drivers, again)
    expect(third.recovery.findings).toEqual([])
    await third.close()
  })
})

describe('commit', () => {
  test('everything of a batch is readable at once, and after opening again', async () => {
    const drivers = memoryDrivers()
    let store = await createStore(drivers)
    const sector = makeSector(1)
    const { records, rows = [] } = recordBatch(2, 500)
    const committed = store.commit({
      sectors: [sector],
      records,
      rows,
      local: [{ key: text('l'), value: text('v') }]
    })
    const verify = (): void => {
      expect(store.readSector(sector.reference)).toEqual(sector.bytes)
      expect(store.readRecord(records[0].id)).toEqual(records[0])
      expect(store.index.get(records[0].id)).toEqual(Uint8Array.of(records[0].type))
      expect(store.local.get(text('l'))).toEqual(text('v'))
    }
    verify()
    await committed
    verify()
    store = await reopen(drivers, store)
    verify()
    expect(store.recovery.replayed).toBe(0)
    await store.close()
  })

  test('what is not held is undefined', async () => {
    const store = await createStore(memoryDrivers())
    expect(store.readSector(makeSector(1).reference)).toBeUndefined()
    expect(store.readRecord(makeRecord(1).id)).toBeUndefined()
    expect(store.hasSector(makeSector(1).reference)).toBe(false)
    expect(store.hasRecord(makeRecord(1).id)).toBe(false)
    expect(store.index.get(text('a'))).toBeUndefined()
    await store.close()
  })

  test('an empty inline sector is not the same as none', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit({ records: [{ ...makeRecord(1), inline: new Uint8Array() }] })
    const again = await reopen(drivers, store)
    expect(again.readRecord(makeRecord(1).id)?.inline).toEqual(new Uint8Array())
    await again.close()
  })

  test('records come back in the order of the log, each once', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    for (const seed of [5, 3, 9]) await store.commit(recordBatch(seed))
    await store.commit(recordBatch(3))
    const pending = store.commit(recordBatch(1, 40))
    const seen: Uint8Array[] = []
    for await (const record of store.records()) seen.push(record.id)
    expect(seen).toEqual([5, 3, 9, 1].map((seed) => makeRecord(seed).id))
    await pending
    await store.close()
  })

  test('too large sectors, rows and wrong references are refused before anything is written', async () => {
    const store = await createStore(memoryDrivers())
    const reference = new Uint8Array(32)
    const large = { reference, bytes: new Uint8Array(9 * 1024 * 1024) }
    await expect(store.commit({ sectors: [large] })).rejects.toMatchObject({ code: 'ERR_STORE_LIMIT' })
    const key = new Uint8Array(5000)
    await expect(store.commit({ rows: [{ key, value: key }] })).rejects.toMatchObject({
      code: 'ERR_STORE_LIMIT'
    })
    const short = { reference: key.subarray(0, 5), bytes: key }
    await expect(store.commit({ sectors: [short] })).rejects.toMatchObject({ code: 'ERR_STORE_ARGUMENT' })
    await store.close()
    await expect(store.commit(recordBatch(1))).rejects.toMatchObject({ code: 'ERR_STORE_CLOSED' })
    expect(() => store.readRecord(reference)).toThrow(expect.objectContaining({ code: 'ERR_STORE_CLOSED' }))
  })

  test('segments follow each other when they are full', async () => {
    const drivers = memoryDrivers()
    let store = await createStore(drivers, { segmentBytes: 2000 })
    for (let seed = 0; seed < 20; seed++) await store.commit({ sectors: [makeSector(seed)] })
    expect((await store.statistics()).segments).toBeGreaterThan(3)
    store = await reopen(drivers, store)
    for (let seed = 0; seed < 20; seed++) expect(store.hasSector(makeSector(seed).reference)).toBe(true)
    expect((await store.check()).findings).toEqual([])
    await store.close()
  })

  test('durability none is acknowledged early and durable after a flush', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit(recordBatch(1), { durability: 'none' })
    await store.commit(recordBatch(2), { durability: 'each' })
    await store.flush()
    drivers.files.crash(() => false)
    drivers.index.rewind(0)
    const again = await reopen(drivers, undefined)
    expect(again.hasRecord(makeRecord(1).id)).toBe(true)
    expect(again.hasRecord(makeRecord(2).id)).toBe(true)
    await again.close()
  })
})

describe('appendPrepared', () => {
  test('frames made elsewhere are stored with one write', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    const builder = createFrameBuilder(store.frameSalt, new ArrayBuffer(4000))
    const sector = makeSector(1)
    expect(builder.addSector(sector.reference, sector.bytes)).toBe(true)
    const reserved = builder.reserveSector(300)
    reserved?.bytes.set(makeSector(2).bytes)
    reserved?.place(makeSector(2).reference)
    expect(builder.addRecord(makeRecord(3, 100))).toBe(true)
    expect(builder.addSector(sector.reference, new Uint8Array(4000))).toBe(false)
    const committed = store.appendPrepared(builder.finish(), [{ key: text('r'), value: text('1') }])
    const verify = (held: DiskStore): void => {
      expect(held.readSector(sector.reference)).toEqual(sector.bytes)
      expect(held.readSector(makeSector(2).reference)).toEqual(makeSector(2).bytes)
      expect(held.readRecord(makeRecord(3).id)).toEqual(makeRecord(3, 100))
    }
    verify(store)
    await committed
    verify(store)
    const again = await reopen(drivers, store)
    verify(again)
    expect(again.index.get(text('r'))).toEqual(text('1'))
    expect((await again.check()).findings).toEqual([])
    await again.close()
  })

  test('entries that are not the frames of the buffer are refused', async () => {
    const store = await createStore(memoryDrivers())
    const builder = createFrameBuilder(store.frameSalt, new ArrayBuffer(4000))
    builder.addSector(makeSector(1).reference, makeSector(1).bytes)
    const { bytes, entries } = builder.finish()
    const wrong = entries.map((entry) => ({ ...entry, reference: makeSector(2).reference }))
    const refused = { code: 'ERR_STORE_ARGUMENT' }
    await expect(store.appendPrepared({ bytes, entries: wrong })).rejects.toMatchObject(refused)
    await expect(store.appendPrepared({ bytes, entries: [] })).rejects.toMatchObject(refused)
    const foreign = createFrameBuilder(store.frameSalt + 1, new ArrayBuffer(4000))
    foreign.addSector(makeSector(1).reference, makeSector(1).bytes)
    await expect(store.appendPrepared(foreign.finish())).rejects.toMatchObject(refused)
    await store.close()
  })
})

describe('rows', () => {
  test('a range sees pending values, pending removals and limits', async () => {
    const store = await createStore(memoryDrivers())
    await store.commit({ rows: ['b', 'd', 'f'].map((key) => ({ key: text(key), value: text('1') })) })
    const pending = store.commit({
      rows: [
        { key: text('a'), value: text('2') },
        { key: text('b'), value: text('2') },
        { key: text('d'), value: undefined },
        { key: text('g'), value: text('2') }
      ]
    })
    expect(await rowsOf(store)).toEqual(['a=2', 'b=2', 'f=1', 'g=2'])
    expect(await rowsOf(store, 2)).toEqual(['a=2', 'b=2'])
    expect(await rowsOf(store, 3, true)).toEqual(['g=2', 'f=1', 'b=2'])
    await pending
    expect(await rowsOf(store)).toEqual(['a=2', 'b=2', 'f=1', 'g=2'])
    await store.close()
  })

  test('rows of a batch without records survive the loss of the unsynced index', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit({ rows: [{ key: text('a'), value: text('1') }] })
    drivers.files.crash(() => false)
    drivers.index.rewind(1)
    const again = await reopen(drivers, undefined)
    expect(again.recovery.replayed).toBe(1)
    expect(await rowsOf(again)).toEqual(['a=1'])
    await again.close()
  })
})

describe('a full or broken disk', () => {
  test('a batch that does not fit is refused and forgotten, reads go on, and writes work again', async () => {
    const drivers = memoryDrivers()
    let store = await createStore(drivers)
    await store.commit(recordBatch(1))
    drivers.files.capacity = (await store.statistics()).segmentBytes + 1000 + 8 * 1024 * 1024
    const refused = [2, 3].map((seed) => store.commit(recordBatch(seed, 4000)))
    for (const commit of refused) await expect(commit).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    expect(store.hasRecord(makeRecord(1).id)).toBe(true)
    expect(store.hasRecord(makeRecord(2).id)).toBe(false)
    expect(store.index.get(makeRecord(3).id)).toBeUndefined()
    drivers.files.capacity = Number.MAX_SAFE_INTEGER
    await store.commit(recordBatch(4, 4000))
    store = await reopen(drivers, store)
    expect(store.hasRecord(makeRecord(2).id)).toBe(false)
    expect(store.hasRecord(makeRecord(4).id)).toBe(true)
    expect((await store.check()).findings).toEqual([])
    await store.close()
  })

  test('after a sync that failed the log goes on in a new segment', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit(recordBatch(1))
    drivers.files.failSyncs = 1
    await expect(store.commit(recordBatch(2))).rejects.toMatchObject({ code: 'ERR_STORE_IO' })
    expect(store.hasRecord(makeRecord(2).id)).toBe(false)
    await store.commit(recordBatch(3))
    drivers.files.crash(() => false)
    const again = await reopen(drivers, undefined)
    expect([1, 2, 3].map((seed) => again.hasRecord(makeRecord(seed).id))).toEqual([true, false, true])
    expect((await again.check()).findings).toEqual([])
    await again.close()
  })

  test('a disk that refuses every sync leaves the store readable and closed to writes', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit(recordBatch(1))
    drivers.files.failSyncs = 2
    await expect(store.commit(recordBatch(2))).rejects.toMatchObject({ code: 'ERR_STORE_IO' })
    await expect(store.commit(recordBatch(3))).rejects.toMatchObject({ code: 'ERR_STORE_IO' })
    expect(store.hasRecord(makeRecord(1).id)).toBe(true)
    const again = await reopen(drivers, store)
    await again.commit(recordBatch(4))
    expect(again.hasRecord(makeRecord(1).id)).toBe(true)
    await again.close()
  })

  test('a write that failed is cut off again', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit(recordBatch(1))
    drivers.files.failWrites = 1
    await expect(store.commit(recordBatch(2))).rejects.toMatchObject({ code: 'ERR_STORE_IO' })
    await store.commit(recordBatch(3))
    expect((await store.check()).findings).toEqual([])
    await store.close()
  })

  test('when the index cannot be written, what is durable is acknowledged, and the next batch is refused', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    drivers.index.failure = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    await store.commit(recordBatch(1))
    expect(store.hasRecord(makeRecord(1).id)).toBe(true)
    await expect(store.commit(recordBatch(2))).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    expect(store.hasRecord(makeRecord(2).id)).toBe(false)
    drivers.index.failure = undefined
    await store.commit(recordBatch(3))
    expect(store.index.get(makeRecord(1).id)).toBeDefined()
    const again = await reopen(drivers, store)
    expect([1, 2, 3].map((seed) => again.hasRecord(makeRecord(seed).id))).toEqual([true, false, true])
    await again.close()
  })
})
