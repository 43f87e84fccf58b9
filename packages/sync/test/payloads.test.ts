/** Payloads on their way: from several peers, damaged, cut, on demand, repaired. */
import { afterEach, describe, expect, test } from 'vitest'
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import { TokenBucket } from '@blocktree/network'
import { type Id, authorityRoot, makeCheckpoint } from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { type Cluster, give, startCluster } from './cluster.ts'
import { type ReplicaNode, seededNumbers } from './replicas.ts'
import { partLength } from '../src/byte-stream.ts'
import { decodeSectorsAsk, encodePush } from '../src/messages.ts'
import { isPayloadHeld } from '../src/payload-parts.ts'
import { PayloadQueue } from '../src/payload-queue.ts'
import type { PeerLink } from '../src/peer-link.ts'
import { PeerStanding } from '../src/peer-standing.ts'
import type { SyncPorts } from '../src/ports.ts'
import { PeerRights } from '../src/scope.ts'
import { crypto } from './tree-fixture.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

function content(length: number): Uint8Array {
  const next = seededNumbers(length)
  return Uint8Array.from({ length }, () => Math.floor(next() * 256))
}

function hasPayload({ tree, store }: ReplicaNode, id: Id): boolean {
  const header = tree.header(id)
  return header !== undefined && isPayloadHeld(store, id, header.body.payload)
}

describe('payloads', () => {
  test('every sector of a large file arrives, with inner nodes', async () => {
    open = await startCluster('large', 2)
    const { fixture, replicas, node } = open
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { content: content(3_000_000) })
    await give(node(0), fixture)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(5000)
    expect(hasPayload(node(1), first.id)).toBe(true)
    expect(node(1).sync.status.payloadsWanted).toBe(0)
  })

  test('parts come from several peers at a time', async () => {
    open = await startCluster('several', 3)
    const { fixture, replicas, node } = open
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { content: content(4_000_000) })
    await give(node(0), fixture)
    await give(node(1), fixture)
    for (const from of ['node0', 'node1'])
      replicas.hub.setConditions(from, 'node2', { bytesPerSecond: 2_000_000 })
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(5000)
    expect(hasPayload(node(2), first.id)).toBe(true)
    const sent = [0, 1].map((index) =>
      [...node(index).connections].reduce((sum, { statistics }) => sum + statistics.bytesOut, 0)
    )
    expect(Math.min(...sent)).toBeGreaterThan(500_000)
  })

  test('what was cut goes on where it stopped, after a restart too', async () => {
    open = await startCluster('cut', 2)
    const { fixture, replicas, node } = open
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { content: content(6_000_000) })
    await give(node(0), fixture)
    replicas.hub.setConditions('node0', 'node1', { bytesPerSecond: 2_000_000 })
    await replicas.connectAll()
    await replicas.time.advance(1500)
    await replicas.disconnectAll()
    const before = node(1).sync.status.sectorBytesReceived
    expect(hasPayload(node(1), first.id)).toBe(false)
    await replicas.restart(node(1))
    await replicas.connectAll()
    await replicas.time.advance(20_000)
    expect(hasPayload(node(1), first.id)).toBe(true)
    expect(before).toBeGreaterThan(500_000)
    expect(node(1).sync.status.sectorBytesReceived).toBeLessThan(6_500_000 - before + 1_500_000)
  })

  test('nothing is fetched before it is asked for when the policy says so', async () => {
    open = await startCluster('demand', 2, { node: { policy: 'on demand' } })
    const { fixture, replicas, node } = open
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { content: content(50_000) })
    await give(node(0), fixture)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(5000)
    expect(hasPayload(node(1), first.id)).toBe(false)
    const fetched = node(1).sync.fetchPayload(first.id, new AbortController().signal)
    expect(await replicas.time.until(fetched)).toBe(true)
    expect(hasPayload(node(1), first.id)).toBe(true)
  })

  test('a damaged part is found by the background check and fetched again', async () => {
    const store = damagingStore()
    open = await startCluster('repair', 1)
    const { fixture, replicas, node } = open
    const other = await replicas.add('other', fixture.cap(fixture.root, 'other', fixture.rootPlace), {
      store
    })
    const { first } = fixture.create(fixture.root, fixture.rootPlace, { content: content(40_000) })
    await give(node(0), fixture)
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(5000)
    const sector = fixture.sectors[2]
    if (sector === undefined) throw new Error('no sector')
    store.damage(sector.reference)
    const report = await replicas.time.until(other.sync.scrub({ signal: new AbortController().signal }))
    expect(report).toMatchObject({ damagedParts: 1, repaired: 1 })
    expect(hasPayload(other, first.id)).toBe(true)
    expect(other.store.readSector(sector.reference)).toEqual(sector.bytes)
  })

  test('a damaged manifest of a checkpoint is found and fetched again: what it cuts rests on it', async () => {
    const store = damagingStore()
    open = await startCluster('manifest', 1)
    const { fixture, replicas, node } = open
    const rights = fixture.cap(fixture.root, 'other', fixture.rootPlace)
    const other = await replicas.add('other', rights, { store })
    fixture.create(fixture.root, fixture.rootPlace)
    await give(node(0), fixture)
    const { tree, store: held } = node(0)
    const random = createSeededRandom('manifest')
    const record = await makeCheckpoint(
      { tree, store: held, crypto, random, clock: { now: () => 5 } },
      fixture.root.principal,
      {
        zone: fixture.rootPlace.block,
        cap: undefined,
        previous: tree.anchors(fixture.rootPlace.block),
        authorityRoot: authorityRoot(tree, crypto)
      }
    )
    await tree.commitLocal({ records: [{ record }] })
    await replicas.connectAll()
    await replicas.converge()
    await replicas.time.advance(5000)
    const { rootHash } = record.body.manifest
    expect(other.store.hasSector(rootHash)).toBe(true)
    store.damage(rootHash)
    const report = await replicas.time.until(other.sync.scrub({ signal: new AbortController().signal }))
    expect(report).toMatchObject({ damagedParts: 1, repaired: 1 })
    expect(other.store.readSector(rootHash)).toEqual(held.readSector(rootHash))
  })
})

/** A store in memory in which sectors can rot until they are written again. */
function damagingStore(): ReturnType<typeof createMemoryStore> & { damage(reference: Id): void } {
  const store = createMemoryStore()
  const damaged = new Set<string>()
  return {
    ...bound(store),
    damage: (reference) => void damaged.add(reference.toHex()),
    readSector(reference) {
      if (damaged.has(reference.toHex())) throw new Error('damaged')
      return store.readSector(reference)
    },
    commit(batch, options) {
      for (const { reference } of batch.sectors ?? []) damaged.delete(reference.toHex())
      return store.commit(batch, options)
    }
  }
}

function bound(store: ReturnType<typeof createMemoryStore>): ReturnType<typeof createMemoryStore> {
  return {
    index: store.index,
    local: store.local,
    readSector: (id) => store.readSector(id),
    hasSector: (id) => store.hasSector(id),
    readRecord: (id) => store.readRecord(id),
    hasRecord: (id) => store.hasRecord(id),
    records: () => store.records(),
    commit: (batch, options) => store.commit(batch, options),
    flush: () => store.flush(),
    close: () => store.close()
  }
}

describe('payloads that nobody has', () => {
  test('hold up none that somebody has, however many of them there are', async () => {
    open = await startCluster('nobody', 1)
    const { fixture, replicas, node } = open
    const made = Array.from({ length: 24 }, (_, index) =>
      fixture.create(fixture.root, fixture.rootPlace, { content: content(5000 + index) })
    ).map(({ first }) => first.id)
    await node(0).tree.offer(fixture.offer(), { peer: 'test', from: 'host' }) // headers, and no sector
    const sorted = made.toSorted((left, right) => (left.toHex() < right.toHex() ? -1 : 1))
    const had = sorted.slice(-2) // behind all others in the rows
    const kept = new Map(fixture.sectors.map(({ reference, bytes }) => [reference.toHex(), bytes]))
    const names = new Set(had.map((id) => id.toHex()))
    const ports: SyncPorts = {
      tree: node(0).tree,
      store: node(0).store,
      crypto,
      random: { bytes: (length) => new Uint8Array(length) },
      clock: { now: () => replicas.time.now() },
      pace: {
        now: () => replicas.time.now(),
        after: (milliseconds, callback) => replicas.time.start(milliseconds, callback)
      },
      self: {
        principal: fixture.root.principal.id,
        signer: () => undefined,
        hostCap: () => undefined,
        promiseCap: () => undefined
      }
    }
    async function* parts(head: Uint8Array): AsyncGenerator<Uint8Array> {
      for (const { owner, references } of decodeSectorsAsk(head).owners) {
        for (const reference of references) {
          const bytes = names.has(owner.toHex()) ? kept.get(reference.toHex()) : undefined
          yield partLength(bytes?.length ?? 0)
          if (bytes !== undefined) yield bytes
        }
      }
    }
    const link = {
      connection: { pull: (_: string, head: Uint8Array) => parts(head) },
      principal: fixture.root.principal.id,
      name: 'peer',
      standing: new PeerStanding(ports.pace),
      ending: new AbortController(),
      lacks: new Map<string, number>()
    }
    const queue = new PayloadQueue({
      ports,
      rights: new PeerRights(ports.tree, crypto, ports.clock),
      treeId: fixture.tree.id,
      keepsAll: () => true,
      links: () => [link as unknown as PeerLink],
      download: new TokenBucket(Infinity, Infinity, 0),
      sleep: () => Promise.resolve(),
      progressed: () => undefined,
      scopeOf: () => [fixture.rootPlace.block],
      ownersInMemory: 8
    })
    for (const id of sorted) {
      await ports.store.commit({ local: [queue.rowOf(id)] }, { durability: 'none' })
      queue.add(id)
    }
    for (let second = 0; second < 300; second += 10) {
      queue.pump()
      await replicas.time.advance(10_000)
    }
    expect(had.map((id) => hasPayload(node(0), id))).toEqual([true, true])
    expect(hasPayload(node(0), sorted[0] ?? had[0] ?? new Uint8Array(32))).toBe(false)
    queue.close()
  })
})

describe('a header that comes before what it rests on', () => {
  test('has its content fetched when it is taken, though nobody sends it again', async () => {
    open = await startCluster('parked', 1)
    const { fixture, replicas, node } = open
    const late = await replicas.add('late', fixture.cap(fixture.root, 'late', fixture.rootPlace))
    const before = [...fixture.records]
    const author = fixture.cap(fixture.root, 'author', fixture.rootPlace)
    const { first } = fixture.create(author, fixture.rootPlace, { content: content(50_000) })
    await node(0).store.commit({ sectors: fixture.sectors })
    await give(node(0), fixture, before)
    await late.tree.offer(fixture.offer(before), { peer: 'test', from: 'host' })
    await replicas.connectAll()
    await replicas.converge()
    const push = encodePush({
      tree: fixture.tree.id,
      births: [],
      records: [{ bytes: first.bytes, inline: undefined }]
    })
    for (const connection of node(0).connections) connection.notify('sync.push', push)
    await replicas.time.advance(10)
    expect(late.tree.header(first.id)).toBeUndefined()
    const caps = fixture.records.filter((record) => !before.includes(record) && record !== first)
    await late.tree.offer(fixture.offer(caps), { peer: 'test', from: 'host' })
    await replicas.time.advance(5000)
    expect(late.tree.header(first.id)).toBeDefined()
    expect(hasPayload(late, first.id)).toBe(true)
  })
})
