import { afterEach, describe, expect, test } from 'vitest'
import { type BlockBatch, type BlockWorkers, pairBytes } from '../src/index.ts'
import { createBlockWorkers } from '../src/native-blocks.ts'
import { createPortableBlockKernel } from '../src/portable-blocks.ts'

const secret = new Uint8Array(32).fill(5)
const batchOf = (seed: number, count: number): BlockBatch => ({
  blocks: new Uint8Array(count * 1024).fill(seed),
  blockBytes: 1024,
  level: 0,
  pairs: new Uint8Array(count * pairBytes)
})

describe('createBlockWorkers', () => {
  let workers: BlockWorkers
  afterEach(() => workers.close())

  test('seals and opens many batches at a time, each answer for its question', async () => {
    workers = createBlockWorkers(2)
    const sealed = await Promise.all(
      Array.from({ length: 9 }, (_, index) => workers.seal(batchOf(index, index + 1), secret))
    )
    const expected = batchOf(8, 9)
    createPortableBlockKernel().seal(expected, secret)
    expect(sealed[8]).toEqual(expected)
    const opened = await Promise.all(sealed.map((batch) => workers.open(batch)))
    expect(opened.map(({ good }) => good)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(opened[8]?.batch.blocks).toEqual(batchOf(8, 9).blocks)
  })

  test('tells the first bad block, and what is wrong with an argument', async () => {
    workers = createBlockWorkers(1)
    const sealed = await workers.seal(batchOf(1, 4), secret)
    sealed.blocks[3000] = 1 ^ (sealed.blocks[3000] ?? 0)
    expect((await workers.open(sealed)).good).toBe(2)
    await expect(workers.seal(batchOf(1, 1), secret.subarray(1))).rejects.toMatchObject({
      code: 'ERR_CRYPTO_ARGUMENT'
    })
  })

  test('rejects what is under way when it is closed, and everything after', async () => {
    workers = createBlockWorkers(1)
    const failed = expect(workers.seal(batchOf(1, 1000), secret)).rejects.toMatchObject({
      code: 'ERR_CRYPTO_WORKER'
    })
    await workers.close()
    await failed
    await expect(workers.open(batchOf(1, 1))).rejects.toMatchObject({ code: 'ERR_CRYPTO_WORKER' })
  })
})
