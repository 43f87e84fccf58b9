/**
 * Nodes that write, remove, sign, bury and prune apart from each other, in any order, are in step as soon as they meet, and
 * say the same of every block that lives.
 */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import {
  type CheckpointRecord,
  type HeaderRecord,
  type Id,
  authorityRoot,
  makeCheckpoint
} from '@blocktree/tree'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Cluster, give, startCluster } from './cluster.ts'
import { type ReplicaNode, seededNumbers } from './replicas.ts'
import { type Place, crypto } from './tree-fixture.ts'

const runs = process.env['SLOW'] === '1' ? 300 : 8

test('nodes that pruned apart are in step when they meet', { timeout: 600_000 }, async () => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), apart), {
    numRuns: runs,
    endOnFailure: true
  })
})

type Below = (max: number) => number

async function apart(seed: number): Promise<void> {
  const random = seededNumbers(seed)
  const below: Below = (max) => Math.floor(random() * max)
  const world = await startCluster(`apart ${seed}`, 3, { number: seed })
  const { replicas, nodes } = world
  const places: Place[] = []
  try {
    await replicas.connectAll()
    await inStep(world)
    for (let step = 0; step < 40; step++) {
      const index = below(3)
      await act(world, places, index, below)
      if (below(6) === 0) await part(world, below)
      await replicas.time.advance(below(3) === 0 ? 2000 : 20)
    }
    await replicas.disconnectAll()
    await replicas.connectAll()
    await inStep(world)
    for (const { block } of places) {
      const winners = nodes.map(({ tree }) => tree.blockState(block)?.winner?.id.toHex())
      expect([block.toHex(), ...new Set(winners)]).toHaveLength(2)
    }
    for (const { sync } of nodes) expect(sync.status.summariesCorrected).toBe(0)
  } finally {
    await replicas.close()
  }
}

async function act(world: Cluster, places: Place[], index: number, below: Below): Promise<void> {
  const { fixture, node, author } = world
  const at = node(index)
  const place = places[below(places.length)]
  const choice = below(20)
  if (choice < 4 || place === undefined) {
    const { place: created, first } = fixture.create(author(index), fixture.rootPlace)
    places.push(created)
    await give(at, fixture, [first])
  } else if (choice < 12) {
    const held = at.tree.blockState(place.block)
    const heads = held?.heads.flatMap(({ id }) => at.tree.header(id) ?? []) ?? []
    if (heads.length === 0) return
    const prev: readonly HeaderRecord[] = below(4) === 0 ? heads.slice(0, 1) : heads
    const deleted = below(3) === 0
    await give(at, fixture, [fixture.write(author(index), place, { prev, deleted })])
  } else if (choice < 17) await sign(world, at, below)
  else await at.tree.prune(fixture.rootPlace.block)
}

/** As the root signs it at this node: with all anchors before it, their graves, and sometimes a base. */
async function sign({ fixture }: Cluster, { tree, store }: ReplicaNode, below: Below): Promise<void> {
  await tree.settled()
  const zone = fixture.rootPlace.block
  const anchors = tree.anchors(zone)
  const graves = new Map<string, Id>()
  for (const { id } of anchors) for await (const block of tree.graves(id)) graves.set(block.toHex(), block)
  for await (const { block } of tree.blocksOfZone(zone)) {
    const { deleted = false, heads = [], conflict = false } = tree.blockSummary(block) ?? {}
    const isOld = anchors.every(({ id }) => {
      const listed = tree.listedHeads(id, block)
      return listed?.length === 1 && listed[0]?.id.toHex() === heads[0]?.id.toHex()
    })
    if (deleted && !conflict && heads.length === 1 && anchors.length > 0 && isOld)
      graves.set(block.toHex(), block)
  }
  const common = anchors
    .map((anchor) => [anchor, ...ancestors(tree, anchor)])
    .reduce<readonly CheckpointRecord[] | undefined>(
      (kept, line) => kept?.filter(({ id }) => line.some((other) => other.id.toHex() === id.toHex())) ?? line,
      undefined
    )
  const base = common?.[below(common.length)]
  const random = createSeededRandom(`checkpoint ${below(1e9)}`)
  const record = await makeCheckpoint(
    { tree, store, crypto, random, clock: { now: () => 5 } },
    fixture.root.principal,
    {
      zone,
      cap: undefined,
      previous: anchors,
      authorityRoot: authorityRoot(tree, crypto),
      graves: [...graves.keys()].toSorted().flatMap((key) => graves.get(key) ?? []),
      ...(base === undefined || below(2) === 0 ? {} : { base: base.id })
    }
  )
  await tree.commitLocal({ records: [{ record }] })
  await tree.settled()
}

function ancestors(tree: ReplicaNode['tree'], checkpoint: CheckpointRecord): readonly CheckpointRecord[] {
  const found: CheckpointRecord[] = []
  const open = [...checkpoint.body.prev]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    const before = tree.authority.checkpoint(id)
    if (before === undefined || found.includes(before)) continue
    found.push(before)
    open.push(...before.body.prev)
  }
  return found
}

async function part({ replicas, nodes }: Cluster, below: Below): Promise<void> {
  if (below(2) === 0) await replicas.disconnectAll()
  const [left, right] = [nodes[below(3)], nodes[below(3)]]
  if (left !== undefined && right !== undefined && left !== right) await replicas.connect(left, right)
}

/** Lets time pass until all comparisons agree. */
async function inStep({ replicas, nodes }: Cluster): Promise<void> {
  for (let round = 0; round < 300; round++) {
    for (const { sync } of nodes) sync.compare()
    await replicas.time.advance(1000)
    const peers = nodes.flatMap(({ sync }) => sync.status.peers)
    if (peers.length >= 6 && peers.every(({ state }) => state === 'in step')) return
  }
  const told = nodes.map(({ sync, notes }) => [sync.status.peers.map(({ state }) => state), notes.slice(-4)])
  throw new Error(`never in step: ${JSON.stringify(told)}`)
}
