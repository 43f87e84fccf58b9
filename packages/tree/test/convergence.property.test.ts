/** D1, D3 and D6: every order of arrival gives what the set of records says. `SLOW=1` runs thousands of histories. */
import { compareBytes } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { BlockEvaluation } from '../src/block-state.ts'
import { isShown } from '../src/placement.ts'
import type { Id } from '../src/records.ts'
import type { BlockLabels, TreeState } from '../src/tree-state.ts'
import { Chance, RandomHistory } from './random-history.ts'
import { RecordSet } from './record-set.ts'
import { type Place, crypto, createReplica } from './tree-fixture.ts'

const scale = process.env['SLOW'] === undefined ? 1 : 50
const hex = (id: Id): string => Buffer.from(id).toString('hex').slice(0, 12)
const sorted = (ids: readonly Id[]): string[] => ids.toSorted(compareBytes).map(hex)

/** Adopted versions are history, not a conflict: a block that has nothing else is not evaluated for them. */
function describeLabels(labels: BlockLabels): unknown {
  const { quarantine, late, pending, uncounted, lostToRevocation, selfFork } = labels
  return {
    quarantine: sorted(quarantine),
    late: sorted(late),
    pending: sorted(pending),
    uncounted: sorted(uncounted),
    lostToRevocation,
    selfFork
  }
}

async function describeState(state: TreeState, places: readonly Place[]): Promise<unknown[]> {
  const described: unknown[] = []
  for (const { block } of places) {
    const found = state.blockState(block)
    const children = await Array.fromAsync(state.children(block))
    described.push({
      block: hex(block),
      heads: found?.heads.map((head) => `${hex(head.id)} v${head.version}`),
      shown:
        found !== undefined &&
        isShown({ ...found, tips: [], incomplete: false }) &&
        found.shownParent !== undefined,
      shownParent: found?.shownParent && hex(found.shownParent),
      flags: [found?.orphan, found?.cycle, found?.revived],
      children: children.map((child) => hex(child.block)),
      conflict: found?.conflict,
      count: state.childCount(block)
    })
  }
  return described
}

function needsAttention({
  heads,
  quarantine,
  late,
  pending,
  uncounted,
  lostToRevocation
}: BlockEvaluation): boolean {
  return heads.length > 1 || [...quarantine, ...late, ...pending, ...uncounted].length > 0 || lostToRevocation
}

function describeSet(set: RecordSet, places: readonly Place[]): unknown[] {
  const view = set.view()
  const children = new Map<string, string[]>()
  for (const placement of [...view.values()].toSorted((a, b) => compareBytes(a.block, b.block))) {
    if (!placement.shown || placement.shownParent === undefined) continue
    const key = hex(placement.shownParent)
    children.set(key, [...(children.get(key) ?? []), hex(placement.block)])
  }
  return places.map(({ block }) => {
    const evaluation = set.evaluate(block)
    const placement = view.get(block)
    const own = children.get(hex(block)) ?? []
    const isHeld = evaluation !== undefined
    return {
      block: hex(block),
      heads: evaluation?.heads.map((head) => `${hex(head.id)} v${head.version}`),
      shown: placement?.shown === true && placement.shownParent !== undefined,
      shownParent: placement?.shownParent && hex(placement.shownParent),
      flags: isHeld
        ? [placement?.orphan ?? false, placement?.cycle ?? false, placement?.revived ?? false]
        : [undefined, undefined, undefined],
      children: own,
      conflict: evaluation && needsAttention(evaluation),
      count: own.length
    }
  })
}

async function replay(history: RandomHistory, seed: number): Promise<TreeState> {
  const chance = new Chance(seed)
  const { fixture } = history
  const replica = await createReplica()
  const doubled = [...fixture.records, ...fixture.records.filter(() => chance.maybe(0.2))]
  const order = chance.maybe(0.3) ? [...fixture.records] : chance.shuffled(doubled)
  while (order.length > 0) {
    const batch = order.splice(0, 1 + chance.below(12))
    const sectors = chance.maybe(0.3) ? fixture.sectors : []
    await replica.state.offer(
      { records: batch.map(({ bytes }) => ({ bytes })), sectors },
      { peer: 'peer', from: 'host' }
    )
  }
  await replica.state.offer({ records: [], sectors: fixture.sectors }, { peer: 'peer', from: 'host' })
  await replica.state.settled()
  return replica.state
}

describe('convergence', () => {
  test(
    'D1, D3: any order, duplication and batching of a set of records gives the state of the set',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 0, max: 2 ** 31 }),
          fc.integer({ min: 5, max: 60 }),
          async (seed, steps) => {
            const history = new RandomHistory(seed, steps)
            const set = new RecordSet(crypto, history.fixture.records, (id) => history.readSector(id))
            const expected = describeSet(set, history.places)
            for (const order of [1, 2, 3]) {
              const state = await replay(history, seed + order)
              expect(await describeState(state, history.places)).toEqual(expected)
              for (const { block } of history.places) {
                const { labels } = state.blockState(block) ?? {}
                const inSet = set.evaluate(block)
                expect(labels && describeLabels(labels)).toEqual(inSet && describeLabels(inSet))
              }
            }
          }
        ),
        { numRuns: 40 * scale, endOnFailure: true }
      )
    },
    120_000 * scale
  )
})
