/** Rules of B.2 to B.8 and B.11 to B.13 that decide about one record: each accepts what it should and refuses the twin. */
import { describe, expect, test } from 'vitest'
import { blockKey } from '../../src/block-key.ts'
import { createDelivery } from '../../src/delivery.ts'
import { createEpoch } from '../../src/epoch.ts'
import { createGrant } from '../../src/grant.ts'
import { createGrantRevocation } from '../../src/grant-revocation.ts'
import { createHeader } from '../../src/header.ts'
import { noMetadata } from '../../src/header-private.ts'
import { zoneChainMax } from '../../src/limits.ts'
import { type AnyRecord, blockKind, grantTarget, recipientType, right } from '../../src/records.ts'
import { createSuccession } from '../../src/succession.ts'
import {
  type Author,
  Fixture,
  type Place,
  crypto,
  placeOf,
  principalNamed,
  replicaOf
} from '../tree-fixture.ts'

const deps = { crypto, random: crypto.random }

/** What a replica that holds everything else says of a record. */
async function outcome(
  fixture: Fixture,
  record: AnyRecord,
  also: readonly AnyRecord[] = []
): Promise<string> {
  const { state } = await replicaOf(
    fixture,
    fixture.records.filter((other) => other !== record)
  )
  await state.offer(fixture.offer(also), { peer: 'p', from: 'host' })
  const [result] = await state.offer(fixture.offer([record]), { peer: 'p', from: 'host' })
  if (result?.outcome === 'refused') expect(result.penalty).toBe(result.code !== 'ERR_TREE_FOREIGN')
  return result?.outcome ?? 'nothing'
}

function epochBy(
  fixture: Fixture,
  author: Author,
  zone: Place,
  previous: Parameters<typeof createEpoch>[2]['previous'] = []
) {
  const { tree } = fixture
  const draft = { tree: tree.id, zone: zone.block, previous, inherit: undefined, cap: author.cap?.id }
  return createEpoch(deps, author.principal, draft)
}

function grantBy(fixture: Fixture, author: Author, target: Place, isBlock = false) {
  return createGrant(crypto, author.principal, {
    tree: fixture.tree.id,
    targetType: isBlock ? grantTarget.block : grantTarget.zone,
    target: target.block,
    recipientType: recipientType.principal,
    recipient: principalNamed('reader').id,
    notAfter: undefined,
    cap: author.cap?.id,
    nonce: crypto.random.bytes(16)
  })
}

/** A private zone, a sharer, a writer and an admin of it, and another zone beside it. */
function world(seed: string) {
  const fixture = new Fixture(seed)
  const open = fixture.place(fixture.root, fixture.rootPlace, { zoneRoot: true })
  const zone = placeOf({ ...open.birth, public: false })
  fixture.write(fixture.root, zone, { prev: [] })
  const other = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true }).place
  const sharer = fixture.cap(fixture.root, 'sharer', zone, { rights: right.grant })
  const writer = fixture.cap(fixture.root, 'writer', zone, { rights: right.write | right.create })
  const admin = fixture.cap(fixture.root, 'admin', zone, { rights: right.admin })
  return { fixture, zone, other, sharer, writer, admin }
}

describe('epochs (B.5)', () => {
  test('are signed with the right "grant" over their zone', async () => {
    const { fixture, zone, other, sharer, writer, admin } = world('epoch right')
    expect(await outcome(fixture, epochBy(fixture, admin, zone).record)).toBe('refused')
    expect(await outcome(fixture, epochBy(fixture, sharer, zone).record)).toBe('accepted')
    expect(await outcome(fixture, epochBy(fixture, writer, zone).record)).toBe('refused')
    expect(await outcome(fixture, epochBy(fixture, sharer, other).record)).toBe('refused')
  })

  test('count on from the greatest before them, of the same zone', async () => {
    const { fixture, zone, other } = world('epoch number')
    const first = epochBy(fixture, fixture.root, zone)
    const after = (number: number) => [{ id: first.record.id, number, key: first.key }]
    const next = epochBy(fixture, fixture.root, zone, after(1)).record
    expect(await outcome(fixture, next, [first.record])).toBe('accepted')
    expect(await outcome(fixture, next)).toBe('parked')
    expect(
      await outcome(fixture, epochBy(fixture, fixture.root, zone, after(2 ** 31)).record, [first.record])
    ).toBe('refused')
    expect(
      await outcome(fixture, epochBy(fixture, fixture.root, other, after(1)).record, [first.record])
    ).toBe('refused')
  })
})

describe('grants, deliveries and their revocation (B.5)', () => {
  test('a grant needs the right "grant" over what it opens', async () => {
    const { fixture, zone, other, sharer, writer, admin } = world('grant right')
    expect(await outcome(fixture, grantBy(fixture, admin, zone))).toBe('refused')
    expect(await outcome(fixture, grantBy(fixture, sharer, zone))).toBe('accepted')
    expect(await outcome(fixture, grantBy(fixture, writer, zone))).toBe('refused')
    expect(await outcome(fixture, grantBy(fixture, sharer, other))).toBe('refused')
  })

  test('a writer hands on the key of one block, and never that of a zone', async () => {
    const { fixture, zone, sharer, writer } = world('delivery right')
    const epoch = epochBy(fixture, fixture.root, zone)
    const place = fixture.place(writer, zone)
    const key = blockKey(crypto, epoch.key, place.block, 0)
    const header = sealed(fixture, writer, place, epoch.record.id, key)
    const reader = { principal: principalNamed('reader').record }
    const forBlock = grantBy(fixture, fixture.root, place, true)
    const forZone = grantBy(fixture, fixture.root, zone)
    const also = [epoch.record, header, forBlock, forZone]
    const deliver = (author: Author, grant: typeof forZone, keyVersion: number | undefined) => {
      const bytes = grant === forZone ? epoch.key : key.bytes
      const draft = { grant, epoch: epoch.record.id, keyVersion, key: bytes, to: reader, cap: author.cap?.id }
      return createDelivery(deps, author.principal, draft)
    }
    expect(await outcome(fixture, deliver(writer, forBlock, 0), also)).toBe('accepted')
    expect(await outcome(fixture, deliver(writer, forZone, undefined), also)).toBe('refused')
    expect(await outcome(fixture, deliver(sharer, forZone, undefined), also)).toBe('accepted')
    expect(await outcome(fixture, deliver(sharer, forZone, undefined))).toBe('parked')
    expect(await outcome(fixture, deliver(sharer, forZone, undefined), [forZone])).toBe('parked')
    expect(await outcome(fixture, deliver(sharer, forZone, undefined), [forZone, epoch.record])).toBe(
      'accepted'
    )
  })

  test('a delivery hands out a key of the zone that its grant is about', async () => {
    const { fixture, zone, sharer } = world('delivery zone')
    const beside = placeOf({
      ...fixture.place(fixture.root, fixture.rootPlace, { zoneRoot: true }).birth,
      public: false
    })
    fixture.write(fixture.root, beside, { prev: [] })
    const [own, foreign] = [zone, beside].map((place) => epochBy(fixture, fixture.root, place))
    if (own === undefined || foreign === undefined) throw new Error('no epochs')
    const forZone = grantBy(fixture, fixture.root, zone)
    const place = fixture.place(fixture.root, zone)
    const key = blockKey(crypto, own.key, place.block, 0)
    const forBlock = grantBy(fixture, fixture.root, place, true)
    const also = [
      own.record,
      foreign.record,
      forZone,
      sealed(fixture, fixture.root, place, own.record.id, key)
    ]
    const deliver = (grant: typeof forZone, epoch: typeof own) =>
      createDelivery(deps, (grant === forZone ? sharer : fixture.root).principal, {
        grant,
        epoch: epoch.record.id,
        keyVersion: grant === forZone ? undefined : 0,
        key: epoch.key,
        to: { principal: principalNamed('reader').record },
        cap: grant === forZone ? sharer.cap?.id : undefined
      })
    expect(await outcome(fixture, deliver(forZone, own), also)).toBe('accepted')
    expect(await outcome(fixture, deliver(forZone, foreign), also)).toBe('refused')
    expect(await outcome(fixture, deliver(forBlock, own), [...also, forBlock])).toBe('accepted')
    expect(await outcome(fixture, deliver(forBlock, foreign), [...also, forBlock])).toBe('refused')
  })

  test('a grant is taken back by its signer or by who may share, and by nobody else', async () => {
    const { fixture, zone, sharer, writer } = world('grant revocation')
    const grant = grantBy(fixture, fixture.root, zone)
    const revoke = (author: Author) =>
      createGrantRevocation(crypto, author.principal, {
        tree: fixture.tree.id,
        grant: grant.id,
        cap: author.cap?.id
      })
    expect(await outcome(fixture, revoke(sharer), [grant])).toBe('accepted')
    expect(await outcome(fixture, revoke(fixture.root), [grant])).toBe('accepted')
    expect(await outcome(fixture, revoke(writer), [grant])).toBe('refused')
    expect(await outcome(fixture, revoke(sharer))).toBe('parked')
  })
})

function sealed(
  fixture: Fixture,
  author: Author,
  place: Place,
  epoch: Uint8Array,
  key: ReturnType<typeof blockKey>
) {
  const draft = fixture.header(author, place, { prev: [] }).body
  const priv = { name: 'x', metadata: noMetadata, size: 0, rootKey: undefined }
  return createHeader(deps, author.principal, { ...draft, epoch }, priv, key)
}

describe('headers (B.3, B.7.3, B.8.3)', () => {
  test('name an epoch in private zones, and only there', async () => {
    const { fixture, zone, writer } = world('public')
    const place = fixture.place(writer, zone)
    const { record: epoch, key: zoneKey } = epochBy(fixture, fixture.root, zone)
    const key = blockKey(crypto, zoneKey, place.block, 0)
    expect(await outcome(fixture, sealed(fixture, writer, place, epoch.id, key), [epoch])).toBe('accepted')
    expect(await outcome(fixture, fixture.header(writer, place, { prev: [] }))).toBe('refused')
    const open = fixture.place(fixture.root, fixture.rootPlace)
    expect(await outcome(fixture, sealed(fixture, fixture.root, open, epoch.id, key), [epoch])).toBe(
      'refused'
    )
  })

  test('name an epoch of their own zone, and wait until it is held', async () => {
    const { fixture, zone, writer } = world('epoch of another zone')
    const beside = placeOf({
      ...fixture.place(fixture.root, fixture.rootPlace, { zoneRoot: true }).birth,
      public: false
    })
    fixture.write(fixture.root, beside, { prev: [] })
    const own = epochBy(fixture, fixture.root, zone)
    const foreign = epochBy(fixture, fixture.root, beside)
    const place = fixture.place(writer, zone)
    const under = ({ record, key }: typeof own) =>
      sealed(fixture, writer, place, record.id, blockKey(crypto, key, place.block, 0))
    expect(await outcome(fixture, under(own), [own.record])).toBe('accepted')
    expect(await outcome(fixture, under(own))).toBe('parked')
    expect(await outcome(fixture, under(foreign), [foreign.record])).toBe('refused')
  })

  test('need create, write, delete and admin each for its own', async () => {
    const fixture = new Fixture('rights')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const inner = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const acts: [string, number, (author: Author) => AnyRecord][] = [
      [
        'create',
        right.create,
        (author) => fixture.header(author, fixture.place(author, fixture.rootPlace), { prev: [] })
      ],
      ['write', right.write, (author) => fixture.header(author, place, { prev: [first] })],
      ['delete', right.delete, (author) => fixture.header(author, place, { prev: [first], deleted: true })],
      [
        'zone',
        right.admin,
        (author) =>
          fixture.header(author, fixture.place(author, fixture.rootPlace, { zoneRoot: true }), { prev: [] })
      ],
      ['zone again', right.admin, (author) => fixture.header(author, inner.place, { prev: [inner.first] })],
      [
        'root block',
        right.admin,
        (author) => fixture.header(author, fixture.rootPlace, { prev: [fixture.rootHeader] })
      ]
    ]
    for (const [name, needed, make] of acts) {
      const may = fixture.cap(fixture.root, `may ${name}`, fixture.rootPlace, { rights: needed })
      const mayNot = fixture.cap(fixture.root, `may not ${name}`, fixture.rootPlace, {
        rights: 255 & ~needed
      })
      expect([name, await outcome(fixture, make(may))]).toEqual([name, 'accepted'])
      expect([name, await outcome(fixture, make(mayNot))]).toEqual([name, 'refused'])
    }
  })

  test('a delegate of a zone neither renames nor moves the zone itself', async () => {
    const { fixture, other } = world('zone root')
    const delegate = fixture.cap(fixture.root, 'delegate', other)
    const first = fixture.records.find(
      (record) => record.type === 10 && record.body.block.toHex() === other.block.toHex()
    )
    if (first?.type !== 10) throw new Error('no first version')
    expect(await outcome(fixture, fixture.header(delegate, other, { prev: [first] }))).toBe('refused')
  })

  test('lie in at most 16 nested zones', async () => {
    const fixture = new Fixture('nested')
    let zone = fixture.rootPlace
    for (let depth = 1; depth < zoneChainMax; depth++)
      zone = fixture.create(fixture.root, zone, { zoneRoot: true }).place
    expect(
      await outcome(fixture, fixture.header(fixture.root, fixture.place(fixture.root, zone), { prev: [] }))
    ).toBe('accepted')
    const tooDeep = fixture.create(fixture.root, zone, { zoneRoot: true }).place
    expect(
      await outcome(fixture, fixture.header(fixture.root, fixture.place(fixture.root, tooDeep), { prev: [] }))
    ).toBe('refused')
  })

  test('of zones whose births are not held wait', async () => {
    const fixture = new Fixture('missing birth')
    const inner = fixture.place(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const header = fixture.header(
      fixture.root,
      fixture.place(fixture.root, inner, { kind: blockKind.directory }),
      { prev: [] }
    )
    expect(await outcome(fixture, header)).toBe('parked')
  })
})

describe('checkpoints and receipts (B.11, B.12)', () => {
  test('a checkpoint needs "admin" for its zone', async () => {
    const { fixture, zone, other, admin, writer } = world('checkpoint')
    expect(await outcome(fixture, fixture.checkpoint(admin, zone, []))).toBe('accepted')
    expect(await outcome(fixture, fixture.checkpoint(writer, zone, []))).toBe('refused')
    expect(await outcome(fixture, fixture.checkpoint(admin, other, []))).toBe('refused')
  })

  test('a receipt needs "host" or "keep" for its zone', async () => {
    const { fixture, zone, writer } = world('receipt')
    const [host, keeper] = [right.host, right.keep].map((rights) =>
      fixture.cap(fixture.root, `holder ${rights}`, zone, { rights })
    )
    if (host === undefined || keeper === undefined) throw new Error('no caps')
    for (const author of [host, keeper])
      expect(await outcome(fixture, fixture.receipt(author, zone, [fixture.rootHeader], 1))).toBe('accepted')
    expect(await outcome(fixture, fixture.receipt(writer, zone, [fixture.rootHeader], 1))).toBe('refused')
  })
})

describe('successions (B.2)', () => {
  test('are signed by the committed recovery principal and count on from the one before', async () => {
    const fixture = new Fixture('succession')
    const draft = {
      tree: fixture.tree.id,
      generation: 1,
      newRoot: principalNamed('next').id,
      newRecovery: undefined,
      keepCaps: [],
      cuts: [],
      prev: fixture.tree.id
    }
    fixture.stranger('recovery')
    const by = (name: string, change = {}) =>
      createSuccession(crypto, principalNamed(name), { ...draft, ...change })
    expect(await outcome(fixture, by('recovery'))).toBe('accepted')
    expect(await outcome(fixture, by('root'))).toBe('refused')
    expect(await outcome(fixture, by('recovery', { generation: 2 }))).toBe('refused')
    expect(await outcome(fixture, by('recovery', { prev: crypto.random.bytes(32) }))).toBe('parked')
    const last = by('recovery')
    const again = by('recovery', { generation: 2, prev: last.id })
    expect(await outcome(fixture, again, [last])).toBe('refused') // the one before committed to nobody
  })
})
