/** D2, D4, D6 and D9 as far as rules and derived rows go. */
import { equalBytes } from '@blocktree/codec'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { homeZone } from '../src/birth.ts'
import { IdSet } from '../src/id-key.ts'
import { createMemoryStore } from '../src/memory-store.ts'
import type { BlockStore } from '../src/ports.ts'
import type { AnyRecord, HeaderRecord, Id } from '../src/records.ts'
import { createTreeState } from '../src/tree-state.ts'
import { inEveryOrder } from './arrival-orders.ts'
import { Chance, RandomHistory } from './random-history.ts'
import { RecordSet } from './record-set.ts'
import { Fixture, crypto, rowOf } from './tree-fixture.ts'

const scale = process.env['SLOW'] === undefined ? 1 : Number(process.env['SLOW']) * 10
const seeds = fc.integer({ min: 0, max: 2 ** 31 })

/**
 * Headers strictly below the entries of the one anchor of a zone, and not in line themselves (an entry may be an
 * ancestor of another one); nothing when there are several anchors.
 */
function prunable(set: RecordSet, zone: Id): IdSet {
  const below = new IdSet()
  const [anchor, ...others] = set.anchors(zone)
  if (anchor === undefined || others.length > 0) return below
  for (const block of set.blocks.values()) {
    const open = (set.manifestRow(anchor.id, block) ?? []).flatMap(
      (entry) => set.header(entry.id)?.body.prev ?? []
    )
    const inLine = set.evaluate(block)?.versions
    const seen = new IdSet()
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      if (!seen.add(id)) continue
      if (inLine?.has(id) === false) below.add(id)
      open.push(...(set.header(id)?.body.prev ?? []))
    }
  }
  return below
}

describe('pruning, replay, revocation', () => {
  test(
    'D2: winners and heads are the same with and without what lies below the base',
    () => {
      let pruned = 0
      fc.assert(
        fc.property(seeds, (seed) => {
          const history = new RandomHistory(seed, 50)
          const { records } = history.fixture
          // Cuts before the base are not evaluable on pruned nodes (B.10): histories without them.
          fc.pre(!records.some((record) => record.type === 5 || record.type === 3))
          const read = (id: Id) => history.readSector(id)
          const whole = new RecordSet(crypto, records, read)
          for (const zone of history.places) {
            const below = prunable(whole, zone.block)
            if (below.size === 0) continue
            const rest = new RecordSet(
              crypto,
              records.filter((record) => !below.has(record.id)),
              read
            )
            if (rest.anchors(zone.block).length !== 1) continue
            pruned++
            for (const block of whole.blocks.values()) {
              const header = whole.headersOf(block)[0]
              if (header === undefined || !equalBytes(homeZone(header.body.birth, block), zone.block))
                continue
              expect(rest.evaluate(block)?.heads).toEqual(whole.evaluate(block)?.heads)
            }
          }
        }),
        { numRuns: 60 * scale, endOnFailure: true }
      )
      expect(pruned).toBeGreaterThan(5)
    },
    60_000 * scale
  )

  test(
    'D4: nothing that is replayed below an anchored tombstone revives the block',
    async () => {
      await fc.assert(
        fc.asyncProperty(seeds, async (seed) => {
          const chance = new Chance(seed)
          const fixture = new Fixture(`D4 ${seed}`)
          const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
          const versions: [HeaderRecord, ...HeaderRecord[]] = [first]
          for (let at = 0; at < 5; at++)
            versions.push(fixture.write(fixture.root, place, { prev: [chance.oneOf(versions)] }))
          const tips = versions.filter(
            (version) => !versions.some(({ body }) => body.prev.some((id) => equalBytes(id, version.id)))
          )
          const gone = fixture.write(fixture.root, place, { prev: tips, deleted: true })
          fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([gone, 9])])
          for (let at = 0; at < 3; at++)
            fixture.write(fixture.root, place, { prev: [chance.oneOf(versions)] })
          const { of } = await inEveryOrder(fixture, [place])
          expect(of(place)).toMatchObject({ deleted: true })
          expect(of(place)?.winner?.id).toEqual(gone.id)
        }),
        { numRuns: 10 * scale }
      )
    },
    60_000 * scale
  )

  test(
    'D6: nothing that a revoked writer signs after the cut is ever a winner',
    async () => {
      await fc.assert(
        fc.asyncProperty(seeds, async (seed) => {
          const chance = new Chance(seed)
          const fixture = new Fixture(`D6 ${seed}`)
          const thief = fixture.cap(fixture.root, 'thief', fixture.rootPlace)
          const made = [0, 1, 2].map(() => fixture.create(thief, fixture.rootPlace))
          const rows = made.filter(() => chance.maybe(0.7)).map(({ first }) => rowOf([first, 1]))
          const cut = fixture.checkpoint(fixture.root, fixture.rootPlace, rows)
          fixture.revoke(fixture.root, thief, [{ zone: fixture.rootPlace.block, checkpoint: cut.id }])
          const after: AnyRecord[] = made.map(({ place, first }) =>
            fixture.write(thief, place, { prev: chance.maybe(0.5) ? [first] : [] })
          )
          fixture.checkpoint(
            thief,
            fixture.rootPlace,
            after.flatMap((record) => (record.type === 10 ? [rowOf([record, 5])] : [])),
            [cut]
          )
          const { winner } = await inEveryOrder(
            fixture,
            made.map(({ place }) => place)
          )
          for (const { place } of made) {
            const won = winner(place)
            expect(won !== undefined && after.some((record) => equalBytes(record.id, won))).toBe(false)
          }
        }),
        { numRuns: 10 * scale }
      )
    },
    60_000 * scale
  )
})

describe('crashes', () => {
  test(
    'D9: a stop at any write leaves rows that opening again and offering again make whole',
    async () => {
      const { fixture } = new RandomHistory(21, 45)
      const clean = await run(fixture, Infinity)
      const expected = await rowsOf(clean.store)
      for (let stop = 1; stop < clean.commits; stop += scale > 1 ? 1 : 7) {
        const { store } = await run(fixture, stop)
        const state = await createTreeState({ store, crypto, clock: { now: () => 0 } })
        await state.settled()
        await state.offer(fixture.offer(), { peer: 'p', from: 'host' })
        await state.settled()
        expect(await rowsOf(store)).toEqual(expected)
      }
    },
    60_000 * scale
  )
})

/** Offers everything to a store that takes only so many batches. */
async function run(fixture: Fixture, commitsMax: number): Promise<{ store: BlockStore; commits: number }> {
  const inner = createMemoryStore()
  let commits = 0
  const commit: BlockStore['commit'] = (batch) => {
    commits++
    return commits > commitsMax ? Promise.reject(new Error('power is gone')) : inner.commit(batch)
  }
  const store: BlockStore = {
    index: inner.index,
    local: inner.local,
    readSector: (id) => inner.readSector(id),
    hasSector: (id) => inner.hasSector(id),
    readRecord: (id) => inner.readRecord(id),
    hasRecord: (id) => inner.hasRecord(id),
    records: () => inner.records(),
    commit,
    flush: () => inner.flush(),
    close: () => inner.close()
  }
  const state = await createTreeState({ store, crypto, clock: { now: () => 0 } })
  for (const record of fixture.records) {
    const offer = { records: [{ bytes: record.bytes }], sectors: fixture.sectors }
    const isAlive = await state.offer(offer, { peer: 'p', from: 'host' }).then(
      () => true,
      () => false
    )
    if (!isAlive) break
  }
  await state.settled()
  state.close()
  return { store: inner, commits }
}

async function rowsOf(store: BlockStore): Promise<string[]> {
  const rows: string[] = []
  const range = store.index.range({ from: new Uint8Array(0), to: Uint8Array.of(0xff) })
  for await (const [key, value] of range) rows.push(`${key.toHex()} ${value.toHex()}`)
  return rows
}
