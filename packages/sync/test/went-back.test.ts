/** A node whose disk was restored from a backup or snapshot: others see it, it is told, and writes nothing until it caught up. */
import {
  type BlockStore,
  type HeaderRecord,
  type Id,
  type IndexReader,
  type IndexRow,
  right
} from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { afterEach, describe, expect, test } from 'vitest'
import { encodeSeenAsk } from '../src/messages.ts'
import { type Cluster, give, startCluster } from './cluster.ts'
import { type Author, crypto } from './tree-fixture.ts'

let open: Cluster | undefined

afterEach(async () => {
  await open?.replicas.close()
  open = undefined
})

async function cluster(...options: Parameters<typeof startCluster>): Promise<Cluster> {
  open = await startCluster(...options)
  return open
}

async function rowsOf(rows: IndexReader): Promise<readonly IndexRow[]> {
  const found: IndexRow[] = []
  for await (const [key, value] of rows.range({ from: new Uint8Array(0), to: new Uint8Array(40).fill(0xff) }))
    found.push({ key, value })
  return found
}

async function snapshotOf(store: BlockStore): Promise<BlockStore> {
  const copy = createMemoryStore()
  for await (const record of store.records()) await copy.commit({ records: [record] })
  await copy.commit({ rows: await rowsOf(store.index), local: await rowsOf(store.local) })
  return copy
}

const told = 'this node went back'

describe('a node that went back', () => {
  test('is seen and told at the next contact, writes nothing until it caught up, and then goes on', async () => {
    const world = await cluster('back', 2)
    const { fixture, replicas, node } = world
    await replicas.connectAll()
    await replicas.converge()
    const snapshot = await snapshotOf(node(1).store)
    const { first } = fixture.create(world.author(1), fixture.rootPlace)
    await node(1).tree.commitLocal({ records: [{ record: first }] })
    await replicas.converge()
    await replicas.time.advance(2000)
    await replicas.disconnectAll()
    const back = await replicas.add('back', world.author(1), { store: snapshot })
    expect(back.tree.header(first.id)).toBeUndefined()
    const lost = new Promise<void>((resolve) => {
      const end = back.tree.onTaken((taken) => {
        if (!taken.some(({ id }) => id.toHex() === first.id.toHex())) return
        end()
        resolve()
      })
    })
    let refusal: unknown
    const holds = (async () => {
      while (!back.tree.holdsWrites)
        await Promise.resolve(await new Promise((resolve) => setImmediate(resolve)))
      const { first: other } = fixture.create(world.author(1), fixture.rootPlace)
      await back.tree.commitLocal({ records: [{ record: other }] }).catch((error: unknown) => {
        refusal = error
      })
    })()
    await replicas.connect(back, node(0))
    for (let step = 0; step < 400 && back.tree.header(first.id) === undefined; step++)
      await replicas.time.advance(5)
    await holds
    await lost
    expect(refusal).toMatchObject({ code: 'ERR_TREE_WENT_BACK' })
    expect(back.notes.some((note) => note.startsWith(told))).toBe(true)
    expect(node(0).notes.some((note) => note.startsWith('a peer went back'))).toBe(true)
    for (let step = 0; step < 400 && back.tree.holdsWrites; step++) await replicas.time.advance(500)
    expect(back.tree.holdsWrites).toBe(false)
    const { first: next } = fixture.create(world.author(1), fixture.rootPlace)
    await back.tree.commitLocal({ records: [{ record: next }] })
    await replicas.time.advance(100)
    expect(node(0).tree.header(next.id)).toBeDefined()
    const isKnown = (): boolean => node(0).sync.status.peers.some(({ wentBack }) => wentBack)
    for (let step = 0; step < 400 && isKnown(); step++) await replicas.time.advance(500)
    expect(isKnown()).toBe(false)
  })

  test('stays held over a restart, until somebody insists', async () => {
    const world = await cluster('held', 1)
    const { fixture, node } = world
    await node(0).tree.setHoldsWrites(true)
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    const write = (): Promise<void> => node(0).tree.commitLocal({ records: [{ record: first }] })
    await expect(write()).rejects.toMatchObject({ code: 'ERR_TREE_WENT_BACK' })
    const again = await world.replicas.add('again', world.author(0), { store: node(0).store })
    expect(again.tree.holdsWrites).toBe(true)
    await node(0).tree.setHoldsWrites(false)
    await write()
  })

  test('one that is only behind is not held, nor one that is accused without the right host', async () => {
    const world = await cluster('behind', 2)
    const { fixture, replicas, node } = world
    const reader = fixture.cap(fixture.root, 'reader', fixture.rootPlace, {
      rights: right.write | right.create
    })
    await give(node(0), fixture)
    await replicas.connectAll()
    await replicas.converge()
    const writer = await replicas.add('writer', reader)
    await replicas.connect(writer, node(0))
    await replicas.time.advance(3000)
    await replicas.disconnectAll()
    const { first } = fixture.create(fixture.root, fixture.rootPlace)
    await give(node(0), fixture, [first])
    await replicas.connect(node(0), node(1))
    await replicas.connect(writer, node(1))
    await replicas.converge(300_000, [node(0), node(1)])
    const scope = [fixture.rootPlace.block]
    const ask = encodeSeenAsk({ tree: fixture.tree.id, scope, ids: [crypto.sha256(new Uint8Array(1))] })
    for (const connection of writer.connections)
      await replicas.time.until(connection.request('sync.seen', ask).catch(() => undefined))
    for (const { notes, tree } of [node(1), node(0)]) {
      expect(tree.holdsWrites).toBe(false)
      expect(notes.some((note) => note.includes('went back'))).toBe(false)
    }
  })
})

describe('a node that is told that it went back', () => {
  /** The third of three hosts says of versions that the first gave them. */
  async function tell(world: Cluster, ids: readonly Id[]): Promise<void> {
    const { fixture, replicas, node } = world
    const ask = encodeSeenAsk({ tree: fixture.tree.id, scope: [fixture.rootPlace.block], ids })
    for (const connection of node(2).connections)
      await replicas.time.until(connection.request('sync.seen', ask).catch(() => undefined))
  }

  async function threeInStep(seed: string): Promise<Cluster> {
    const world = await cluster(seed, 3)
    await world.replicas.connectAll()
    await world.replicas.converge()
    return world
  }

  /** The third host has a header that the others do not; they compare only later. */
  async function giveThird(world: Cluster, author: Author): Promise<HeaderRecord> {
    const { fixture, replicas, node } = world
    await replicas.disconnectAll()
    const { first } = fixture.create(author, fixture.rootPlace)
    await give(node(2), fixture, [first])
    return first
  }

  test('writes on when the host that says so shows nothing, however often it says it', async () => {
    const world = await threeInStep('liar')
    const { replicas, node, fixture } = world
    for (let time = 0; time < 5; time++) {
      await tell(world, [crypto.sha256(new Uint8Array([time]))])
      await replicas.time.advance(1000)
      expect(node(0).tree.holdsWrites).toBe(false)
      const { first } = fixture.create(world.author(0), fixture.rootPlace)
      await node(0).tree.commitLocal({ records: [{ record: first }] })
    }
    expect(node(0).notes.some((note) => note.startsWith(told))).toBe(false)
  })

  test('writes on when what it is shown was signed by others: that is new to it, and not lost', async () => {
    const world = await threeInStep('others')
    const { replicas, node } = world
    const first = await giveThird(world, world.author(1))
    await replicas.connect(node(0), node(2))
    await tell(world, [first.id])
    for (let step = 0; step < 400 && node(0).tree.header(first.id) === undefined; step++)
      await replicas.time.advance(5)
    expect(node(0).tree.header(first.id)).toBeDefined()
    expect(node(0).notes.some((note) => note.startsWith(told))).toBe(false)
  })

  test('stops writing when it is shown what it signed, until it is in step', async () => {
    const world = await threeInStep('shown')
    const { replicas, node } = world
    const first = await giveThird(world, world.author(0))
    await replicas.connect(node(0), node(2))
    await tell(world, [first.id])
    for (let step = 0; step < 400 && node(0).tree.header(first.id) === undefined; step++)
      await replicas.time.advance(5)
    expect(node(0).notes.some((note) => note.startsWith(told))).toBe(true)
    for (let step = 0; step < 400 && node(0).tree.holdsWrites; step++) await replicas.time.advance(500)
    expect(node(0).tree.holdsWrites).toBe(false)
  })

  test('writes again when it is in step, though a host goes on telling of what nobody has', async () => {
    const world = await threeInStep('stubborn')
    const { replicas, node } = world
    await node(0).tree.setHoldsWrites(true)
    for (let step = 0; step < 400 && node(0).tree.holdsWrites; step++) {
      await tell(world, [crypto.sha256(new Uint8Array([step & 255]))])
      await replicas.time.advance(500)
    }
    expect(node(0).tree.holdsWrites).toBe(false)
  })
})
