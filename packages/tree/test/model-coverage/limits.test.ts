/** The bounds of B.13 at their edge: what just fits is taken and stays usable, one more is refused. */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import { describe, expect, test } from 'vitest'
import { createEpoch } from '../../src/epoch.ts'
import { epochsOpenedMax } from '../../src/limits.ts'
import type { EpochRecord, Id } from '../../src/records.ts'
import { createTreeState } from '../../src/tree-state.ts'
import { ZoneKeyRing } from '../../src/zone-key-ring.ts'
import { Fixture, createReplica, crypto, rowOf } from '../tree-fixture.ts'

function epochChain(length: number): { epochs: EpochRecord[]; keys: Uint8Array[] } {
  const random = createSeededRandom('chain')
  const fixture = new Fixture('chain')
  const epochs: EpochRecord[] = []
  const keys: Uint8Array[] = []
  let previous: { id: Id; number: number; key: Uint8Array }[] = []
  for (let at = 0; at < length; at++) {
    const { record, key } = createEpoch({ crypto, random }, fixture.root.principal, {
      tree: fixture.tree.id,
      zone: fixture.rootPlace.block,
      previous,
      inherit: undefined,
      cap: undefined
    })
    epochs.push(record)
    keys.push(key)
    previous = [{ id: record.id, number: record.body.number, key }]
  }
  return { epochs, keys }
}

describe('a chain of epochs', () => {
  test('opens from its last key down to the first, 4,096 in one read', () => {
    const { epochs, keys } = epochChain(epochsOpenedMax)
    const byId = new Map(epochs.map((epoch) => [epoch.id.toHex(), epoch]))
    const next = new Map(epochs.slice(1).map((epoch) => [epoch.body.prev[0]?.toHex(), epoch.id]))
    const source = {
      epoch: (id: Id) => byId.get(id.toHex()),
      successors: (id: Id) => {
        const after = next.get(id.toHex())
        return after === undefined ? [] : [after]
      }
    }
    const ring = new ZoneKeyRing(crypto, source)
    const [first, last] = [epochs[0], epochs.at(-1)]
    const lastKey = keys.at(-1)
    if (first === undefined || last === undefined || lastKey === undefined) throw new Error('no chain')
    ring.add(last, lastKey)
    const atDepth = (depth: number): Uint8Array | undefined =>
      depth === 0 ? ring.find(first.id) : atDepth(depth - 1)
    expect(atDepth(200)).toEqual(keys[0])
  }, 60_000)

  test('does not open from a key that comes before', () => {
    const { epochs, keys } = epochChain(3)
    const byId = new Map(epochs.map((epoch) => [epoch.id.toHex(), epoch]))
    const ring = new ZoneKeyRing(crypto, { epoch: (id) => byId.get(id.toHex()), successors: () => [] })
    const [first, second] = epochs
    if (first === undefined || second === undefined || keys[0] === undefined) throw new Error('no chain')
    ring.add(first, keys[0])
    expect(ring.find(second.id)).toBeUndefined()
  })
})

describe('a checkpoint whose manifest does not come whole', () => {
  test('is not read again with every offer', async () => {
    const fixture = new Fixture('huge manifest')
    const files = Array.from({ length: 600 }, () => fixture.create(fixture.root, fixture.rootPlace).first)
    const checkpoint = fixture.checkpoint(
      fixture.root,
      fixture.rootPlace,
      files.map((first) => rowOf([first, 1]))
    )
    expect(fixture.sectors.length).toBeGreaterThan(3)
    const { state, store } = await createReplica()
    const held = fixture.sectors.toSpliced(fixture.sectors.length - 2, 1)
    const missing = fixture.sectors.filter((sector) => !held.includes(sector))
    let reads = 0
    const readSector = store.readSector.bind(store)
    Object.assign(store, { readSector: (id: Id) => (reads++, readSector(id)) })
    const records = fixture.records.map(({ bytes }) => ({ bytes }))
    await state.offer({ records, sectors: held }, { peer: 'p', from: 'host' })
    reads = 0
    for (let offer = 0; offer < 20; offer++) await state.offer({ records: [] }, { peer: 'p', from: 'host' })
    expect(reads).toBe(0)
    await state.offer({ records: [], sectors: missing }, { peer: 'p', from: 'host' })
    expect(state.isCompleteCheckpoint(checkpoint.id)).toBe(true)
  })

  test.each([
    ['lists a block twice, far behind its first rows: none of them counts in a cut', true],
    ['lists each block once: its rows count in a cut, whatever else it lacks', false]
  ])('%s', async (_name, isTwice) => {
    const fixture = new Fixture('malformed cut')
    const author = fixture.cap(fixture.root, 'author', fixture.rootPlace)
    const { place, first } = fixture.create(author, fixture.rootPlace)
    // More than is read at once, so that rows in front are known before the fault is met.
    const others = Array.from({ length: 1200 }, (_unused, index) => {
      const directory = new Uint8Array(32).fill(0xff)
      return { directory, block: digest(`block ${index}`), heads: [{ id: digest(`${index}`), version: 1 }] }
    })
    const twice = {
      directory: new Uint8Array(32).fill(0xff),
      block: place.block,
      heads: [{ id: digest('x'), version: 1 }]
    }
    const rows = [rowOf([first, 1]), ...others, ...(isTwice ? [twice] : [])]
    const checkpoint = fixture.checkpoint(fixture.root, fixture.rootPlace, rows)
    fixture.revoke(fixture.root, author, [{ zone: fixture.rootPlace.block, checkpoint: checkpoint.id }])
    const { state, take, store } = await createReplica()
    await take(fixture.offer())
    await state.settled()
    expect(state.isCompleteCheckpoint(checkpoint.id)).toBe(false)
    expect(state.blockState(place.block)?.winner?.id).toEqual(isTwice ? undefined : first.id)
    state.close()
    const again = await createTreeState({ store, crypto, clock: { now: () => 0 } })
    await again.settled()
    fixture.records.length = 0
    const second = fixture.write(author, place, { prev: [first] })
    await again.offer(fixture.offer(), { peer: 'p', from: 'host' })
    expect(again.blockState(place.block)?.winner?.id).toEqual(isTwice ? undefined : first.id)
    expect(again.blockState(place.block)?.labels.quarantine).toContainEqual(second.id)
  })
})

function digest(text: string): Id {
  return crypto.sha256(new TextEncoder().encode(text))
}
