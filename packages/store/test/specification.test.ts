/** The vectors of pages 11 and 12 of the specification, read back. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createNativeProvider } from '@blocktree/crypto/native'
import { importRecords } from '../src/archive.ts'
import { openStore } from '../src/open-store.ts'
import { memoryDrivers } from './memory-drivers.ts'

interface Vector {
  readonly comment: string
  readonly [field: string]: unknown
}

function vectors(page: string, group: string): readonly Vector[] {
  const path = new URL(`../../../doc/spec/vectors/${page}.json`, import.meta.url)
  const { groups } = JSON.parse(readFileSync(path, 'utf8')) as { groups: Record<string, Vector[]> }
  return groups[group] ?? []
}

const bytesOf = (value: unknown): Uint8Array => new Uint8Array(Buffer.from(String(value), 'hex'))

async function itemsIn(vector: Vector): Promise<number> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield bytesOf(vector['archive'])
  }
  let items = 0
  const options = { crypto: createNativeProvider(), key: bytesOf(vector['key']) }
  for await (const _item of importRecords(stream(), options)) items++
  return items
}

describe('page 11', () => {
  test.each(vectors('segments', 'files'))('the files can be opened: $comment', async (vector) => {
    const drivers = memoryDrivers()
    drivers.files.makeDirectory('')
    drivers.files.makeDirectory('segments')
    drivers.files.replace('format', bytesOf(vector['format']))
    drivers.files.replace('segments/00000001.seg', bytesOf(vector['segment']))
    const store = await openStore(drivers)
    expect(store.recovery.findings).toEqual([])
    expect(store.recovery.truncatedBytes).toBe(0)
    expect((await store.check()).findings).toEqual([])
    await store.close()
  })
})

describe('page 11, damage', () => {
  const files = (vector: Vector, format: unknown = vector['format']): ReturnType<typeof memoryDrivers> => {
    const drivers = memoryDrivers()
    drivers.files.makeDirectory('')
    drivers.files.makeDirectory('segments')
    drivers.files.replace('format', bytesOf(format))
    drivers.files.replace('segments/00000001.seg', bytesOf(vector['segment']))
    return drivers
  }

  test.each(vectors('segments', 'damaged'))('a segment is recovered: $comment', async (vector) => {
    const drivers = files(vector)
    const size = bytesOf(vector['segment']).length
    const store = await openStore(drivers)
    expect(size - store.recovery.truncatedBytes).toBe(vector['truncatedTo'])
    expect(store.recovery.findings.map(({ offset }) => offset)).toEqual(vector['damage'])
    let records = 0
    for await (const _record of store.records()) records++
    expect(records).toBe((vector['kept'] as { records: number }).records)
    await store.close()
  })

  const [intact] = vectors('segments', 'files')
  test.each(vectors('segments', 'refuseFormats'))('a format file: $comment', async (vector) => {
    if (intact === undefined) throw new Error('no files')
    const opened = openStore(files(intact, vector['format']))
    if (vector['error'] === 'ERR_STORE_VERSION') {
      await expect(opened).rejects.toMatchObject({ code: 'ERR_STORE_VERSION' })
      return
    }
    const store = await opened
    expect(store.recovery.findings.map(({ file }) => file)).toContain('format')
    await store.close()
  })
})

describe('page 12', () => {
  test.each(vectors('archive', 'accept'))('an archive is read: $comment', async (vector) => {
    expect(await itemsIn(vector)).toBe(vector['items'])
  })

  test.each(vectors('archive', 'refuse'))('an archive is refused: $comment', async (vector) => {
    await expect(itemsIn(vector)).rejects.toMatchObject({ code: vector['error'] })
  })
})
