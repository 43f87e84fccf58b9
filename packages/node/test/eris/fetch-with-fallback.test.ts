import { createHash } from 'node:crypto'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import {
  type Block,
  type BlockRequest,
  type ReadCapability,
  encodeContent,
  nullSecret,
  putBlocks,
  uniqueSecret
} from '@blocktree/eris'
import { type MemoryStore, createMemoryStore } from '@blocktree/eris/memory'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  type FallbackRequest,
  type FetchedBytes,
  fetchWithFallback
} from '../../src/eris/fetch-with-fallback.ts'

const kernel = chooseBlockKernel()
const store: MemoryStore = createMemoryStore()
const content = Uint8Array.from({ length: 50_000 }, (_, index) => (index * 7 + (index >> 8)) & 0xff)
const hash = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest()
let capability: ReadCapability

async function encode(secret: Uint8Array): Promise<ReadCapability> {
  const put = (blocks: readonly Block[]): Promise<void> => putBlocks(store, blocks)
  return (await encodeContent({ kernel, blockSize: 1024, secret, put }, [content])).capability
}
beforeAll(async () => {
  capability = await encode(nullSecret())
})

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, 1000)
  yield bytes.subarray(1000)
}

type Get = (request: BlockRequest) => Promise<Uint8Array | undefined>

function attempt(more: Partial<FallbackRequest> & { readonly blocks?: Get } = {}): Promise<FetchedBytes> {
  const { blocks = (request: BlockRequest) => store.get(request), ...rest } = more
  return fetchWithFallback({
    reading: { kernel, store: { name: 'store', get: blocks } },
    capability,
    bytesMax: 100_000,
    url: 'http://elsewhere/',
    sha256: undefined,
    hash,
    idleMs: 30,
    startTimer(milliseconds, callback) {
      const timer = setTimeout(callback, milliseconds)
      return () => clearTimeout(timer)
    },
    get: async () => piecesOf(content),
    ...rest
  })
}

const stopsAfter = (count: number, then: Get): Get => {
  let calls = 0
  return (request) => (calls++ < count ? store.get(request) : then(request))
}

describe('fetchWithFallback', () => {
  test('takes the blocks and leaves the URL alone while they do', async () => {
    const fetched = await attempt({ get: () => Promise.reject(new Error('asked')) })
    expect(fetched).toMatchObject({ source: 'blocks', reason: undefined })
    expect(Buffer.compare(fetched.bytes, content)).toBe(0)
  })

  test.for<[string, Get]>([
    ['are missing', async () => undefined],
    ['are missing in the middle', stopsAfter(20, async () => undefined)],
    ['are corrupt', stopsAfter(20, async () => new Uint8Array(1024))],
    ['never come', () => new Promise(() => undefined)],
    ['stop coming', stopsAfter(20, () => new Promise(() => undefined))],
    ['cannot be asked for', () => Promise.reject(new Error('refused'))]
  ])('takes the URL when blocks %s', async ([, blocks]) => {
    const fetched = await attempt({ blocks })
    expect(fetched.source).toBe('url')
    expect(fetched.reason).not.toBe('')
    expect(Buffer.compare(fetched.bytes, content)).toBe(0)
  })

  const missing: Get = async () => undefined

  test('refuses a URL that gives something else', async () => {
    const get = async (): Promise<AsyncIterable<Uint8Array>> => piecesOf(content.with(5, 1))
    const other = { code: 'ERR_CONTENT_OTHER' }
    await expect(attempt({ blocks: missing, get })).rejects.toMatchObject(other)
    await expect(attempt({ blocks: missing, get, sha256: hash(content) })).rejects.toMatchObject(other)
    await expect(attempt({ sha256: hash(new Uint8Array(1)) })).rejects.toMatchObject(other)
  })

  test('knows content that was encoded with a secret by its signed hash alone', async () => {
    const unique = await encode(uniqueSecret({ bytes: (length) => new Uint8Array(length).fill(3) }))
    await expect(attempt({ blocks: missing, capability: unique })).rejects.toMatchObject({
      code: 'ERR_CONTENT_OTHER'
    })
    const fetched = await attempt({ blocks: missing, capability: unique, sha256: hash(content) })
    expect(Buffer.compare(fetched.bytes, content)).toBe(0)
  })

  test('fails as the blocks did when there is no URL, and as the URL does when that is slow or endless', async () => {
    await expect(attempt({ blocks: missing, url: undefined })).rejects.toMatchObject({
      code: 'ERR_ERIS_BLOCK_MISSING'
    })
    const silent = async (): Promise<AsyncIterable<Uint8Array>> => new Promise(() => undefined)
    await expect(attempt({ blocks: missing, get: silent })).rejects.toMatchObject({
      code: 'ERR_CONTENT_SLOW'
    })
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield new Uint8Array(10_000)
    }
    await expect(attempt({ blocks: missing, get: async () => endless() })).rejects.toMatchObject({
      code: 'ERR_CONTENT_SIZE'
    })
  })
})
