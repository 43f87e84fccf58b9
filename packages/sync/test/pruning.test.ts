/** Nodes that gave up old versions and buried blocks, and others that did not, agree; nobody brings anything back. */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import {
  type CheckpointRecord,
  type HeaderRecord,
  type Id,
  authorityRoot,
  makeCheckpoint
} from '@blocktree/tree'
import { afterEach, describe, expect, test } from 'vitest'
import { type Cluster, give, startCluster } from './cluster.ts'
import type { ReplicaNode } from './replicas.ts'
import { type Place, crypto } from './tree-fixture.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

async function cluster(...options: Parameters<typeof startCluster>): Promise<Cluster> {
  open = await startCluster(...options)
  return open
}

/** A checkpoint of the whole tree by its root, made at this node. */
async function checkpoint(
  { fixture }: Cluster,
  { tree, store }: ReplicaNode,
  options: { readonly base?: CheckpointRecord; readonly graves?: readonly Id[] } = {}
): Promise<CheckpointRecord> {
  const zone = fixture.rootPlace.block
  const record = await makeCheckpoint(
    { tree, store, crypto, random: createSeededRandom('checkpoint'), clock: { now: () => 5 } },
    fixture.root.principal,
    {
      zone,
      cap: undefined,
      previous: tree.anchors(zone),
      authorityRoot: authorityRoot(tree, crypto),
      ...(options.base === undefined ? {} : { base: options.base.id }),
      ...(options.graves === undefined ? {} : { graves: options.graves })
    }
  )
  await tree.commitLocal({ records: [{ record }] })
  await tree.settled()
  return record
}

/** Lets time pass until all comparisons agree. */
async function inStep({ replicas, nodes }: Cluster): Promise<void> {
  for (let round = 0; round < 600; round++) {
    await replicas.time.advance(500)
    const peers = nodes.flatMap(({ sync }) => sync.status.peers)
    for (const { sync } of nodes) sync.compare()
    await replicas.time.advance(500)
    const after = nodes.flatMap(({ sync }) => sync.status.peers)
    if (peers.length > 0 && [...peers, ...after].every(({ state }) => state === 'in step')) return
  }
  throw new Error(
    `never in step: ${JSON.stringify(nodes.map(({ sync, notes }) => [sync.status, notes.slice(-4)]))}`
  )
}

function winners(nodes: readonly ReplicaNode[], { block }: Place): ReadonlySet<string | undefined> {
  return new Set(nodes.map(({ tree }) => tree.blockState(block)?.winner?.id.toHex()))
}

async function versionsOf(
  world: Cluster,
  count: number
): Promise<{ place: Place; versions: HeaderRecord[] }> {
  const { fixture, node } = world
  const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
  const versions = [first]
  while (versions.length < count)
    versions.push(
      fixture.write(fixture.root, place, { prev: versions.slice(-1), name: `v${versions.length}` })
    )
  await give(node(0), fixture, versions)
  return { place, versions }
}

/** Everything before the last version pruned at the first node. */
async function prunedAtFirst(world: Cluster): Promise<{ place: Place; versions: HeaderRecord[] }> {
  const { fixture, replicas, node } = world
  const { place, versions } = await versionsOf(world, 6)
  await replicas.connectAll()
  await inStep(world)
  const base = await checkpoint(world, node(0))
  const last = fixture.write(fixture.root, place, { prev: versions.slice(-1), name: 'last' })
  await give(node(0), fixture, [last])
  await checkpoint(world, node(0), { base })
  await inStep(world)
  const report = await node(0).tree.prune(fixture.rootPlace.block)
  expect(report.versions).toBe(5)
  return { place, versions: [...versions, last] }
}

describe('a pruned node', () => {
  test('stays in step with one that kept everything, and is not given back what it gave up', async () => {
    const world = await cluster('pruned', 2)
    const { place } = await prunedAtFirst(world)
    const { node } = world
    await inStep(world)
    await world.replicas.restart(node(0))
    await world.replicas.connectAll()
    await inStep(world)
    expect(node(0).tree.headersOf(place.block)).toHaveLength(2)
    expect(node(1).tree.headersOf(place.block)).toHaveLength(7)
    expect(winners(world.nodes, place).size).toBe(1)
  })

  test('gives a new node the state without the history', async () => {
    const world = await cluster('new node', 3)
    const { replicas, node } = world
    await replicas.disconnectAll()
    const { place } = await prunedAtFirst({ ...world, nodes: world.nodes.slice(0, 1), replicas })
    await replicas.disconnectAll()
    const fresh = await replicas.add('fresh', world.author(2))
    await replicas.connect(fresh, node(0))
    await inStep({ ...world, nodes: [fresh, node(0)] })
    expect(fresh.tree.headersOf(place.block)).toHaveLength(2)
    expect(fresh.tree.missingOf(place.block)).toEqual([])
    expect(fresh.tree.blockState(place.block)).toMatchObject({ version: 7, conflict: false })
  })

  test('takes what a node wrote while it was away, loses none of it, and nothing goes back', async () => {
    const world = await cluster('away', 3)
    const { fixture, replicas, node } = world
    const away = node(2)
    const { place, versions } = await versionsOf(world, 6)
    await replicas.connectAll()
    await inStep(world)
    await replicas.disconnectAll()
    const apart = fixture.write(world.author(2), place, { prev: versions.slice(2, 3), name: 'apart' })
    const onTop = fixture.write(world.author(2), place, { prev: versions.slice(-1), name: 'on top' })
    const { place: own, first } = fixture.create(world.author(2), fixture.rootPlace)
    await give(away, fixture, [apart, onTop, first])
    await replicas.connect(node(0), node(1))
    const base = await checkpoint(world, node(0))
    const last = fixture.write(fixture.root, place, { prev: versions.slice(-1), name: 'last' })
    await give(node(0), fixture, [last])
    await checkpoint(world, node(0), { base })
    await inStep({ ...world, nodes: world.nodes.slice(0, 2) })
    for (const index of [0, 1]) await node(index).tree.prune(fixture.rootPlace.block)
    await replicas.connect(away, node(0))
    await replicas.connect(away, node(1))
    await inStep(world)
    expect(winners(world.nodes, place)).toEqual(new Set([last.id.toHex()]))
    for (const { tree } of world.nodes) {
      const state = tree.blockState(place.block)
      expect(state?.labels.late).toContainEqual(apart.id)
      expect(tree.header(onTop.id)).toBeDefined()
      expect(tree.blockState(own.block)?.winner?.id).toEqual(first.id)
    }
    // who was away remembers what it was given, and must not take what the others gave up for lost
    for (const { notes } of world.nodes)
      expect(notes.filter((note) => note.includes('went back'))).toEqual([])
  })
})

describe('a buried block', () => {
  test('lives again for nobody, and what was written upon it apart is told to all', async () => {
    const world = await cluster('buried', 3)
    const { fixture, replicas, node } = world
    const { place, versions } = await versionsOf(world, 3)
    await replicas.connectAll()
    await inStep(world)
    await replicas.disconnectAll()
    const away = node(2)
    const apart = fixture.write(world.author(2), place, { prev: versions.slice(-1), name: 'apart' })
    await give(away, fixture, [apart])
    await replicas.connect(node(0), node(1))
    const gone = fixture.write(fixture.root, place, { prev: versions.slice(-1), deleted: true })
    await give(node(0), fixture, [gone])
    await checkpoint(world, node(0))
    const buried = await checkpoint(world, node(0), { graves: [place.block] })
    await checkpoint(world, node(0), { graves: [place.block], base: buried })
    const pair = { ...world, nodes: world.nodes.slice(0, 2) }
    await inStep(pair)
    expect((await node(0).tree.prune(fixture.rootPlace.block)).buried).toBe(1)
    await inStep(pair)
    expect(node(0).tree.blockSummary(place.block)).toBeUndefined()
    expect(node(1).tree.blockSummary(place.block)).toBeDefined()
    await replicas.connect(away, node(0))
    await replicas.connect(away, node(1))
    await inStep(world)
    for (const { tree } of world.nodes) {
      expect(tree.blockState(place.block)?.winner).toBeUndefined()
      expect(tree.blockState(place.block)?.labels.late).toContainEqual(apart.id)
    }
    // Settled while one of them is away: it hears of that though the block is nothing to compare any more.
    await replicas.disconnectAll()
    const settled = fixture.write(fixture.root, place, { prev: [apart], deleted: true })
    await give(node(0), fixture, [settled])
    await replicas.connectAll()
    await inStep(world)
    for (const { tree } of world.nodes) {
      expect(tree.blockSummary(place.block)).toMatchObject({ heads: [], conflict: false })
      expect(tree.header(settled.id)).toBeDefined()
    }
  })

  test('of which a node that was away brings back what was removed: who still has the removal settles it for all', async () => {
    const world = await cluster('unheard of', 3)
    const { fixture, replicas, node } = world
    const { place, versions } = await versionsOf(world, 2)
    await replicas.connectAll()
    await inStep(world)
    await replicas.disconnectAll()
    await replicas.connect(node(0), node(1))
    const unheard = fixture.write(fixture.root, place, { prev: versions.slice(-1) })
    const gone = fixture.write(fixture.root, place, { prev: [unheard], deleted: true })
    await give(node(0), fixture, [unheard, gone])
    await checkpoint(world, node(0))
    const buried = await checkpoint(world, node(0), { graves: [place.block] })
    await checkpoint(world, node(0), { graves: [place.block], base: buried })
    await inStep({ ...world, nodes: world.nodes.slice(0, 2) })
    expect((await node(0).tree.prune(fixture.rootPlace.block)).buried).toBe(1)
    // first of all to who gave everything up: it cannot tell an old version from a new one
    await replicas.disconnectAll()
    await replicas.connect(node(2), node(0))
    await inStep({ ...world, nodes: [node(0), node(2)] })
    expect(node(0).tree.blockState(place.block)?.labels.late).toHaveLength(2)
    await replicas.connectAll()
    await inStep(world)
    for (const { tree } of world.nodes) {
      expect(tree.header(gone.id)).toBeDefined()
      expect(tree.blockState(place.block)).toMatchObject({ winner: undefined, conflict: false })
    }
  })
})
