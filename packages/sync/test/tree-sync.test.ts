/** Replication between nodes in memory: comparing, pushing, cutting and healing, payloads, promises. */
import { afterEach, describe, expect, test } from 'vitest'
import { Fixture } from './tree-fixture.ts'
import { type ReplicaNode, Replicas } from './replicas.ts'

let replicas: Replicas | undefined

afterEach(async () => {
  await replicas?.close()
  replicas = undefined
})

/** Nodes with all rights over the tree; the first holds everything made so far. */
async function cluster(
  seed: string,
  count: number,
  blocks = 5
): Promise<{ fixture: Fixture; nodes: ReplicaNode[] }> {
  const fixture = new Fixture(seed)
  const authors = Array.from({ length: count }, (_, index) =>
    fixture.cap(fixture.root, `node ${index}`, fixture.rootPlace)
  )
  for (let block = 0; block < blocks; block++) fixture.create(fixture.root, fixture.rootPlace)
  const made = new Replicas(fixture)
  replicas = made
  const nodes: ReplicaNode[] = []
  for (const [index, author] of authors.entries()) nodes.push(await made.add(`node${index}`, author))
  await take(nodes[0], fixture)
  return { fixture, nodes }
}

async function take(
  node: ReplicaNode | undefined,
  fixture: Fixture,
  records = fixture.records
): Promise<void> {
  await node?.tree.offer(fixture.offer(records), { peer: 'test', from: 'host' })
}

describe('two nodes', () => {
  test('an empty node gets everything of the other', async () => {
    const { nodes } = await cluster('empty', 2)
    await replicas?.connectAll()
    await replicas?.converge()
    expect(nodes[1]?.tree.statistics().headers).toBe(6)
    expect(nodes[1]?.sync.status.peers[0]?.state).toBe('in step')
  })

  test('what is written on either side is pushed to the other', async () => {
    const { fixture, nodes } = await cluster('push', 2)
    await replicas?.connectAll()
    await replicas?.converge()
    const before = fixture.records.length
    fixture.create(fixture.root, fixture.rootPlace)
    await take(nodes[1], fixture, fixture.records.slice(before))
    expect(await replicas?.converge(300)).toBeLessThanOrEqual(100)
    expect(nodes[0]?.tree.statistics().headers).toBe(7)
  })

  test('what both wrote while they were apart is exchanged when they meet', async () => {
    const { fixture, nodes } = await cluster('apart', 2)
    await replicas?.connectAll()
    await replicas?.converge()
    await replicas?.disconnectAll()
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const left = fixture.write(fixture.root, place, { prev: [first], name: 'left' })
    const right = fixture.write(fixture.root, place, { prev: [first], name: 'right' })
    await take(nodes[0], fixture, [first, left])
    await take(nodes[1], fixture, [first, right])
    await replicas?.connectAll()
    await replicas?.converge()
    expect(nodes[0]?.tree.blockSummary(place.block)?.heads).toHaveLength(2)
  })

  test('a stranger gets nothing and brings nothing', async () => {
    const { fixture, nodes } = await cluster('stranger', 1)
    const outsider = await replicas?.add('outsider', fixture.stranger('mallory'))
    await replicas?.connectAll()
    await replicas?.time.advance(60_000)
    expect(outsider?.tree.tree).toBeUndefined()
    expect(outsider?.sync.status.peers[0]?.state).toBe('forbidden')
    expect(nodes[0]?.sync.status.peers[0]?.taken).toBe(0)
  })
})
