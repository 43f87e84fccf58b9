import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createNativeProvider } from '@blocktree/crypto/native'
import { exportRecords, importRecords } from '../src/archive.ts'
import type { ArchiveItem } from '../src/archive.ts'
import { StoreError } from '../src/store-error.ts'
import { makeRecord, makeSector, sequence, text } from './memory-drivers.ts'

const crypto = createNativeProvider()
const key = sequence(32, 1)
const salt = sequence(32, 2)

async function written(items: readonly ArchiveItem[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of exportRecords(items, { crypto, key, salt })) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

async function read(archive: Uint8Array, step = 100_000, withKey = key): Promise<ArchiveItem[]> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (let offset = 0; offset < archive.length; offset += step)
      yield archive.subarray(offset, offset + step)
  }
  const items: ArchiveItem[] = []
  for await (const item of importRecords(stream(), { crypto, key: withKey })) items.push(item)
  return items
}

const items: readonly ArchiveItem[] = [
  { kind: 'note', bytes: text('what follows') },
  { kind: 'record', record: makeRecord(1) },
  { kind: 'record', record: makeRecord(2, 900) },
  { kind: 'record', record: { ...makeRecord(3), inline: new Uint8Array() } },
  { kind: 'sector', sector: makeSector(4, 400_000) },
  { kind: 'sector', sector: makeSector(5, 300_000) }
]

describe('exportRecords and importRecords', () => {
  test('everything comes back, however the stream is cut into pieces', async () => {
    const archive = await written(items)
    for (const step of [7777, 262_160, 5_000_000]) expect(await read(archive, step)).toEqual(items)
    expect(await read(await written([]))).toEqual([])
  })

  test('items that end exactly with a chunk need no empty one', async () => {
    const note: ArchiveItem = { kind: 'note', bytes: sequence(262_144 - 43, 1) }
    const archive = await written([note])
    expect(archive.length).toBe(48 + 262_144 + 16)
    expect(await read(archive)).toEqual([note])
  })

  test('any cut, at a chunk or within one, is refused', async () => {
    const archive = await written(items)
    const sealed = 262_144 + 16
    for (const length of [0, 20, 48, 60, 48 + sealed, 48 + sealed + 1, 48 + 2 * sealed, archive.length - 1]) {
      const refused = expect(read(archive.subarray(0, length)), String(length)).rejects
      await refused.toMatchObject({ code: expect.stringMatching(/^ERR_ARCHIVE_(TRUNCATED|DAMAGED)$/) })
    }
    await expect(read(archive.subarray(0, 48 + sealed))).rejects.toMatchObject({
      code: 'ERR_ARCHIVE_TRUNCATED'
    })
  })

  test('exchanged, repeated and appended chunks are refused', async () => {
    const archive = await written(items)
    const sealed = 262_144 + 16
    const head = archive.subarray(0, 48)
    const [first, second] = [
      archive.subarray(48, 48 + sealed),
      archive.subarray(48 + sealed, 48 + 2 * sealed)
    ]
    const rest = archive.subarray(48 + 2 * sealed)
    for (const parts of [
      [head, second, first, rest],
      [head, first, first, rest],
      [head, second, rest],
      [archive, rest],
      [archive, Uint8Array.of(0)]
    ]) {
      const changed = new Uint8Array(Buffer.concat(parts))
      await expect(read(changed)).rejects.toMatchObject({ code: 'ERR_ARCHIVE_DAMAGED' })
    }
  })

  test('one changed bit anywhere is refused with a code of its own', async () => {
    const archive = await written(items.slice(0, 4))
    await fc.assert(
      fc.asyncProperty(fc.nat(archive.length - 1), fc.nat(7), async (offset, bit) => {
        const changed = new Uint8Array(archive)
        changed[offset] = (changed[offset] ?? 0) ^ (1 << bit)
        await expect(read(changed)).rejects.toBeInstanceOf(StoreError)
      }),
      { numRuns: process.env['SLOW'] === '1' ? 5000 : 200 }
    )
  })

  test('another key, and a stream that is no archive, are refused', async () => {
    const archive = await written(items)
    await expect(read(archive, 1000, sequence(32, 9))).rejects.toMatchObject({ code: 'ERR_ARCHIVE_DAMAGED' })
    await expect(read(sequence(500, 3))).rejects.toMatchObject({ code: 'ERR_ARCHIVE_FORMAT' })
    const later = new Uint8Array(archive)
    later[7] = 2
    await expect(read(later)).rejects.toMatchObject({ code: 'ERR_ARCHIVE_FORMAT', message: /version 2/ })
  })

  test('a sector that does not have its hash is refused', async () => {
    const sector = { ...makeSector(1), reference: makeSector(2).reference }
    const archive = await written([{ kind: 'sector', sector }])
    await expect(read(archive)).rejects.toMatchObject({ code: 'ERR_ARCHIVE_DAMAGED' })
  })
})
