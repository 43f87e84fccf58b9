import { describe, expect, test } from 'vitest'
import { blockForTest, testBlockStore } from '../src/conformance.ts'
import { createMemoryStore } from '../src/memory-store.ts'

testBlockStore('memory', async () => ({ store: createMemoryStore() }))

describe('createMemoryStore', () => {
  test('refuses a block that would go beyond its limit, and keeps those it has', async () => {
    const store = createMemoryStore({ bytesMax: 2048 })
    await store.put(blockForTest(1))
    await store.put(blockForTest(2))
    await expect(store.put(blockForTest(3))).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_FULL' })
    await store.put(blockForTest(1))
    expect([store.bytesHeld, store.blockCount]).toEqual([2048, 2])
  })

  test('does only what its permissions allow', async () => {
    const store = createMemoryStore({ permissions: { put: false } })
    await expect(store.put(blockForTest(1))).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_DENIED' })
    expect(store.blockCount).toBe(0)
  })
})
