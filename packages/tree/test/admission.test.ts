/** Admission (B.8.7): what a host takes from strangers, and the bounds that hold whatever they send. */
import { describe, expect, test } from 'vitest'
import { tipsPerBlockMax, tipsPerCapMax } from '../src/limits.ts'
import { createMemoryStore } from '../src/memory-store.ts'
import { type AnyRecord, right } from '../src/records.ts'
import { type OfferResult, type TreeState, createTreeState } from '../src/tree-state.ts'
import { Fixture, crypto, replicaOf } from './tree-fixture.ts'

const fromHost = { peer: 'host', from: 'host' } as const
const fromWriter = { peer: 'writer', from: 'writer' } as const

async function offerOne(
  state: TreeState,
  record: AnyRecord,
  admission: Parameters<TreeState['offer']>[1] = fromWriter
): Promise<OfferResult | undefined> {
  return (await state.offer({ records: [{ bytes: record.bytes }] }, admission))[0]
}

/** A tree that holds everything of the fixture, at a time. */
async function stateAt(fixture: Fixture, nowMs: number, releasedMs?: number): Promise<TreeState> {
  const options = { store: createMemoryStore(), crypto, clock: { now: () => nowMs } }
  const state = await createTreeState(releasedMs === undefined ? options : { ...options, releasedMs })
  await state.offer(fixture.offer(), fromHost)
  return state
}

describe('the clock of a host (A47)', () => {
  function world(seed: string) {
    const fixture = new Fixture(seed)
    const timed = fixture.cap(fixture.root, 'timed', fixture.rootPlace, { notAfter: 10_000_000 })
    const free = fixture.cap(fixture.root, 'free', fixture.rootPlace)
    const by = (author: typeof timed) =>
      fixture.header(author, fixture.place(author, fixture.rootPlace), { prev: [] })
    return { fixture, timed: by(timed), free: by(free) }
  }

  test('before its own release admits nothing under a cap that ends, and parks it without blame', async () => {
    const { fixture, timed, free } = world('release')
    const behind = await stateAt(fixture, 4999, 5000)
    const parked = await offerOne(behind, timed)
    expect(parked).toMatchObject({ outcome: 'parked', code: 'ERR_CLOCK_BEHIND', penalty: false })
    expect(behind.header(timed.id)).toBeUndefined()
    expect(await offerOne(behind, free)).toMatchObject({ outcome: 'accepted' })
    const right = await stateAt(fixture, 5000, 5000)
    expect((await offerOne(right, timed))?.code).toBeUndefined()
    expect(right.header(timed.id)).toBeDefined()
  })

  test('before what the root has signed admits nothing under a cap that ends', async () => {
    const { fixture, timed } = world('root time')
    const checkpoint = fixture.checkpoint(fixture.root, fixture.rootPlace, [])
    const { timeMs } = checkpoint.body
    expect(await offerOne(await stateAt(fixture, timeMs - 1), timed)).toMatchObject({
      code: 'ERR_CLOCK_BEHIND'
    })
    const right = await stateAt(fixture, timeMs)
    await offerOne(right, timed)
    expect(right.header(timed.id)).toBeDefined()
  })

  test('is not moved by a checkpoint of somebody who is not the root', async () => {
    const { fixture, timed } = world('admin time')
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace, { rights: right.admin })
    fixture.checkpoint(admin, fixture.rootPlace, [])
    const state = await stateAt(fixture, 1)
    await offerOne(state, timed)
    expect(state.header(timed.id)).toBeDefined()
  })

  test('refuses what comes after the end of its cap, ten minutes later and no sooner', async () => {
    const { fixture, timed } = world('interval')
    const end = 10_000_000 + 10 * 60 * 1000
    const late = await offerOne(await stateAt(fixture, end + 1), timed)
    expect(late).toMatchObject({ outcome: 'refused', code: 'ERR_ADMISSION_REFUSED', penalty: false })
    const state = await stateAt(fixture, end)
    await offerOne(state, timed)
    expect(state.header(timed.id)).toBeDefined()
    expect((await offerOne(await stateAt(fixture, end + 1), timed, fromHost))?.outcome).toBe('quarantined')
  })
})

describe('versions that wait beside one another (A18)', () => {
  test('are bounded for each cap, so that the forks of one writer keep no other writer out', async () => {
    const fixture = new Fixture('tips per cap')
    const [mallory, bob] = ['mallory', 'bob'].map((name) =>
      fixture.cap(fixture.root, name, fixture.rootPlace)
    )
    if (mallory === undefined || bob === undefined) throw new Error('no caps')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const { state } = await replicaOf(fixture)
    const forks = Array.from({ length: tipsPerCapMax }, () =>
      fixture.header(mallory, place, { prev: [first] })
    )
    for (const fork of forks) expect((await offerOne(state, fork))?.outcome).toBe('accepted')
    const oneMore = fixture.header(mallory, place, { prev: [first] })
    expect(await offerOne(state, oneMore)).toMatchObject({ outcome: 'refused', penalty: false })
    const other = fixture.header(bob, place, { prev: [first] })
    expect((await offerOne(state, other))?.outcome).toBe('accepted')
    const joined = fixture.header(mallory, place, { prev: forks.slice(0, 8) })
    expect((await offerOne(state, joined))?.outcome).toBe('accepted')
  })

  test('are bounded for all caps together, however many somebody issues to himself', async () => {
    const fixture = new Fixture('tips per block')
    const caps = Array.from({ length: tipsPerBlockMax / tipsPerCapMax }, (_, at) =>
      fixture.cap(fixture.root, `writer ${at}`, fixture.rootPlace)
    )
    const last = fixture.cap(fixture.root, 'last writer', fixture.rootPlace)
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const { state } = await replicaOf(fixture)
    const forks = caps.flatMap((cap) =>
      Array.from({ length: tipsPerCapMax }, () => fixture.header(cap, place, { prev: [first] }))
    )
    await state.offer(fixture.offer(forks), fromHost)
    const labels = state.blockState(place.block)
    const seen = (labels?.heads.length ?? 0) + (labels?.labels.uncounted.length ?? 0)
    expect(seen).toBe(new Set(forks.map(({ id }) => id.toHex())).size)
    const fork = fixture.header(last, place, { prev: [first] })
    expect((await offerOne(state, fork))?.outcome).toBe('refused')
    expect((await offerOne(state, fork, fromHost))?.outcome).toBe('accepted')
  })
})
