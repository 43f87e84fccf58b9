import { chooseBlockKernel, createBlockWorkers } from '@blocktree/crypto/native-block-kernel'
import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Block, makeBlock } from '../src/block.ts'
import { toReference } from '../src/block-reference.ts'
import type { BlockSize } from '../src/block-size.ts'
import { blocksOf, contentLength, readContent, readWhole, verifyContent } from '../src/content.ts'
import { nullSecret } from '../src/convergence-secret.ts'
import { encodeContent } from '../src/encoder.ts'
import { ErisError } from '../src/eris-error.ts'
import { type MemoryStore, createMemoryStore } from '../src/memory-store.ts'
import type { ReadCapability } from '../src/read-capability.ts'
import { type BlockRequest, putBlocks } from '../src/store-port.ts'
import { keyStream } from './key-stream.ts'

const kernel = chooseBlockKernel()
const store: MemoryStore = createMemoryStore()

async function keep(content: Iterable<Uint8Array>, blockSize: BlockSize): Promise<ReadCapability> {
  const put = (blocks: readonly Block[]): Promise<void> => putBlocks(store, blocks)
  return (await encodeContent({ kernel, blockSize, secret: nullSecret(), put }, content)).capability
}

const content = Buffer.concat([...keyStream('content', 300_000)])
let small: ReadCapability
let large: ReadCapability
beforeAll(async () => {
  small = await keep([content], 1024)
  large = await keep([content], 32_768)
})

/** A store that answers with what `change` makes of a good answer. */
function lying(
  change: (bytes: Uint8Array | undefined, request: BlockRequest, call: number) => Uint8Array | undefined
): { name: string; get: (request: BlockRequest) => Promise<Uint8Array | undefined> } {
  let call = 0
  return { name: 'liar', get: async (request) => change(await store.get(request), request, call++) }
}

const whole = (from: Parameters<typeof readWhole>[0]['store'], capability = small): Promise<Uint8Array> =>
  readWhole({ kernel, store: from }, capability, 1 << 20)

describe('readContent', () => {
  test('gives any range, in both block sizes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(310_000), fc.nat(310_000), fc.boolean(), async (one, two, isSmall) => {
        const [start, end] = one < two ? [one, two] : [two, one]
        const got = await readWhole({ kernel, store }, isSmall ? small : large, 1 << 20, { start, end })
        expect(Buffer.compare(got, content.subarray(start, end))).toBe(0)
      }),
      { numRuns: 60 }
    )
  })

  test('fetches only the blocks on the way to a range', async () => {
    const asked: number[] = []
    const counting = lying((bytes, _request, call) => {
      asked.push(call)
      return bytes
    })
    const got = await readWhole({ kernel, store: counting }, small, 1 << 20, { start: 150_000, end: 150_010 })
    expect(got).toEqual(Uint8Array.from(content.subarray(150_000, 150_010)))
    expect(asked.length).toBe(small.level + 1)
  })

  test('gives nothing behind the end, however far', async () => {
    for (const start of [300_000, 310_000, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      expect((await readWhole({ kernel, store }, small, 100, { start })).length).toBe(0)
      expect((await readWhole({ kernel, store }, await keep([], 1024), 100, { start })).length).toBe(0)
    }
  })

  test('refuses ranges that are none', async () => {
    for (const range of [{ start: -1 }, { start: 0.5 }, { start: 5, end: 4 }, { end: Number.NaN }]) {
      await expect(readWhole({ kernel, store }, small, 100, range)).rejects.toMatchObject({
        code: 'ERR_ERIS_ARGUMENT'
      })
    }
  })

  test('gives the same on worker threads, and the same error', async () => {
    await using workers = createBlockWorkers(2)
    const capability = await keep(keyStream('threads', 12 << 20), 32_768)
    const expected = await readWhole({ kernel, store }, capability, 1 << 24)
    const got = await readWhole({ kernel, workers, store }, capability, 1 << 24)
    expect(Buffer.compare(got, expected)).toBe(0)
    const corrupt = lying((bytes, _request, call) => (call === 300 ? bytes?.with(5, 1) : bytes))
    await expect(readWhole({ kernel, workers, store: corrupt }, capability, 1 << 24)).rejects.toMatchObject({
      code: 'ERR_ERIS_BLOCK_CORRUPT'
    })
  })

  test('stops fetching when the reader leaves', async () => {
    const capability = await keep(keyStream('left', 8 << 20), 1024)
    let calls = 0
    const counting = lying((bytes) => {
      calls++
      return bytes
    })
    for await (const bytes of readContent({ kernel, store: counting }, capability)) {
      expect(bytes.length).toBeGreaterThan(0)
      break
    }
    const seen = calls
    expect(seen).toBeLessThan(6000)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(calls - seen).toBeLessThan(600)
  })

  test('rejects with the reason of its signal', async () => {
    const reason = new Error('enough')
    const signal = AbortSignal.abort(reason)
    await expect(readWhole({ kernel, store, signal }, small, 1 << 20)).rejects.toBe(reason)
  })

  test('gives no more than the caller wants to hold', async () => {
    await expect(readWhole({ kernel, store }, small, 299_999)).rejects.toMatchObject({
      code: 'ERR_ERIS_ARGUMENT'
    })
    expect((await readWhole({ kernel, store }, small, 300_000)).length).toBe(300_000)
  })
})

describe('a store that lies', () => {
  test.for([
    ['an absent block', 'ERR_ERIS_BLOCK_MISSING', () => undefined],
    ['an empty block', 'ERR_ERIS_BLOCK_SIZE', () => new Uint8Array(0)],
    ['a block cut short', 'ERR_ERIS_BLOCK_SIZE', (bytes: Uint8Array) => bytes.subarray(1)],
    [
      'a block with bytes behind it',
      'ERR_ERIS_BLOCK_SIZE',
      (bytes: Uint8Array) => Buffer.concat([bytes, bytes])
    ],
    [
      'a changed bit',
      'ERR_ERIS_BLOCK_CORRUPT',
      (bytes: Uint8Array) => bytes.with(1023, (bytes[1023] ?? 0) ^ 1)
    ],
    ['zeros', 'ERR_ERIS_BLOCK_CORRUPT', () => new Uint8Array(1024)]
  ] as const)('about any block, with %s, is found out', async ([, code, change]) => {
    for (const bad of [0, 1, 2, 20, 100, 250, 312]) {
      const liar = lying((bytes, _request, call) =>
        call === bad && bytes !== undefined ? change(bytes) : bytes
      )
      await expect(whole(liar)).rejects.toMatchObject({ code })
    }
  })

  test('by swapping two blocks is found out', async () => {
    const requests: BlockRequest[] = []
    for await (const request of blocksOf({ kernel, store }, small)) requests.push(request)
    const [one, two] = [requests[50], requests[51]]
    if (one === undefined || two === undefined) throw new Error('too few blocks')
    const swapped = { name: 'swapped', get: (request: BlockRequest) => store.get(request) }
    const held = [await store.get(one), await store.get(two)]
    swapped.get = async (request): Promise<Uint8Array | undefined> =>
      Buffer.compare(request.reference, one.reference) === 0
        ? held[1]
        : Buffer.compare(request.reference, two.reference) === 0
          ? held[0]
          : store.get(request)
    await expect(whole(swapped)).rejects.toMatchObject({ code: 'ERR_ERIS_BLOCK_CORRUPT' })
  })

  test('by giving too few answers to many questions is found out', async () => {
    const few = { name: 'few', get: (request: BlockRequest) => store.get(request), getMany: async () => [] }
    await expect(whole(few)).rejects.toMatchObject({ code: 'ERR_ERIS_BLOCK_MISSING' })
  })

  test('that fails is passed on', async () => {
    const down = new ErisError('ERR_ERIS_STORE_UNAVAILABLE', 'down')
    await expect(whole({ name: 'down', get: () => Promise.reject(down) })).rejects.toBe(down)
  })

  test('never makes anything come out but the content or an error of ours', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(320),
        fc.nat(1023),
        fc.integer({ min: 1, max: 255 }),
        async (bad, index, mask) => {
          const liar = lying((bytes, _request, call) =>
            call === bad ? bytes?.with(index, (bytes[index] ?? 0) ^ mask) : bytes
          )
          try {
            expect(Buffer.compare(await whole(liar), content)).toBe(0)
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_ERIS_BLOCK_CORRUPT' })
          }
        }
      ),
      { numRuns: 40 }
    )
  })
})

/** Seals a node of any bytes, as nobody honest would. */
async function sealNode(bytes: Uint8Array, level: number): Promise<{ pair: Uint8Array; bytes: Uint8Array }> {
  const blocks = Uint8Array.from(bytes)
  const pairs = new Uint8Array(64)
  kernel.seal({ blocks, blockBytes: 1024, level, pairs }, level === 0 ? nullSecret() : undefined)
  await store.put(makeBlock(toReference(pairs.slice(0, 32)), blocks))
  return { pair: pairs, bytes: blocks }
}

const capabilityOf = (pair: Uint8Array, level: number): ReadCapability => ({
  blockSize: 1024,
  level,
  rootReference: toReference(pair.slice(0, 32)),
  rootKey: pair.slice(32)
})

async function nodeOf(pairs: readonly Uint8Array[], level: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(1024)
  for (const [index, pair] of pairs.entries()) bytes.set(pair, index * 64)
  return (await sealNode(bytes, level)).pair
}

describe('a tree made by an enemy', () => {
  const invalid = { code: 'ERR_ERIS_NODE_INVALID' }
  const leafOf = async (last: boolean): Promise<Uint8Array> => {
    const bytes = new Uint8Array(1024).fill(7)
    if (last) bytes[1023] = 0x80
    return (await sealNode(bytes, 0)).pair
  }

  test('is refused when its root holds nothing or one reference', async () => {
    const last = await leafOf(true)
    await expect(whole(store, capabilityOf(await nodeOf([], 1), 1))).rejects.toMatchObject(invalid)
    await expect(whole(store, capabilityOf(await nodeOf([last], 1), 1))).rejects.toMatchObject(invalid)
    expect((await whole(store, capabilityOf(await nodeOf([await leafOf(false), last], 1), 1))).length).toBe(
      2047
    )
  })

  test('is refused when a node that is not the last is short, and when the last is empty', async () => {
    const [leaf, last] = [await leafOf(false), await leafOf(true)]
    const full = await nodeOf(
      Array.from({ length: 16 }, () => leaf),
      1
    )
    const short = await nodeOf(
      Array.from({ length: 15 }, () => leaf),
      1
    )
    const end = await nodeOf([last], 1)
    const good = capabilityOf(await nodeOf([full, end], 2), 2)
    expect((await whole(store, good)).length).toBe(17 * 1024 - 1)
    for (const children of [
      [short, end],
      [full, await nodeOf([], 1)],
      [end, end]
    ]) {
      const capability = capabilityOf(await nodeOf(children, 2), 2)
      await expect(whole(store, capability)).rejects.toMatchObject(invalid)
    }
  })

  test('is refused when a level stands where another belongs', async () => {
    const end = await nodeOf([await leafOf(false), await leafOf(true)], 1)
    await expect(whole(store, capabilityOf(end, 2))).rejects.toMatchObject({ code: 'ERR_ERIS_ROOT_KEY' })
    await expect(whole(store, capabilityOf(end, 0))).rejects.toBeInstanceOf(ErisError)
  })

  test('is refused at a level that no content reaches, before anything is fetched', async () => {
    const never = { name: 'never', get: () => Promise.reject(new Error('fetched')) }
    for (const level of [12, 255]) {
      const capability = capabilityOf(new Uint8Array(64), level)
      const refused = { code: 'ERR_ERIS_LEVEL' }
      await expect(whole(never, capability)).rejects.toMatchObject(refused)
      await expect(contentLength({ kernel, store: never }, capability)).rejects.toMatchObject(refused)
      await expect(blocksOf({ kernel, store: never }, capability).next()).rejects.toMatchObject(refused)
    }
  })

  test('of a dozen blocks that claims petabytes is read a little at a time', async () => {
    let pair = await leafOf(false)
    let edge = await leafOf(true)
    for (let level = 1; level <= 11; level++) {
      edge = await nodeOf([...Array.from({ length: 15 }, () => pair), edge], level)
      pair = await nodeOf(
        Array.from({ length: 16 }, () => pair),
        level
      )
    }
    const capability = capabilityOf(edge, 11)
    expect(await contentLength({ kernel, store }, capability)).toBe(2 ** 54 - 1)
    let length = 0
    for await (const bytes of readContent({ kernel, store }, capability)) {
      length += bytes.length
      if (length > 1 << 20) break
    }
    expect(length).toBeLessThan(4 << 20)
  })
})

describe('verifyContent', () => {
  test('counts what is there, and refuses what lacks a block', async () => {
    expect(await verifyContent({ kernel, store }, small)).toEqual({ contentBytes: 300_000, blockCount: 315 })
    const missing = lying((bytes, _request, call) => (call === 314 ? undefined : bytes))
    await expect(verifyContent({ kernel, store: missing }, small)).rejects.toMatchObject({
      code: 'ERR_ERIS_BLOCK_MISSING'
    })
  })
})
