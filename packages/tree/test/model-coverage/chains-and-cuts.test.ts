/** The conditions of B.7 one by one: what each alone keeps out, and what stands just inside it. */
import { describe, expect, test } from 'vitest'
import { rootBirth } from '../../src/birth.ts'
import { createEpoch } from '../../src/epoch.ts'
import { createRevocation } from '../../src/revocation.ts'
import { zoneChainMax } from '../../src/limits.ts'
import { type AnyRecord, blockKind, right, scopeType } from '../../src/records.ts'
import { inEveryOrder } from '../arrival-orders.ts'
import { type Author, Fixture, crypto, placeOf, principalNamed, replicaOf, rowOf } from '../tree-fixture.ts'

const host = { peer: 'p', from: 'host' } as const

async function outcome(fixture: Fixture, record: AnyRecord): Promise<string | undefined> {
  const { state } = await replicaOf(
    fixture,
    fixture.records.filter((other) => other !== record)
  )
  return (await state.offer(fixture.offer([record]), host))[0]?.outcome
}

describe('the signer of a record (B.7.2, B.7.3)', () => {
  test('is the subject of the cap that it names: a cap id is no secret', async () => {
    const fixture = new Fixture('stolen cap id')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const mallory = fixture.stranger('mallory')
    const thief: Author = { ...mallory, cap: alice.cap, rank: alice.rank }
    const of = (author: Author): AnyRecord[] => [
      fixture.header(author, fixture.place(author, fixture.rootPlace), { prev: [] }),
      createEpoch({ crypto, random: crypto.random }, author.principal, {
        tree: fixture.tree.id,
        zone: fixture.rootPlace.block,
        previous: [],
        inherit: undefined,
        cap: author.cap?.id
      }).record
    ]
    for (const record of of(alice)) expect(await outcome(fixture, record)).toBe('accepted')
    for (const record of of(thief)) expect(await outcome(fixture, record)).toBe('refused')
  })

  test('has in the birth exactly the rank of its chain', async () => {
    const fixture = new Fixture('rank')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    for (const [rank, expected] of [
      [0, 'refused'],
      [1, 'accepted'],
      [2, 'refused']
    ] as const) {
      const place = fixture.place(alice, fixture.rootPlace, { rank })
      expect(await outcome(fixture, fixture.header(alice, place, { prev: [] }))).toBe(expected)
    }
  })

  test('of a root block is the first root', async () => {
    const fixture = new Fixture('root block')
    const mallory = fixture.stranger('mallory')
    const place = placeOf(rootBirth(fixture.tree.id, mallory.principal.id, { public: true }))
    expect(await outcome(fixture, fixture.header(mallory, place, { prev: [] }))).toBe('refused')
    expect(await outcome(fixture, fixture.rootHeader)).toBe('accepted')
  })

  test('needs both create and delete for a block that is born deleted', async () => {
    const fixture = new Fixture('born deleted')
    const by = (rights: number) => {
      const author = fixture.cap(fixture.root, `has ${rights}`, fixture.rootPlace, { rights })
      return fixture.header(author, fixture.place(author, fixture.rootPlace), { prev: [], deleted: true })
    }
    expect(await outcome(fixture, by(right.create | right.delete))).toBe('accepted')
    expect(await outcome(fixture, by(right.create))).toBe('refused')
    expect(await outcome(fixture, by(right.delete))).toBe('refused')
  })
})

describe('a cap for one block', () => {
  function world(seed: string) {
    const fixture = new Fixture(seed)
    const own = fixture.create(fixture.root, fixture.rootPlace)
    const other = fixture.create(fixture.root, fixture.rootPlace)
    const options = { scopeType: scopeType.block, rights: right.write | right.delegate }
    const alice = fixture.cap(fixture.root, 'alice', own.place, { ...options, depth: 3 })
    return { fixture, own, other, alice, options }
  }

  test('opens this block and none beside it', async () => {
    const { fixture, own, other, alice } = world('one block')
    const at = ({ place, first }: typeof own) => fixture.header(alice, place, { prev: [first] })
    expect(await outcome(fixture, at(own))).toBe('accepted')
    expect(await outcome(fixture, at(other))).toBe('refused')
  })

  test('is passed on for this block alone', async () => {
    const { fixture, own, other, alice, options } = world('one block passed on')
    const bob = principalNamed('bob')
    fixture.stranger('bob')
    const draft = { ...options, depth: 2 }
    expect(await outcome(fixture, fixture.capRecord(alice, bob, own.place, draft))).toBe('accepted')
    expect(await outcome(fixture, fixture.capRecord(alice, bob, other.place, draft))).toBe('refused')
  })

  test('brings back nothing that was deleted, and leaves its edit out of line', async () => {
    const { fixture, own, alice } = world('one block undelete')
    const deleted = fixture.write(fixture.root, own.place, { prev: [own.first], deleted: true })
    const back = fixture.write(alice, own.place, { prev: [deleted], deleted: false })
    const { of, winner } = await inEveryOrder(fixture, [own.place])
    expect(winner(own.place)).toEqual(deleted.id)
    expect(of(own.place)?.labels.late).toEqual([back.id])
    const restored = fixture.write(fixture.root, own.place, { prev: [deleted], deleted: false })
    const edit = fixture.write(alice, own.place, { prev: [restored] })
    expect((await inEveryOrder(fixture, [own.place])).winner(own.place)).toEqual(edit.id)
  })
})

describe('chains (B.7.2)', () => {
  test('begin with the root of the generation that the cap names', async () => {
    const fixture = new Fixture('generation')
    const first = fixture.succeed('root one')
    const second = fixture.succeed('root two', { prev: first.record })
    fixture.stranger('bob')
    const by = (author: Author, rootGeneration: number) =>
      fixture.capRecord(author, principalNamed('bob'), fixture.rootPlace, { rootGeneration })
    expect(await outcome(fixture, by(first.root, 1))).toBe('accepted')
    expect(await outcome(fixture, by(second.root, 2))).toBe('accepted')
    expect(await outcome(fixture, by(first.root, 2))).toBe('parked')
    expect(await outcome(fixture, by(second.root, 1))).toBe('parked')
    expect(await outcome(fixture, by(second.root, 0))).toBe('refused')
  })

  test('reach no zone that lies deeper than sixteen', async () => {
    const fixture = new Fixture('deep cap')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    fixture.stranger('bob')
    let zone = fixture.rootPlace
    for (let depth = 1; depth < zoneChainMax; depth++)
      zone = fixture.create(fixture.root, zone, { zoneRoot: true }).place
    const inside = fixture.capRecord(alice, principalNamed('bob'), zone)
    expect(await outcome(fixture, inside)).toBe('accepted')
    const tooDeep = fixture.create(fixture.root, zone, { zoneRoot: true }).place
    const below = fixture.place(fixture.root, tooDeep, { zoneRoot: true })
    expect(await outcome(fixture, fixture.capRecord(alice, principalNamed('bob'), below))).toBe('refused')
  })
})

describe('revocations (B.7.4)', () => {
  function line(seed: string) {
    const fixture = new Fixture(seed)
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const bob = fixture.cap(alice, 'bob', fixture.rootPlace)
    const carol = fixture.cap(bob, 'carol', fixture.rootPlace)
    const { place, first } = fixture.create(carol, fixture.rootPlace)
    const checkpoint = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, 1])])
    const cut = [{ zone: fixture.rootPlace.block, checkpoint: checkpoint.id }]
    return { fixture, alice, bob, carol, place, first, cut }
  }

  test('wait for their target', async () => {
    const { fixture, carol } = line('revocation before its cap')
    const revocation = fixture.revoke(fixture.root, carol)
    const { state } = await replicaOf(
      fixture,
      fixture.records.filter((record) => record !== carol.cap && record !== revocation)
    )
    const [early] = await state.offer(fixture.offer([revocation]), host)
    expect(early).toMatchObject({ outcome: 'parked', missing: carol.cap?.id })
    await state.offer(fixture.offer(carol.cap === undefined ? [] : [carol.cap]), host)
    expect(state.authority.revocationsOf(carol.cap?.id ?? revocation.id)).toHaveLength(1)
  })

  test('are signed by the subject of the link that they name, not by another one', async () => {
    const { fixture, alice, bob, carol } = line('revocation signer')
    const by = (author: Author, link = alice.cap?.id) =>
      createRevocation(crypto, author.principal, {
        tree: fixture.tree.id,
        target: carol.cap?.id ?? fixture.tree.id,
        by: author === fixture.root || author === alone ? undefined : link,
        cuts: [],
        reason: 0
      })
    const alone: Author = { ...bob, cap: undefined }
    expect(await outcome(fixture, by(alice))).toBe('accepted')
    expect(await outcome(fixture, by(bob))).toBe('refused')
    expect(await outcome(fixture, by(fixture.root))).toBe('accepted')
    expect(await outcome(fixture, by(alone))).toBe('parked') // a succession may make its signer a root
  })

  test('of the link nearest to the root govern: it repairs a hostile cut of one further down', async () => {
    const { fixture, alice, bob, carol, place, first, cut } = line('nearest to the root')
    fixture.revoke(bob, carol)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
    fixture.revoke(alice, carol, cut)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toEqual(first.id)
  })

  test('of one signer must all hold, whatever link of the chain each hits', async () => {
    const { fixture, alice, bob, carol, place, first, cut } = line('all cuts')
    fixture.revoke(alice, carol, cut)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toEqual(first.id)
    fixture.revoke(alice, bob)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
  })

  test('of links do not count beside a succession, those of the new root do', async () => {
    const { fixture, alice, carol, place, first, cut } = line('beside a succession')
    const { root } = fixture.succeed('new root', { cuts: cut })
    fixture.revoke(alice, carol)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toEqual(first.id)
    fixture.revoke(root, carol)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
  })

  test('of a former root spare what stands below a kept cap', async () => {
    const { fixture, alice, carol, place, first } = line('below a kept cap')
    fixture.succeed('new root', { keepCaps: [alice] })
    fixture.revoke(fixture.root, carol)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toEqual(first.id)
  })

  test('of a former root hit a link above the kept one', async () => {
    const { fixture, alice, carol, place } = line('above a kept cap')
    fixture.succeed('new root', { keepCaps: [carol] })
    fixture.revoke(fixture.root, alice)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
  })
})

describe('what a cut holds (B.7.4)', () => {
  test('a block whose only version is cut off is no loss of an anchor', async () => {
    const fixture = new Fixture('no anchor')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const { place, first } = fixture.create(alice, fixture.rootPlace)
    fixture.revoke(fixture.root, alice)
    const without = await inEveryOrder(fixture, [place])
    expect(without.of(place)?.labels).toMatchObject({ lostToRevocation: false, quarantine: [first.id] })
    fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, 1])])
    const listed = await inEveryOrder(fixture, [place])
    expect(listed.of(place)?.labels.lostToRevocation).toBe(true)
  })

  test('ancestors of what it lists, in the same zone and of the same block', async () => {
    const fixture = new Fixture('ancestors')
    const inner = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true }).place
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const { place, first } = fixture.create(alice, fixture.rootPlace)
    const second = fixture.write(alice, place, { prev: [first] })
    const third = fixture.write(alice, place, { prev: [second] })
    const listing = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([second, 2])])
    const elsewhere = fixture.checkpoint(fixture.root, inner, [rowOf([third, 3])])
    const zone = fixture.rootPlace.block
    fixture.revoke(fixture.root, alice, [{ zone, checkpoint: listing.id }])
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(second.id)
    expect(of(place)?.labels.quarantine).toEqual([third.id])
    fixture.revoke(fixture.root, alice, [{ zone, checkpoint: elsewhere.id }])
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
  })

  test('checkpoints of a revoked admin: the cut itself and those before it, in every governing cut', async () => {
    const fixture = new Fixture('checkpoints in cuts')
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace)
    const zone = fixture.rootPlace.block
    const one = fixture.checkpoint(admin, fixture.rootPlace, [])
    const two = fixture.checkpoint(admin, fixture.rootPlace, [], [one])
    const three = fixture.checkpoint(admin, fixture.rootPlace, [], [two])
    const anchors = async () =>
      (await inEveryOrder(fixture, [fixture.rootPlace])).state.anchors(zone).map(({ id }) => id)
    expect(await anchors()).toEqual([three.id])
    fixture.revoke(fixture.root, admin, [{ zone, checkpoint: two.id }])
    expect(await anchors()).toEqual([two.id])
    fixture.revoke(fixture.root, admin, [{ zone, checkpoint: three.id }])
    expect(await anchors()).toEqual([two.id])
    fixture.revoke(fixture.root, admin)
    expect(await anchors()).toEqual([])
  })

  test('receipts of a revoked host: for records inside its cut, and for no others', async () => {
    const fixture = new Fixture('receipt of a revoked host')
    const guest = fixture.cap(fixture.root, 'guest', fixture.rootPlace, { notAfter: 5000 })
    const store = fixture.cap(fixture.root, 'store', fixture.rootPlace, { rights: right.host })
    const early = fixture.create(guest, fixture.rootPlace)
    const late = fixture.create(guest, fixture.rootPlace)
    const cut = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([early.first, 1])])
    fixture.receipt(store, fixture.rootPlace, [early.first, late.first], 900)
    const both = await inEveryOrder(fixture, [early.place, late.place])
    expect(both.winner(late.place)).toEqual(late.first.id)
    fixture.revoke(fixture.root, store, [{ zone: fixture.rootPlace.block, checkpoint: cut.id }])
    const { winner } = await inEveryOrder(fixture, [early.place, late.place])
    expect(winner(early.place)).toEqual(early.first.id)
    expect(winner(late.place)).toBeUndefined()
  })
})

describe('epochs and grants of a chain that is hit (B.7.4, B.7.5)', () => {
  function world(seed: string, options: { notAfter?: number } = {}) {
    const fixture = new Fixture(seed)
    const open = fixture.place(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const zone = placeOf({ ...open.birth, public: false })
    fixture.write(fixture.root, zone, { prev: [] })
    const sharer = fixture.cap(fixture.root, 'sharer', zone, { rights: right.grant, ...options })
    const { record } = createEpoch({ crypto, random: crypto.random }, sharer.principal, {
      tree: fixture.tree.id,
      zone: zone.block,
      previous: [],
      inherit: undefined,
      cap: sharer.cap?.id
    })
    fixture.keep(record)
    const current = async () =>
      (await replicaOf(fixture)).state.currentEpochs(zone.block).map(({ id }) => id.toHex())
    return { fixture, zone, sharer, record, current }
  }

  test('are held, and never current', async () => {
    const { fixture, sharer, record, current } = world('epoch revoked')
    expect(await current()).toEqual([record.id.toHex()])
    fixture.revoke(fixture.root, sharer)
    expect(await current()).toEqual([])
    expect((await replicaOf(fixture)).state.authority.epoch(record.id)).toBeDefined()
  })

  test('under a cap that ends are current with a receipt within it', async () => {
    const { fixture, zone, record, current } = world('epoch with an end', { notAfter: 5000 })
    const store = fixture.cap(fixture.root, 'store', fixture.rootPlace, { rights: right.host })
    expect(await current()).toEqual([])
    fixture.receipt(store, zone, [record], 5000 + 11 * 60 * 1000)
    expect(await current()).toEqual([])
    fixture.receipt(store, zone, [record], 900)
    expect(await current()).toEqual([record.id.toHex()])
  })
})

describe('records that rest on others', () => {
  test('an epoch waits for the births of its zone', async () => {
    const fixture = new Fixture('epoch of an unknown zone')
    const zone = fixture.place(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const { record } = createEpoch({ crypto, random: crypto.random }, fixture.root.principal, {
      tree: fixture.tree.id,
      zone: zone.block,
      previous: [],
      inherit: undefined,
      cap: undefined
    })
    expect(await outcome(fixture, record)).toBe('parked')
    fixture.write(fixture.root, zone, { prev: [] })
    expect(await outcome(fixture, record)).toBe('accepted')
  })

  test('a directory that was moved into itself is accepted, and shown under the root of its zone', async () => {
    const fixture = new Fixture('kind')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.directory })
    const moved = fixture.write(fixture.root, place, { prev: [first], parent: place.block })
    const { of } = await inEveryOrder(fixture, [place])
    expect(of(place)?.winner?.id).toEqual(moved.id)
    expect(of(place)).toMatchObject({ cycle: true, shownParent: fixture.rootPlace.block })
  })
})
