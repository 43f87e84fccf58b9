/** Records that are held no longer: gone for readers, over restarts and rebuilds, and from the disk with a collection. */
import type { StoredRecord } from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import type { DiskStore } from '../src/disk-store.ts'
import { createStore, openStore } from '../src/open-store.ts'
import type { Reindex } from '../src/store-parts.ts'
import { type MemoryDrivers, makeRecord, makeSector, memoryDrivers } from './memory-drivers.ts'

const reindex: Reindex = (records) => records.map(({ id, type }) => ({ key: id, value: Uint8Array.of(type) }))
const options = { reindex, segmentBytes: 4000 }

async function write(store: DiskStore, from: number, to: number): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  for (let seed = from; seed < to; seed++) {
    const record = makeRecord(seed)
    records.push(record)
    await store.commit({
      records: [record],
      sectors: [makeSector(seed, 300)],
      rows: [{ key: record.id, value: Uint8Array.of(record.type) }]
    })
  }
  return records
}

function drop(store: DiskStore, records: readonly StoredRecord[]): Promise<void> {
  const rows = records.map(({ id }) => ({ key: id, value: undefined }))
  return store.commit({ drops: records.map(({ id }) => id), rows })
}

async function heldBy(store: DiskStore): Promise<ReadonlySet<string>> {
  const held = new Set<string>()
  for await (const { id } of store.records()) held.add(id.toHex())
  return held
}

async function expectGone(
  store: DiskStore,
  gone: readonly StoredRecord[],
  kept: readonly StoredRecord[]
): Promise<void> {
  for (const record of gone) {
    expect(store.hasRecord(record.id)).toBe(false)
    expect(store.readRecord(record.id)).toBeUndefined()
    expect(store.index.get(record.id)).toBeUndefined()
  }
  for (const record of kept) expect(store.readRecord(record.id)).toEqual(record)
  expect(await heldBy(store)).toEqual(new Set(kept.map(({ id }) => id.toHex())))
  expect((await store.check()).findings).toEqual([])
}

async function killed(drivers: MemoryDrivers): Promise<DiskStore> {
  drivers.files.kill()
  drivers.processes.nextProcess()
  return openStore(drivers, options)
}

describe('a dropped record', () => {
  test('is gone for readers at once, after a kill, and after the index was made again', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers, options)
    const records = await write(store, 0, 30)
    const gone = records.slice(0, 20)
    const kept = records.slice(20)
    const dropping = drop(store, gone)
    expect(store.hasRecord(records[0]?.id ?? new Uint8Array(32))).toBe(false)
    await dropping
    await expectGone(store, gone, kept)
    const again = await killed(drivers)
    await expectGone(again, gone, kept)
    await again.rebuildIndex()
    await expectGone(again, gone, kept)
    await again.close()
  })

  test('that comes again is held again, in whatever order the collector moved the log', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers, options)
    const records = await write(store, 0, 30)
    await drop(store, records.slice(0, 20))
    const [first, second] = records
    if (first === undefined || second === undefined) throw new Error('no records')
    const again = drop(store, [second]) // not held: nothing happens
    await Promise.all([
      again,
      store.commit({ records: [first], rows: [{ key: first.id, value: Uint8Array.of(first.type) }] })
    ])
    await write(store, 30, 40)
    await store.collect([], { minimumLive: 1 })
    expect(store.readRecord(first.id)).toEqual(first)
    expect(store.hasRecord(second.id)).toBe(false)
    await store.rebuildIndex()
    expect(store.readRecord(first.id)).toEqual(first)
    expect(store.hasRecord(second.id)).toBe(false)
    expect((await store.check()).findings).toEqual([])
    await store.close()
  })

  test('dropped and written again in one group is held', async () => {
    const store = await createStore(memoryDrivers(), options)
    const [record] = await write(store, 0, 1)
    if (record === undefined) throw new Error('no record')
    const row = { key: record.id, value: Uint8Array.of(record.type) }
    await Promise.all([drop(store, [record]), store.commit({ records: [record], rows: [row] })])
    await store.flush()
    expect(store.readRecord(record.id)).toEqual(record)
    expect((await store.check()).findings).toEqual([])
    await store.close()
  })

  test('gives its space back with a collection, and leaves nothing in the index', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers, options)
    const records = await write(store, 0, 60)
    await drop(store, records)
    const before = (await store.statistics()).segmentBytes
    await write(store, 60, 61)
    await store.collect([], { minimumLive: 1 })
    await store.collect([], { minimumLive: 1 })
    const after = await store.statistics()
    expect(after.segmentBytes).toBeLessThan(before / 4)
    const report = await store.check()
    expect(report.findings).toEqual([])
    expect(report.rows).toBeLessThan(10)
    const again = await killed(drivers)
    for (const record of records) expect(again.hasRecord(record.id)).toBe(false)
    await again.close()
  })
})
