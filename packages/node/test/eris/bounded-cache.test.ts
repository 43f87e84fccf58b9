import { blockForTest, testBlockStore } from '@blocktree/eris/conformance'
import { createMemoryStore } from '@blocktree/eris/memory'
import { expect, test } from 'vitest'
import { createBoundedCache } from '../../src/eris/bounded-cache.ts'

testBlockStore('bounded cache over memory', async () => ({ store: createBoundedCache(createMemoryStore()) }))

test('a full cache makes room for what comes', async () => {
  const memory = createMemoryStore({ bytesMax: 6 << 20 })
  const cache = createBoundedCache(memory)
  for (let seed = 0; seed < 300; seed++) await cache.put(blockForTest(seed, 32_768))
  const last = blockForTest(299, 32_768)
  expect(await cache.has({ reference: last.reference, size: 32_768 })).toBe(true)
  expect(memory.bytesHeld).toBeLessThanOrEqual(6 << 20)
})
