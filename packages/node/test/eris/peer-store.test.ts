/** Blocks between nodes over the network in memory: who may ask, what comes, and what a peer that lies can do. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { type Peer, RequestRouter, type Standing, type StandingSource } from '@blocktree/cluster'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import {
  type BlockStore,
  type ReadCapability,
  encodeContent,
  nullSecret,
  putBlocks,
  readWhole
} from '@blocktree/eris'
import { blockForTest } from '@blocktree/eris/conformance'
import { createMemoryStore } from '@blocktree/eris/memory'
import { type Connection, systemTimers } from '@blocktree/network'
import { createMemoryNetwork } from '@blocktree/network/memory'
import { systemTimers as timers } from '../../src/cluster/node-cluster.ts'
import {
  askedBlocksMax,
  decodeBlockRequests,
  decodeBlocks,
  decodePresence,
  encodeBlockRequests,
  encodeBlocks,
  encodePresence
} from '../../src/eris/peer-block-message.ts'
import { createPeerStore } from '../../src/eris/peer-store.ts'
import { type BlockAudience, requestsOfPeerMax, serveBlocks } from '../../src/eris/serve-blocks.ts'

const kernel = chooseBlockKernel()
const content = new Uint8Array(900_000).map((_, index) => (index * 7919) >> 5)

let hub: ReturnType<typeof createMemoryNetwork>
let keys = 0
const closers: (() => Promise<void>)[] = []

beforeEach(() => {
  hub = createMemoryNetwork({ timers: systemTimers, random: Math.random })
})
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface ServingOptions {
  readonly standing?: Standing
  readonly audience?: BlockAudience
  readonly uploadRate?: number
  readonly held?: BlockStore | undefined
}

/** A connection to a node that answers, and how many requests came to it. */
async function connectTo(options: ServingOptions): Promise<{ connection: Connection; asked: string[] }> {
  const { standing = 'peer', audience = 'peers', uploadRate = 0, held } = options
  const source: StandingSource = {
    standingOf: () => standing,
    share: () => true,
    standingIn: () => standing,
    members: () => []
  }
  const router = new RequestRouter({ standing: source, timers })
  serveBlocks({ audience, uploadRate, timers, held: async () => held }, router)
  const join = (): ReturnType<typeof hub.join> =>
    hub.join({ name: `node${++keys}`, localKey: new Uint8Array(32).fill(keys) })
  const [server, client] = [join(), join()]
  const asked: string[] = []
  server.onConnection((connection) => {
    const handlers = router.handlersFor({ connection, principal: connection.remoteKey } as Peer)
    connection.serve({
      ...handlers,
      request(method, body, context) {
        asked.push(method)
        return handlers.request(method, body, context)
      }
    })
  })
  closers.push(
    () => server.close(),
    () => client.close()
  )
  const connection = await client.dial(server.addresses()[0] ?? '', { expectedKey: server.localKey })
  return { connection, asked }
}

async function keep(store: BlockStore, blockSize: 1024 | 32768 = 32_768): Promise<ReadCapability> {
  const encoded = await encodeContent(
    { kernel, blockSize, secret: nullSecret(), put: (blocks) => putBlocks(store, blocks) },
    [content]
  )
  return encoded.capability
}

function peerStore(connections: readonly Connection[], failures: unknown[] = []): BlockStore {
  return createPeerStore({
    kernel,
    now: Date.now,
    connections: async () => connections,
    onFailure: (_, error) => failures.push(error)
  })
}

const read = (store: BlockStore, capability: ReadCapability): Promise<Uint8Array> =>
  readWhole({ kernel, store }, capability, content.length)

describe('content of a peer', () => {
  test.each([1024, 32_768] as const)('of %i byte blocks is read in batches', async (blockSize) => {
    const held = createMemoryStore()
    const capability = await keep(held, blockSize)
    const { connection, asked } = await connectTo({ held: held })
    expect(await read(peerStore([connection]), capability)).toEqual(content)
    expect(asked.length).toBeLessThan(60)
  })

  test('comes from two peers of which each has only a part', async () => {
    const [left, right] = [createMemoryStore(), createMemoryStore()]
    const capability = await keep(left, 1024)
    let count = 0
    for await (const request of left.list()) {
      if (count++ % 2 === 0) continue
      const bytes = await left.get(request)
      await right.put({ reference: request.reference, bytes } as Parameters<typeof right.put>[0])
      await left.drop(request)
    }
    const [a, b] = [await connectTo({ held: left }), await connectTo({ held: right })]
    expect(await read(peerStore([a.connection, b.connection]), capability)).toEqual(content)
  })

  test('that nobody has is missing, not an error', async () => {
    const { connection } = await connectTo({ held: createMemoryStore() })
    const nothing = await connectTo({ held: undefined })
    const { reference } = blockForTest(1, 1024)
    const store = peerStore([connection, nothing.connection])
    expect(await store.get({ reference, size: 1024 })).toBeUndefined()
    expect(await store.has({ reference, size: 1024 })).toBe(false)
    expect(await peerStore([]).get({ reference, size: 1024 })).toBeUndefined()
  })

  test('comes from an honest peer when another one lies, and the liar is asked no more', async () => {
    const [honest, lying] = [createMemoryStore(), createMemoryStore()]
    const capability = await keep(honest)
    for await (const request of honest.list()) {
      const bytes = new Uint8Array(request.size)
      await lying.put({ reference: request.reference, bytes } as Parameters<typeof lying.put>[0])
    }
    const [a, b] = [await connectTo({ held: lying }), await connectTo({ held: honest })]
    const failures: unknown[] = []
    const store = peerStore([a.connection, b.connection], failures)
    expect(await read(store, capability)).toEqual(content)
    expect(failures).toMatchObject([{ code: 'ERR_ERIS_BLOCK_CORRUPT' }])
    const before = a.asked.length
    await read(store, capability)
    expect(a.asked.length).toBe(before)
  })

  test('stays with the next source when the connection ends', async () => {
    const held = createMemoryStore()
    const capability = await keep(held)
    const [a, b] = [await connectTo({ held }), await connectTo({ held })]
    const store = peerStore([a.connection, b.connection])
    const reading = read(store, capability)
    await a.connection.close('gone')
    expect(await reading).toEqual(content)
  })

  test('that is waited for ends with the signal of who waits', async () => {
    const held: BlockStore = { ...createMemoryStore(), get: () => new Promise(() => undefined) }
    const { connection } = await connectTo({ held })
    const { reference } = blockForTest(1, 1024)
    const asking = peerStore([connection]).get({ reference, size: 1024 }, { signal: AbortSignal.timeout(20) })
    await expect(asking).rejects.toMatchObject({ name: 'TimeoutError' })
  })
})

test('blocks are not put, dropped or listed at peers, nor asked for after the end', async () => {
  const { connection } = await connectTo({ held: createMemoryStore() })
  const store = peerStore([connection])
  const block = blockForTest(1, 1024)
  const request = { reference: block.reference, size: 1024 as const }
  const denied = { code: 'ERR_ERIS_STORE_DENIED' }
  await expect(store.put(block)).rejects.toMatchObject(denied)
  await expect(store.drop(request)).rejects.toMatchObject(denied)
  await expect(Array.fromAsync(store.list())).rejects.toMatchObject(denied)
  await store.close()
  await expect(store.get(request)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_CLOSED' })
})

describe('who may ask', () => {
  const body = encodeBlockRequests([{ reference: blockForTest(1, 1024).reference, size: 1024 }])
  const cases = [
    ['peers', 'stranger', false],
    ['peers', 'peer', true],
    ['peers', 'member', true],
    ['members', 'peer', false],
    ['members', 'member', true],
    ['everybody', 'stranger', true],
    ['nobody', 'member', false]
  ] as const
  test.each(cases)('%s may: a %s gets an answer: %s', async (audience, standing, isAnswered) => {
    const held = createMemoryStore()
    await held.put(blockForTest(1, 1024))
    const { connection } = await connectTo({ held, audience, standing })
    const answer = connection.request('eris.get', body)
    if (isAnswered) expect((await answer).length).toBeGreaterThan(1024)
    else await expect(answer).rejects.toMatchObject({ code: /ERR_METHOD_(FORBIDDEN|UNKNOWN)/ })
  })

  test('a peer that does not wait for answers is refused, and goes on later', async () => {
    const held: BlockStore = { ...createMemoryStore(), get: () => new Promise(() => undefined) }
    const { connection } = await connectTo({ held })
    const many = Array.from({ length: requestsOfPeerMax + 1 }, () =>
      connection.request('eris.get', body, { timeoutMs: 200 }).then(
        () => 'answered',
        (error: { readonly code: string }) => error.code
      )
    )
    expect((await Promise.all(many)).filter((code) => code === 'ERR_BLOCKS_BUSY')).toHaveLength(1)
  })

  test('blocks go no faster than the upload rate', async () => {
    const held = createMemoryStore()
    const capability = await keep(held)
    const { connection } = await connectTo({ held, uploadRate: 640_000 })
    const started = performance.now()
    await read(peerStore([connection]), capability)
    expect(performance.now() - started).toBeGreaterThan(300)
  })
})

describe('messages', () => {
  const requests = [
    { reference: blockForTest(1, 1024).reference, size: 1024 as const },
    { reference: blockForTest(2, 32_768).reference, size: 32_768 as const }
  ]

  test('are read as they were written', () => {
    expect(decodeBlockRequests(encodeBlockRequests(requests), true)).toEqual(requests)
    const blocks = [undefined, new Uint8Array(32_768).fill(3)]
    expect(decodeBlocks(encodeBlocks(blocks), requests)).toEqual(blocks)
    expect(decodePresence(encodePresence([true, false]), 2)).toEqual([true, false])
  })

  test('with more than may be asked, other lengths or other counts are refused', () => {
    const code = { code: 'ERR_BLOCKS_FORMAT' }
    const [small, large] = requests
    if (small === undefined || large === undefined) throw new Error('two requests')
    const many = Array.from({ length: askedBlocksMax + 1 }, () => small)
    expect(() => decodeBlockRequests(encodeBlockRequests(many), false)).toThrow(expect.objectContaining(code))
    const heavy = Array.from({ length: 17 }, () => large)
    expect(() => decodeBlockRequests(encodeBlockRequests(heavy), true)).toThrow(expect.objectContaining(code))
    expect(decodeBlockRequests(encodeBlockRequests(heavy), false)).toHaveLength(17)
    expect(() => decodeBlocks(encodeBlocks([new Uint8Array(1023)]), [small])).toThrow(
      expect.objectContaining(code)
    )
    expect(() => decodeBlocks(encodeBlocks([undefined]), requests)).toThrow(expect.objectContaining(code))
    expect(() => decodePresence(encodePresence([true]), 2)).toThrow(expect.objectContaining(code))
  })

  test('of any bytes are read or refused with one error', () => {
    const readAll = [
      (bytes: Uint8Array) => decodeBlockRequests(bytes, true),
      (bytes: Uint8Array) => decodeBlocks(bytes, requests),
      (bytes: Uint8Array) => decodePresence(bytes, 2)
    ]
    const seeds = [
      encodeBlockRequests(requests),
      encodeBlocks([undefined, undefined]),
      encodePresence([true, false])
    ]
    const damagedBytes = fc
      .tuple(fc.constantFrom(...seeds), fc.nat(), fc.nat(255))
      .map(([bytes, at, value]) => bytes.map((byte, index) => (index === at % bytes.length ? value : byte)))
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), damagedBytes), (bytes) => {
        for (const decode of readAll) {
          try {
            decode(bytes)
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_BLOCKS_FORMAT' })
          }
        }
      })
    )
  })
})
