import { createPortableBlockKernel, createSimdBlockKernel } from '@blocktree/crypto/block-kernel'
import { chooseBlockKernel, createNativeBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { describe, expect, test } from 'vitest'
import { verifyBlock } from '../src/block.ts'
import { formatReference, parseReference, referenceKey } from '../src/block-reference.ts'
import { isBlockSize } from '../src/block-size.ts'
import { blockCountOf, blocksOf, contentLength, readContent, verifyContent } from '../src/content.ts'
import { createEncoder } from '../src/encoder.ts'
import { ErisError } from '../src/eris-error.ts'
import { formatUrn, parseUrn } from '../src/read-capability.ts'
import { type BlockRequest, type BlockStore, allPermissions } from '../src/store-port.ts'
import { bytesOf, hasOfficialVectors, type OfficialVector, readOfficialVectors } from './official-vectors.ts'

/** A store with the blocks of a vector under the names they have there, right or wrong. */
function storeOf(vector: OfficialVector): BlockStore {
  const blocks = new Map(
    Object.entries(vector.blocks).map(([text, bytes]) => [referenceKey(parseReference(text)), bytesOf(bytes)])
  )
  const find = async ({ reference }: BlockRequest): Promise<Uint8Array | undefined> =>
    blocks.get(referenceKey(reference))
  return {
    name: `vector ${vector.id}`,
    permissions: allPermissions,
    get: find,
    has: async (request) => (await find(request)) !== undefined,
    put: () => Promise.reject(new Error('not here')),
    drop: () => Promise.reject(new Error('not here')),
    async *list() {},
    close: async () => {},
    async [Symbol.asyncDispose]() {}
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of source) parts.push(Uint8Array.from(part))
  return Buffer.concat(parts)
}

const expectedError: Readonly<Record<number, string>> = {
  13: 'ERR_ERIS_BLOCK_MISSING',
  14: 'ERR_ERIS_BLOCK_CORRUPT',
  15: 'ERR_ERIS_BLOCK_MISSING',
  16: 'ERR_ERIS_BLOCK_CORRUPT',
  17: 'ERR_ERIS_ROOT_KEY',
  18: 'ERR_ERIS_ROOT_KEY',
  19: 'ERR_ERIS_PADDING',
  20: 'ERR_ERIS_BLOCK_SIZE',
  21: 'ERR_ERIS_BLOCK_SIZE',
  22: 'ERR_ERIS_PADDING',
  23: 'ERR_ERIS_PADDING',
  24: 'ERR_ERIS_NODE_INVALID'
}

const vectors = readOfficialVectors()
const positive = vectors.filter(({ type }) => type === 'positive')
const negative = vectors.filter(({ type }) => type === 'negative')

const suite = hasOfficialVectors ? describe : describe.skip
suite.for([
  ['portable', createPortableBlockKernel],
  ['simd', createSimdBlockKernel],
  ['native', createNativeBlockKernel],
  ['chosen', chooseBlockKernel]
] as const)('the official vectors of ERIS 1.0.0 (needs shared/vectors) over the %s kernel', ([, create]) => {
  const kernel = create() ?? createPortableBlockKernel()

  test('are 13 that are accepted and 12 that are refused', () => {
    expect([positive.length, negative.length]).toEqual([13, 12])
  })

  test.for(positive)('$id, $name: the same URN, the same blocks', async (vector) => {
    const size = vector['block-size'] ?? 0
    if (!isBlockSize(size)) throw new Error(`block size ${size}`)
    const content = bytesOf(vector.content ?? '')
    const put = new Map<string, Uint8Array>()
    const encoder = createEncoder({
      kernel,
      blockSize: size,
      secret: bytesOf(vector['convergence-secret'] ?? ''),
      put: async (blocks) => {
        for (const { reference, bytes } of blocks) put.set(formatReference(reference), bytes.slice())
      }
    })
    for (let at = 0; at < content.length; at += 777) await encoder.write(content.subarray(at, at + 777))
    const encoded = await encoder.finish()
    expect(formatUrn(encoded.capability)).toBe(vector.urn)
    expect([...put.keys()].sort()).toEqual(Object.keys(vector.blocks).sort())
    for (const [text, bytes] of put) {
      expect(Buffer.compare(bytes, bytesOf(vector.blocks[text] ?? ''))).toBe(0)
      verifyBlock(kernel, parseReference(text), bytes)
    }
    expect(encoded.contentBytes).toBe(content.length)
    expect(encoded.blockCount).toBe(blockCountOf(content.length, size))
  })

  test.for(positive)('$id, $name: the same content', async (vector) => {
    const options = { kernel, store: storeOf(vector) }
    const capability = parseUrn(vector.urn)
    const content = bytesOf(vector.content ?? '')
    expect(Buffer.compare(await collect(readContent(options, capability)), content)).toBe(0)
    expect(await contentLength(options, capability)).toBe(content.length)
    expect((await verifyContent(options, capability)).contentBytes).toBe(content.length)
    const named = new Set<string>()
    for await (const { reference } of blocksOf(options, capability)) named.add(formatReference(reference))
    expect([...named].sort()).toEqual(Object.keys(vector.blocks).sort())
  })

  test.for(negative)('$id, $name: refused with the right error', async (vector) => {
    const options = { kernel, store: storeOf(vector) }
    const failure = collect(readContent(options, parseUrn(vector.urn)))
    await expect(failure).rejects.toBeInstanceOf(ErisError)
    await expect(failure).rejects.toMatchObject({ code: expectedError[vector.id] })
    await expect(verifyContent(options, parseUrn(vector.urn))).rejects.toMatchObject({
      code: expectedError[vector.id]
    })
  })
})
