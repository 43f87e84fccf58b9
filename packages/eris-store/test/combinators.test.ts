import { type Block, type BlockStore, ErisError, type BlockRequest } from '@blocktree/eris'
import { blockForTest } from '@blocktree/eris/conformance'
import { createMemoryStore } from '@blocktree/eris/memory'
import { describe, expect, test } from 'vitest'
import { createFallbackStore, createRestrictedStore, createVerifiedStore } from '@blocktree/eris-store'
import { createRecentStore } from '../src/recent-store.ts'

function requestFor({ reference, bytes }: Block): BlockRequest {
  return { reference, size: bytes.length === 1024 ? 1024 : 32_768 }
}

/** Answers every request with something of its own. */
function createLiar(answer: (request: BlockRequest) => Promise<Uint8Array | undefined>): BlockStore {
  const inner = createMemoryStore()
  return {
    name: 'a liar',
    permissions: inner.permissions,
    get: (request) => answer(request),
    put: async () => {
      throw new ErisError('ERR_ERIS_STORE_FULL', 'no room')
    },
    has: async () => true,
    drop: (request) => inner.drop(request),
    list: () => inner.list(),
    close: () => inner.close(),
    [Symbol.asyncDispose]: () => inner.close()
  }
}

const block = blockForTest(1)
const other = blockForTest(2)
const liars: [string, (request: BlockRequest) => Promise<Uint8Array | undefined>][] = [
  ['gives another block', async () => other.bytes],
  ['gives a block of the other size', async () => blockForTest(3, 32_768).bytes],
  ['gives too few bytes', async () => block.bytes.subarray(0, 1000)],
  ['gives nothing at all', async () => new Uint8Array(0)],
  ['cannot be reached', async () => Promise.reject(new ErisError('ERR_ERIS_STORE_UNAVAILABLE', 'away'))],
  ['fails in an unknown way', async () => Promise.reject(new Error('who knows'))]
]

describe('a fallback store', () => {
  test.each(liars)('asks the next one when the first one %s, and reports it', async (_, answer) => {
    const good = createMemoryStore()
    await good.put(block)
    const failures: string[] = []
    const store = createFallbackStore([{ store: createLiar(answer) }, { store: good }], {
      onFailure: (failed) => void failures.push(failed.name)
    })
    expect(await store.get(requestFor(block))).toEqual(block.bytes)
    expect(failures).toEqual(['a liar'])
  })

  test('rejects when the only one that answers lies', async () => {
    const store = createVerifiedStore(createLiar(async () => other.bytes))
    await expect(store.get(requestFor(block))).rejects.toMatchObject({ code: 'ERR_ERIS_BLOCK_CORRUPT' })
  })

  test('knows nothing when nobody does, and says so when somebody could not be asked', async () => {
    const empty = createFallbackStore([{ store: createMemoryStore() }, { store: createMemoryStore() }])
    expect(await empty.get(requestFor(block))).toBeUndefined()
    const away = createLiar(async () => Promise.reject(new ErisError('ERR_ERIS_STORE_UNAVAILABLE', 'away')))
    const store = createFallbackStore([{ store: away }, { store: createMemoryStore() }])
    await expect(store.get(requestFor(block))).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_UNAVAILABLE' })
  })

  test('keeps in a cache what it found elsewhere, and nothing that is wrong', async () => {
    const cache = createMemoryStore()
    const far = createMemoryStore()
    await far.put(block)
    const lies = createLiar(async ({ reference }) =>
      reference === other.reference ? block.bytes : undefined
    )
    const store = createFallbackStore([{ store: cache, isCache: true }, { store: lies }, { store: far }])
    expect(await store.get(requestFor(block))).toEqual(block.bytes)
    await expect(store.get(requestFor(other))).rejects.toMatchObject({ code: 'ERR_ERIS_BLOCK_CORRUPT' })
    expect(await cache.get(requestFor(block))).toEqual(block.bytes)
    expect(cache.blockCount).toBe(1)
    await far.close()
    expect(await store.get(requestFor(block))).toEqual(block.bytes)
  })

  test('stores when the first one does, whatever the others do', async () => {
    const first = createMemoryStore()
    const failures: string[] = []
    const full = createLiar(async () => undefined)
    const store = createFallbackStore([{ store: first }, { store: full }], {
      onFailure: (failed) => void failures.push(failed.name)
    })
    await store.put(block)
    expect(first.blockCount).toBe(1)
    await expect.poll(() => failures).toEqual(['a liar'])
  })

  test('does not store when the first one does not', async () => {
    const store = createFallbackStore([
      { store: createLiar(async () => undefined) },
      { store: createMemoryStore() }
    ])
    await expect(store.put(block)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_FULL' })
    await expect(store.get(requestFor(block))).resolves.toBeUndefined()
  })

  test('copies what it hands on after the caller has got the bytes back', async () => {
    const [first, second] = [createMemoryStore(), createMemoryStore()]
    const recent = createRecentStore({ bytesMax: 100_000 })
    const store = createFallbackStore([{ store: recent, isCache: true }, { store: first }, { store: second }])
    const mine = blockForTest(7)
    const request = requestFor(mine)
    const before = mine.bytes.slice()
    await store.put(mine)
    mine.bytes.fill(0)
    for (const one of [recent, first, second])
      await expect.poll(async () => Uint8Array.from((await one.get(request)) ?? [])).toEqual(before)
  })

  test('does not put where it may not', async () => {
    const readOnly = createMemoryStore({ permissions: { put: false } })
    const target = createMemoryStore()
    const store = createFallbackStore([{ store: readOnly }, { store: target }])
    await store.put(block)
    expect(target.blockCount).toBe(1)
  })
})

describe('a restricted store', () => {
  test('never allows more than the store behind it', async () => {
    const inner = createMemoryStore({ permissions: { put: false } })
    const store = createRestrictedStore(inner, {
      permissions: { get: true, put: true, drop: true, list: true }
    })
    expect(store.permissions.put).toBe(false)
    await expect(store.put(block)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_DENIED' })
  })

  test('leaves the store behind it open unless it owns it', async () => {
    const inner = createMemoryStore()
    await createRestrictedStore(inner, { permissions: inner.permissions }).close()
    await inner.put(block)
    await createRestrictedStore(inner, { permissions: inner.permissions, isOwner: true }).close()
    await expect(inner.put(block)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_CLOSED' })
  })
})

describe('recent blocks', () => {
  test('make room for newer ones; what was used last stays', async () => {
    const store = createRecentStore({ bytesMax: 4 * 1024 })
    const blocks = [1, 2, 3, 4].map((seed) => blockForTest(seed))
    const [first, second] = blocks
    if (first === undefined || second === undefined) throw new Error('no blocks')
    for (const one of blocks.slice(0, 3)) await store.put(one)
    await store.get(requestFor(first))
    for (const one of blocks.slice(3)) await store.put(one)
    expect(await Promise.all(blocks.map((one) => store.has(requestFor(one))))).toEqual([
      true,
      false,
      true,
      true
    ])
  })

  test('do not hold a large one when the limit is smaller', async () => {
    const store = createRecentStore({ bytesMax: 1024 })
    const large = blockForTest(1, 32_768)
    await store.put(large)
    expect(await store.has(requestFor(large))).toBe(false)
  })
})
