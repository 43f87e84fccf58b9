/** The stories E1 to E16 of the model: each broke an earlier version of the rules and must not break this one. */
import { describe, expect, test } from 'vitest'
import { right } from '../src/records.ts'
import { CapChains } from '../src/cap-chain.ts'
import { Authority } from '../src/authority.ts'
import { inEveryOrder } from './arrival-orders.ts'
import { Fixture, createReplica, crypto, graveOf, replicaOf, rowOf } from './tree-fixture.ts'
import { blockKind } from '../src/records.ts'

const withDevice = (seed: string) => {
  const fixture = new Fixture(seed)
  const device = fixture.cap(fixture.root, 'device', fixture.rootPlace)
  return { fixture, device, ...fixture.create(device, fixture.rootPlace) }
}

describe('stories', () => {
  test('E1: an entry whose prev is gone and its checkpoint do not wait for each other', async () => {
    const { fixture, device, place, first } = withDevice('E1')
    const second = fixture.write(device, place, { prev: [first] })
    const third = fixture.write(device, place, { prev: [second] })
    fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([third, 3])])
    const pruned = fixture.records.filter((record) => record !== first && record !== second)
    const { of, winner } = await inEveryOrder(fixture, [place], pruned)
    expect(winner(place)).toEqual(third.id)
    expect(of(place)?.version).toBe(3)
  })

  test('E2: a checkpoint, a header and the revocation of its signer give one winner in every order', async () => {
    const { fixture, device, place, first } = withDevice('E2')
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace)
    const second = fixture.write(device, place, { prev: [first] })
    fixture.checkpoint(admin, fixture.rootPlace, [rowOf([first, 1])])
    fixture.write(device, place, { prev: [], version: 1 })
    fixture.revoke(fixture.root, admin)
    const { winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(second.id)
  })

  test('E3: a wrong claimed version changes neither acceptance nor order', async () => {
    const { fixture, device, place, first } = withDevice('E3')
    const liar = fixture.write(device, place, { prev: [first], version: 2 ** 40 })
    const honest = fixture.write(device, place, { prev: [fixture.write(device, place, { prev: [first] })] })
    fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([liar, 2], [honest, 3])])
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(honest.id)
    expect(of(place)?.heads.map((head) => head.version)).toEqual([3, 2])
  })

  test('E4: a cap that arrives after its revocation keeps what lies in the cut', async () => {
    const { fixture, device, place, first } = withDevice('E4')
    const cut = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, 1])])
    fixture.write(device, place, { prev: [first] })
    fixture.revoke(fixture.root, device, [{ zone: fixture.rootPlace.block, checkpoint: cut.id }])
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(first.id)
    expect(of(place)?.labels.quarantine).toHaveLength(1)
  })

  test('E5: a cap of a later root generation waits for its succession and costs its sender nothing', async () => {
    const fixture = new Fixture('E5')
    const { root, record } = fixture.succeed('new root')
    const later = fixture.cap(root, 'later', fixture.rootPlace, { rootGeneration: 1 })
    const replica = await createReplica()
    const early = await replica.take(fixture.offer(fixture.records.filter((other) => other !== record)))
    expect(early.at(-1)).toMatchObject({ outcome: 'parked', penalty: false })
    await replica.take(fixture.offer([record]))
    expect(replica.state.authority.cap(later.cap?.id ?? root.principal.id)).toBeDefined()
  })

  test('E6: a checkpoint with a higher number does not make the edits of another anchor late', async () => {
    const { fixture, device, place, first } = withDevice('E6')
    const base = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, 1])])
    const edit = fixture.write(device, place, { prev: [first] })
    fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([edit, 2])], [base])
    const laptop = fixture.checkpoint(device, fixture.rootPlace, [rowOf([first, 1])], [base])
    const again = fixture.checkpoint(device, fixture.rootPlace, [rowOf([first, 1])], [laptop])
    expect(again.body.sequence).toBe(3)
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(edit.id)
    expect(of(place)?.labels.late).toHaveLength(0)
  })

  test('E7: graves are not judged by number: no checkpoint that does not know of a grave takes it back', async () => {
    const { fixture, device, place, first } = withDevice('E7')
    const gone = fixture.write(device, place, { prev: [first], deleted: true })
    const listed = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([gone, 2])])
    const other = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([gone, 2])], [listed])
    fixture.checkpoint(fixture.root, fixture.rootPlace, [graveOf(place)], [listed])
    fixture.checkpoint(
      fixture.root,
      fixture.rootPlace,
      [rowOf([fixture.write(device, place, { prev: [gone] }), 3])],
      [fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([gone, 2])], [other])]
    )
    const { of, winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toBeUndefined()
    expect(of(place)?.labels.late).toHaveLength(1)
  })

  test('E8: a revocation elsewhere does not make a correct checkpoint look wrong', async () => {
    const { fixture, device, place, first } = withDevice('E8')
    const other = fixture.cap(fixture.root, 'other', fixture.rootPlace)
    const directory = fixture.create(fixture.root, fixture.rootPlace, { kind: blockKind.directory })
    const moved = fixture.write(other, place, { prev: [first], parent: directory.place.block })
    const checkpoint = fixture.checkpoint(fixture.root, fixture.rootPlace, [
      rowOf([moved, 2]),
      rowOf([directory.first, 1])
    ])
    fixture.revoke(fixture.root, other)
    fixture.write(device, place, { prev: [first] })
    const { state } = await inEveryOrder(fixture, [place, directory.place])
    expect(state.isCompleteCheckpoint(checkpoint.id)).toBe(true)
  })

  test('E9: a checkpoint that is revoked later leaves the winner of the full history', async () => {
    const { fixture, device, place, first } = withDevice('E9')
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace)
    const second = fixture.write(device, place, { prev: [first] })
    fixture.checkpoint(admin, fixture.rootPlace, [rowOf([second, 2])])
    fixture.revoke(fixture.root, admin)
    const { state, winner } = await inEveryOrder(fixture, [place])
    expect(state.anchors(fixture.rootPlace.block)).toHaveLength(0)
    expect(winner(place)).toEqual(second.id)
  })

  test('E10: a merge of a held and a missing prev is shown', async () => {
    const { fixture, device, place, first } = withDevice('E10')
    const left = fixture.write(device, place, { prev: [first] })
    const gone = fixture.write(device, place, { prev: [first] })
    const merge = fixture.write(device, place, { prev: [left, gone] })
    const { of, winner } = await inEveryOrder(
      fixture,
      [place],
      fixture.records.filter((record) => record !== gone)
    )
    expect(winner(place)).toEqual(merge.id)
    expect(of(place)?.version).toBe(3)
  })

  test('E11: a writer cannot revoke its own cap, with whatever cut', async () => {
    const { fixture, device, place, first } = withDevice('E11')
    const replica = await replicaOf(fixture)
    const revocation = fixture.revoke(device, device)
    const [result] = await replica.take(fixture.offer([revocation]))
    expect(result).toMatchObject({ outcome: 'refused', code: 'ERR_REVOCATION_SIGNER' })
    expect(replica.state.blockState(place.block)?.winner?.id).toEqual(first.id)
  })

  test('E12: a thief of the former root key revokes nothing that the succession keeps', async () => {
    const { fixture, device, place, first } = withDevice('E12')
    const { root } = fixture.succeed('new root', { keepCaps: [device] })
    const { winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(first.id)
    fixture.revoke(fixture.root, device)
    const after = await inEveryOrder(fixture, [place])
    expect(after.winner(place)).toEqual(first.id)
    fixture.revoke(root, device)
    const revoked = await inEveryOrder(fixture, [place])
    expect(revoked.winner(place)).toBeUndefined()
  })

  test('E12: nor anything issued under the new root', async () => {
    const fixture = new Fixture('E12 later')
    const { root } = fixture.succeed('new root')
    const admin = fixture.cap(root, 'admin', fixture.rootPlace, { rootGeneration: 1 })
    const { place, first } = fixture.create(admin, fixture.rootPlace)
    fixture.revoke(fixture.root, admin)
    const { winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(first.id)
  })

  test('E13: a block of the outer zone moved under an inner zone root is not listed there', async () => {
    const { fixture, device, place, first } = withDevice('E13')
    const inner = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const deep = fixture.create(fixture.root, inner.place, { kind: blockKind.directory })
    const moved = fixture.write(device, place, { prev: [first], parent: inner.place.block })
    fixture.write(device, place, { prev: [moved], parent: deep.place.block })
    const { state, of } = await inEveryOrder(fixture, [place, inner.place, deep.place])
    expect(await Array.fromAsync(state.children(deep.place.block))).toHaveLength(0)
    expect(await Array.fromAsync(state.children(inner.place.block))).toHaveLength(1)
    expect(of(place)).toMatchObject({ orphan: true, shownParent: fixture.rootPlace.block })
  })

  test('E14: a second revocation narrows, and does not change what the first cut means', async () => {
    const { fixture, device, place, first } = withDevice('E14')
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace)
    const second = fixture.write(device, place, { prev: [first] })
    const cut = fixture.checkpoint(admin, fixture.rootPlace, [rowOf([second, 2])])
    fixture.revoke(fixture.root, device, [{ zone: fixture.rootPlace.block, checkpoint: cut.id }])
    fixture.revoke(fixture.root, admin)
    const { winner } = await inEveryOrder(fixture, [place])
    expect(winner(place)).toEqual(second.id)
    const early = fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([first, 1])])
    fixture.revoke(fixture.root, device, [{ zone: fixture.rootPlace.block, checkpoint: early.id }])
    const narrowed = await inEveryOrder(fixture, [place])
    expect(narrowed.winner(place)).toEqual(first.id)
  })

  test('E15: an admin whose cap has expired signs no anchors; a receipt within the interval makes one', async () => {
    const { fixture, place, first } = withDevice('E15')
    const host = fixture.cap(fixture.root, 'host', fixture.rootPlace, { rights: right.host })
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace, { notAfter: 5000 })
    const checkpoint = fixture.checkpoint(admin, fixture.rootPlace, [rowOf([first, 1])])
    const without = await inEveryOrder(fixture, [place])
    expect(without.state.anchors(fixture.rootPlace.block)).toHaveLength(0)
    fixture.receipt(host, fixture.rootPlace, [checkpoint], 5000 + 11 * 60 * 1000)
    const late = await inEveryOrder(fixture, [place])
    expect(late.state.anchors(fixture.rootPlace.block)).toHaveLength(0)
    fixture.receipt(host, fixture.rootPlace, [checkpoint], 5000 + 9 * 60 * 1000)
    const within = await inEveryOrder(fixture, [place])
    expect(within.state.anchors(fixture.rootPlace.block).map((anchor) => anchor.id)).toEqual([checkpoint.id])
  })

  test('E16: a cached chain verdict stays when a rival succession arrives', () => {
    const fixture = new Fixture('E16')
    const one = fixture.succeed('one')
    const cap = fixture.cap(one.root, 'admin', fixture.rootPlace, { rootGeneration: 1 }).cap
    const rival = fixture.succeed('two')
    const authority = new Authority()
    for (const record of fixture.records) if (record !== rival.record) authority.add(record)
    const chains = new CapChains(authority, crypto)
    const id = cap?.id ?? fixture.tree.id
    expect(chains.ofCap(id).verdict).toBe('valid')
    authority.add(rival.record)
    expect(chains.ofCap(id).verdict).toBe('valid')
    expect(new CapChains(authority, crypto).ofCap(id).verdict).toBe('valid')
  })

  test('E16: of two rivals the lower record id rules, in every order', async () => {
    const fixture = new Fixture('E16 rivals')
    const rivals = ['one', 'two'].map((name) => {
      const { root, record } = fixture.succeed(name)
      const admin = fixture.cap(root, `admin ${name}`, fixture.rootPlace, { rootGeneration: 1 })
      return { record, ...fixture.create(admin, fixture.rootPlace) }
    })
    const [low, high] = rivals.toSorted((a, b) => (a.record.id.toHex() < b.record.id.toHex() ? -1 : 1))
    if (low === undefined || high === undefined) throw new Error('two rivals')
    const { winner } = await inEveryOrder(fixture, [low.place, high.place])
    expect(winner(low.place)).toEqual(low.first.id)
    expect(winner(high.place)).toBeUndefined()
  })
})
