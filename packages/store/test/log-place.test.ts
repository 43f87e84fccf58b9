/** Places in the log, for those who keep something about records and want to know what came since. */
import type { StoredRecord } from '@blocktree/tree'
import { expect, test } from 'vitest'
import type { DiskStore } from '../src/disk-store.ts'
import { createStore, openStore } from '../src/open-store.ts'
import { type MemoryDrivers, makeRecord, makeSector, memoryDrivers } from './memory-drivers.ts'

const options = { segmentBytes: 4000 }
const far = 1 << 30

async function namesAfter(
  store: DiskStore,
  place: Uint8Array,
  bytesMax = far
): Promise<string[] | undefined> {
  const later = store.recordsAfter?.(place, bytesMax)
  if (later === undefined) return undefined
  const names: string[] = []
  for await (const { id } of later) names.push(id.toHex())
  return names
}

async function write(store: DiskStore, from: number, to: number): Promise<readonly StoredRecord[]> {
  const records: StoredRecord[] = []
  for (let seed = from; seed < to; seed++) {
    const record = makeRecord(seed)
    records.push(record)
    await store.commit({ records: [record], sectors: [makeSector(seed, 300)] })
  }
  return records
}

async function killed(drivers: MemoryDrivers): Promise<DiskStore> {
  drivers.files.kill()
  drivers.processes.nextProcess()
  return openStore(drivers, options)
}

test('what came behind a place is told, over segments, and after a kill', async () => {
  const drivers = memoryDrivers()
  const store = await createStore(drivers, options)
  await write(store, 0, 20)
  const place = store.logEnd?.() ?? new Uint8Array()
  expect(await namesAfter(store, place)).toEqual([])
  const later = (await write(store, 20, 50)).map(({ id }) => id.toHex())
  expect(await namesAfter(store, place)).toEqual(later)
  const again = await killed(drivers)
  expect(await namesAfter(again, place)).toEqual(later)
  const [more] = await write(again, 50, 51)
  expect(await namesAfter(again, place)).toEqual([...later, more?.id.toHex()])
  await again.close()
})

test('records that a collection moved come once more: none is left out', async () => {
  const drivers = memoryDrivers()
  const store = await createStore(drivers, options)
  const before = await write(store, 0, 20)
  const place = store.logEnd?.() ?? new Uint8Array()
  const later = await write(store, 20, 40)
  await store.collect([], { minimumLive: 1 })
  const told = new Set(await namesAfter(store, place))
  for (const { id } of later) expect(told.has(id.toHex())).toBe(true)
  expect(told.size).toBeLessThanOrEqual(before.length + later.length)
  await store.close()
})

test('a place of another store, bytes that are none, and too much log behind it are answered with nothing', async () => {
  const store = await createStore(memoryDrivers(), options)
  const other = await createStore(memoryDrivers(), options)
  const place = store.logEnd?.() ?? new Uint8Array()
  await write(store, 0, 20)
  expect(await namesAfter(store, place, 1000)).toBeUndefined()
  expect(await namesAfter(store, new Uint8Array(3))).toBeUndefined()
  const foreign = place.slice()
  foreign[0] = (foreign[0] ?? 0) ^ 1
  expect(await namesAfter(store, foreign)).toBeUndefined()
  const ahead = place.slice()
  ahead[16] = 0xff
  expect(await namesAfter(store, ahead)).toBeUndefined()
  await store.close()
  await other.close()
})

test('a place from before the index was made again is answered with nothing: damage may have taken records away', async () => {
  const drivers = memoryDrivers()
  const store = await createStore(drivers, options)
  const [first] = await write(store, 0, 20)
  const place = store.logEnd?.() ?? new Uint8Array()
  await store.close()
  const id = first?.id ?? new Uint8Array()
  const path = 'segments/00000001.seg'
  const at = Buffer.from(drivers.files.contentOf(path) ?? []).indexOf(id)
  drivers.files.flipBit(path, at, 0)
  drivers.index.remove()
  const again = await openStore(drivers, options)
  expect(again.hasRecord(id)).toBe(false)
  expect(await namesAfter(again, place)).toBeUndefined()
  const now = again.logEnd?.() ?? new Uint8Array()
  const later = (await write(again, 20, 25)).map((record) => record.id.toHex())
  expect(await namesAfter(again, now)).toEqual(later)
  await again.close()
  // Also when the next process does not know of the damage any more.
  const third = await openStore(drivers, options)
  expect(await namesAfter(third, place)).toBeUndefined()
  expect(await namesAfter(third, now)).toEqual(later)
  await third.close()
})
