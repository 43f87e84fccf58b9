/** Replication between nodes in memory: comparing, pushing, rights, promises, watching. */
import { afterEach, describe, expect, test } from 'vitest'
import { right } from '@blocktree/tree'
import { type Cluster, give, startCluster } from './cluster.ts'
import type { ReplicaNode } from './replicas.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

async function cluster(...options: Parameters<typeof startCluster>): Promise<Cluster> {
  open = await startCluster(...options)
  return open
}

function holds(node: ReplicaNode, id: Uint8Array): boolean {
  return node.tree.record(id) !== undefined
}

describe('two nodes', () => {
  test('an empty node gets everything of the other', async () => {
    const { replicas, node } = await cluster('empty', 2)
    await replicas.connectAll()
    await replicas.converge()
    expect(node(1).tree.statistics().headers).toBe(4)
    await replicas.time.advance(1000)
    expect(node(1).sync.status.peers[0]?.state).toBe('in step')
  })

  test('what is written on either side is pushed to the other', async () => {
    const { fixture, replicas, node } = await cluster('push', 2)
    await replicas.connectAll()
    await replicas.converge()
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(node(1), fixture, [first])
    await replicas.time.advance(20)
    expect(holds(node(0), first.id)).toBe(true)
  })

  test('what both wrote while they were apart is exchanged when they meet', async () => {
    const { fixture, replicas, node } = await cluster('apart', 2)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.disconnectAll()
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const left = fixture.write(fixture.root, place, { prev: [first], name: 'left' })
    const right_ = fixture.write(fixture.root, place, { prev: [first], name: 'right' })
    await give(node(0), fixture, [first, left])
    await give(node(1), fixture, [first, right_])
    await replicas.connectAll()
    await replicas.converge()
    expect(node(0).tree.blockSummary(place.block)?.heads).toHaveLength(2)
  })

  test('a gap below a version is filled from the peer that has what is missing', async () => {
    const { fixture, replicas, node } = await cluster('gap', 2)
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const versions = [first]
    for (let count = 0; count < 5; count++)
      versions.push(fixture.write(fixture.root, place, { prev: versions.slice(-1), name: `v${count}` }))
    const [last] = versions.slice(-1)
    await give(node(0), fixture)
    await give(
      node(1),
      fixture,
      fixture.records.filter((record) => !versions.some(({ id }) => id === record.id))
    )
    await give(node(1), fixture, last === undefined ? [] : [last])
    expect(node(1).tree.blockState(place.block)?.labels.pending).toHaveLength(1)
    await replicas.connectAll()
    await replicas.converge()
    expect(node(1).tree.blockState(place.block)?.labels.pending).toHaveLength(0)
  })

  test('a thousand versions of one block come in one stream', async () => {
    const { fixture, replicas, node } = await cluster('history', 2)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.disconnectAll()
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    let last = first
    for (let count = 0; count < 300; count++)
      last = fixture.write(fixture.root, place, { prev: [last], name: `v${count}` })
    await give(node(0), fixture)
    const requests = node(0).network
    await replicas.connectAll()
    await replicas.converge()
    expect(node(1).tree.headersOf(place.block)).toHaveLength(301)
    expect(requests).toBeDefined()
  })
})

describe('a cut', () => {
  test(
    'at any moment leaves a state from which the next connection goes on',
    { timeout: 120_000 },
    async () => {
      for (let cutMs = 1; cutMs <= 60; cutMs += 2) {
        const { fixture, replicas, node } = await startCluster(`cut ${cutMs}`, 2, { blocks: 20 })
        fixture.create(fixture.root, fixture.rootPlace, { content: fixture.random.bytes(60_000) })
        await give(node(0), fixture)
        replicas.hub.setConditions('node0', 'node1', { bytesPerSecond: 2_000_000 })
        await replicas.connectAll()
        await replicas.time.advance(cutMs)
        replicas.hub.reset('node0', 'node1')
        await replicas.time.advance(20)
        await replicas.restart(node(1))
        await replicas.connectAll()
        await replicas.converge()
        await replicas.time.advance(2000)
        expect(node(1).sync.status.payloadsWanted).toBe(0)
        expect(fixture.sectors.every(({ reference }) => node(1).store.hasSector(reference))).toBe(true)
        await replicas.close()
      }
    }
  )
})

describe('three nodes', () => {
  test('what one node relays reaches a node that it alone knows', async () => {
    const { fixture, replicas, node } = await cluster('relay', 3)
    await replicas.connect(node(0), node(1))
    await replicas.connect(node(1), node(2))
    await replicas.converge()
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(node(0), fixture, [first])
    await replicas.time.advance(200)
    expect(holds(node(2), first.id)).toBe(true)
  })
})

describe('rights', () => {
  test('a stranger gets nothing and brings nothing', async () => {
    const { fixture, replicas, node } = await cluster('stranger', 1)
    const outsider = await replicas.add('outsider', fixture.stranger('mallory'))
    await replicas.connectAll()
    await replicas.time.advance(60_000)
    expect(outsider.tree.tree).toBeUndefined()
    expect(outsider.sync.status.peers[0]?.state).toBe('forbidden')
    expect(node(0).sync.status.peers[0]?.taken).toBe(0)
  })

  test('a holder of a cap over one zone gets that zone and what it rests on, and nothing else', async () => {
    const { fixture, replicas, node } = await cluster('zone', 1)
    const shared = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const other = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const inside = fixture.create(fixture.root, shared.place)
    const outside = fixture.create(fixture.root, other.place)
    const guest = fixture.cap(fixture.root, 'guest', shared.place, { rights: right.write })
    const elsewhere = fixture.cap(fixture.root, 'somebody else', other.place)
    await give(node(0), fixture)
    const reader = await replicas.add('guest', guest)
    await replicas.connectAll()
    await replicas.time.advance(5000)
    expect(holds(reader, inside.first.id)).toBe(true)
    expect(holds(reader, shared.first.id)).toBe(true)
    expect(holds(reader, outside.first.id)).toBe(false)
    expect(elsewhere.cap === undefined ? true : holds(reader, elsewhere.cap.id)).toBe(false)
    expect(reader.sync.status.peers[0]?.state).toBe('in step')
  })

  test('what a writer without host sends is admitted, and what it sends elsewhere is refused', async () => {
    const { fixture, replicas, node } = await cluster('writer', 1)
    const shared = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const guest = fixture.cap(fixture.root, 'guest', shared.place, { rights: right.write | right.create })
    await give(node(0), fixture)
    const writer = await replicas.add('guest', guest)
    await replicas.connectAll()
    await replicas.time.advance(5000)
    const good = fixture.create(guest, shared.place)
    await give(writer, fixture, [good.first])
    await replicas.time.advance(1000)
    expect(holds(node(0), good.first.id)).toBe(true)
  })

  test('what a writer sends under a cap that ends is vouched for by the host, everywhere', async () => {
    const { fixture, replicas, node } = await cluster('vouched', 2)
    const guest = fixture.cap(fixture.root, 'guest', fixture.rootPlace, {
      rights: right.write | right.create,
      notAfter: 100_000_000
    })
    await give(node(0), fixture)
    const writer = await replicas.add('guest', guest)
    await replicas.connect(writer, node(0))
    await replicas.connect(node(0), node(1))
    await replicas.time.advance(5000)
    const { place, first } = fixture.create(guest, fixture.rootPlace)
    await give(writer, fixture, [first])
    await replicas.converge()
    for (const { tree } of replicas.nodes.values())
      expect(tree.blockState(place.block)?.winner?.id).toEqual(first.id)
  })

  test('a node whose cap was revoked gets nothing from then on', async () => {
    const { fixture, replicas, node, author } = await cluster('revoked', 2)
    await replicas.connectAll()
    await replicas.converge()
    fixture.revoke(fixture.root, author(1))
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(node(0), fixture)
    await replicas.time.advance(120_000)
    expect(holds(node(1), first.id)).toBe(false)
    expect(node(1).sync.status.peers[0]?.state).toBe('forbidden')
  })

  test('a revocation arrives before what its signer wrote afterwards', async () => {
    const { fixture, replicas, node } = await cluster('first', 2)
    const thief = fixture.cap(fixture.root, 'thief', fixture.rootPlace)
    await give(node(0), fixture)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.disconnectAll()
    fixture.revoke(fixture.root, thief)
    const { place } = fixture.create(thief, fixture.rootPlace)
    await give(node(0), fixture)
    await replicas.connectAll()
    await replicas.converge()
    expect(node(1).tree.blockState(place.block)?.winner).toBeUndefined()
    expect(node(1).tree.blockState(place.block)?.labels.quarantine).toHaveLength(1)
  })
})

describe('promises', () => {
  test('a write waits until as many nodes keep it as asked for', async () => {
    const { fixture, replicas, node } = await cluster('promise', 3)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(2000)
    const content = new Uint8Array(20_000).fill(7)
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { content })
    await give(node(0), fixture, [first])
    const waiting = node(0).sync.waitFor([first.id], { copies: 3, timeoutMs: 10_000 })
    const report = await replicas.time.until(waiting)
    expect(report).toMatchObject({ kept: 3, of: 3 })
    const promised = await node(0).sync.promises(first.id)
    expect(promised.map(({ state, coverage }) => [state, coverage])).toEqual([
      ['good', 'payload'],
      ['good', 'payload']
    ])
  })

  test('it says how many when too few are there in time', async () => {
    const { fixture, replicas, node } = await cluster('few', 2)
    await give(node(0), fixture)
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(node(0), fixture, [first])
    const report = await replicas.time.until(node(0).sync.waitFor([first.id], { copies: 2, timeoutMs: 2000 }))
    expect(report).toMatchObject({ kept: 1, of: 2 })
  })

  test('a node that connects while somebody waits is asked too', async () => {
    const { fixture, replicas, node } = await cluster('late', 2)
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(node(0), fixture)
    const waiting = node(0).sync.waitFor([first.id], { copies: 2, timeoutMs: 20_000 })
    await replicas.connectAll()
    expect(await replicas.time.until(waiting)).toMatchObject({ kept: 2 })
  })

  test('a node that cannot promise yet, since it has just come, is asked again', async () => {
    const { fixture, replicas, node } = await cluster('early', 2)
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(node(0), fixture)
    node(1).promises = false
    const waiting = node(0).sync.waitFor([first.id], { copies: 2, timeoutMs: 20_000 })
    await replicas.connectAll()
    await replicas.time.advance(3000)
    node(1).promises = true
    expect(await replicas.time.until(waiting)).toMatchObject({ kept: 2 })
  })

  test('promises of writes that nobody waited for are collected, and proven by challenges', async () => {
    const { fixture, replicas, node } = await cluster('background', 2)
    await replicas.connectAll()
    await replicas.converge()
    const { first } = fixture.create(fixture.root, fixture.rootPlace, {
      content: new Uint8Array(9000).fill(3)
    })
    await give(node(0), fixture, [first])
    await replicas.time.advance(10_000)
    expect(await node(0).sync.promises(first.id)).toHaveLength(1)
    const signal = new AbortController().signal
    const report = await replicas.time.until(node(0).sync.scrub({ signal }))
    expect(report).toMatchObject({ challenged: 1, failed: 0, damagedParts: 0 })
    expect((await node(0).sync.promises(first.id))[0]?.checkedMs).toBeDefined()
  })
})

describe('closing', () => {
  test('ends while a peer waits here for a promise that cannot be given', async () => {
    const { fixture, replicas, node } = await cluster('closing', 2)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(1000)
    const { first } = fixture.create(fixture.root, fixture.rootPlace, {
      content: new Uint8Array(9000).fill(1)
    })
    await node(0).tree.offer(fixture.offer([first]), { peer: 'test', from: 'host' }) // its sectors are nowhere
    const waiting = node(0).sync.waitFor([first.id], { copies: 2, timeoutMs: 5000 })
    await replicas.time.advance(500)
    await replicas.time.until(node(1).sync.close())
    expect(await replicas.time.until(waiting)).toMatchObject({ kept: 0, of: 2 })
  })
})

describe('watching a peer', () => {
  test('tells every version once and in order, and goes on after a token', async () => {
    const { fixture, replicas, node } = await cluster('watch', 2)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(1000)
    const seen: string[] = []
    const ending = new AbortController()
    let token: Uint8Array | undefined
    const watch = async (after: Uint8Array | undefined): Promise<void> => {
      const [connection] = node(1).connections
      if (connection === undefined) throw new Error('not connected')
      for await (const change of node(1).sync.watch(connection, after, ending.signal)) {
        token = change.token
        seen.push(change.header === undefined ? 'missed' : change.header.record.toHex())
      }
    }
    const first = watch(undefined).catch(() => undefined)
    await replicas.time.advance(20)
    const { place, first: one } = fixture.create(fixture.root, fixture.rootPlace)
    const two = fixture.write(fixture.root, place, { prev: [one] })
    await give(node(0), fixture, [one, two])
    await replicas.time.advance(20)
    expect(seen).toEqual(['missed', one.id.toHex(), two.id.toHex()])
    await replicas.disconnectAll()
    await first
    const three = fixture.write(fixture.root, place, { prev: [two] })
    await give(node(0), fixture, [three])
    await replicas.connectAll()
    await replicas.time.advance(1000)
    void watch(token).catch(() => undefined)
    await replicas.time.advance(20)
    expect(seen.slice(3)).toEqual([three.id.toHex()])
    ending.abort()
  })
})
