/** Saved summaries: what a node that was killed reads again is what came since, not all there is. */
import { type AnyRecord, type BlockStore, type TreeState, createTreeState } from '@blocktree/tree'
import { createMemoryStore } from '@blocktree/tree/memory'
import { describe, expect, test } from 'vitest'
import { loadSummary, saveSummary } from '../src/summary-file.ts'
import { Summaries, type SummaryRow } from '../src/summaries.ts'
import { Summary } from '../src/summary.ts'
import { Fixture, crypto } from './tree-fixture.ts'

const top = new Uint8Array(0)

interface World {
  readonly fixture: Fixture
  readonly tree: TreeState
  readonly store: BlockStore
}

async function world(name: string, store: BlockStore = createMemoryStore()): Promise<World> {
  const fixture = new Fixture(name)
  const tree = await createTreeState({ store, crypto, clock: { now: () => 0 } })
  for (let block = 0; block < 20; block++) fixture.create(fixture.root, fixture.rootPlace)
  await take({ fixture, tree, store }, fixture.records)
  return { fixture, tree, store }
}

async function take({ fixture, tree, store }: World, records: readonly AnyRecord[]): Promise<void> {
  await store.commit({ sectors: fixture.sectors })
  await tree.offer(fixture.offer(records), { peer: 'test', from: 'host' })
}

function placeOf({ fixture, tree, store }: World): Parameters<typeof loadSummary>[0] {
  return { tree, store, crypto, scope: fixture.rootPlace.block }
}

/** The summary as a start makes it, and how many rows were read for its root. */
async function afterStart(world: World): Promise<{ loaded: boolean; root: string; rows: number }> {
  let rows = 0
  const headers = new Summary<SummaryRow>(crypto, async function* (range) {
    for await (const row of fresh(world).headersSource(range)) {
      rows++
      yield row
    }
  })
  const loaded = await loadSummary(placeOf(world), headers)
  const { hash } = await headers.node(top)
  return { loaded, root: hash.toHex(), rows }
}

function fresh({ fixture, tree }: World): {
  summary: Summary<SummaryRow>
  headersSource: (range: { readonly from: Uint8Array; readonly to?: Uint8Array }) => AsyncIterable<SummaryRow>
} {
  const { headers } = new Summaries(tree, crypto).of([fixture.rootPlace.block])
  return {
    summary: headers,
    async *headersSource({ from, to }) {
      for (const row of await headers.rows(top)) {
        const key = row.key.toHex()
        if (key >= from.toHex() && (to === undefined || key < to.toHex())) yield row
      }
    }
  }
}

async function save(world: World): Promise<void> {
  const { summary } = fresh(world)
  await summary.node(top)
  expect(await saveSummary(placeOf(world), summary, () => true)).toBe(true)
}

async function rootOf(world: World): Promise<string> {
  return (await fresh(world).summary.node(top)).hash.toHex()
}

describe('a saved summary', () => {
  test('serves the next start without a look at any row', async () => {
    const held = await world('saved')
    await save(held)
    expect(await afterStart(held)).toEqual({ loaded: true, root: await rootOf(held), rows: 0 })
  })

  test('of before a kill serves too: only places of what came since are read', async () => {
    const held = await world('killed')
    await save(held)
    const { first } = held.fixture.create(held.fixture.root, held.fixture.rootPlace)
    await take(held, [first])
    const { loaded, root, rows } = await afterStart(held)
    expect({ loaded, root }).toEqual({ loaded: true, root: await rootOf(held) })
    expect(rows).toBeLessThan(5)
  })

  test('that could not be written is written again with the next one: no stamp vouches for what is not there', async () => {
    const held = await world('refused')
    const { summary } = fresh(held)
    await summary.node(top)
    const refusing: BlockStore = new Proxy(held.store, {
      get: (target, name: keyof BlockStore) => {
        if (name === 'commit') return async () => Promise.reject(new Error('no room'))
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
    const place = { ...placeOf(held), store: refusing }
    await expect(saveSummary(place, summary, () => true)).rejects.toThrow('no room')
    const { first } = held.fixture.create(held.fixture.root, held.fixture.rootPlace)
    await take(held, [first])
    summary.mark(first.body.block)
    await summary.node(top)
    expect(await saveSummary(placeOf(held), summary, () => true)).toBe(true)
    expect(await afterStart(held)).toEqual({ loaded: true, root: await rootOf(held), rows: 0 })
  })

  test('is not written while records count that the store may still refuse', async () => {
    const held = await world('pending')
    const { summary } = fresh(held)
    await summary.node(top)
    expect(await saveSummary(placeOf(held), summary, () => false)).toBe(false)
    expect(await afterStart(held)).toMatchObject({ loaded: false, root: await rootOf(held) })
  })

  test('is made again from all rows when more came since than is worth reading', async () => {
    const held = await world('far')
    await save(held)
    const { first } = held.fixture.create(held.fixture.root, held.fixture.rootPlace)
    await take(held, [first])
    const store: BlockStore = new Proxy(held.store, {
      get: (target, name: keyof BlockStore) =>
        name === 'recordsAfter' ? () => undefined : Reflect.get(target, name)
    })
    expect(await afterStart({ ...held, store })).toMatchObject({ loaded: false, root: await rootOf(held) })
  })

  test('of a store without a log counts only while nothing came', async () => {
    const inner = createMemoryStore()
    const store: BlockStore = new Proxy(inner, {
      get: (target, name: keyof BlockStore) => {
        if (name === 'recordsAfter' || name === 'logEnd') return undefined
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      }
    })
    const held = await world('no log', store)
    await save(held)
    expect(await afterStart(held)).toMatchObject({ loaded: true, rows: 0 })
    const { first } = held.fixture.create(held.fixture.root, held.fixture.rootPlace)
    await take(held, [first])
    expect(await afterStart(held)).toMatchObject({ loaded: false, root: await rootOf(held) })
  })

  test('with another scope or a damaged stamp is not taken', async () => {
    const held = await world('damaged')
    await save(held)
    const other = { ...placeOf(held), scope: held.fixture.tree.id }
    expect(await loadSummary(other, fresh(held).summary)).toBe(false)
    const key = new TextEncoder().encode('sync/summary/\0')
    const stamp = held.store.local.get(key)
    expect(stamp).toBeDefined()
    for (const value of [stamp?.subarray(1), Uint8Array.of(1), undefined]) {
      await held.store.commit({ local: [{ key, value }] })
      expect(await afterStart(held)).toMatchObject({ loaded: false, root: await rootOf(held) })
    }
  })
})
