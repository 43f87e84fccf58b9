/** Several ways between the same two nodes: one connection stays, the same on both sides, and nothing under way is lost. */
import type { Connection, Network } from '@blocktree/network'
import { afterEach, describe, expect, test } from 'vitest'
import { directMsMin, lingerMs } from '../src/limits.ts'
import { type TestCluster, type TestNode, createTestCluster } from './cluster-fixture.ts'
import { newEndpoint } from './principals.ts'

const open: TestCluster[] = []
afterEach(async () => {
  for (const cluster of open.splice(0)) await cluster.close()
})

interface TwoWays {
  readonly cluster: TestCluster
  readonly left: TestNode
  readonly right: TestNode
  /** Of the second driver, to be closed by the test's cluster no more than once. */
  readonly others: readonly Network[]
}

/** Nodes with two drivers each, which carry their connections apart from each other. */
async function twoWays({ isRelayed = false }: { readonly isRelayed?: boolean } = {}): Promise<TwoWays> {
  const cluster = createTestCluster()
  open.push(cluster)
  const left = await cluster.node('left')
  const right = await cluster.node('right')
  const others = [left, right].map((node) => {
    const other = cluster.hub.join({
      name: `${node.name}.other`,
      localKey: node.network.localKey,
      isRelayed
    })
    other.canDial = (address) => address.includes('.other')
    node.network.canDial = (address) => !address.includes('.other')
    node.directory.addNetwork(other)
    return other
  })
  for (const [one, another] of [
    [left, right],
    [right, left]
  ] as const) {
    one.standings.set(another.principal.id.toHex(), 'member')
    await one.book.learn(another.principal.record, another.endpoint)
    one.router.onRequest('slow', { audience: 'member', bodyBytesMax: 8 }, async (_, body) => {
      await new Promise<void>((resolve) => void cluster.time.start(40_000, resolve))
      return body
    })
  }
  return { cluster, left, right, others }
}

const target = (name: string, node: TestNode): { address: string; key: Uint8Array } => ({
  address: `/memory/${name}`,
  key: node.network.localKey
})

function chosen(one: TestNode, other: TestNode): Connection | undefined {
  return one.directory.find(other.principal.id)?.connection
}

/** The same connection, seen from its ends. */
function isOne(left: Connection | undefined, right: Connection | undefined, isSecond: boolean): boolean {
  const isAsAsked = [left, right].every((end) => end?.remoteAddress.includes('.other') === isSecond)
  return isAsAsked && left?.direction !== right?.direction
}

describe('two connections of one peer', () => {
  test('that were dialled from both sides over different drivers become one, and requests under way are answered', async () => {
    const { cluster, left, right, others } = await twoWays()
    const { time } = cluster
    await time.until(
      Promise.all([
        left.directory.dial(target('right', right)),
        right.directory.dial(target('left.other', left))
      ])
    )
    const ends = [left.network.dial('/memory/right', { expectedKey: right.network.localKey })]
    for (const network of others.slice(0, 1))
      ends.push(network.dial('/memory/right.other', { expectedKey: right.network.localKey }))
    const connections = await time.until(Promise.all(ends))
    expect(connections.map(({ direction }) => direction)).toEqual(['outbound', 'inbound'])
    const asked = connections.map(
      async (connection) => await connection.request('slow', Uint8Array.of(1), { timeoutMs: 60_000 })
    )
    await time.advance(lingerMs * 2)
    const isSecond = chosen(left, right)?.remoteAddress.includes('.other') === true
    expect(isOne(chosen(left, right), chosen(right, left), isSecond)).toBe(true)
    expect(connections.every(({ isOpen }) => isOpen)).toBe(true) // something is under way on both
    expect(await time.until(Promise.all(asked))).toEqual([Uint8Array.of(1), Uint8Array.of(1)])
    await time.advance(lingerMs * 3)
    expect(connections.map(({ isOpen }) => isOpen).toSorted()).toEqual([false, true])
    expect(isOne(chosen(left, right), chosen(right, left), isSecond)).toBe(true)
  })

  test('one of them through a relay: the other stays, whoever dialled which and when', async () => {
    for (const dialsDirect of ['left', 'right']) {
      for (const isDirectFirst of [true, false]) {
        const { cluster, left, right } = await twoWays({ isRelayed: true })
        const { time } = cluster
        const dials = [
          () =>
            dialsDirect === 'left'
              ? left.directory.dial(target('right', right))
              : right.directory.dial(target('left', left)),
          () => left.directory.dial(target('right.other', right))
        ]
        for (const dial of isDirectFirst ? dials : dials.toReversed()) await time.until(dial())
        await time.advance(lingerMs * 3)
        expect(isOne(chosen(left, right), chosen(right, left), false)).toBe(true)
        expect(chosen(left, right)?.relayed).toBe(false)
        expect(left.directory.peers()).toHaveLength(1)
      }
    }
  })

  test('a relayed one is left for a direct one when that is possible again, and not before', async () => {
    const { cluster, left, right } = await twoWays({ isRelayed: true })
    const { time } = cluster
    cluster.hub.partition(['left'], ['right'])
    const addresses = ['/memory/right', '/memory/right.other']
    const endpoint = newEndpoint(right.principal, {
      transportKey: right.network.localKey,
      addresses,
      sequence: 2
    })
    await left.book.learn(right.principal.record, endpoint)
    left.directory.refresh()
    await time.advance(20_000)
    expect(chosen(left, right)?.relayed).toBe(true)
    const asked = chosen(left, right)?.request('slow', Uint8Array.of(7), { timeoutMs: 60_000 })
    await time.advance(directMsMin)
    expect(chosen(left, right)?.relayed).toBe(true)
    cluster.hub.heal()
    await time.advance(directMsMin * 4)
    expect(isOne(chosen(left, right), chosen(right, left), false)).toBe(true)
    expect(chosen(left, right)?.relayed).toBe(false)
    expect(await time.until(asked ?? Promise.reject(new Error('not asked')))).toEqual(Uint8Array.of(7))
  })

  test('a silent address does not keep a peer from being reached at the next', async () => {
    const { cluster, left, right } = await twoWays()
    cluster.hub.partition(['left'], ['right'])
    const endpoint = newEndpoint(right.principal, {
      transportKey: right.network.localKey,
      addresses: ['/memory/right', '/memory/right.other'],
      sequence: 2
    })
    await left.book.learn(right.principal.record, endpoint)
    const started = cluster.time.now()
    const peer = await cluster.time.until(left.directory.connect(right.principal.id))
    expect(peer.connection.remoteAddress).toContain('.other')
    expect(cluster.time.now() - started).toBeLessThan(1000)
  })
})
