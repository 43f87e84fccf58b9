/** The tree state over a store: rebuilt rows, checkpoints made here, explanations, failures of the store, local forks. */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import { describe, expect, test } from 'vitest'
import { authorityRoot, makeCheckpoint, zoneRoots } from '../src/checkpoint-maker.ts'
import { createMemoryStore } from '../src/memory-store.ts'
import type { BlockStore, IndexRow, StoreBatch } from '../src/ports.ts'
import { blockKind, right } from '../src/records.ts'
import { reindex } from '../src/reindex.ts'
import { type TreeState, createTreeState } from '../src/tree-state.ts'
import { RandomHistory } from './random-history.ts'
import { Fixture, type Replica, createReplica, crypto, replicaOf } from './tree-fixture.ts'

const clock = { now: () => 5000 }
const everything = { from: new Uint8Array(0), to: Uint8Array.of(0xff) }

async function rowsOf(store: BlockStore): Promise<string[]> {
  const rows: string[] = []
  for await (const [key, value] of store.index.range(everything)) {
    if (!isWaitingMark(key)) rows.push(`${key.toHex()} ${value.toHex()}`)
  }
  return rows
}

/** Says that children came before their directory, and stays when it has come: it tells of the order of arrival. */
function isWaitingMark(key: Uint8Array): boolean {
  return key[0] === 0x64 && key.length > 33
}

/** The same records and local facts over an empty index. */
async function withoutIndex(store: BlockStore, lost?: Uint8Array): Promise<BlockStore> {
  const copy = createMemoryStore()
  for await (const record of store.records())
    if (record.id.toHex() !== lost?.toHex()) await copy.commit({ records: [record] })
  const local: IndexRow[] = []
  for await (const [key, value] of store.local.range(everything)) local.push({ key, value })
  await copy.commit({ local })
  return { ...bound(copy), readSector: (id) => store.readSector(id), hasSector: (id) => store.hasSector(id) }
}

function bound(store: BlockStore): BlockStore {
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

async function localReplica(fixture: Fixture): Promise<Replica> {
  const replica = await createReplica()
  await replica.take(fixture.offer())
  return replica
}

describe('rebuilding', () => {
  test('makes the same rows again from the records, for random histories', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const { fixture } = new RandomHistory(seed, 40)
      const { store, state } = await replicaOf(fixture)
      await state.settled()
      const copy = await withoutIndex(store)
      const again = await reindex({ store: copy, crypto, clock })
      await again.settled()
      // Receipts over one record are listed as they came; nothing else depends on order.
      expect(await rowsOf(copy)).toEqual(await rowsOf(store))
      expect(again.statistics()).toEqual(state.statistics())
    }
  })

  test('of which damage took a cap away: what was written under it counts again once it has come', async () => {
    const fixture = new Fixture('damaged authority')
    const writer = fixture.cap(fixture.root, 'writer', fixture.rootPlace)
    const { place } = fixture.create(writer, fixture.rootPlace)
    fixture.create(fixture.root, fixture.rootPlace)
    const { store, state } = await replicaOf(fixture)
    await state.settled()
    if (writer.cap === undefined) throw new Error('the writer has a cap')
    const damaged = await withoutIndex(store, writer.cap.id)
    const again = await reindex({ store: damaged, crypto, clock })
    await again.settled()
    expect(again.blockState(place.block)?.winner).toBeUndefined()
    await again.offer(fixture.offer([writer.cap]), { peer: 'peer', from: 'host' })
    await again.settled()
    expect(again.blockState(place.block)?.winner).toBeDefined()
    expect(await rowsOf(damaged)).toEqual(await rowsOf(store))
  })

  test('names come back with the keys', async () => {
    const fixture = new Fixture('names')
    const { place } = fixture.create(fixture.root, fixture.rootPlace)
    const names = { nameKeyOf: () => new Uint8Array(16).fill(5) }
    const { store } = await replicaOf(fixture)
    const bare = await reindex({ store: await withoutIndex(store), crypto, clock })
    expect((await Array.fromAsync(bare.unnamedBlocks())).length).toBe(2)
    const named = await reindex({ store: await withoutIndex(store), crypto, clock, names })
    expect(named.findByName(fixture.rootPlace.block, new Uint8Array(16).fill(5))).toEqual([place.block])
  })
})

describe('making checkpoints', () => {
  test('a checkpoint of a zone is complete and its only anchor, the next one follows it', async () => {
    const fixture = new Fixture('maker')
    for (let at = 0; at < 300; at++) fixture.create(fixture.root, fixture.rootPlace)
    const gone = fixture.create(fixture.root, fixture.rootPlace)
    fixture.write(fixture.root, gone.place, { prev: [gone.first], deleted: true })
    const { state, store } = await localReplica(fixture)
    const deps = { tree: state, store, crypto, random: createSeededRandom('maker'), clock }
    const zone = fixture.rootPlace.block
    const options = { zone, cap: undefined, authorityRoot: authorityRoot(state, crypto) }
    const first = await makeCheckpoint(deps, fixture.root.principal, {
      ...options,
      previous: [],
      sectorLog2: 12
    })
    await state.commitLocal({ records: [{ record: first }] })
    expect(first.body).toMatchObject({ blocks: 302, sequence: 1 })
    expect(state.anchors(zone).map((anchor) => anchor.id)).toEqual([first.id])
    expect(await zoneRoots(state, crypto, zone)).toEqual({ headsRoot: first.body.headsRoot, blocks: 302 })
    const second = await makeCheckpoint(deps, fixture.root.principal, {
      ...options,
      previous: state.anchors(zone)
    })
    await state.commitLocal({ records: [{ record: second }] })
    expect(second.body.prev).toEqual([first.id])
    expect(second.body.headsRoot).toEqual(first.body.headsRoot)
    expect(state.anchors(zone).map((anchor) => anchor.id)).toEqual([second.id])
    expect(state.statistics().conflicts).toBe(0)
  })

  test('is refused without admin', async () => {
    const fixture = new Fixture('maker right')
    const writer = fixture.cap(fixture.root, 'writer', fixture.rootPlace, { rights: right.write })
    const { state, store } = await localReplica(fixture)
    const deps = { tree: state, store, crypto, random: createSeededRandom('maker'), clock }
    const record = await makeCheckpoint(deps, writer.principal, {
      zone: fixture.rootPlace.block,
      cap: writer.cap?.id,
      previous: [],
      authorityRoot: authorityRoot(state, crypto)
    })
    await expect(state.commitLocal({ records: [{ record }] })).rejects.toMatchObject({
      code: 'ERR_CAP_RIGHTS'
    })
  })
})

describe('explaining', () => {
  test('gives the chain that allows, or the first link that fails', async () => {
    const fixture = new Fixture('explain')
    const zone = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const bob = fixture.cap(alice, 'bob', zone.place, { rights: right.write })
    const old = fixture.cap(alice, 'old', zone.place, { notAfter: 100 })
    const inside = fixture.create(alice, zone.place)
    const outside = fixture.create(alice, fixture.rootPlace)
    const { state, take } = await localReplica(fixture)
    const why = (person: Uint8Array, block: Uint8Array, rights: number) =>
      state.explain(person, block, rights)
    const allowed = why(bob.principal.id, inside.place.block, right.write)
    expect(allowed).toMatchObject({ allowed: true, failure: undefined })
    expect(allowed.chain.map((step) => step.step)).toEqual(['root', 'cap', 'cap'])
    expect(why(fixture.root.principal.id, inside.place.block, right.admin).allowed).toBe(true)
    expect(why(bob.principal.id, outside.place.block, right.write).failure?.reason).toBe('scope')
    expect(why(bob.principal.id, inside.place.block, right.delete).failure).toMatchObject({
      reason: 'right',
      missing: right.delete
    })
    expect(why(old.principal.id, inside.place.block, right.write).failure?.reason).toBe('expired')
    expect(why(crypto.sha256(new Uint8Array(0)), inside.place.block, right.write).failure?.reason).toBe(
      'no-cap'
    )
    expect(why(bob.principal.id, bob.principal.id, right.write).failure?.reason).toBe('block-unknown')
    expect(
      state.capFor(bob.principal.id, {
        block: inside.place.block,
        home: zone.place.block,
        rights: right.write
      })
    ).toEqual({
      cap: bob.cap?.id,
      rank: 2
    })
    await take(fixture.offer([fixture.revoke(fixture.root, alice)]))
    expect(why(bob.principal.id, inside.place.block, right.write).failure?.reason).toBe('revoked')
    fixture.succeed('next')
    await take(fixture.offer())
    expect(why(fixture.root.principal.id, inside.place.block, right.write).failure?.reason).toBe('succeeded')
  })
})

describe('a store that fails', () => {
  test('takes what was visible back, caps too', async () => {
    const fixture = new Fixture('failing')
    const inner = createMemoryStore()
    let isFull = false
    const store: BlockStore = {
      ...bound(inner),
      commit: (batch: StoreBatch) =>
        isFull
          ? Promise.reject(Object.assign(new Error('full'), { code: 'ERR_STORE_FULL' }))
          : inner.commit(batch)
    }
    const state: TreeState = await createTreeState({ store, crypto, clock })
    await state.offer(fixture.offer(), { peer: 'p', from: 'host' })
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const records = fixture.records.slice(-2).map((record) => ({ record }))
    isFull = true
    const before = state.statistics()
    await expect(state.commitLocal({ records })).rejects.toMatchObject({ code: 'ERR_STORE_FULL' })
    expect(state.authority.cap(alice.cap?.id ?? fixture.tree.id)).toBeUndefined()
    expect(state.statistics()).toEqual(before)
    isFull = false
    await state.commitLocal({ records })
    expect(state.authority.cap(alice.cap?.id ?? fixture.tree.id)).toBeDefined()
  })
})

describe('changes', () => {
  test('are told in order, with the places before and after', async () => {
    const fixture = new Fixture('changes')
    const directory = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.directory })
    const { state } = await localReplica(fixture)
    const told: string[] = []
    const stop = state.onChange(({ change }) => told.push(change))
    const place = fixture.place(fixture.root, fixture.rootPlace)
    let last = fixture.header(fixture.root, place, { prev: [] })
    await state.commitLocal({ records: [{ record: last }] })
    for (const version of [{ parent: directory.place.block }, {}, { deleted: true }, {}]) {
      last = fixture.header(fixture.root, place, { prev: [last], parent: last.body.parent, ...version })
      await state.commitLocal({ records: [{ record: last }] })
    }
    stop()
    expect(told).toEqual(['created', 'moved', 'changed', 'deleted', 'restored'])
  })

  test('a page of children continues after its last id', async () => {
    const fixture = new Fixture('pages')
    for (let at = 0; at < 25; at++) fixture.create(fixture.root, fixture.rootPlace)
    const { state } = await localReplica(fixture)
    const seen: string[] = []
    for (let after: Uint8Array | undefined; ;) {
      const page = await Array.fromAsync(
        state.children(fixture.rootPlace.block, { limit: 10, ...(after === undefined ? {} : { after }) })
      )
      seen.push(...page.map((child) => child.block.toHex()))
      after = page.at(-1)?.block
      if (page.length < 10) break
    }
    expect(seen).toEqual(seen.toSorted())
    expect(new Set(seen).size).toBe(25)
  })
})
