/** Lines, anchors and manifests (B.8.9, B.11), and what waits, at the edges of their rules. */
import { describe, expect, test } from 'vitest'
import { createCheckpoint } from '../../src/checkpoint.ts'
import { createGrant } from '../../src/grant.ts'
import { createGrantRevocation } from '../../src/grant-revocation.ts'
import {
  parkedBytesMax,
  parkedBytesPerPeerMax,
  parkedRecordsPerPeerMax,
  versionMax
} from '../../src/limits.ts'
import { ParkedRecords } from '../../src/parked-records.ts'
import { blockKind, grantTarget, recipientType, right, scopeType } from '../../src/records.ts'
import { inEveryOrder } from '../arrival-orders.ts'
import { Fixture, crypto, principalNamed, replicaOf, rowOf } from '../tree-fixture.ts'

const host = { peer: 'p', from: 'host' } as const

describe('the line of a block', () => {
  test('takes a merge under a cap for one block that keeps the place of one of its prev', async () => {
    const fixture = new Fixture('merge in place')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const directory = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.directory }).place
    const options = { scopeType: scopeType.block, rights: right.write }
    const alice = fixture.cap(fixture.root, 'alice', place, options)
    const stays = fixture.write(fixture.root, place, { prev: [first] })
    const moved = fixture.write(fixture.root, place, { prev: [first], parent: directory.block })
    const merge = fixture.write(alice, place, { prev: [stays, moved], parent: directory.block })
    expect((await inEveryOrder(fixture, [place])).winner(place)).toEqual(merge.id)
    const elsewhere = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.directory }).place
    const away = fixture.write(alice, place, { prev: [merge], parent: elsewhere.block })
    const { winner, of } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(merge.id)
    expect(of(place)?.labels.late).toEqual([away.id])
  })

  test('counts no further than 2^40, where the lower id decides', async () => {
    const fixture = new Fixture('last version')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, versionMax])])
    const next = fixture.write(fixture.root, place, { prev: [first] })
    const { of } = await inEveryOrder(fixture, [place])
    expect(of(place)).toMatchObject({ version: versionMax, winner: { id: next.id } })
  })

  test('takes the greatest version that the anchors give an entry', async () => {
    const fixture = new Fixture('versions of anchors')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const fork = fixture.write(fixture.root, place, { prev: [first] })
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace)
    for (const [author, version] of [
      [fixture.root, 9],
      [admin, 5],
      [fixture.root, 7]
    ] as const)
      fixture.checkpoint(author, fixture.rootPlace, [rowOf([fork, version])])
    const { state, of } = await inEveryOrder(fixture, [place])
    expect(state.anchors(fixture.rootPlace.block)).toHaveLength(3)
    expect(of(place)?.version).toBe(9)
  })
})

describe('a complete checkpoint (B.11)', () => {
  function world(seed: string) {
    const fixture = new Fixture(seed)
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const zone = fixture.rootPlace.block
    const isComplete = async (id: Uint8Array, records = fixture.records): Promise<boolean> => {
      const { state } = await replicaOf(fixture, records)
      await state.settled()
      return state.isCompleteCheckpoint(id)
    }
    return { fixture, place, first, zone, isComplete }
  }

  test('counts exactly the blocks of its rows', async () => {
    const { fixture, first, isComplete } = world('count of blocks')
    const right = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, 1])])
    for (const blocks of [0, 2]) {
      const wrong = createCheckpoint(crypto, fixture.root.principal, { ...right.body, blocks })
      expect(await isComplete(wrong.id, [...fixture.records, wrong])).toBe(false)
    }
    expect(await isComplete(right.id)).toBe(true)
  })

  test('lists no entry of another block or zone, also when the entry comes after it', async () => {
    const { fixture, place, first, isComplete } = world('entry that comes late')
    const inner = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true }).place
    const other = fixture.create(fixture.root, fixture.rootPlace).first
    const foreign = fixture.create(fixture.root, inner).first
    const good = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, 1])])
    const swapped = fixture.checkpoint(fixture.root, fixture.rootPlace, [
      { ...rowOf([other, 1]), block: place.block }
    ])
    const outside = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([foreign, 1])])
    const entries = [first, other, foreign]
    const isLate = (record: (typeof fixture.records)[number]): boolean =>
      entries.some((entry) => entry === record)
    const early = fixture.records.filter((record) => !isLate(record))
    const { state, take } = await replicaOf(fixture, early)
    await state.settled() // the manifests are read, and wait for their entries
    await take(fixture.offer(entries))
    await state.settled()
    for (const [{ id }, expected] of [
      [good, true],
      [swapped, false],
      [outside, false]
    ] as const) {
      expect(await isComplete(id)).toBe(expected)
      expect(state.isCompleteCheckpoint(id)).toBe(expected)
    }
  })

  test('lists no block in two directories', async () => {
    const { fixture, first, isComplete } = world('listed twice')
    const directory = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.directory }).place
    const row = rowOf([first, 1])
    const twice = fixture.checkpoint(fixture.root, fixture.rootPlace, [
      row,
      { ...row, directory: directory.block }
    ])
    expect(await isComplete(twice.id)).toBe(false)
    const once = fixture.checkpoint(fixture.root, fixture.rootPlace, [{ ...row, directory: directory.block }])
    expect(await isComplete(once.id)).toBe(true)
  })

  test('waits for every checkpoint before it, at any depth', async () => {
    const { fixture, first, isComplete } = world('prev chain')
    const rows = [rowOf([first, 1])]
    const one = fixture.checkpoint(fixture.root, fixture.rootPlace, rows)
    const two = fixture.checkpoint(fixture.root, fixture.rootPlace, rows, [one])
    const three = fixture.checkpoint(fixture.root, fixture.rootPlace, rows, [two])
    for (const gone of [one, two]) {
      const records = fixture.records.filter((record) => record !== gone)
      expect(await isComplete(three.id, records)).toBe(false)
      expect(await isComplete(three.id, [...records, gone])).toBe(true)
    }
  })
})

describe('live grants (B.5)', () => {
  test('are those that nobody took back and that have not ended', async () => {
    const fixture = new Fixture('live grants')
    const zone = fixture.rootPlace.block
    const grant = (notAfter: number | undefined) =>
      fixture.keep(
        createGrant(crypto, fixture.root.principal, {
          tree: fixture.tree.id,
          targetType: grantTarget.zone,
          target: zone,
          recipientType: recipientType.principal,
          recipient: principalNamed('reader').id,
          notAfter,
          cap: undefined,
          nonce: crypto.random.bytes(16)
        })
      )
    const [kept, taken, atEnd] = [grant(undefined), grant(undefined), grant(1_000_000)]
    grant(999_999)
    fixture.keep(
      createGrantRevocation(crypto, fixture.root.principal, {
        tree: fixture.tree.id,
        grant: taken.id,
        cap: undefined
      })
    )
    const { state } = await replicaOf(fixture) // its clock says 1,000,000
    const live = state.liveGrants(zone).map(({ id }) => id.toHex())
    expect(live.toSorted()).toEqual([kept, atEnd].map(({ id }) => id.toHex()).toSorted())
  })
})

describe('who may now', () => {
  test('a cap counts from its beginning to its end, both included', async () => {
    const fixture = new Fixture('interval of a cap')
    const zone = fixture.rootPlace.block
    const may = async (notBefore: number, notAfter: number): Promise<boolean> => {
      const name = `guest ${notBefore} ${notAfter}`
      const guest = fixture.cap(fixture.root, name, fixture.rootPlace, { notBefore, notAfter })
      const { state } = await replicaOf(fixture)
      const act = { block: zone, home: zone, rights: right.create }
      return state.capFor(guest.principal.id, act) !== undefined
    }
    const now = 1_000_000 // of the replica
    expect([await may(now, now), await may(now + 1, now + 2), await may(now - 2, now - 1)]).toEqual([
      true,
      false,
      false
    ])
  })
})

describe('records that wait (B.13)', () => {
  const missing = crypto.sha256(new Uint8Array(1))
  const record = (at: number, length: number, peer: string) => ({
    id: crypto.sha256(Uint8Array.of(at >> 16, (at >> 8) & 255, at & 255)),
    bytes: new Uint8Array(length),
    inline: undefined,
    admission: { ...host, peer },
    missing
  })

  test('are bounded by number and by bytes for each peer', () => {
    const many = new ParkedRecords()
    for (let at = 0; at <= parkedRecordsPerPeerMax; at++) many.add(record(at, 10, 'p'))
    expect(many.count).toBe(parkedRecordsPerPeerMax)
    many.add(record(0, 10, 'other'))
    expect(many.count).toBe(parkedRecordsPerPeerMax + 1)
    const large = new ParkedRecords()
    const size = 256 * 1024
    for (let at = 0; at < 100; at++) large.add(record(at, size, 'p'))
    expect(large.count).toBe(Math.floor(parkedBytesPerPeerMax / (size + 256)))
  })

  test('are bounded in all, the oldest go first', () => {
    const parked = new ParkedRecords()
    const size = 256 * 1024
    const perPeer = Math.floor(parkedBytesPerPeerMax / (size + 256))
    const peers = 5
    for (let at = 0; at < peers * perPeer; at++)
      parked.add(record(at, size, `peer ${Math.floor(at / perPeer)}`))
    expect(parked.count).toBe(Math.floor(parkedBytesMax / (size + 256)))
    const left = parked.take(missing)
    expect(left[0]?.id).toEqual(record(peers * perPeer - left.length, 1, '').id)
    expect(parked.count).toBe(0)
  })

  test('free their room when they are taken', () => {
    const parked = new ParkedRecords()
    const size = 256 * 1024
    for (let round = 0; round < 3; round++) {
      for (let at = 0; at < 60; at++) parked.add(record(at, size, 'p'))
      expect(parked.take(missing)).toHaveLength(60)
    }
    expect(parked.count).toBe(0)
  })
})
