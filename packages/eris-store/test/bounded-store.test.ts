/** A store with a limit gives up what was not used for longest, and never more than it must. */
import { describe, expect, test } from 'vitest'
import type { Block, BlockStore } from '@blocktree/eris'
import { blockForTest, testBlockStore } from '@blocktree/eris/conformance'
import { createMemoryStore } from '@blocktree/eris/memory'
import {
  createBoundedStore,
  openBlockStore,
  openDirectoryStore,
  openSqliteStore
} from '@blocktree/eris-store'
import { makeScratch } from './scratch.ts'

testBlockStore('bounded store over memory', async () => ({
  store: createBoundedStore(createMemoryStore(), { bytesMax: 1 << 24 })
}))

const large = Array.from({ length: 48 }, (_, seed) => blockForTest(seed, 32_768))
const requestOf = ({ reference }: Block): { reference: Block['reference']; size: 32_768 } => ({
  reference,
  size: 32_768
})
const holds = (store: BlockStore, block: Block): Promise<boolean> => store.has(requestOf(block))
const bytesIn = async (store: BlockStore): Promise<number> => {
  let bytes = 0
  for await (const { size } of store.list()) bytes += size
  return bytes
}

describe('a store with a limit', () => {
  const bytesMax = 1 << 20 // 32 large blocks

  test('keeps what was used and gives up what was not used for longest', async () => {
    const store = createBoundedStore(createMemoryStore(), { bytesMax })
    for (const block of large.slice(0, 32)) await store.put(block)
    for (const block of large.slice(0, 8)) await store.get(requestOf(block))
    for (const block of large.slice(32)) await store.put(block)
    expect(await bytesIn(store)).toBeLessThanOrEqual(bytesMax)
    const held = await Promise.all(large.map((block) => holds(store, block)))
    expect(held.slice(0, 8)).not.toContain(false) // used
    expect(held.slice(8, 24)).not.toContain(true) // the oldest that were not
    expect(held.slice(26)).not.toContain(false)
  })

  test('counts a block that is stored again once, and as used', async () => {
    const store = createBoundedStore(createMemoryStore(), { bytesMax })
    const [first] = large
    if (first === undefined) throw new Error('a block')
    for (let time = 0; time < 100; time++) await store.put(first)
    for (const block of large.slice(1, 32)) await store.put(block)
    expect(await bytesIn(store)).toBe(bytesMax)
  })

  test('gives up what lay there before it was opened ahead of what was used since', async () => {
    const memory = createMemoryStore()
    for (const block of large.slice(0, 32)) await memory.put(block)
    const store = createBoundedStore(memory, { bytesMax })
    for (const block of large.slice(0, 16)) await store.get(requestOf(block))
    for (const block of large.slice(32, 46)) await store.put(block)
    const held = await Promise.all(large.slice(0, 16).map((block) => holds(store, block)))
    expect(held).not.toContain(false)
    expect(await bytesIn(store)).toBeLessThanOrEqual(bytesMax)
  })

  test('keeps an account of no more blocks than it is told', async () => {
    const store = createBoundedStore(createMemoryStore(), { bytesMax, usesMax: 4 })
    for (const block of large) await store.put(block)
    expect(await bytesIn(store)).toBeLessThanOrEqual(bytesMax)
    const held = await Promise.all(large.slice(-4).map((block) => holds(store, block)))
    expect(held).not.toContain(false)
  })

  test('makes room also when the disk is full before the limit', async () => {
    const store = createBoundedStore(createMemoryStore({ bytesMax: 1 << 19 }), { bytesMax })
    for (const block of large) await store.put(block)
    expect(await holds(store, large[47] ?? blockForTest(0))).toBe(true)
    expect(await bytesIn(store)).toBeLessThanOrEqual(1 << 19)
  })

  test('refuses a batch that never fits, and stays as it was', async () => {
    const store = createBoundedStore(createMemoryStore(), { bytesMax })
    await expect(store.putMany?.(large)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_FULL' })
    expect(await bytesIn(store)).toBe(0)
  })

  test('stays below it with many puts at once', async () => {
    const store = createBoundedStore(createMemoryStore(), { bytesMax })
    await Promise.all(large.map((block) => store.put(block)))
    expect(await bytesIn(store)).toBeLessThanOrEqual(bytesMax)
    expect(await bytesIn(store)).toBeGreaterThan(bytesMax / 2)
  })
})

describe('a cache with a limit in its URL', () => {
  test.each([
    ['sqlite:', openSqliteStore],
    ['dir+file:', openDirectoryStore]
  ] as const)('%s is evicted, over the end of the process too', async (scheme, open) => {
    using scratch = makeScratch()
    const path = scratch.path('cache')
    const memory = createMemoryStore()
    for (const block of large) await memory.put(block)
    for (const part of [large.slice(0, 30), large.slice(30)]) {
      const cache = await openBlockStore(`${scheme}${path}?cache&limit=1MiB memory:`)
      await cache.close() // opened and closed in one piece
      const store = createBoundedStore(await open(path), { bytesMax: 1 << 20 })
      for (const block of part) await store.put(block)
      await store.close()
    }
    const after = await open(path)
    expect(await bytesIn(after)).toBeLessThanOrEqual(1 << 20)
    expect(await holds(after, large[47] ?? blockForTest(0))).toBe(true)
    await after.close()
  })

  test('keeps what the other stores gave within it', async () => {
    using scratch = makeScratch()
    const source = scratch.path('source.sqlite')
    const path = scratch.path('cache.sqlite')
    const filled = await openSqliteStore(source)
    for (const block of large) await filled.put(block)
    await filled.close()
    const store = await openBlockStore(`sqlite:${path}?cache&limit=1MiB sqlite:${source}?get`)
    for (const block of large) expect(await store.get(requestOf(block))).toBeDefined()
    await store.close()
    const cache = await openSqliteStore(path)
    const bytes = await bytesIn(cache)
    expect(bytes).toBeLessThanOrEqual(1 << 20)
    expect(bytes).toBeGreaterThan(1 << 19)
    await cache.close()
  })
})
