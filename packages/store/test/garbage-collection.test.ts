import { describe, expect, test } from 'vitest'
import { createStore, openStore } from '../src/open-store.ts'
import type { DiskStore } from '../src/disk-store.ts'
import { makeRecord, makeSector, memoryDrivers, text } from './memory-drivers.ts'

const small = { segmentBytes: 4000 }
const sectors = Array.from({ length: 40 }, (_, seed) => makeSector(seed, 500))
const references = sectors.map(({ reference }) => reference)

async function filled(): Promise<{ drivers: ReturnType<typeof memoryDrivers>; store: DiskStore }> {
  const drivers = memoryDrivers()
  const store = await createStore(drivers, small)
  for (const [seed, sector] of sectors.entries())
    await store.commit({ sectors: [sector], records: [makeRecord(seed)] })
  return { drivers, store }
}

describe('collect', () => {
  test('dead sectors go, live ones and all records stay, and the space is given back', async () => {
    const { drivers, store } = await filled()
    const before = await store.statistics()
    const report = await store.collect(references.slice(0, 4))
    expect(report).toMatchObject({ liveSectors: 4, missing: 0, findings: [] })
    expect(report.removedSegments).toBeGreaterThan(2)
    expect((await store.statistics()).segmentBytes).toBeLessThan(before.segmentBytes * 0.6)
    const verify = (held: DiskStore): void => {
      for (const sector of sectors.slice(0, 4))
        expect(held.readSector(sector.reference)).toEqual(sector.bytes)
      for (const seed of sectors.keys())
        expect(held.readRecord(makeRecord(seed).id)).toEqual(makeRecord(seed))
      expect(held.hasSector(references[20] ?? new Uint8Array(32))).toBe(false)
    }
    verify(store)
    expect((await store.check()).findings).toEqual([])
    await store.close()
    drivers.processes.nextProcess()
    drivers.index.remove()
    const rebuilt = await openStore(drivers)
    expect(rebuilt.recovery.findings).toEqual([])
    verify(rebuilt)
    const seen = new Set<string>()
    let total = 0
    for await (const record of rebuilt.records()) {
      total++
      seen.add(Buffer.from(record.id).toString('hex'))
    }
    expect([total, seen.size]).toEqual([40, 40])
    await rebuilt.close()
  })

  test('segments that are mostly live are left alone unless all is to be rewritten', async () => {
    const { store } = await filled()
    const live = references.filter((_, index) => index % 4 !== 0)
    expect((await store.collect(live)).removedSegments).toBe(0)
    expect((await store.collect(live, { minimumLive: 1 })).removedSegments).toBeGreaterThan(3)
    for (const reference of live) expect(store.readSector(reference)).toBeDefined()
    await store.close()
  })

  test('sectors written, written again or asked for during the mark are kept', async () => {
    const { store } = await filled()
    const [first, second] = [makeSector(0, 500), makeSector(1, 500)]
    const fresh = makeSector(1000)
    async function* live(): AsyncGenerator<Uint8Array> {
      yield references[10] ?? new Uint8Array(32)
      await store.commit({ sectors: [fresh, first] })
      expect(store.hasSector(second.reference)).toBe(true)
    }
    await store.collect(live())
    for (const { reference } of [fresh, first, second]) expect(store.readSector(reference)).toBeDefined()
    expect(store.hasSector(references[30] ?? first.reference)).toBe(false)
    await store.close()
  })

  test('what is committed beside copies of the collection, in one group with them, is read from its own place', async () => {
    const { store } = await filled()
    const running = new Set(['collection'])
    const collection = store.collect(references.slice(0, 20), { minimumLive: 1 }).finally(() => {
      running.clear()
    })
    let read = 0
    for (let seed = 2000; running.size > 0; seed++) {
      const sector = makeSector(seed, 500)
      const record = makeRecord(seed)
      await store.commit({ sectors: [sector], records: [record] }, { durability: 'group' })
      expect(store.readSector(sector.reference)).toEqual(sector.bytes)
      expect(store.readRecord(record.id)).toEqual(record)
      read++
    }
    expect(read).toBeGreaterThan(3)
    expect((await collection).copiedBytes).toBeGreaterThan(0)
    await store.close()
  })

  test('a sector that was said to be there, at whatever moment of a collection, is there afterwards', async () => {
    let moment = 0
    for (let wasReached = true; wasReached; moment++) {
      const { drivers, store } = await filled()
      const live = references.slice(0, 4)
      let held: readonly Uint8Array[] = []
      let passed = 0
      const ask = (): void => {
        if (passed++ === moment) held = references.filter((reference) => store.hasSector(reference))
      }
      const open = drivers.files.open.bind(drivers.files)
      drivers.files.open = (...given) => {
        const file = open(...given)
        const write = file.write.bind(file)
        const dataSync = file.dataSync.bind(file)
        file.write = async (...parts) => {
          ask()
          await write(...parts)
        }
        file.dataSync = async () => {
          ask()
          await dataSync()
          ask()
        }
        return file
      }
      await store.collect(live)
      wasReached = passed > moment
      expect(held.filter((reference) => store.readSector(reference) === undefined)).toEqual([])
      await store.close()
    }
    expect(moment).toBeGreaterThan(10)
  })

  test('local rows keep their last value, and removed ones stay removed after a rebuild', async () => {
    const { drivers, store } = await filled()
    await store.commit({
      local: [
        { key: text('a'), value: text('1') },
        { key: text('b'), value: text('1') }
      ]
    })
    for (const sector of sectors.slice(0, 10)) await store.commit({ sectors: [sector] })
    await store.commit({
      local: [
        { key: text('a'), value: text('2') },
        { key: text('b'), value: undefined }
      ]
    })
    for (const sector of sectors.slice(10, 20)) await store.commit({ sectors: [sector] })
    await store.collect([], { minimumLive: 1 })
    await store.collect([], { minimumLive: 1 })
    await store.close()
    drivers.processes.nextProcess()
    drivers.index.remove()
    const rebuilt = await openStore(drivers)
    expect(rebuilt.local.get(text('a'))).toEqual(text('2'))
    expect(rebuilt.local.get(text('b'))).toBeUndefined()
    expect(rebuilt.recovery.findings).toEqual([])
    await rebuilt.close()
  })

  test('collecting an idle store again and again adds nothing to it', async () => {
    const { store } = await filled()
    await store.collect(references)
    const before = await store.statistics()
    for (let round = 0; round < 3; round++) await store.collect(references)
    expect(await store.statistics()).toEqual(before)
    await store.close()
  })

  test('references that are not held are counted, and a damaged segment is kept as it is', async () => {
    const { drivers, store } = await filled()
    drivers.files.flipBit('segments/00000001.seg', 1200, 2)
    const report = await store.collect([makeSector(2000).reference])
    expect(report.missing).toBe(1)
    expect(report.findings).toMatchObject([{ code: 'ERR_STORE_CORRUPT', file: 'segments/00000001.seg' }])
    expect(drivers.files.contentOf('segments/00000001.seg')).toBeDefined()
    await store.close()
  })

  test('a second collection, or one beside a reading of all records, is refused', async () => {
    const { store } = await filled()
    const running = store.collect(references)
    await expect(store.collect(references)).rejects.toMatchObject({ code: 'ERR_STORE_BUSY' })
    await running
    const records = store.records()[Symbol.asyncIterator]()
    await records.next()
    await expect(store.collect(references)).rejects.toMatchObject({ code: 'ERR_STORE_BUSY' })
    await records.return?.()
    await store.collect(references)
    await store.close()
  })
})
