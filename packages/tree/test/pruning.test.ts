/** Bases, graves and what a node gives up below them (MODEL B.10). */
import { equalBytes } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../src/memory-store.ts'
import { reindex } from '../src/reindex.ts'
import type { AnyRecord, CheckpointRecord, HeaderRecord } from '../src/records.ts'
import { type TreeState, createTreeState } from '../src/tree-state.ts'
import { inEveryOrder } from './arrival-orders.ts'
import {
  type Author,
  Fixture,
  type Place,
  type Replica,
  createReplica,
  crypto,
  graveOf,
  replicaOf,
  rowOf
} from './tree-fixture.ts'

interface World {
  readonly fixture: Fixture
  readonly device: Author
  readonly place: Place
  readonly versions: readonly HeaderRecord[]
  readonly version: (number: number) => HeaderRecord
}

/** One block with so many versions. */
function world(seed: string, count: number): World {
  const fixture = new Fixture(seed)
  const device = fixture.cap(fixture.root, 'device', fixture.rootPlace)
  const { place, first } = fixture.create(device, fixture.rootPlace)
  const versions = [first]
  while (versions.length < count) versions.push(fixture.write(device, place, { prev: versions.slice(-1) }))
  const version = (number: number): HeaderRecord => {
    const header = versions[number - 1]
    if (header === undefined) throw new RangeError(`no version ${number}`)
    return header
  }
  return { fixture, device, place, versions, version }
}

function checkpointAt({ fixture, version }: World, number: number, prev: readonly CheckpointRecord[] = []) {
  return fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([version(number), number])], prev)
}

/** A checkpoint over the last version that names the given one as base. */
function nameBase(
  { fixture, version, versions }: World,
  base: CheckpointRecord,
  prev = [base]
): CheckpointRecord {
  const rows = [rowOf([version(versions.length), versions.length])]
  return fixture.checkpoint(fixture.root, fixture.rootPlace, rows, prev, { base })
}

function held(state: TreeState, headers: readonly HeaderRecord[]): readonly number[] {
  return headers.flatMap(({ id }, index) => (state.header(id) === undefined ? [] : [index + 1]))
}

const zoneOf = (w: World): Uint8Array => w.fixture.rootPlace.block

async function prunedAt(w: World, number: number): Promise<Replica> {
  nameBase(w, checkpointAt(w, number))
  const replica = await replicaOf(w.fixture)
  await replica.state.prune(zoneOf(w))
  return replica
}

describe('pruning below a base', () => {
  test('drops what lies strictly below the entries, and nothing that is shown changes', async () => {
    const w = world('below', 9)
    nameBase(w, checkpointAt(w, 6))
    const { state, store } = await replicaOf(w.fixture)
    const before = state.blockState(w.place.block)
    const headers = state.statistics().headers
    const dry = await state.prune(zoneOf(w), { dryRun: true })
    expect(held(state, w.versions)).toHaveLength(9)
    const report = await state.prune(zoneOf(w))
    expect(report).toEqual(dry)
    expect(report).toMatchObject({ versions: 5, buried: 0, kept: 0 })
    expect(held(state, w.versions)).toEqual([6, 7, 8, 9])
    expect(state.blockState(w.place.block)).toEqual(before)
    expect(state.statistics().headers).toBe(headers - 5)
    expect(store.hasRecord(w.version(5).id)).toBe(false)
    expect(state.missingOf(w.place.block)).toEqual([])
    expect((await state.prune(zoneOf(w))).versions).toBe(0)
  })

  test('does nothing while no anchor names a base, or names one that it does not descend from', async () => {
    const w = world('no base', 5)
    const one = checkpointAt(w, 3)
    const other = checkpointAt(w, 4)
    nameBase(w, one, [other])
    const { state } = await replicaOf(w.fixture)
    expect(await state.prune(zoneOf(w))).toMatchObject({ base: undefined, versions: 0 })
    expect(held(state, w.versions)).toHaveLength(5)
  })

  test('does nothing while another anchor does not stand on the base', async () => {
    const w = world('two anchors', 6)
    const base = checkpointAt(w, 4)
    nameBase(w, base)
    checkpointAt(w, 2)
    const { state } = await replicaOf(w.fixture)
    expect(state.anchors(zoneOf(w))).toHaveLength(2)
    expect(await state.prune(zoneOf(w))).toMatchObject({ base: undefined, versions: 0 })
  })

  test('keeps what an older fork hangs on, and as many versions more as asked for', async () => {
    const w = world('fork', 8)
    const fork = w.fixture.write(w.device, w.place, { prev: [w.version(2)] })
    nameBase(w, checkpointAt(w, 6))
    const { state } = await replicaOf(w.fixture)
    expect(state.blockState(w.place.block)?.labels.late).toHaveLength(1)
    await state.prune(zoneOf(w), { versions: 1 })
    expect(held(state, w.versions)).toEqual([1, 2, 5, 6, 7, 8])
    expect(state.blockState(w.place.block)?.labels.late).toContainEqual(fork.id)
    expect(state.blockState(w.place.block)?.winner?.id).toEqual(w.version(8).id)
  })

  test('leaves a block alone whose entry no longer counts', async () => {
    const w = world('revoked', 6)
    const cut = checkpointAt(w, 3)
    const base = checkpointAt(w, 5, [cut])
    nameBase(w, base)
    w.fixture.revoke(w.fixture.root, w.device, [{ zone: zoneOf(w), checkpoint: cut.id }])
    const { state } = await replicaOf(w.fixture)
    expect(await state.prune(zoneOf(w))).toMatchObject({ versions: 0, kept: 1 })
    expect(held(state, w.versions)).toHaveLength(6)
  })

  test('is taken up after opening again, and what was dropped stays gone when rows are made again', async () => {
    const w = world('again', 7)
    const { store, state } = await prunedAt(w, 5)
    state.close()
    const options = { store, crypto, clock: { now: () => 0 } }
    const opened = await createTreeState(options)
    await opened.settled()
    expect(opened.bases(zoneOf(w))).toHaveLength(1)
    expect(opened.blockState(w.place.block)?.winner?.id).toEqual(w.version(7).id)
    opened.close()
    const rebuilt = createMemoryStore()
    for await (const record of store.records()) await rebuilt.commit({ records: [record] })
    await rebuilt.commit({ sectors: w.fixture.sectors })
    const again = await reindex({ ...options, store: rebuilt })
    await again.settled()
    expect(again.blockState(w.place.block)).toMatchObject({ version: 7, conflict: false })
    expect(again.missingOf(w.place.block)).toEqual([])
  })

  test('in every order of arrival a node without what was pruned shows the same and misses nothing', async () => {
    const w = world('orders', 6)
    nameBase(w, checkpointAt(w, 4))
    const older: readonly AnyRecord[] = w.versions.slice(0, 3)
    const rest = w.fixture.records.filter((record) => !older.includes(record))
    const { of, state } = await inEveryOrder(w.fixture, [w.place], rest)
    expect(of(w.place)).toMatchObject({ version: 6, conflict: false })
    expect(state.missingOf(w.place.block)).toEqual([])
  })

  test('a gap that no base excuses is told', async () => {
    const w = world('gap', 6)
    checkpointAt(w, 4)
    const older: readonly AnyRecord[] = w.versions.slice(0, 3)
    const { state } = await replicaOf(
      w.fixture,
      w.fixture.records.filter((record) => !older.includes(record))
    )
    expect(state.missingOf(w.place.block)).toEqual([w.version(3).id])
  })

  test('what a node that was away writes upon a pruned version is late, never lost, and never wins', async () => {
    const w = world('away', 8)
    const away = w.fixture.write(w.device, w.place, { prev: [w.version(3)] })
    const records = w.fixture.records.filter((record) => record !== away)
    nameBase(w, checkpointAt(w, 6))
    const replica = await replicaOf(w.fixture, [...records, ...w.fixture.records.slice(-2)])
    await replica.state.prune(zoneOf(w))
    await replica.take(w.fixture.offer([away]))
    const { labels, winner } = replica.state.blockState(w.place.block) ?? {}
    expect(labels?.pending).toEqual([away.id])
    expect(winner?.id).toEqual(w.version(8).id)
    expect(replica.state.missingOf(w.place.block)).toEqual([w.version(3).id])
    await replica.take(w.fixture.offer(w.versions.slice(0, 3)))
    expect(replica.state.blockState(w.place.block)?.labels).toMatchObject({ pending: [] })
    expect(replica.state.blockState(w.place.block)?.labels.late).toContainEqual(away.id)
    expect(replica.state.blockState(w.place.block)?.winner?.id).toEqual(w.version(8).id)
    // What it hangs on is not pruned again; when somebody has settled it, it is.
    expect((await replica.state.prune(zoneOf(w))).versions).toBe(0)
  })
})

interface Buried extends World {
  readonly gone: HeaderRecord
  readonly records: readonly AnyRecord[]
}

/** A removed block that the newest checkpoint's base has in its graveyard. */
function buriedWorld(seed: string): Buried {
  const w = world(seed, 3)
  const gone = w.fixture.write(w.device, w.place, { prev: w.versions.slice(-1), deleted: true })
  const listed = w.fixture.checkpoint(w.fixture.root, w.fixture.rootPlace, [rowOf([gone, 4])])
  const buried = w.fixture.checkpoint(w.fixture.root, w.fixture.rootPlace, [graveOf(w.place)], [listed])
  w.fixture.checkpoint(w.fixture.root, w.fixture.rootPlace, [graveOf(w.place)], [buried], { base: buried })
  return { ...w, gone, records: [...w.fixture.records] }
}

async function tipsOf(state: TreeState, block: Uint8Array): Promise<number> {
  let count = 0
  for await (const row of state.blockTips({ from: new Uint8Array(0) }))
    count += Number(equalBytes(row.block, block))
  return count
}

describe('burial', () => {
  test('a buried block is shown nowhere; in a base it is given up whole', async () => {
    const w = buriedWorld('whole')
    const { state, store } = await replicaOf(w.fixture)
    expect(state.blockState(w.place.block)).toMatchObject({ heads: [], conflict: false })
    expect(await tipsOf(state, w.place.block)).toBe(0)
    expect(await state.prune(zoneOf(w))).toMatchObject({ versions: 4, buried: 1 })
    expect(state.blockSummary(w.place.block)).toBeUndefined()
    for (const { id } of [...w.versions, w.gone]) expect(store.hasRecord(id)).toBe(false)
    const rows = store.index.range({ from: new Uint8Array(0), to: Uint8Array.of(0xff) })
    for await (const [key] of rows)
      if (key[0] !== 0x6d) expect(key.toHex()).not.toContain(w.place.block.toHex())
  })

  test('D4: nothing of it that is replayed lives again, before and after it was given up', async () => {
    const w = buriedWorld('replay')
    const { state, take } = await replicaOf(w.fixture)
    for (let round = 0; round < 2; round++) {
      for (const header of [...w.versions, w.gone]) await take(w.fixture.offer([header]))
      expect(state.blockState(w.place.block)?.winner).toBeUndefined()
      await take(w.fixture.offer([w.gone]))
      await state.prune(zoneOf(w))
    }
    expect(state.blockSummary(w.place.block)).toBeUndefined()
  })

  test('what somebody wrote upon it while away is kept and told, and does not live', async () => {
    const w = buriedWorld('late')
    const { state, take } = await replicaOf(w.fixture)
    await state.prune(zoneOf(w))
    const late = w.fixture.write(w.device, w.place, { prev: [w.version(2)] })
    await take(w.fixture.offer([late]))
    expect(state.blockState(w.place.block)?.winner).toBeUndefined()
    expect(state.blockState(w.place.block)?.labels.pending).toEqual([late.id])
    await take(w.fixture.offer(w.records))
    expect(state.blockState(w.place.block)?.labels).toMatchObject({ pending: [], late: [late.id] })
    expect(await tipsOf(state, w.place.block)).toBe(1)
    expect(await state.prune(zoneOf(w))).toMatchObject({ versions: 0, buried: 0, kept: 1 })
    expect(state.header(late.id)).toBeDefined()
    // Whoever removes it again has seen it.
    await take(w.fixture.offer([w.fixture.write(w.device, w.place, { prev: [late, w.gone], deleted: true })]))
    expect(state.blockState(w.place.block)).toMatchObject({ conflict: false, heads: [] })
    expect(await state.prune(zoneOf(w))).toMatchObject({ buried: 1 })
  })

  test('a grave counts from the anchor on, and is dropped from the base on only', async () => {
    const w = world('young', 2)
    const gone = w.fixture.write(w.device, w.place, { prev: w.versions.slice(-1), deleted: true })
    const listed = w.fixture.checkpoint(w.fixture.root, w.fixture.rootPlace, [rowOf([gone, 3])])
    w.fixture.checkpoint(w.fixture.root, w.fixture.rootPlace, [graveOf(w.place)], [listed], { base: listed })
    const { state } = await replicaOf(w.fixture)
    expect(state.blockState(w.place.block)?.winner).toBeUndefined()
    expect(await state.prune(zoneOf(w))).toMatchObject({ buried: 0 })
    expect(state.header(gone.id)).toBeDefined()
    expect(await tipsOf(state, w.place.block)).toBe(1)
  })

  test('a manifest whose graves are not those of its checkpoint makes no anchor', async () => {
    for (const wrong of [{ graves: 2 }, { graveRoot: crypto.sha256(new Uint8Array(1)) }]) {
      const w = world(`wrong ${Object.keys(wrong).join()}`, 1)
      w.fixture.checkpoint(w.fixture.root, w.fixture.rootPlace, [graveOf(w.place)], [], wrong)
      const { state } = await replicaOf(w.fixture)
      expect(state.anchors(zoneOf(w))).toHaveLength(0)
      expect(state.blockState(w.place.block)?.winner?.id).toEqual(w.version(1).id)
    }
  })

  test('whoever may not sign checkpoints buries nothing', async () => {
    const w = world('stranger', 1)
    const writer = w.fixture.cap(w.fixture.root, 'writer', w.fixture.rootPlace, { rights: 7 })
    const grave = w.fixture.checkpoint(writer, w.fixture.rootPlace, [graveOf(w.place)])
    const replica = await createReplica()
    const results = await replica.take(w.fixture.offer())
    expect(results.at(-1)).toMatchObject({ id: grave.id, outcome: 'refused', code: 'ERR_CAP_RIGHTS' })
    expect(replica.state.blockState(w.place.block)?.winner?.id).toEqual(w.version(1).id)
  })
})
