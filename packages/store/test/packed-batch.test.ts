import { describe, expect, test } from 'vitest'
import type { IndexRow } from '@blocktree/tree'
import { createStore, openStore } from '../src/open-store.ts'
import type { DiskStore } from '../src/disk-store.ts'
import { packFrames } from '../src/packed-batch.ts'
import type { PackedFrames } from '../src/packed-batch.ts'
import { createFrameBuilder } from '../src/prepared-frames.ts'
import { makeRecord, makeSector, memoryDrivers, text } from './memory-drivers.ts'

const rows: readonly IndexRow[] = [
  { key: text('m-first'), value: text('1') },
  { key: text('k-second'), value: text('') }
]

function packed(store: DiskStore): PackedFrames {
  const builder = createFrameBuilder(store.frameSalt, new ArrayBuffer(4000))
  const { reference, bytes } = makeSector(1)
  builder.addSector(reference, bytes)
  builder.addRecord(makeRecord(2))
  builder.addRecord(makeRecord(3, 100))
  return packFrames(builder.finish(), rows)
}

async function verify(store: DiskStore): Promise<void> {
  const { reference, bytes } = makeSector(1)
  expect(store.readSector(reference)).toEqual(bytes)
  expect(store.hasSector(makeSector(9).reference)).toBe(false)
  expect(store.readRecord(makeRecord(2).id)).toEqual(makeRecord(2))
  expect(store.readRecord(makeRecord(3).id)).toEqual(makeRecord(3, 100))
  expect(store.hasRecord(makeRecord(4).id)).toBe(false)
  expect(store.index.get(text('m-first'))).toEqual(text('1'))
  expect(store.index.get(text('k-second'))).toEqual(text(''))
  expect(store.index.get(text('x-first'))).toBeUndefined()
  const found: string[] = []
  for await (const [key] of store.index.range({ from: text('a'), to: text('z') }))
    found.push(Buffer.from(key).toString())
  expect(found).toEqual(['count', 'k-second', 'm-first'])
  const ids: Uint8Array[] = []
  for await (const { id } of store.records()) ids.push(id)
  expect(ids).toEqual([makeRecord(2).id, makeRecord(3).id])
}

describe('appendPacked', () => {
  test('everything in it is there at once, when it is durable, and after a new start', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    const committed = store.appendPacked(packed(store), [{ key: text('count'), value: text('3') }])
    await verify(store)
    await committed
    await verify(store)
    expect(store.placeOf('record', makeRecord(3).id)).toBeDefined()
    await store.flush()
    await verify(store)
    await store.close()
    drivers.processes.nextProcess()
    const again = await openStore(drivers)
    await verify(again)
    expect((await again.check()).findings).toEqual([])
    await again.close()
  })

  test('a newer value of a row wins, also before the index has either', async () => {
    const store = await createStore(memoryDrivers())
    const first = store.appendPacked(packed(store))
    const second = store.commit({
      records: [makeRecord(5)],
      rows: [
        { key: text('m-first'), value: text('2') },
        { key: text('k-second'), value: undefined }
      ]
    })
    const look = (): void => {
      expect(store.index.get(text('m-first'))).toEqual(text('2'))
      expect(store.index.get(text('k-second'))).toBeUndefined()
    }
    look()
    await Promise.all([first, second])
    look()
    await store.flush()
    look()
    await store.close()
  })

  test('what the disk refuses is gone again', async () => {
    const drivers = memoryDrivers()
    const store = await createStore(drivers)
    await store.commit({ records: [makeRecord(5)] })
    drivers.files.capacity = 0
    await expect(store.appendPacked(packed(store))).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    expect(store.hasRecord(makeRecord(2).id)).toBe(false)
    expect(store.index.get(text('m-first'))).toBeUndefined()
    await store.close()
  })

  test('spans that do not cover the bytes are refused', async () => {
    const store = await createStore(memoryDrivers())
    const frames = packed(store)
    const short = { ...frames, bytes: frames.bytes.subarray(1) }
    await expect(store.appendPacked(short)).rejects.toMatchObject({ code: 'ERR_STORE_ARGUMENT' })
    await store.close()
  })
})
