import { createPortableBlockKernel } from '@blocktree/crypto/block-kernel'
import { chooseBlockKernel, createBlockWorkers } from '@blocktree/crypto/native-block-kernel'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Block } from '../src/block.ts'
import { referenceKey } from '../src/block-reference.ts'
import { type BlockSize, chooseBlockSize } from '../src/block-size.ts'
import { blockCountOf, readWhole } from '../src/content.ts'
import { nullSecret, uniqueSecret } from '../src/convergence-secret.ts'
import { type EncoderOptions, createEncoder, encodeContent } from '../src/encoder.ts'
import { createMemoryStore } from '../src/memory-store.ts'
import { formatUrn } from '../src/read-capability.ts'
import { putBlocks } from '../src/store-port.ts'
import { keyStream } from './key-stream.ts'

const kernel = chooseBlockKernel()
const discard = async (): Promise<void> => {}
const options = (blockSize: BlockSize, more: Partial<EncoderOptions> = {}): EncoderOptions => ({
  kernel,
  blockSize,
  secret: nullSecret(),
  put: discard,
  ...more
})

describe('encodeContent', () => {
  test('gives empty content the URN that others give it', async () => {
    const { capability, blockCount } = await encodeContent(options(1024), [])
    expect(formatUrn(capability)).toBe(
      'urn:eris:BIADFUKDPYKJNLGCVSIIDI3FVKND7MO5AGOCXBK2C4ITT5MAL4LSCZF62B4PDOFQCLLNL7AXXSJFGINUYXVGVTDCQ2V7S7W5S234WFXCJ4'
    )
    expect(blockCount).toBe(1)
  })

  test('gives 1,024 bytes of key stream two leaves and a root', async () => {
    const encoded = await encodeContent(options(1024), keyStream('Hello World!', 1024))
    expect([encoded.capability.level, encoded.blockCount, encoded.contentBytes]).toEqual([1, 3, 1024])
  })

  const large = { name: '100MiB (block size 1KiB)', length: 104_857_600 }
  const largeUrn =
    'urn:eris:BIC6F5EKY2PMXS2VNOKPD3AJGKTQBD3EXSCSLZIENXAXBM7PCTH2TCMF5OKJWAN36N4DFO6JPFZBR3MS7ECOGDYDERIJJ4N5KAQSZS67YY'

  test('gives 100 MiB in blocks of 1 KiB the URN of the specification', async () => {
    const encoded = await encodeContent(options(1024), keyStream(large.name, large.length))
    expect(formatUrn(encoded.capability)).toBe(largeUrn)
    expect(encoded.capability.level).toBe(5)
    expect(encoded.blockCount).toBe(109_232)
    expect(blockCountOf(large.length, 1024)).toBe(109_232)
  })

  test('gives the same on worker threads', async () => {
    await using workers = createBlockWorkers(2)
    const encoded = await encodeContent(options(1024, { workers }), keyStream(large.name, large.length))
    expect(formatUrn(encoded.capability)).toBe(largeUrn)
    expect(encoded.blockCount).toBe(109_232)
  })

  test('puts equal blocks under one reference', async () => {
    const keys = new Set<string>()
    const put = async (blocks: readonly Block[]): Promise<void> => {
      for (const { reference } of blocks) keys.add(referenceKey(reference))
    }
    const { blockCount } = await encodeContent(options(1024, { put }), [new Uint8Array(4096)])
    expect([blockCount, keys.size]).toEqual([6, 3]) // four equal leaves are one, beside the padding and the root
  })

  test('gives content that is unique no block in common', async () => {
    const store = createMemoryStore()
    const put = (blocks: readonly Block[]): Promise<void> => putBlocks(store, blocks)
    let next = 1
    const random = { bytes: (length: number): Uint8Array => new Uint8Array(length).fill(next++) }
    for (let round = 0; round < 2; round++) {
      await encodeContent(options(1024, { put, secret: uniqueSecret(random) }), [new Uint8Array(10)])
    }
    expect(store.blockCount).toBe(2)
  })

  test('gives one URN however the content is cut, around every fullness of leaves and nodes', async () => {
    const oracle = createPortableBlockKernel()
    const lengths = fc.oneof(
      fc.nat(3000),
      fc.integer({ min: 16 * 1024 - 2, max: 16 * 1024 + 2 }),
      fc.integer({ min: 16 * 16 * 1024 - 1, max: 16 * 16 * 1024 + 1025 })
    )
    await fc.assert(
      fc.asyncProperty(
        lengths,
        fc.array(fc.integer({ min: 1, max: 5000 }), { maxLength: 8 }),
        async (length, cuts) => {
          const content = Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 9)) & 0xff)
          const pieces: Uint8Array[] = []
          let at = 0
          for (const cut of cuts) pieces.push(content.subarray(at, (at += cut)))
          pieces.push(content.subarray(at))
          const store = createMemoryStore()
          const put = (blocks: readonly Block[]): Promise<void> => putBlocks(store, blocks)
          const encoded = await encodeContent(options(1024, { put }), pieces)
          const expected = await encodeContent(options(1024, { kernel: oracle }), [content])
          expect(formatUrn(encoded.capability)).toBe(formatUrn(expected.capability))
          expect(encoded.blockCount).toBe(blockCountOf(length, 1024))
          const whole = await readWhole({ kernel, store }, encoded.capability, 1 << 20)
          expect(Buffer.compare(whole, content)).toBe(0)
        }
      ),
      { numRuns: process.env['SLOW'] === '1' ? 300 : 25 }
    )
  })
})

describe('createEncoder', () => {
  test('ends with what the store rejects with, and takes nothing more', async () => {
    const full = new Error('no room')
    const encoder = createEncoder(options(1024, { put: () => Promise.reject(full) }))
    const all = async (): Promise<void> => {
      for (let round = 0; round < 100; round++) await encoder.write(new Uint8Array(1 << 16))
    }
    await expect(all()).rejects.toBe(full)
    await expect(encoder.write(new Uint8Array(1))).rejects.toMatchObject({ code: 'ERR_ERIS_ENCODER_CLOSED' })
    await expect(encoder.finish()).rejects.toMatchObject({ code: 'ERR_ERIS_ENCODER_CLOSED' })
  })

  test('waits for a store that is slow instead of gathering blocks', async () => {
    let waiting = 0
    let most = 0
    const put = async (blocks: readonly Block[]): Promise<void> => {
      waiting += blocks.length
      most = Math.max(most, waiting)
      await new Promise((resolve) => setTimeout(resolve, 1))
      waiting -= blocks.length
    }
    await encodeContent(options(1024, { put }), keyStream('slow', 20 << 20))
    expect(most).toBeLessThanOrEqual(3 * 600)
  })

  test('does not keep the bytes it was given', async () => {
    const encoder = createEncoder(options(1024))
    const bytes = new Uint8Array(1024).fill(1)
    await encoder.write(bytes)
    bytes.fill(2)
    const other = createEncoder(options(1024))
    await other.write(new Uint8Array(1024).fill(1))
    expect(formatUrn((await encoder.finish()).capability)).toBe(formatUrn((await other.finish()).capability))
  })

  test('refuses a secret of another length, and a signal that was aborted', async () => {
    expect(() => createEncoder(options(1024, { secret: new Uint8Array(31) }))).toThrow(
      expect.objectContaining({ code: 'ERR_ERIS_ARGUMENT' })
    )
    const reason = new Error('enough')
    const encoder = createEncoder(options(1024, { signal: AbortSignal.abort(reason) }))
    await expect(encoder.write(new Uint8Array(1))).rejects.toBe(reason)
  })
})

test('chooseBlockSize takes small blocks below 16 KiB, large ones otherwise', () => {
  expect([0, 16_383, 16_384, undefined].map(chooseBlockSize)).toEqual([1024, 1024, 32_768, 32_768])
})
