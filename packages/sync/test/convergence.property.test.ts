/**
 * Any replicas end with the same records, however the way between them fails: random writes on random nodes, forks,
 * deletions, new zones, revocations and receipts, while connections are cut, delayed, narrow or lost.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { HeaderRecord, Id } from '@blocktree/tree'
import { type Cluster, give, startCluster } from './cluster.ts'
import { isPayloadHeld } from '../src/payload-parts.ts'
import { seededNumbers } from './replicas.ts'
import type { Author, Place } from './tree-fixture.ts'

const runs = process.env['SLOW'] === '1' ? 150 : 8

test('replicas converge after any history of writes and faults', { timeout: 600_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), fc.constantFrom(2, 3, 5), async (seed, count) => {
      await runHistory(seed, count)
    }),
    { numRuns: runs }
  )
})

interface Block {
  readonly place: Place
  readonly versions: HeaderRecord[]
}

async function runHistory(seed: number, count: number): Promise<void> {
  const random = seededNumbers(seed)
  const below = (max: number): number => Math.floor(random() * max)
  const cluster = await startCluster(`history ${seed}`, count, { number: seed })
  const { fixture, replicas, nodes } = cluster
  const people: Author[] = [
    fixture.root,
    fixture.cap(fixture.root, 'alice', fixture.rootPlace),
    fixture.cap(fixture.root, 'bob', fixture.rootPlace)
  ]
  const zones: Place[] = [fixture.rootPlace]
  const blocks: Block[] = []
  await give(cluster.node(0), fixture)
  await replicas.connectAll()
  await replicas.time.advance(2000)
  const acknowledged: Id[] = []
  for (let step = 0; step < 25; step++) {
    const at = fixture.records.length
    const author = people[below(people.length)] ?? fixture.root
    act(cluster, { below, author, people, zones, blocks })
    const made = fixture.records.slice(at)
    const node = cluster.node(below(count))
    // A writer writes where it can: with the records that its own rest on.
    await give(
      node,
      fixture,
      fixture.records.slice(0, at).filter(() => random() < 0.3)
    )
    await give(node, fixture, made)
    for (const { id } of made) if (node.tree.record(id) !== undefined) acknowledged.push(id)
    await disturb(cluster, below)
    await replicas.time.advance(below(400))
  }
  replicas.hub.heal()
  for (const { name } of nodes)
    for (const other of nodes)
      if (other.name !== name)
        replicas.hub.setConditions(name, other.name, { bytesPerSecond: Infinity, delayMs: 1, loss: 0 })
  await replicas.disconnectAll()
  await replicas.time.advance(100)
  await replicas.connectAll()
  try {
    await replicas.converge()
    await replicas.time.advance(30_000)
    await replicas.converge()
    for (const node of nodes) {
      for (const id of acknowledged) expect(node.tree.record(id)).toBeDefined()
      for (const id of acknowledged) {
        const payload = node.tree.header(id)?.body.payload
        expect(isPayloadHeld(node.store, id, payload)).toBe(true)
      }
    }
  } finally {
    await replicas.close()
  }
}

interface Scene {
  readonly below: (max: number) => number
  readonly author: Author
  readonly people: Author[]
  readonly zones: Place[]
  readonly blocks: Block[]
}

function act({ fixture }: Cluster, { below, author, people, zones, blocks }: Scene): void {
  const zone = zones[below(zones.length)] ?? fixture.rootPlace
  const block = blocks[below(Math.max(1, blocks.length))]
  const choice = below(20)
  if (choice < 6 || block === undefined) {
    const content = below(2) === 0 ? {} : { content: fixture.random.bytes(below(30_000)) }
    const { place, first } = fixture.create(author, zone, content)
    blocks.push({ place, versions: [first] })
  } else if (choice < 14) {
    const newest = block.versions.slice(-3)
    const prev = newest[below(newest.length)]
    if (prev !== undefined)
      block.versions.push(fixture.write(author, block.place, { prev: [prev], deleted: below(6) === 0 }))
  } else if (choice < 16) {
    const { place } = fixture.create(author, zone, { zoneRoot: true })
    if (zones.length < 5) zones.push(place)
  } else if (choice < 17 && people.length > 2) {
    const [gone] = people.splice(people.length - 1, 1)
    if (gone !== undefined) fixture.revoke(fixture.root, gone)
  } else if (choice < 18) {
    people.push(fixture.cap(fixture.root, `guest ${below(3)}`, zone))
  } else {
    fixture.receipt(fixture.root, fixture.rootPlace, block.versions.slice(-1), 1_000_000)
  }
}

async function disturb({ replicas, nodes }: Cluster, below: (max: number) => number): Promise<void> {
  const [left, right] = [nodes[below(nodes.length)], nodes[below(nodes.length)]]
  if (left === undefined || right === undefined || left === right) return
  switch (below(6)) {
    case 0:
      return replicas.hub.reset(left.name, right.name)
    case 1:
      return replicas.hub.setConditions(left.name, right.name, { isCut: below(2) === 0, delayMs: below(50) })
    case 2:
      return replicas.hub.setConditions(left.name, right.name, {
        bytesPerSecond: 1000 * (1 + below(200)),
        loss: 0.05
      })
    case 3:
      return await replicas.restart(left)
    case 4:
      return await replicas.connect(left, right).catch(() => undefined)
    default:
  }
}
