/** The suite that judges every driver of the store port (needs vitest). */
import { createPortableBlockKernel } from '@blocktree/crypto/block-kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Block, nameBlock } from './block.ts'
import { formatReference } from './block-reference.ts'
import { type BlockSize, isBlockSize, largeBlock, smallBlock } from './block-size.ts'
import {
  type BlockRequest,
  type BlockStore,
  type StorePermissions,
  getBlocks,
  putBlocks
} from './store-port.ts'

export interface StoreUnderTest {
  readonly store: BlockStore
  /**
   * The same blocks through a store with fewer permissions, for drivers that can be opened twice; absent when this one
   * cannot. It is closed by the suite.
   */
  readonly openWith?: (permissions: Partial<StorePermissions>) => Promise<BlockStore>
  /** The store closed and opened again with what it held; absent when it forgets. Closed by the suite. */
  readonly reopen?: () => Promise<BlockStore>
  /** Closes what stands around the store (servers, directories), after the store. */
  readonly cleanUp?: () => Promise<void>
}

const kernel = createPortableBlockKernel()

/** A block of bytes that differ with the seed; any bytes will do for a store. */
export function blockForTest(seed: number, size: BlockSize = smallBlock): Block {
  const bytes = new Uint8Array(size)
  let state = (seed * 2_654_435_761 + 1) >>> 0
  for (let index = 0; index < size; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    bytes[index] = state >>> 24
  }
  return nameBlock(kernel, bytes)
}

function requestFor({ reference, bytes }: Block): BlockRequest {
  if (!isBlockSize(bytes.length)) throw new Error(`a block of ${bytes.length} bytes`)
  return { reference, size: bytes.length }
}

/** @param create a fresh, empty store with all the permissions that the driver can give */
export function testBlockStore(title: string, create: () => Promise<StoreUnderTest>): void {
  describe(`block store: ${title}`, () => {
    let held: StoreUnderTest
    let store: BlockStore
    beforeEach(async () => {
      held = await create()
      store = held.store
    })
    afterEach(async () => {
      await store.close()
      await held.cleanUp?.()
    })

    const expectHeld = async (from: BlockStore, block: Block): Promise<void> => {
      const bytes = await from.get(requestFor(block))
      expect(bytes === undefined ? undefined : Uint8Array.from(bytes)).toEqual(block.bytes)
    }
    const listed = async (from: BlockStore): Promise<string[]> => {
      const lines: string[] = []
      for await (const { reference, size } of from.list()) lines.push(`${formatReference(reference)} ${size}`)
      return lines.sort()
    }
    const lineOf = (block: Block): string => `${formatReference(block.reference)} ${block.bytes.length}`

    test('gives back what was put, in both sizes', async () => {
      const blocks = [blockForTest(1), blockForTest(2, largeBlock)]
      for (const block of blocks) await store.put(block)
      for (const block of blocks) await expectHeld(store, block)
      for (const block of blocks) expect(await store.has(requestFor(block))).toBe(true)
    })

    test('knows nothing of a block that was not put', async () => {
      await store.put(blockForTest(1))
      expect(await store.get(requestFor(blockForTest(2)))).toBeUndefined()
      expect(await store.has(requestFor(blockForTest(2)))).toBe(false)
    })

    test('has no block of another size than the one that was put', async () => {
      const { reference } = blockForTest(1)
      await store.put(blockForTest(1))
      expect(await store.get({ reference, size: largeBlock })).toBeUndefined()
      expect(await store.has({ reference, size: largeBlock })).toBe(false)
    })

    test('takes a block twice and keeps it once', async () => {
      const block = blockForTest(1)
      await store.put(block)
      await store.put(block)
      await expectHeld(store, block)
      if (store.permissions.list) expect(await listed(store)).toEqual([lineOf(block)])
    })

    test('puts and gets many at once, in the order that was asked', async () => {
      const blocks = Array.from({ length: 150 }, (_, index) =>
        blockForTest(index, index % 50 === 0 ? largeBlock : smallBlock)
      )
      await putBlocks(store, blocks)
      const requests = [...blocks.toReversed(), blockForTest(9999)].map(requestFor)
      const answers = await getBlocks(store, requests)
      expect(answers.length).toBe(151)
      expect(answers.at(-1)).toBeUndefined()
      for (const [index, block] of blocks.toReversed().entries()) {
        expect(Buffer.compare(answers[index] ?? new Uint8Array(0), block.bytes)).toBe(0)
      }
    })

    test('does nothing for an empty batch', async () => {
      await putBlocks(store, [])
      expect(await getBlocks(store, [])).toEqual([])
    })

    test('serves many callers at the same time', async () => {
      const blocks = Array.from({ length: 60 }, (_, index) => blockForTest(index))
      await Promise.all(blocks.map((block) => store.put(block)))
      await Promise.all(blocks.map((block) => expectHeld(store, block)))
    })

    test('lists what it holds, once each, or says that it does not list', async () => {
      const blocks = [blockForTest(1), blockForTest(2, largeBlock), blockForTest(3)]
      await putBlocks(store, blocks)
      if (store.permissions.list) expect(await listed(store)).toEqual(blocks.map(lineOf).sort())
      else await expect(listed(store)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_DENIED' })
    })

    test('drops a block, or says that it does not drop', async () => {
      const [block, other] = [blockForTest(1), blockForTest(2)]
      await putBlocks(store, [block, other])
      if (!store.permissions.drop) {
        await expect(store.drop(requestFor(block))).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_DENIED' })
        return expectHeld(store, block)
      }
      expect(await store.drop({ ...requestFor(block), size: largeBlock })).toBe(false)
      expect(await store.drop(requestFor(block))).toBe(true)
      expect(await store.drop(requestFor(block))).toBe(false)
      expect(await store.get(requestFor(block))).toBeUndefined()
      await expectHeld(store, other)
    })

    test('rejects with the reason when its signal was aborted', async () => {
      const reason = new Error('the caller has left')
      const options = { signal: AbortSignal.abort(reason) }
      const block = blockForTest(1)
      await expect(store.put(block, options)).rejects.toBe(reason)
      await expect(store.get(requestFor(block), options)).rejects.toBe(reason)
      await expect(store.has(requestFor(block), options)).rejects.toBe(reason)
      await expect(putBlocks(store, [block], options)).rejects.toBe(reason)
      await expect(getBlocks(store, [requestFor(block)], options)).rejects.toBe(reason)
      expect(await store.get(requestFor(block))).toBeUndefined()
    })

    test('refuses everything after it was closed, which may happen twice', async () => {
      const block = blockForTest(1)
      await store.put(block)
      await store.close()
      await store.close()
      const closed = { code: 'ERR_ERIS_STORE_CLOSED' }
      await expect(store.get(requestFor(block))).rejects.toMatchObject(closed)
      await expect(store.put(block)).rejects.toMatchObject(closed)
      await expect(store.has(requestFor(block))).rejects.toMatchObject(closed)
      await expect(getBlocks(store, [requestFor(block)])).rejects.toMatchObject(closed)
    })

    test('keeps what it held when it is opened again, if it is of that kind', async () => {
      if (held.reopen === undefined) return
      const blocks = [blockForTest(1), blockForTest(2, largeBlock)]
      await putBlocks(store, blocks)
      await store.close()
      await using again = await held.reopen()
      for (const block of blocks) await expectHeld(again, block)
    })

    test('refuses what its permissions do not allow, and changes nothing then', async () => {
      if (held.openWith === undefined) return
      const block = blockForTest(1)
      await store.put(block)
      const denied = { code: 'ERR_ERIS_STORE_DENIED' }
      await using reading = await held.openWith({ get: true, put: false, drop: false, list: false })
      await expectHeld(reading, block)
      await expect(reading.put(blockForTest(2))).rejects.toMatchObject(denied)
      await expect(putBlocks(reading, [blockForTest(2)])).rejects.toMatchObject(denied)
      await expect(reading.drop(requestFor(block))).rejects.toMatchObject(denied)
      await expect(listed(reading)).rejects.toMatchObject(denied)
      expect(await reading.get(requestFor(blockForTest(2)))).toBeUndefined()
      await using writing = await held.openWith({ get: false, put: true })
      await expect(writing.get(requestFor(block))).rejects.toMatchObject(denied)
      await expect(writing.has(requestFor(block))).rejects.toMatchObject(denied)
      await expect(getBlocks(writing, [requestFor(block)])).rejects.toMatchObject(denied)
    })
  })
}
