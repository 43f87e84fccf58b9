import { equalBytes } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { blockKind, right } from '../src/records.ts'
import { Fixture, createReplica, replicaOf } from './tree-fixture.ts'
import { RecordSet } from './record-set.ts'
import { crypto } from './tree-fixture.ts'

describe('tree state', () => {
  test('takes a tree, a block and its successor, and shows them', async () => {
    const fixture = new Fixture('first')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const { place, first } = fixture.create(alice, fixture.rootPlace)
    const second = fixture.write(alice, place, { prev: [first] })
    const { state } = await replicaOf(fixture)
    expect(state.tree).toEqual(fixture.tree.id)
    expect(state.rootBlock).toEqual(fixture.rootPlace.block)
    const found = state.blockState(place.block)
    expect(found?.winner?.id).toEqual(second.id)
    expect(found?.version).toBe(2)
    expect(state.childCount(fixture.rootPlace.block)).toBe(1)
    const children = await Array.fromAsync(state.children(fixture.rootPlace.block))
    expect(children.map((child) => child.block)).toEqual([place.block])
    expect(state.statistics()).toMatchObject({ headers: 3, blocks: 2, live: 2, conflicts: 0 })
  })

  test('takes records made here, visible before they are durable', async () => {
    const fixture = new Fixture('local')
    const { state } = await replicaOf(fixture)
    const place = fixture.place(fixture.root, fixture.rootPlace)
    const first = fixture.header(fixture.root, place, { prev: [] })
    const second = fixture.header(fixture.root, place, { prev: [first] })
    const nameKey = new Uint8Array(16).fill(7)
    const durable = [
      state.commitLocal({ records: [{ record: first, nameKey }] }),
      state.commitLocal({ records: [{ record: second }] })
    ]
    expect(state.blockState(place.block)?.winner?.id).toEqual(second.id)
    expect(state.findByName(fixture.rootPlace.block, nameKey)).toEqual([place.block])
    await Promise.all(durable)
  })

  test('refuses a record made here without the right, and keeps nothing of the batch', async () => {
    const fixture = new Fixture('no right')
    const reader = fixture.cap(fixture.root, 'reader', fixture.rootPlace, { rights: right.keep })
    const { state } = await replicaOf(fixture)
    const good = fixture.place(fixture.root, fixture.rootPlace)
    const bad = fixture.place(reader, fixture.rootPlace)
    const records = [
      { record: fixture.header(fixture.root, good, { prev: [] }) },
      { record: fixture.header(reader, bad, { prev: [] }) }
    ]
    await expect(state.commitLocal({ records })).rejects.toMatchObject({ code: 'ERR_HEADER_RIGHT' })
    expect(state.blockState(good.block)).toBeUndefined()
  })

  test('shows two writers of one version as a conflict with one winner, and a merge ends it', async () => {
    const fixture = new Fixture('fork')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const left = fixture.write(fixture.root, place, { prev: [first] })
    const right = fixture.write(fixture.root, place, { prev: [first] })
    const { state, take } = await replicaOf(fixture)
    expect(state.blockState(place.block)?.heads).toHaveLength(2)
    expect(await Array.fromAsync(state.conflicts())).toHaveLength(1)
    const merge = fixture.write(fixture.root, place, { prev: [left, right] })
    await take(fixture.offer([merge]))
    expect(state.blockState(place.block)?.winner?.id).toEqual(merge.id)
    expect(await Array.fromAsync(state.conflicts())).toHaveLength(0)
    const history = await Array.fromAsync(state.history(place.block))
    expect(history.map((entry) => entry.label)).toEqual(['winner', 'ancestor', 'ancestor', 'ancestor'])
  })

  test('opens again with the same answers', async () => {
    const fixture = new Fixture('reopen')
    const { place } = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.directory })
    const child = fixture.create(fixture.root, place)
    const replica = await replicaOf(fixture)
    const { createTreeState } = await import('../src/tree-state.ts')
    const again = await createTreeState({ store: replica.store, crypto, clock: { now: () => 0 } })
    expect(again.tree).toEqual(fixture.tree.id)
    expect(again.blockState(child.place.block)?.shownParent).toEqual(place.block)
    expect(again.statistics()).toEqual(replica.state.statistics())
    expect(await Array.fromAsync(again.verifyAll())).toEqual([])
  })

  test('parks what comes too early and takes it when the rest arrives', async () => {
    const fixture = new Fixture('parked')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const { place, first } = fixture.create(alice, fixture.rootPlace)
    const replica = await createReplica()
    const results = await replica.take(fixture.offer(fixture.records.toReversed()))
    expect(results.map((result) => result.outcome)).toContain('parked')
    expect(replica.state.blockState(place.block)?.winner?.id).toEqual(first.id)
    const set = new RecordSet(crypto, fixture.records, () => undefined)
    const winner = set.evaluate(place.block)?.winner
    expect(winner !== undefined && equalBytes(winner.id, first.id)).toBe(true)
  })
})
