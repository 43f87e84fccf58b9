import { describe, expect, test } from 'vitest'
import { createStore, openStore } from '../src/open-store.ts'
import type { DiskStore } from '../src/disk-store.ts'
import type { Finding, Reindex } from '../src/store-parts.ts'
import { StoreError } from '../src/store-error.ts'
import { makeRecord, makeSector, memoryDrivers, sequence, text } from './memory-drivers.ts'
import type { MemoryDrivers } from './memory-drivers.ts'

const reindex: Reindex = (records) => records.map(({ id, type }) => ({ key: id, value: Uint8Array.of(type) }))
const options = { reindex, reserveBytes: 0 }
const count = 12
const seeds = Array.from({ length: count }, (_, index) => index)
const flips = process.env['SLOW'] === '1' ? 4000 : 250

async function filled(): Promise<MemoryDrivers> {
  const drivers = memoryDrivers()
  const store = await createStore(drivers, { segmentBytes: 2600, reserveBytes: 0 })
  for (const seed of seeds) {
    const record = makeRecord(seed)
    const rows = [{ key: record.id, value: Uint8Array.of(record.type) }]
    const local = [{ key: text(`local ${seed}`), value: sequence(20, seed) }]
    await store.commit({ sectors: [makeSector(seed, 200)], records: [record], rows, local })
  }
  await store.close()
  drivers.processes.nextProcess()
  return drivers
}

/** How many of the things stored can still be read; damage must be an error of its own code. */
function readable(store: DiskStore): number {
  let held = 0
  const attempt = (read: () => Uint8Array | undefined, expected: Uint8Array): void => {
    try {
      const found = read()
      if (found === undefined) return
      expect(found).toEqual(expected)
      held++
    } catch (error) {
      expect(error).toBeInstanceOf(StoreError)
      expect(error).toMatchObject({ code: 'ERR_STORE_CORRUPT' })
    }
  }
  for (const seed of seeds) {
    const sector = makeSector(seed, 200)
    const record = makeRecord(seed)
    const before = held
    attempt(() => store.readSector(sector.reference, 'checksum'), sector.bytes)
    held = before
    attempt(() => store.readSector(sector.reference), sector.bytes)
    attempt(() => store.readRecord(record.id)?.bytes, record.bytes)
    attempt(() => store.local.get(text(`local ${seed}`)), sequence(20, seed))
  }
  return held
}

const segmentsOf = (drivers: MemoryDrivers): readonly string[] =>
  (drivers.files.list('segments') ?? []).map((name) => `segments/${name}`)

describe('a flipped bit', () => {
  test(
    'anywhere in a segment is reported with its file, and nothing else is lost',
    { timeout: 120_000 },
    async () => {
      for (let round = 0; round < flips; round++) {
        const drivers = await filled()
        const paths = segmentsOf(drivers)
        const path = paths[round % paths.length] ?? ''
        const size = drivers.files.contentOf(path)?.length ?? 1
        const offset = (round * 7919 + round) % size
        drivers.files.flipBit(path, offset, round % 8)
        const where = `${path} at ${offset}, bit ${round % 8}`
        const store = await openStore(drivers, options)
        expect(readable(store), where).toBeGreaterThanOrEqual(count * 3 - 1)
        const report = await store.check()
        const noticed =
          report.findings.length + store.recovery.findings.length + store.recovery.truncatedBytes
        expect(noticed, where).toBeGreaterThan(0)
        for (const finding of report.findings) expect(finding.code).toBe('ERR_STORE_CORRUPT')
        await store.close()
        // The same holds when the index has to be made again.
        drivers.processes.nextProcess()
        drivers.index.remove()
        const rebuilt = await openStore(drivers, options)
        expect(readable(rebuilt), `${where}, rebuilt`).toBeGreaterThanOrEqual(count * 3 - 1)
        await rebuilt.close()
      }
    }
  )

  test('in the index is noticed when the row is read, and the next opening makes the index again', async () => {
    const drivers = await filled()
    const index = await drivers.index.open()
    if (index === 'missing' || 'problem' in index) throw new Error('no index')
    const key = Uint8Array.of(3, ...makeSector(4, 200).reference)
    const row = index.get(key)
    if (row === undefined) throw new Error('no row')
    row[5] = (row[5] ?? 0) ^ 4
    await index.write([{ key, value: row }])
    const findings: Finding[] = []
    const store = await openStore(drivers, { ...options, onFinding: (finding) => findings.push(finding) })
    expect(() => store.readSector(makeSector(4, 200).reference)).toThrow(
      expect.objectContaining({ code: 'ERR_STORE_CORRUPT' })
    )
    expect(findings).toMatchObject([{ code: 'ERR_STORE_CORRUPT', file: 'index' }])
    expect(readable(store)).toBe(count * 3 - 1)
    expect((await store.check()).findings).not.toEqual([])
    await store.close()
    drivers.processes.nextProcess()
    const again = await openStore(drivers, options)
    expect(again.recovery.rebuilt).toBe('it was found damaged before')
    expect(readable(again)).toBe(count * 3)
    await again.close()
  })

  test('in the lock file does not keep the store closed', async () => {
    const drivers = await filled()
    drivers.files.replace('lock', Uint8Array.of(0, 1, 2))
    await (await openStore(drivers)).close()
  })
})

describe('a segment that is cut off or missing', () => {
  test('the cut place is reported, what lay before it can be read, and writing goes on', async () => {
    const drivers = await filled()
    const paths = segmentsOf(drivers)
    for (const path of paths) {
      const copy = await filled()
      const content = copy.files.contentOf(path) ?? new Uint8Array()
      copy.files.replace(path, content.subarray(0, content.length - 400))
      const store = await openStore(copy, options)
      const report = await store.check()
      expect([...store.recovery.findings, ...report.findings].map(({ file }) => file)).toContain(path)
      expect(readable(store)).toBeGreaterThan(count * 2)
      await store.commit({ sectors: [makeSector(100)] })
      await store.close()
      copy.processes.nextProcess()
      const again = await openStore(copy, options)
      expect(again.readSector(makeSector(100).reference)).toEqual(makeSector(100).bytes)
      await again.close()
    }
  })

  test('a missing file is named, also after a rebuild', async () => {
    const drivers = await filled()
    const [first = '', second = ''] = segmentsOf(drivers)
    drivers.files.replace(second, undefined)
    const store = await openStore(drivers, options)
    expect(store.recovery.findings).toMatchObject([{ code: 'ERR_STORE_CORRUPT', file: second }])
    expect(readable(store)).toBeGreaterThan(count)
    await store.close()
    drivers.processes.nextProcess()
    drivers.files.replace(first, undefined)
    drivers.index.remove()
    const rebuilt = await openStore(drivers, options)
    expect(rebuilt.recovery.findings.map(({ file }) => file)).toEqual([first, second])
    await rebuilt.close()
  })
})

describe('the index', () => {
  test('is made again when it is missing, of another store, or without its mark; never created empty', async () => {
    const breakages: ((drivers: MemoryDrivers) => void)[] = [
      (drivers) => drivers.index.remove(),
      (drivers) => drivers.index.rewind(0)
    ]
    for (const damage of breakages) {
      const drivers = await filled()
      damage(drivers)
      const store = await openStore(drivers, options)
      expect(store.recovery.rebuilt).toBeDefined()
      expect(readable(store)).toBe(count * 3)
      for (const seed of seeds) expect(store.index.get(makeRecord(seed).id)).toBeDefined()
      expect((await store.check()).findings).toEqual([])
      await store.close()
    }
  })

  test('can be made again while the store is open', async () => {
    const drivers = await filled()
    const store = await openStore(drivers, options)
    const rebuilding = store.rebuildIndex()
    await expect(store.commit({ sectors: [makeSector(50)] })).rejects.toMatchObject({
      code: 'ERR_STORE_BUSY'
    })
    expect((await rebuilding).rebuilt).toBeDefined()
    expect(readable(store)).toBe(count * 3)
    await store.commit({ sectors: [makeSector(50)] })
    await store.close()
  })

  test('frames hidden inside a payload are not taken for frames behind damage', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit({ local: [{ key: text('k'), value: text('true') }] })
    const segment = drivers.files.contentOf('segments/00000001.seg') ?? new Uint8Array()
    // An attacker knows the format, not the salt: a frame of a store with another salt.
    const forged = await foreignFrame()
    await store.commit({ sectors: [{ ...makeSector(1), bytes: forged }], records: [makeRecord(1)] })
    await store.commit({ records: [makeRecord(2)] })
    await store.close()
    drivers.processes.nextProcess()
    drivers.files.flipBit('segments/00000001.seg', segment.length + 64 + 9, 1)
    drivers.index.remove()
    const again = await openStore(drivers, options)
    expect(again.recovery.findings.length).toBeGreaterThan(0)
    expect(again.local.get(text('k'))).toEqual(text('true'))
    expect(again.hasRecord(makeRecord(2).id)).toBe(true)
    await again.close()
  })
})

async function foreignFrame(): Promise<Uint8Array> {
  const drivers = { ...memoryDrivers(), random: (length: number) => sequence(length, 99) }
  const store = await createStore(drivers)
  await store.commit({ local: [{ key: text('k'), value: text('false') }] })
  return drivers.files.contentOf('segments/00000001.seg')?.subarray(80) ?? new Uint8Array()
}
