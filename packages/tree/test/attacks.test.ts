/** The attacks of the model that the rules have to stop, by their numbers; each must fail to succeed. */
import { equalBytes } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { conflictName, invalidName, shownNames } from '../src/directory-view.ts'
import type { AnyRecord } from '../src/records.ts'
import { blockKind, right, scopeType } from '../src/records.ts'
import type { Admission, OfferResult } from '../src/tree-state.ts'
import { inEveryOrder } from './arrival-orders.ts'
import { Fixture, type Place, createReplica, crypto, placeOf, replicaOf, rowOf } from './tree-fixture.ts'

async function offered(
  fixture: Fixture,
  record: AnyRecord,
  admission: Admission = { peer: 'p', from: 'host' }
): Promise<OfferResult | undefined> {
  const replica = await replicaOf(
    fixture,
    fixture.records.filter((other) => other !== record)
  )
  return (await replica.state.offer({ records: [{ bytes: record.bytes }] }, admission)).at(0)
}

/** A shared zone with a delegate, and a private zone beside it. */
function twoZones(seed: string) {
  const fixture = new Fixture(seed)
  const shared = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
  const own = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
  const alice = fixture.cap(fixture.root, 'alice', shared.place)
  return { fixture, shared: shared.place, private: own.place, alice }
}

describe('ids and genesis', () => {
  test('A1: two first versions of one id are an ordinary fork of one kind', async () => {
    const { fixture, shared, alice } = twoZones('A1')
    const { place } = fixture.create(alice, shared)
    fixture.write(alice, place, { prev: [], name: 'other' })
    const { of } = await inEveryOrder(fixture, [place])
    expect(of(place)).toMatchObject({ kind: blockKind.file, version: 1 })
    expect(of(place)?.heads).toHaveLength(2)
  })

  test('A2: a first version that its named creator did not sign is refused', async () => {
    const { fixture, shared, alice } = twoZones('A2')
    const mallory = fixture.cap(fixture.root, 'mallory', shared)
    const place = fixture.place(alice, shared)
    const result = await offered(fixture, fixture.header(mallory, place, { prev: [] }))
    expect(result).toMatchObject({ outcome: 'refused', code: 'ERR_HEADER_CREATOR', penalty: true })
    expect(await offered(fixture, fixture.header(alice, place, { prev: [] }))).toMatchObject({
      outcome: 'accepted'
    })
  })

  test('A2: a birth with another rank than the chain of its creator is refused', async () => {
    const { fixture, shared, alice } = twoZones('A2 rank')
    const place = fixture.place(alice, shared, { rank: 0 })
    const result = await offered(fixture, fixture.header(alice, place, { prev: [] }))
    expect(result).toMatchObject({ outcome: 'refused', code: 'ERR_HEADER_CREATOR' })
  })

  test('A3: a delegate cannot graft a block of another zone below its own', async () => {
    const world = twoZones('A3')
    const { fixture, shared, alice } = world
    const { place, first } = fixture.create(fixture.root, world.private)
    const graft = fixture.header(alice, place, { prev: [first], parent: shared.block })
    expect(await offered(fixture, graft)).toMatchObject({ outcome: 'refused', code: 'ERR_HEADER_RIGHT' })
  })

  test('A4: nobody offers another root block, moves it or deletes it', async () => {
    const { fixture } = twoZones('A4')
    const mallory = fixture.cap(fixture.root, 'mallory', fixture.rootPlace)
    const fake = placeOf({ ...fixture.rootPlace.birth, creator: mallory.principal.id })
    const result = await offered(fixture, fixture.header(mallory, fake, { prev: [], parent: undefined }))
    expect(result).toMatchObject({ outcome: 'refused', code: 'ERR_HEADER_CREATOR' })
    const deleted = () =>
      fixture.header(fixture.root, fixture.rootPlace, { prev: [fixture.rootHeader], deleted: true })
    expect(deleted).toThrow(/root block cannot be deleted/)
  })
})

describe('parents, moves and scope', () => {
  test('A5: an edit and a concurrent move of an ancestor are both kept, in every order', async () => {
    const { fixture, shared, alice } = twoZones('A5')
    const directory = fixture.create(fixture.root, shared, { kind: blockKind.directory })
    const archive = fixture.create(fixture.root, shared, { kind: blockKind.directory })
    const file = fixture.create(alice, directory.place)
    const edit = fixture.write(alice, file.place, { prev: [file.first] })
    const move = fixture.write(fixture.root, directory.place, {
      prev: [directory.first],
      parent: archive.place.block
    })
    const { winner } = await inEveryOrder(fixture, [directory.place, archive.place, file.place])
    expect(winner(file.place)).toEqual(edit.id)
    expect(winner(directory.place)).toEqual(move.id)
  })

  test('A6: a host without the directories above accepts and shows as orphan', async () => {
    const { fixture, shared, alice } = twoZones('A6')
    const above = fixture.create(alice, shared, { kind: blockKind.directory })
    const file = fixture.create(alice, above.place)
    const known = fixture.records.filter((record) => record !== above.first)
    const { of } = await inEveryOrder(fixture, [file.place], known)
    expect(of(file.place)).toMatchObject({ orphan: true, shownParent: shared.block })
    const { of: whole } = await inEveryOrder(fixture, [file.place])
    expect(whole(file.place)).toMatchObject({ orphan: false, shownParent: above.place.block })
  })

  test('A7: a cycle of two moves is shown once, below the zone root', async () => {
    const { fixture, shared, alice } = twoZones('A7')
    const x = fixture.create(alice, shared, { kind: blockKind.directory })
    const y = fixture.create(alice, shared, { kind: blockKind.directory })
    fixture.write(alice, x.place, { prev: [x.first], parent: y.place.block })
    const back = fixture.write(alice, y.place, { prev: [y.first], parent: x.place.block })
    const { state, of } = await inEveryOrder(fixture, [shared, x.place, y.place])
    const cycle = [x.place, y.place].filter((place) => of(place)?.cycle === true)
    expect(cycle).toHaveLength(1)
    expect(state.childCount(shared.block)).toBe(1)
    fixture.write(alice, y.place, { prev: [back], parent: shared.block })
    const { of: repaired } = await inEveryOrder(fixture, [shared, x.place, y.place])
    expect([repaired(x.place)?.cycle, repaired(y.place)?.cycle]).toEqual([false, false])
  })

  test('A8: a directory deleted while something is created in it stays reachable', async () => {
    const { fixture, shared, alice } = twoZones('A8')
    const directory = fixture.create(alice, shared, { kind: blockKind.directory })
    fixture.write(alice, directory.place, { prev: [directory.first], deleted: true })
    const file = fixture.create(alice, directory.place)
    const { state, of } = await inEveryOrder(fixture, [shared, directory.place, file.place])
    expect(of(directory.place)).toMatchObject({ deleted: true, revived: true, shownParent: shared.block })
    expect((await Array.fromAsync(state.children(shared.block))).map((child) => child.revived)).toEqual([
      true
    ])
    fixture.write(alice, file.place, { prev: [file.first], deleted: true })
    const { state: empty } = await inEveryOrder(fixture, [shared, directory.place, file.place])
    expect(empty.childCount(shared.block)).toBe(0)
  })

  test('A9: a move into another zone does not carry a block there', async () => {
    const world = twoZones('A9')
    const { fixture, shared, alice } = world
    const { place, first } = fixture.create(alice, shared)
    fixture.write(alice, place, { prev: [first], parent: world.private.block })
    const { state, of } = await inEveryOrder(fixture, [place, world.private])
    expect(of(place)).toMatchObject({ orphan: true, shownParent: shared.block, zone: shared.block })
    expect(state.childCount(world.private.block)).toBe(0)
  })
})

describe('listings and names', () => {
  test('A10: a checkpoint whose root or entries do not match is no anchor', async () => {
    const { fixture, shared, alice } = twoZones('A10')
    const { first } = fixture.create(alice, shared)
    const rows = [rowOf([first, 1])]
    fixture.checkpoint(fixture.root, shared, rows, [], { headsRoot: new Uint8Array(32).fill(1) })
    fixture.checkpoint(fixture.root, fixture.rootPlace, rows)
    const { state } = await inEveryOrder(fixture, [])
    expect([...state.anchors(shared.block), ...state.anchors(fixture.rootPlace.block)]).toHaveLength(0)
    const right = fixture.checkpoint(fixture.root, shared, rows)
    const { state: after } = await inEveryOrder(fixture, [])
    expect(after.anchors(shared.block).map((anchor) => anchor.id)).toEqual([right.id])
  })

  test('A11: a delegate does not take over a name by a second block', async () => {
    const { fixture, shared, alice } = twoZones('A11')
    const mallory = fixture.cap(alice, 'mallory', shared)
    const owner = fixture.create(alice, shared)
    const nameKey = new Uint8Array(16).fill(3)
    const replica = await replicaOf(fixture)
    const rivals = Array.from({ length: 8 }, () => fixture.create(mallory, shared).place)
    await replica.take(fixture.offer())
    for (const place of [...rivals, owner.place]) replica.state.registerName(place.block, nameKey)
    expect(replica.state.findByName(shared.block, nameKey)[0]).toEqual(owner.place.block)
    expect(replica.state.findByName(shared.block, nameKey)).toHaveLength(9)
  })

  test('A11: an entry of an anchor keeps its name against a creator nearer to the root', async () => {
    const { fixture, shared, alice } = twoZones('A11 anchor')
    const first = fixture.create(alice, shared)
    fixture.checkpoint(fixture.root, shared, [rowOf([first.first, 1])])
    const second = fixture.create(fixture.root, shared)
    const replica = await replicaOf(fixture)
    const nameKey = new Uint8Array(16).fill(3)
    for (const { place } of [second, first]) replica.state.registerName(place.block, nameKey)
    expect(replica.state.findByName(shared.block, nameKey)[0]).toEqual(first.place.block)
  })

  test('A12: conflict names are unique, within 255 bytes, and cut between code points', () => {
    const claim = (fill: number, name: string) => ({
      block: new Uint8Array(32).fill(fill),
      name,
      rank: 0,
      anchored: false
    })
    const long = `${'ä'.repeat(125)}.txt`
    const names = shownNames([claim(1, long), claim(2, long), claim(3, long)])
    const shown = [1, 2, 3].map((fill) => names.get(new Uint8Array(32).fill(fill)) ?? '')
    expect(new Set(shown).size).toBe(3)
    for (const name of shown) expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(255)
    expect(shown[1]).toMatch(/^ä+ \(conflict [a-z2-7]{8}\)\.txt$/u)
    const taken = conflictName('a.txt', new Uint8Array(32).fill(2), 8)
    const again = shownNames([claim(1, 'a.txt'), claim(2, 'a.txt'), claim(9, taken)])
    expect(again.get(new Uint8Array(32).fill(2))).toMatch(/^a \(conflict [a-z2-7]{16}\)\.txt$/)
  })

  test('A13: a hostile name is accepted as a record and never shown raw', () => {
    const block = new Uint8Array(32).fill(4)
    for (const name of ['../x', '..', 'a/b', 'nul\0', '', 'x'.repeat(256)]) {
      expect(shownNames([{ block, name, rank: 0, anchored: false }]).get(block)).toBe(invalidName(block))
    }
  })
})

describe('versions, forks, history', () => {
  test('A16: two offline writers end with the same winner everywhere and lose nothing', async () => {
    const { fixture, shared, alice } = twoZones('A16')
    const { place, first } = fixture.create(alice, shared)
    fixture.write(alice, place, { prev: [first] })
    fixture.write(fixture.root, place, { prev: [first] })
    const { of } = await inEveryOrder(fixture, [place])
    expect(of(place)?.heads).toHaveLength(2)
  })

  test('A17: a claim of the highest version stops nobody', async () => {
    const { fixture, shared, alice } = twoZones('A17')
    const { place, first } = fixture.create(alice, shared)
    const exhausted = fixture.write(alice, place, { prev: [first], version: 2 ** 40 })
    const next = fixture.write(fixture.root, place, { prev: [exhausted], version: 2 ** 40 })
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(next.id)
    expect(of(place)?.version).toBe(3)
  })

  test('A18: a flood of forks by one cap counts four, and is reported as a self fork', async () => {
    const { fixture, shared, alice } = twoZones('A18')
    const { place, first } = fixture.create(alice, shared)
    for (let fork = 0; fork < 9; fork++) fixture.write(alice, place, { prev: [first] })
    const other = fixture.write(fixture.root, place, { prev: [first] })
    const { of } = await inEveryOrder(fixture, [place])
    expect(of(place)?.heads).toHaveLength(5)
    expect(of(place)?.heads.some((head) => equalBytes(head.id, other.id))).toBe(true)
    expect(of(place)?.labels).toMatchObject({ selfFork: true })
    expect(of(place)?.labels.uncounted).toHaveLength(5)
  })

  test('A19: a tombstone does not win over an unseen edit', async () => {
    const { fixture, shared, alice } = twoZones('A19')
    const { place, first } = fixture.create(alice, shared)
    const edit = fixture.write(alice, place, { prev: [first] })
    const again = fixture.write(fixture.root, place, { prev: [first] })
    fixture.write(fixture.root, place, { prev: [again], deleted: true })
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(edit.id)
    expect(of(place)?.deleted).toBe(false)
  })

  test('A20: a replayed old version neither wins nor revives what an anchor shows as deleted', async () => {
    const { fixture, shared, alice } = twoZones('A20')
    const { place, first } = fixture.create(alice, shared)
    const old = fixture.write(alice, place, { prev: [first] })
    const gone = fixture.write(alice, place, { prev: [old], deleted: true })
    fixture.checkpoint(fixture.root, shared, [rowOf([gone, 3])])
    const fork = fixture.write(alice, place, { prev: [first] })
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(gone.id)
    expect(of(place)?.labels.late).toEqual([fork.id])
    const pruned = fixture.records.filter((record) => record !== first)
    expect((await inEveryOrder(fixture, [place], pruned)).winner(place)).toEqual(gone.id)
  })

  test('A21: replaying all versions below a tombstone does not bring the file back', async () => {
    const { fixture, shared, alice } = twoZones('A21')
    const { place, first } = fixture.create(alice, shared)
    const gone = fixture.write(alice, place, { prev: [first], deleted: true })
    const replica = await replicaOf(fixture)
    await replica.take(fixture.offer([first]))
    expect(replica.state.blockState(place.block)?.winner?.id).toEqual(gone.id)
    expect(replica.state.childCount(shared.block)).toBe(0)
  })
})

describe('write caps', () => {
  test('A46: what is dated back behind a revocation does not count', async () => {
    const { fixture, shared, alice } = twoZones('A46')
    const { place, first } = fixture.create(alice, shared)
    const cut = fixture.checkpoint(fixture.root, shared, [rowOf([first, 1])])
    fixture.revoke(fixture.root, alice, [{ zone: shared.block, checkpoint: cut.id }])
    const stolen = fixture.write(alice, place, { prev: [first] })
    const fresh = fixture.create(alice, shared)
    const { of, winner } = await inEveryOrder(fixture, [place, fresh.place])
    expect(winner(place)).toEqual(first.id)
    expect(of(place)?.labels.quarantine).toEqual([stolen.id])
    expect(winner(fresh.place)).toBeUndefined()
    const adopted = fixture.write(fixture.root, place, { prev: [first, stolen] })
    const after = await inEveryOrder(fixture, [place])
    expect(after.winner(place)).toEqual(adopted.id)
    expect(after.of(place)?.labels.quarantine).toEqual([])
  })

  test('A47: expiry is judged by receipts: the clock of a replica changes nothing', async () => {
    const { fixture, shared } = twoZones('A47')
    const guest = fixture.cap(fixture.root, 'guest', shared, { notAfter: 1000 })
    const host = fixture.cap(fixture.root, 'host', fixture.rootPlace, { rights: right.host })
    const { place, first } = fixture.create(guest, shared)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
    fixture.receipt(host, shared, [first], 900)
    for (const now of [0, 10 ** 12]) {
      const replica = await createReplica(now)
      await replica.take(fixture.offer())
      expect(replica.state.blockState(place.block)?.winner?.id).toEqual(first.id)
    }
  })

  test('A48: revoking a link hits what stands below it; a hostile empty cut is repaired from above', async () => {
    const { fixture, shared, alice } = twoZones('A48')
    const bob = fixture.cap(alice, 'bob', shared)
    const carol = fixture.cap(bob, 'carol', shared)
    const { place, first } = fixture.create(carol, shared)
    fixture.revoke(alice, bob)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
    fixture.revoke(fixture.root, alice)
    const cut = fixture.checkpoint(fixture.root, shared, [rowOf([first, 1])])
    fixture.revoke(fixture.root, bob, [{ zone: shared.block, checkpoint: cut.id }])
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
    const repaired = new Fixture('A48 repaired')
    const admin = repaired.cap(repaired.root, 'alice', repaired.rootPlace)
    const worker = repaired.cap(admin, 'bob', repaired.rootPlace)
    const work = repaired.create(worker, repaired.rootPlace)
    const good = repaired.checkpoint(repaired.root, repaired.rootPlace, [rowOf([work.first, 1])])
    repaired.revoke(admin, worker)
    repaired.revoke(repaired.root, worker, [{ zone: repaired.rootPlace.block, checkpoint: good.id }])
    expect((await inEveryOrder(repaired, [work.place])).winner(work.place)).toEqual(work.first.id)
  })

  test('A48: only the root or a link above revokes', async () => {
    const { fixture, shared, alice } = twoZones('A48 signer')
    const bob = fixture.cap(alice, 'bob', shared)
    const mallory = fixture.cap(fixture.root, 'mallory', shared)
    const refused = { outcome: 'refused', code: 'ERR_REVOCATION_SIGNER' }
    expect(await offered(fixture, fixture.revoke(mallory, bob))).toMatchObject(refused)
    expect(await offered(fixture, fixture.revoke(bob, alice))).toMatchObject(refused)
    expect(await offered(fixture, fixture.revoke(alice, bob))).toMatchObject({ outcome: 'accepted' })
  })

  test('A49: an unknown cap parks, a chain of nine links is refused', async () => {
    const { fixture, shared } = twoZones('A49')
    let author = fixture.cap(fixture.root, 'link 1', shared, { depth: 20 })
    for (let link = 2; link <= 8; link++) author = fixture.cap(author, `link ${link}`, shared)
    const ninth = fixture.stranger('link 9')
    const cap = fixture.capRecord(author, ninth.principal, shared)
    expect(await offered(fixture, cap)).toMatchObject({ outcome: 'refused', code: 'ERR_CAP_CHAIN' })
    const { first } = fixture.create(author, shared)
    const eighth = author.cap
    const without = fixture.records.filter((record) => record !== eighth && record !== first)
    const replica = await replicaOf(fixture, without)
    expect((await replica.take(fixture.offer([first]))).at(0)).toMatchObject({
      outcome: 'parked',
      penalty: false
    })
    if (eighth !== undefined) await replica.take(fixture.offer([eighth]))
    expect(replica.state.header(first.id)).toBeDefined()
  })

  test('A49: what is wider than the cap above is refused', async () => {
    const {
      fixture,
      shared,
      private: outside
    } = {
      ...twoZones('A49 wider')
    }
    const limited = fixture.cap(fixture.root, 'limited', shared, {
      rights: right.write | right.delegate,
      notAfter: 50
    })
    const bob = fixture.stranger('bob').principal
    const wider: [Place, object, string][] = [
      [shared, { rights: right.write | right.create, notAfter: 50 }, 'ERR_CAP_WIDER'],
      [shared, { rights: right.write }, 'ERR_CAP_WIDER'],
      [shared, { rights: right.write, notAfter: 50, depth: 8 }, 'ERR_CAP_WIDER'],
      [outside, { rights: right.write, notAfter: 50 }, 'ERR_CAP_SCOPE'],
      [fixture.rootPlace, { rights: right.write, notAfter: 50 }, 'ERR_CAP_SCOPE']
    ]
    for (const [scope, options, code] of wider) {
      expect(await offered(fixture, fixture.capRecord(limited, bob, scope, options))).toMatchObject({
        outcome: 'refused',
        code
      })
    }
    const within = fixture.capRecord(limited, bob, shared, { rights: right.write, notAfter: 40 })
    expect(await offered(fixture, within)).toMatchObject({ outcome: 'accepted' })
  })

  test('A50: a right that this version does not know grants nothing', async () => {
    const { fixture, shared } = twoZones('A50')
    const future = fixture.cap(fixture.root, 'future', shared, { rights: 2 ** 20 })
    const result = await offered(fixture, fixture.header(future, fixture.place(future, shared), { prev: [] }))
    expect(result).toMatchObject({ outcome: 'refused', code: 'ERR_HEADER_RIGHT' })
  })

  test('A50: a cap for a zone gives no cap for the root of that zone as a block, which belongs to the outer zone', async () => {
    const { fixture, shared, alice } = twoZones('A50 block')
    const mallory = fixture.stranger('mallory').principal
    const block = fixture.capRecord(alice, mallory, shared, {
      scopeType: scopeType.block,
      rights: right.write
    })
    expect(await offered(fixture, block)).toMatchObject({ outcome: 'refused', code: 'ERR_CAP_SCOPE' })
  })

  test('A51: an app with a cap for its zone writes nowhere else, and one for a block moves nothing', async () => {
    const world = twoZones('A51')
    const { fixture, alice, shared } = world
    const outside = fixture.header(alice, fixture.place(alice, world.private), { prev: [] })
    expect(await offered(fixture, outside)).toMatchObject({ outcome: 'refused', code: 'ERR_HEADER_RIGHT' })
    const { place, first } = fixture.create(alice, shared)
    const directory = fixture.create(alice, shared, { kind: blockKind.directory })
    const app = fixture.cap(alice, 'app', place, { scopeType: scopeType.block, rights: right.write })
    const moved = fixture.write(app, place, { prev: [first], parent: directory.place.block })
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(first.id)
    expect(of(place)?.labels.late).toEqual([moved.id])
    const written = fixture.write(app, place, { prev: [first] })
    expect((await inEveryOrder(fixture, [place])).winner(place)).toEqual(written.id)
  })

  test('A52: what was accepted while a revocation was hidden falls to it at the next sync', async () => {
    const { fixture, shared, alice } = twoZones('A52')
    const { place, first } = fixture.create(alice, shared)
    const replica = await replicaOf(fixture)
    expect(replica.state.blockState(place.block)?.winner?.id).toEqual(first.id)
    await replica.take(fixture.offer([fixture.revoke(fixture.root, alice)]))
    expect(replica.state.blockState(place.block)?.winner).toBeUndefined()
    expect(replica.state.childCount(shared.block)).toBe(0)
  })
})

describe('hosts', () => {
  test('A53: quota is asked at admission from a writer, never from a host', async () => {
    const { fixture, shared, alice } = twoZones('A53')
    const header = fixture.header(alice, fixture.place(alice, shared), { prev: [] })
    const refuse = () => 'the quota is used up'
    const writer = await offered(fixture, header, { peer: 'w', from: 'writer', refuse })
    expect(writer).toMatchObject({ outcome: 'refused', code: 'ERR_ADMISSION_REFUSED', penalty: false })
    expect(await offered(fixture, header, { peer: 'h', from: 'host', refuse })).toMatchObject({
      outcome: 'accepted'
    })
  })

  test('A53: parked records of one peer are bounded', async () => {
    const { ParkedRecords } = await import('../src/parked-records.ts')
    const parked = new ParkedRecords()
    for (let at = 0; at < 1500; at++) {
      const missing = crypto.sha256(Uint8Array.of(at >> 8, at & 255))
      parked.add({
        id: missing,
        bytes: new Uint8Array(10),
        inline: undefined,
        admission: { peer: 'p', from: 'host' },
        missing
      })
    }
    expect(parked.count).toBe(1000)
    expect(parked.take(crypto.sha256(Uint8Array.of(0, 0)))).toHaveLength(0)
    expect(parked.take(crypto.sha256(Uint8Array.of(1499 >> 8, 1499 & 255)))).toHaveLength(1)
  })

  test('A53b: a receipt of a peer that may only keep does not count as time', async () => {
    const { fixture, shared } = twoZones('A53b')
    const guest = fixture.cap(fixture.root, 'guest', shared, { notAfter: 1000 })
    const keeper = fixture.cap(fixture.root, 'keeper', fixture.rootPlace, { rights: right.keep })
    const { place, first } = fixture.create(guest, shared)
    const receipt = fixture.receipt(keeper, shared, [first], 900)
    const { state, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toBeUndefined()
    expect(state.record(receipt.id)).toBeDefined()
  })

  test('A55: a receipt for another zone or from a stranger does not count', async () => {
    const world = twoZones('A55')
    const { fixture, shared } = world
    const guest = fixture.cap(fixture.root, 'guest', shared, { notAfter: 1000 })
    const host = fixture.cap(fixture.root, 'host', world.private, { rights: right.host })
    const { place, first } = fixture.create(guest, shared)
    fixture.receipt(host, world.private, [first], 900)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toBeUndefined()
    const elsewhere = fixture.receipt(host, shared, [first], 900)
    expect(await offered(fixture, elsewhere)).toMatchObject({ outcome: 'refused' })
  })

  test('A56: validity asks for no leader: an offline write counts as it is', async () => {
    const { fixture, shared, alice } = twoZones('A56')
    const { place, first } = fixture.create(alice, shared)
    expect((await inEveryOrder(fixture, [place])).winner(place)).toEqual(first.id)
  })

  test('A57: no time in a header decides who wins', async () => {
    const { fixture, shared, alice } = twoZones('A57')
    const { place, first } = fixture.create(alice, shared)
    const heads = [0, 1].map(() => fixture.write(alice, place, { prev: [first] }))
    const lowest = heads.map((head) => head.id.toHex()).toSorted()[0]
    expect((await inEveryOrder(fixture, [place])).winner(place)?.toHex()).toBe(lowest)
  })

  test('a record of another tree, a forged signature and garbage are refused', async () => {
    const { fixture, shared, alice } = twoZones('mine')
    const other = new Fixture('other')
    expect(await offered(fixture, other.tree)).toMatchObject({ outcome: 'refused', code: 'ERR_TREE_FOREIGN' })
    expect(await offered(fixture, other.rootHeader)).toMatchObject({
      outcome: 'refused',
      code: 'ERR_TREE_FOREIGN'
    })
    const header = fixture.header(alice, fixture.place(alice, shared), { prev: [] })
    const forged = header.bytes.slice()
    forged[forged.length - 40] = (forged[forged.length - 40] ?? 0) ^ 1
    const replica = await replicaOf(fixture)
    const results = await replica.state.offer(
      { records: [{ bytes: forged }, { bytes: new Uint8Array(50) }] },
      { peer: 'p', from: 'host' }
    )
    expect(results.map(({ outcome, penalty }) => [outcome, penalty])).toEqual([
      ['refused', true],
      ['refused', true]
    ])
    expect(results[0]?.code).toBe('ERR_RECORD_SIGNATURE')
  })
})
