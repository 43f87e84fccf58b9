import { afterEach, describe, expect, test } from 'vitest'
import type { Peer } from '../src/index.ts'
import { type TestCluster, type TestNode, createTestCluster, isClosedSoon } from './cluster-fixture.ts'

const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

async function pair(): Promise<{ cluster: TestCluster; a: TestNode; b: TestNode; toB: Peer }> {
  const cluster = createTestCluster()
  open.push(cluster)
  const a = await cluster.node('a')
  const b = await cluster.node('b')
  await cluster.befriend([a, b])
  await cluster.time.advance(10_000)
  const toB = a.directory.find(b.principal.id)
  if (toB === undefined) throw new Error('not connected')
  return { cluster, a, b, toB }
}

const body = new Uint8Array([1, 2, 3])

describe('RequestRouter', () => {
  test('answers a member, and refuses the same one the moment its right is gone', async () => {
    const { cluster, a, b, toB } = await pair()
    b.router.onRequest('test.echo', { audience: 'member', bodyBytesMax: 10 }, async (_, bytes) => bytes)
    expect(await cluster.time.until(toB.connection.request('test.echo', body))).toEqual(body)
    b.standings.set(a.principal.id.toHex(), 'peer')
    await expect(cluster.time.until(toB.connection.request('test.echo', body))).rejects.toMatchObject({
      code: 'ERR_METHOD_FORBIDDEN'
    })
  })

  test('refuses unknown methods and bodies that are too long', async () => {
    const { cluster, b, toB } = await pair()
    b.router.onRequest('test.echo', { audience: 'peer', bodyBytesMax: 10 }, async (_, bytes) => bytes)
    await expect(cluster.time.until(toB.connection.request('test.other', body))).rejects.toMatchObject({
      code: 'ERR_METHOD_UNKNOWN'
    })
    await expect(
      cluster.time.until(toB.connection.request('test.echo', new Uint8Array(11)))
    ).rejects.toMatchObject({
      code: 'ERR_METHOD_SIZE'
    })
  })

  test('holds a peer to the rate of the method, and lets it go on later', async () => {
    const { cluster, b, toB } = await pair()
    const policy = { audience: 'peer', bodyBytesMax: 10, perSecond: 2, burst: 3 } as const
    b.router.onRequest('test.slow', policy, async (_, bytes) => bytes)
    const codes: string[] = []
    for (let count = 0; count < 5; count++) {
      const asking = toB.connection.request('test.slow', body).then(
        () => 'taken',
        (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : 'other')
      )
      codes.push(await cluster.time.until(asking))
    }
    expect(codes).toEqual(['taken', 'taken', 'taken', 'ERR_METHOD_RATE', 'ERR_METHOD_RATE'])
    await cluster.time.advance(1000)
    expect(await cluster.time.until(toB.connection.request('test.slow', body))).toEqual(body)
  })

  test('guards streams and events alike', async () => {
    const { cluster, a, b, toB } = await pair()
    const heard: number[] = []
    b.router.onEvent('test.event', { audience: 'member', bodyBytesMax: 10 }, (_, bytes) =>
      heard.push(bytes.length)
    )
    b.router.onStream('test.stream', { audience: 'member', bodyBytesMax: 10 }, async function* () {
      yield body
      yield body
    })
    toB.connection.notify('test.event', body)
    expect(await cluster.time.until(Array.fromAsync(toB.connection.pull('test.stream', body)))).toHaveLength(
      2
    )
    b.standings.set(a.principal.id.toHex(), 'stranger')
    toB.connection.notify('test.event', body)
    await expect(
      cluster.time.until(Array.fromAsync(toB.connection.pull('test.stream', body)))
    ).rejects.toMatchObject({ code: 'ERR_METHOD_FORBIDDEN' })
    expect(heard).toEqual([3])
  })

  test('ends the connection of who goes on after a thousand refusals', async () => {
    const { cluster, b, toB } = await pair()
    const asking: Promise<unknown>[] = []
    for (let count = 0; count < 1000; count++)
      asking.push(toB.connection.request('test.none', body).catch(() => undefined))
    await cluster.time.until(Promise.all(asking))
    expect(await isClosedSoon(cluster.time, toB.connection)).toBe(true)
    expect(b.gate.isShutOut(toB.hello.endpoint.body.transportKey)).toBe(false) // that is its own key
  })

  test('a method is answered by one', async () => {
    const { b } = await pair()
    const end = b.router.onRequest('test.one', { audience: 'peer', bodyBytesMax: 1 }, async () => body)
    expect(() =>
      b.router.onRequest('test.one', { audience: 'peer', bodyBytesMax: 1 }, async () => body)
    ).toThrow()
    end()
    b.router.onRequest('test.one', { audience: 'peer', bodyBytesMax: 1 }, async () => body)
  })
})
