/** What replication reads of a tree: tips of blocks, receipts, and word of every record that was taken. */
import { describe, expect, test } from 'vitest'
import { recordType } from '../src/records.ts'
import type { TakenRecord } from '../src/tree-state.ts'
import { Fixture, createReplica, replicaOf } from './tree-fixture.ts'

const start = new Uint8Array(0)

async function collect<Item>(items: AsyncIterable<Item>): Promise<readonly Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

describe('blockTips', () => {
  test('lists every block with what no other header names, forks too', async () => {
    const fixture = new Fixture('tips')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const left = fixture.write(fixture.root, place, { prev: [first], name: 'left' })
    const right = fixture.write(fixture.root, place, { prev: [first], name: 'right' })
    const { state } = await replicaOf(fixture)
    const rows = await collect(state.blockTips({ from: start }))
    const row = rows.find(({ block }) => block.toHex() === place.block.toHex())
    expect(row?.tips.map((id) => id.toHex()).toSorted()).toEqual(
      [left.id.toHex(), right.id.toHex()].toSorted()
    )
    expect(row?.zone.toHex()).toBe(fixture.rootPlace.block.toHex())
    expect(state.headersOf(place.block)).toHaveLength(3)
  })

  test('leaves out what lies outside the range', async () => {
    const fixture = new Fixture('range')
    for (let count = 0; count < 8; count++) fixture.create(fixture.root, fixture.rootPlace)
    const { state } = await replicaOf(fixture)
    const all = await collect(state.blockTips({ from: start }))
    const some = all[4]?.block ?? start
    expect(await collect(state.blockTips({ from: start, to: some }))).toHaveLength(4)
    expect(await collect(state.blockTips({ from: some }))).toHaveLength(all.length - 4)
  })
})

describe('receiptIds', () => {
  test('lists held receipts once, however many records they name', async () => {
    const fixture = new Fixture('receipts')
    const first = fixture.create(fixture.root, fixture.rootPlace).first
    const second = fixture.create(fixture.root, fixture.rootPlace).first
    const receipt = fixture.receipt(fixture.root, fixture.rootPlace, [first, second], 1000)
    const { state } = await replicaOf(fixture)
    expect((await collect(state.receiptIds({ from: start }))).map((id) => id.toHex())).toEqual([
      receipt.id.toHex()
    ])
    expect(state.receiptsOver(second.id).map(({ id }) => id.toHex())).toEqual([receipt.id.toHex()])
  })
})

describe('onTaken', () => {
  test('tells of every record that was taken, and not of one that is known', async () => {
    const fixture = new Fixture('taken')
    const { first, place } = fixture.create(fixture.root, fixture.rootPlace)
    const { state, take } = await createReplica()
    const taken: TakenRecord[] = []
    const promises: Promise<void>[] = []
    const end = state.onTaken((records, durable) => {
      taken.push(...records)
      promises.push(durable)
    })
    await take(fixture.offer())
    await take(fixture.offer())
    await Promise.all(promises)
    expect(taken).toHaveLength(fixture.records.length)
    const header = taken.find(({ id }) => id.toHex() === first.id.toHex())
    expect(header?.type).toBe(recordType.header)
    expect(header?.block?.toHex()).toBe(place.block.toHex())
    end()
    fixture.create(fixture.root, fixture.rootPlace)
    await take(fixture.offer())
    expect(taken).toHaveLength(fixture.records.length - 1)
  })
})
