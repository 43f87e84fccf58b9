/** Who is refused again and again is sent away and named; an honest peer is refused now and then and stays. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Connection, Network } from '@blocktree/network'
import { helloPurpose, limits } from '../src/index.ts'
import { helloMethod } from '../src/handshake.ts'
import { encodeHello } from '../src/hello.ts'
import {
  type TestCluster,
  type TestNode,
  addressOf,
  createTestCluster,
  isClosedSoon
} from './cluster-fixture.ts'
import { crypto, newEndpoint, newPrincipal } from './principals.ts'

const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

const body = Uint8Array.of(1, 2, 3)

async function scene(): Promise<{ cluster: TestCluster; victim: TestNode; friend: TestNode }> {
  const cluster = createTestCluster()
  open.push(cluster)
  const [victim, friend] = [await cluster.node('victim'), await cluster.node('friend')]
  await cluster.befriend([victim, friend])
  await cluster.time.advance(10_000)
  return { cluster, victim, friend }
}

function connectionOf(from: TestNode, to: TestNode): Connection {
  const found = from.directory.find(to.principal.id)
  if (found === undefined) throw new Error('not connected')
  return found.connection
}

async function flood(
  cluster: TestCluster,
  connection: Connection,
  method: string,
  count: number
): Promise<void> {
  const asked = Array.from({ length: count }, () => connection.request(method, body).catch(() => undefined))
  await cluster.time.until(Promise.all(asked))
}

const codeOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => 'answered',
    (error: unknown) => (error instanceof Error && 'code' in error ? error.code : 'other')
  )

describe('a peer that is refused', () => {
  test('a thousand times by the part of the node that answers is shut out as by the router, and named', async () => {
    const { cluster, victim, friend } = await scene()
    victim.router.onRequest('test.busy', { audience: 'peer', bodyBytesMax: 10 }, () =>
      Promise.reject(Object.assign(new Error('slow down'), { code: 'ERR_SYNC_BUSY' }))
    )
    const connection = connectionOf(friend, victim)
    await flood(cluster, connection, 'test.busy', 1020)
    expect(await isClosedSoon(cluster.time, connection)).toBe(true)
    const [one] = victim.gate.shutOut()
    expect(one).toMatchObject({ wrong: 'ERR_PEER_REFUSALS', principal: friend.principal.id })
    expect(one?.key).toEqual(friend.network.localKey)
    expect((one?.untilMs ?? 0) - cluster.time.now()).toBeGreaterThan(limits.penaltyMs - 30_000)
  })

  test('now and then for weeks stays', async () => {
    const { cluster, victim, friend } = await scene()
    const connection = connectionOf(friend, victim)
    for (let hour = 0; hour < 24; hour++) {
      await flood(cluster, connection, 'test.none', 100)
      await cluster.time.advance(60_000)
    }
    expect(connectionOf(friend, victim)).toBe(connection)
    expect(victim.gate.shutOut()).toEqual([])
  })

  test('answers that fail for other reasons are none of its faults', async () => {
    const { cluster, victim, friend } = await scene()
    victim.router.onRequest('test.fail', { audience: 'peer', bodyBytesMax: 10 }, () =>
      Promise.reject(Object.assign(new Error('not here'), { code: 'ERR_SYNC_NOT_HELD' }))
    )
    const connection = connectionOf(friend, victim)
    for (let round = 0; round < 3; round++) await flood(cluster, connection, 'test.fail', 1000)
    expect(connectionOf(friend, victim)).toBe(connection)
  })

  test('with events is sent away too', async () => {
    const { cluster, friend, victim } = await scene()
    const connection = connectionOf(friend, victim)
    for (let count = 0; count < 1100; count++) connection.notify('test.none', body)
    expect(await isClosedSoon(cluster.time, connection)).toBe(true)
  })

  test('a stranger is so after a hundred', async () => {
    const { cluster, victim } = await scene()
    const stranger = await cluster.node('stranger')
    const { connection } = await cluster.time.until(stranger.directory.dial(addressOf(victim)))
    await flood(cluster, connection, 'sync.open', 110)
    expect(await isClosedSoon(cluster.time, connection)).toBe(true)
    expect(victim.gate.shutOut().map(({ wrong }) => wrong)).toEqual(['ERR_PEER_REFUSALS'])
    const again = codeOf(cluster.time.until(stranger.directory.dial(addressOf(victim))))
    expect(await again).not.toBe('answered')
  })
})

describe('hellos', () => {
  test('of one connection are looked at once: a refused one is followed by no second look', async () => {
    const { cluster, victim } = await scene()
    const network: Network = cluster.hub.join({
      name: 'mallory',
      localKey: crypto.signingKey(crypto.random.bytes(32)).publicKey
    })
    const { address, key } = addressOf(victim)
    const connection = await cluster.time.until(network.dial(address, { expectedKey: key }))
    // its own node's principal, so that everything holds and it is refused at the end
    const hello = encodeHello({
      principal: victim.principal.record,
      endpoint: newEndpoint(victim.principal, { transportKey: network.localKey, addresses: [] }),
      trees: [],
      features: [],
      clockMs: cluster.time.now(),
      purpose: helloPurpose.peer
    })
    const codes = await cluster.time.until(
      Promise.all(Array.from({ length: 20 }, () => codeOf(connection.request(helloMethod, hello))))
    )
    expect(codes[0]).toBe('ERR_PEER_REFUSED')
    expect(new Set(codes.slice(1))).toEqual(new Set(['ERR_METHOD_FORBIDDEN']))
    await cluster.time.until(network.close())
  })

  test('of a key that proves nothing shut it out by the twentieth', async () => {
    const { cluster, victim } = await scene()
    const localKey = crypto.signingKey(crypto.random.bytes(32)).publicKey
    const network = cluster.hub.join({ name: 'mallory', localKey })
    const { address, key } = addressOf(victim)
    const mallory = newPrincipal()
    const hello = encodeHello({
      principal: mallory.record,
      endpoint: newEndpoint(mallory, { transportKey: crypto.random.bytes(32), addresses: [] }),
      trees: [],
      features: [],
      clockMs: cluster.time.now(),
      purpose: helloPurpose.join
    })
    let tries = 0
    for (; tries < 40; tries++) {
      const dialled = await cluster.time
        .until(network.dial(address, { expectedKey: key }))
        .catch(() => undefined)
      if (dialled === undefined) break
      await cluster.time.until(dialled.request(helloMethod, hello).catch(() => undefined))
      await cluster.time.advance(1500)
    }
    expect(tries).toBe(20)
    expect(victim.gate.shutOut()).toMatchObject([{ key: localKey, wrong: 'ERR_PEER_HELLO' }])
    await cluster.time.until(network.close())
  })
})

describe('rights that end by the clock', () => {
  test('end the connection when they are looked at, though no record came', async () => {
    const { cluster, victim, friend } = await scene()
    const connection = connectionOf(victim, friend)
    victim.standings.delete(friend.principal.id.toHex())
    victim.directory.look()
    expect(await isClosedSoon(cluster.time, connection)).toBe(true)
  })
})
