/** Offers the records of a fixture in many orders and asserts that every replica comes to the same state. */
import { expect } from 'vitest'
import type { AnyRecord } from '../src/records.ts'
import type { BlockState, TreeState } from '../src/tree-state.ts'
import { Chance } from './random-history.ts'
import { type Fixture, type Place, createReplica } from './tree-fixture.ts'

export interface Outcome {
  readonly state: TreeState
  readonly of: (place: Place) => BlockState | undefined
  /** Record id of the winner. */
  readonly winner: (place: Place) => Uint8Array | undefined
}

export async function inEveryOrder(
  fixture: Fixture,
  places: readonly Place[],
  records: readonly AnyRecord[] = fixture.records
): Promise<Outcome> {
  const chance = new Chance(7)
  const orders = [records, records.toReversed(), chance.shuffled(records), chance.shuffled(records)]
  const states: TreeState[] = []
  for (const order of orders) {
    const { state } = await createReplica()
    for (const record of order) {
      await state.offer(
        { records: [{ bytes: record.bytes }], sectors: fixture.sectors },
        { peer: 'p', from: 'host' }
      )
    }
    states.push(state)
  }
  const [first, ...others] = states
  if (first === undefined) throw new Error('there is always one order')
  for (const other of others) {
    for (const { block } of places) expect(summary(other, block)).toEqual(summary(first, block))
  }
  return {
    state: first,
    of: (place) => first.blockState(place.block),
    winner: (place) => first.blockState(place.block)?.winner?.id
  }
}

function summary(state: TreeState, block: Uint8Array): unknown {
  const found = state.blockState(block)
  if (found === undefined) return undefined
  const { heads, deleted, parent, shownParent, orphan, cycle, revived, conflict } = found
  return {
    heads,
    deleted,
    parent,
    shownParent,
    orphan,
    cycle,
    revived,
    conflict,
    count: state.childCount(block)
  }
}
