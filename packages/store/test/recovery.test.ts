/** Opening after what should not happen to files: foreign, exchanged, headless and lost ones. Nothing is used twice. */
import { describe, expect, test } from 'vitest'
import { createStore, openStore } from '../src/open-store.ts'
import { type Scanned, isClaimedDurable, scanSegment } from '../src/segment-scan.ts'
import { saltOf } from '../src/segment-files.ts'
import { readSegmentHeader } from '../src/store-format.ts'
import type { Reindex } from '../src/store-parts.ts'
import { makeRecord, makeSector, memoryDrivers, sequence } from './memory-drivers.ts'
import type { MemoryDrivers } from './memory-drivers.ts'

const reindex: Reindex = (records) => records.map(({ id, type }) => ({ key: id, value: Uint8Array.of(type) }))
const options = { reindex, reserveBytes: 0 }
const count = 12

async function filled(seed = 7): Promise<MemoryDrivers> {
  const drivers = { ...memoryDrivers(), random: (length: number) => sequence(length, seed) }
  const store = await createStore(drivers, { segmentBytes: 2600, reserveBytes: 0 })
  for (let at = 0; at < count; at++)
    await store.commit({ sectors: [makeSector(at, 200)], records: [makeRecord(at)] })
  await store.close()
  drivers.processes.nextProcess()
  return drivers
}

const segmentsOf = (drivers: MemoryDrivers): readonly string[] =>
  (drivers.files.list('segments') ?? []).map((name) => `segments/${name}`)

function contentOf(drivers: MemoryDrivers, path: string): Uint8Array {
  const content = drivers.files.contentOf(path)
  if (content === undefined) throw new Error(`no file ${path}`)
  return content.slice()
}

function held(store: Awaited<ReturnType<typeof openStore>>): number {
  let found = 0
  for (let at = 0; at < count; at++) {
    const sector = makeSector(at, 200)
    try {
      const bytes = store.readSector(sector.reference)
      if (bytes === undefined) continue
      expect(bytes).toEqual(sector.bytes)
      found++
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_STORE_CORRUPT' })
    }
  }
  return found
}

describe('an index', () => {
  test('of another store is made again from the log of this one', async () => {
    const [own, other] = [await filled(), await filled(99)]
    const mixed = { ...own, index: other.index }
    const store = await openStore(mixed, options)
    expect(store.recovery.rebuilt).toBe('it belongs to another store')
    expect(held(store)).toBe(count)
    own.processes.nextProcess() // a crash right after that
    const again = await openStore(mixed, options)
    expect(again.recovery.rebuilt).toBeUndefined()
    await again.close()
  })

  test('that lags behind the log is brought up once: a crash right after that replays nothing again', async () => {
    let lagged = 0
    for (let writes = 1; writes <= count; writes++) {
      const drivers = await filled()
      drivers.index.rewind(writes)
      let derived = 0
      const counting: Reindex = (records, view) => {
        derived += records.length
        return reindex(records, view)
      }
      const open = await openStore(drivers, { ...options, reindex: counting })
      if (open.recovery.rebuilt !== undefined || open.recovery.replayed === 0) continue
      lagged++
      expect(derived).toBe(open.recovery.replayed)
      drivers.processes.nextProcess() // nobody closed it
      const again = await openStore(drivers, { ...options, reindex: counting })
      expect(again.recovery.replayed).toBe(0)
      expect(derived).toBe(open.recovery.replayed)
      await again.close()
    }
    expect(lagged).toBeGreaterThan(0)
  })

  test('has rows of the log as the layer above takes them, after the records before them; else as they are', async () => {
    const row = { key: Uint8Array.of(7), value: Uint8Array.of(1) }
    const valueAfter = async (replay: Reindex['replay']): Promise<Uint8Array | undefined> => {
      const drivers = await filled()
      const store = await openStore(drivers, options)
      await store.commit({ rows: [row] })
      drivers.processes.nextProcess()
      drivers.index.rewind(1)
      const derive: Reindex = (records, view) => reindex(records, view)
      const made = replay === undefined ? derive : Object.assign(derive, { replay })
      const again = await openStore(drivers, { ...options, reindex: made })
      const value = again.index.get(row.key)
      await again.close()
      return value
    }
    expect(await valueAfter(undefined)).toEqual(Uint8Array.of(1))
    let records = 0
    const other = await valueAfter((some, _view, rows) => {
      records += some.length
      return rows.map(({ key }) => ({ key, value: Uint8Array.of(2) }))
    })
    expect(other).toEqual(Uint8Array.of(2))
    expect(records).toBeGreaterThan(0)
  })

  test('that was found damaged is made again once, not at every start', async () => {
    const drivers = await filled()
    drivers.index.remove()
    const first = await openStore(drivers, options)
    expect(first.recovery.rebuilt).toBe('it was missing')
    await first.rebuildIndex()
    await first.close()
    drivers.processes.nextProcess()
    const second = await openStore(drivers, options)
    expect(second.recovery.rebuilt).toBeUndefined()
    expect(held(second)).toBe(count)
    await second.close()
  })
})

describe('segments', () => {
  test('of another store are reported, and nothing in them is taken', async () => {
    for (const makeAgain of [false, true]) {
      const [drivers, other] = [await filled(), await filled(99)]
      const [first = ''] = segmentsOf(drivers)
      drivers.files.replace(first, contentOf(other, first))
      if (makeAgain) drivers.index.remove()
      const store = await openStore(drivers, options)
      const findings = [...store.recovery.findings, ...(await store.check()).findings]
      expect(findings.map(({ file }) => file)).toContain(first)
      expect(held(store)).toBeLessThan(count)
      await store.close()
    }
  })

  test('that are shorter than the index knows are reported at opening and written to no more', async () => {
    const drivers = await filled()
    const last = segmentsOf(drivers).at(-1) ?? ''
    const cut = contentOf(drivers, last).subarray(0, -400)
    drivers.files.replace(last, cut)
    const store = await openStore(drivers, options)
    expect(store.recovery.findings.map(({ file }) => file)).toContain(last)
    await store.commit({ sectors: [makeSector(100)] })
    expect(contentOf(drivers, last)).toEqual(cut)
    await store.close()
  })

  test('under the number of another one are reported and never read for it', async () => {
    const drivers = await filled()
    const [first = '', second = ''] = segmentsOf(drivers)
    const [one, two] = [contentOf(drivers, first), contentOf(drivers, second)]
    drivers.files.replace(first, two)
    drivers.files.replace(second, one)
    drivers.index.remove()
    const store = await openStore(drivers, options)
    const files = store.recovery.findings.map(({ file }) => file)
    expect(files).toContain(first)
    expect(files).toContain(second)
    held(store)
    await store.close()
  })

  test('with a damaged first frame keep what follows it, the last one too, and are written to no more', async () => {
    for (const makeAgain of [false, true]) {
      const drivers = await filled()
      const last = segmentsOf(drivers).at(-1) ?? ''
      const before = contentOf(drivers, last)
      drivers.files.flipBit(last, 20, 1)
      if (makeAgain) drivers.index.remove()
      const store = await openStore(drivers, options)
      expect(held(store)).toBe(count)
      await store.commit({ sectors: [makeSector(100)] })
      await store.close()
      expect(contentOf(drivers, last).length).toBe(before.length)
      expect(segmentsOf(drivers).at(-1)).not.toBe(last)
      drivers.processes.nextProcess()
      const again = await openStore(drivers, options)
      expect(held(again)).toBe(count)
      expect(again.readSector(makeSector(100).reference)).toEqual(makeSector(100).bytes)
      await again.close()
    }
  })

  test('that are lost at the end leave their number unused: what the index knew of them is not misread', async () => {
    const drivers = await filled()
    const last = segmentsOf(drivers).at(-1) ?? ''
    drivers.files.replace(last, undefined)
    const store = await openStore(drivers, { ...options, segmentBytes: 2600 })
    expect(store.recovery.findings.map(({ file }) => file)).toContain(last)
    const before = held(store)
    expect(before).toBeLessThan(count)
    for (let at = 100; at < 110; at++) await store.commit({ sectors: [makeSector(at, 200)] })
    expect(held(store)).toBe(before)
    expect(segmentsOf(drivers)).not.toContain(last)
    await store.close()
  })
})

describe('a scan', () => {
  function saltIn(drivers: MemoryDrivers): number {
    const header = readSegmentHeader(drivers.files, 1)
    if (header === undefined) throw new Error('no segment header')
    return saltOf(header.storeId)
  }

  async function scanned(drivers: MemoryDrivers, salt: number): Promise<Scanned[]> {
    const path = segmentsOf(drivers)[0] ?? ''
    return Array.fromAsync(scanSegment(drivers.files.open(path, 'read'), { salt }))
  }

  test('says of a batch whose first or last frame is damaged that it is not whole, and of no other', async () => {
    const drivers = await filled()
    const salt = saltIn(drivers)
    const batches = (await scanned(drivers, salt)).flatMap((item) => (item.kind === 'batch' ? item : []))
    expect(batches.every(({ whole, frames }) => whole && frames.length > 1)).toBe(true)
    const second = batches[1]
    for (const frame of [second?.frames[0], second?.frames.at(-1)]) {
      const damaged = await filled()
      damaged.files.flipBit(segmentsOf(damaged)[0] ?? '', (frame?.offset ?? 0) + 70, 2)
      const after = (await scanned(damaged, salt)).flatMap((item) => (item.kind === 'batch' ? item : []))
      expect(after.map(({ whole }) => whole)).toEqual(batches.map((batch) => batch !== second))
      expect(after[1]?.frames).toHaveLength((second?.frames.length ?? 0) - 1)
    }
  })

  test('takes as durable what lies before the place that a later group names, and not what begins there', async () => {
    const drivers = await filled()
    const salt = saltIn(drivers)
    const groups = (await scanned(drivers, salt)).flatMap((item) => (item.kind === 'group' ? item : []))
    const last = Math.max(...groups.map(({ durable }) => (durable.segment === 1 ? durable.offset : 0)))
    const file = drivers.files.open(segmentsOf(drivers)[0] ?? '', 'read')
    const isClaimed = (offset: number): Promise<boolean> =>
      isClaimedDurable(file, { segment: 1, offset }, salt)
    const before = groups.find(({ durable }) => durable.offset === last && durable.segment === 1)
    const place = Math.max(...groups.map(({ offset }) => offset).filter((offset) => offset < last))
    expect(before).toBeDefined()
    expect([await isClaimed(place), await isClaimed(last)]).toEqual([true, false])
  })
})
