import type { RequestRouter } from '@blocktree/cluster'
import { chooseBlockKernel } from '@blocktree/crypto/native-block-kernel'
import { type BlockStore, ErisError, largeBlock, nameBlock, smallBlock } from '@blocktree/eris'
import { createMemoryStore } from '@blocktree/eris/memory'
import { describe, expect, test } from 'vitest'
import { type AskedPeer, createPeerBlocks, servePeerBlocks } from '../../src/eris/peer-blocks.ts'

const kernel = chooseBlockKernel()
const small = nameBlock(kernel, new Uint8Array(smallBlock).fill(1))
const large = nameBlock(kernel, new Uint8Array(largeBlock).fill(2))
const smallRequest = { reference: small.reference, size: smallBlock } as const
const largeRequest = { reference: large.reference, size: largeBlock } as const

type Handler = Parameters<RequestRouter['onRequest']>[2]
type Policy = Parameters<RequestRouter['onRequest']>[1]

/** What a node answers with, as it would register it. */
async function serving(): Promise<{ handler: Handler; policy: Policy }> {
  const store = createMemoryStore()
  await store.put(small)
  await store.put(large)
  let registered: { handler: Handler; policy: Policy } | undefined
  servePeerBlocks(async () => store, {
    onRequest(_method, policy, handler) {
      registered = { policy, handler }
      return () => undefined
    }
  })
  if (registered === undefined) throw new Error('nothing was registered')
  return registered
}

interface Asked {
  readonly peer: AskedPeer
  readonly count: () => number
}

function peerThat(answer: (body: Uint8Array) => Promise<Uint8Array>): Asked {
  let count = 0
  const request = async (_method: string, body: Uint8Array): Promise<Uint8Array> => {
    count++
    return await answer(body)
  }
  return { peer: { connection: { request } }, count: () => count }
}

async function honest(): Promise<Asked> {
  const { handler } = await serving()
  const context = { signal: new AbortController().signal } as Parameters<Handler>[2]
  return peerThat(async (body) => await handler({} as Parameters<Handler>[0], body, context))
}

function storeOf(asked: readonly Asked[], clock = { now: 0 }): BlockStore & { readonly failures: unknown[] } {
  const failures: unknown[] = []
  const store = createPeerBlocks({
    kernel,
    peers: async () => asked.map(({ peer }) => peer),
    now: () => clock.now,
    onFailure: (error) => failures.push(error)
  })
  return Object.assign(store, { failures })
}

describe('blocks of connected nodes', () => {
  test('come in both sizes from whoever has them', async () => {
    const nobody = peerThat(async () => new Uint8Array(0))
    const store = storeOf([nobody, await honest()])
    expect(await store.get(smallRequest)).toEqual(small.bytes)
    expect(await store.get(largeRequest)).toEqual(large.bytes)
    expect(await store.has(smallRequest)).toBe(true)
    expect(nobody.count()).toBe(3)
  })

  test('are unknown when nobody has them, in another size too', async () => {
    const store = storeOf([await honest()])
    const other = nameBlock(kernel, new Uint8Array(smallBlock).fill(9))
    expect(await store.get({ reference: other.reference, size: smallBlock })).toBeUndefined()
    expect(await store.get({ reference: small.reference, size: largeBlock })).toBeUndefined()
    expect(await storeOf([]).get(smallRequest)).toBeUndefined()
  })

  test.for<[string, (body: Uint8Array) => Promise<Uint8Array>]>([
    ['gives another block', async () => large.bytes.slice(0, smallBlock)],
    ['gives too much', async () => new Uint8Array(500_000)],
    ['refuses', () => Promise.reject(new Error('ERR_METHOD_FORBIDDEN'))]
  ])('of one who %s are taken from the next, and it is not asked for a minute', async ([, answer]) => {
    const bad = peerThat(answer)
    const clock = { now: 0 }
    const store = storeOf([bad, await honest()], clock)
    expect(await store.get(smallRequest)).toEqual(small.bytes)
    expect(await store.get(smallRequest)).toEqual(small.bytes)
    expect([bad.count(), store.failures.length]).toEqual([1, 1])
    clock.now = 60_000
    await store.get(smallRequest)
    expect(bad.count()).toBe(2)
  })

  test('are not put, dropped or listed there, nor asked for after the end', async () => {
    const store = storeOf([await honest()])
    const denied = { code: 'ERR_ERIS_STORE_DENIED' }
    await expect(store.put(small)).rejects.toMatchObject(denied)
    await expect(store.drop(smallRequest)).rejects.toMatchObject(denied)
    await expect(Array.fromAsync(store.list())).rejects.toMatchObject(denied)
    await store.close()
    await expect(store.get(smallRequest)).rejects.toBeInstanceOf(ErisError)
    await expect(store.get(smallRequest)).rejects.toMatchObject({ code: 'ERR_ERIS_STORE_CLOSED' })
  })

  test('are for peers, who ask in one shape', async () => {
    const { handler, policy } = await serving()
    expect(policy).toEqual({ audience: 'peer', bodyBytesMax: 33 })
    const ask = (body: Uint8Array): Promise<Uint8Array> =>
      handler({} as Parameters<Handler>[0], body, {
        signal: new AbortController().signal
      } as Parameters<Handler>[2])
    expect(await ask(Uint8Array.of(10, ...small.reference))).toEqual(small.bytes)
    expect(await ask(Uint8Array.of(15, ...small.reference))).toEqual(new Uint8Array(0))
    const shape = { code: 'ERR_CONTENT_REQUEST' }
    for (const body of [[], [10], [11, ...small.reference], [255, ...small.reference], small.reference]) {
      await expect(ask(Uint8Array.from(body))).rejects.toMatchObject(shape)
    }
  })
})
