/** What a hostile peer may send (B.8): nothing it offers spoils, replaces or grows what is held beyond the bounds. */
import { createSeededRandom } from '@blocktree/crypto/seeded-random'
import { describe, expect, test } from 'vitest'
import { encodeBirth, rootBirth } from '../../src/birth.ts'
import { createEpoch } from '../../src/epoch.ts'
import { createHeader } from '../../src/header.ts'
import { noMetadata } from '../../src/header-private.ts'
import { zoneBirthsWaitingMax } from '../../src/limits.ts'
import { ParkedRecords } from '../../src/parked-records.ts'
import { noAead } from '../../src/payload-shape.ts'
import { right } from '../../src/records.ts'
import { sealSector } from '../../src/sector.ts'
import { type Author, Fixture, type Place, createReplica, crypto, replicaOf } from '../tree-fixture.ts'

const fromHost = { peer: 'peer', from: 'host' } as const
const fromWriter = { peer: 'peer', from: 'writer' } as const
const chainLength = 6000
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A file of one small sector, which may travel beside the header. */
function smallFile(fixture: Fixture, author: Author, place: Place) {
  const random = createSeededRandom('sector')
  const content = new Uint8Array(256).fill(7)
  const sector = sealSector({ crypto, random, block: place.block, aead: noAead }, 0, content)
  const payload = {
    aead: noAead,
    sectorLog2: 12,
    levels: 0,
    stored: sector.bytes.length,
    rootHash: sector.hash
  }
  const header = createHeader(
    { crypto, random },
    author.principal,
    { ...fixture.header(author, place, { prev: [] }).body, payload },
    { name: 'small', metadata: noMetadata, size: 256, rootKey: undefined },
    undefined
  )
  return { header, sector }
}

describe('what travels beside a header', () => {
  test('a sector that is not the one the header names is dropped, and the right one may come later', async () => {
    const fixture = new Fixture('inline')
    const { header, sector } = smallFile(
      fixture,
      fixture.root,
      fixture.place(fixture.root, fixture.rootPlace)
    )
    const { state, store } = await replicaOf(fixture)
    const offer = (inline: Uint8Array) =>
      state.offer({ records: [{ bytes: header.bytes, inline }] }, fromWriter)
    expect((await offer(bytes('junk'))).at(0)?.outcome).toBe('accepted')
    expect(state.inlineOf(header.id)).toBeUndefined()
    expect((await offer(sector.bytes)).at(0)?.outcome).toBe('known')
    expect(state.inlineOf(header.id) ?? store.readSector(sector.hash)).toEqual(sector.bytes)
  })

  test('the sector that the header names is kept', async () => {
    const fixture = new Fixture('inline kept')
    const { header, sector } = smallFile(
      fixture,
      fixture.root,
      fixture.place(fixture.root, fixture.rootPlace)
    )
    const { state } = await replicaOf(fixture)
    await state.offer({ records: [{ bytes: header.bytes, inline: sector.bytes }] }, fromWriter)
    expect(state.inlineOf(header.id)).toEqual(sector.bytes)
  })

  test('nothing is stored beside a record that has no small payload', async () => {
    const fixture = new Fixture('inline without payload')
    const { state } = await replicaOf(fixture)
    const header = fixture.header(fixture.root, fixture.place(fixture.root, fixture.rootPlace), { prev: [] })
    await state.offer({ records: [{ bytes: header.bytes, inline: new Uint8Array(2 ** 20) }] }, fromWriter)
    expect(state.header(header.id)).toBeDefined()
    expect(state.inlineOf(header.id)).toBeUndefined()
  })
})

describe('sectors', () => {
  test('a sector under the reference of another one is not stored', async () => {
    const fixture = new Fixture('sectors')
    const { state, store } = await replicaOf(fixture)
    const good = bytes('the real sector')
    const reference = crypto.sha256(good)
    await state.offer({ records: [], sectors: [{ reference, bytes: bytes('a forged one') }] }, fromHost)
    expect(store.hasSector(reference)).toBe(false)
    await state.offer({ records: [], sectors: [{ reference, bytes: good }] }, fromHost)
    expect(store.readSector(reference)).toEqual(good)
  })
})

describe('births of zones', () => {
  test('A4: a second root block of the same tree, or of another tree of the same root, is not taken', async () => {
    const fixture = new Fixture('root births')
    const rootId = fixture.root.principal.id
    const { state } = await createReplica()
    const rootPrincipal = fixture.records.filter((record) => record !== fixture.rootHeader)
    await state.offer(fixture.offer(rootPrincipal), fromHost)
    const births = [
      encodeBirth(rootBirth(fixture.tree.id, rootId, { public: false })),
      encodeBirth(rootBirth(crypto.sha256(bytes('another tree')), rootId, { public: true }))
    ]
    await state.offer({ records: [], births }, fromHost)
    expect(state.rootBlock).toBeUndefined()
    await state.offer(fixture.offer([fixture.rootHeader]), fromHost)
    expect(state.rootBlock).toEqual(fixture.rootPlace.block)
  })

  test('births that no record rests on are not stored, however many are sent', async () => {
    const fixture = new Fixture('birth flood')
    const { state, store } = await replicaOf(fixture)
    const before = [...state.authority.zoneBirths()].length
    const birth = (at: number): Uint8Array =>
      fixture.place(fixture.root, { ...fixture.rootPlace }, { zoneRoot: true, rank: at % 200 }).birthBytes
    await state.offer({ records: [], births: Array.from({ length: 50 }, (_, at) => birth(at)) }, fromHost)
    expect([...state.authority.zoneBirths()]).toHaveLength(before)
    const kept: Uint8Array[] = []
    const all = { from: new Uint8Array(0), to: new Uint8Array(40).fill(255) }
    for await (const [key] of store.local.range(all)) kept.push(key)
    expect(kept).toHaveLength(0)
    expect(zoneBirthsWaitingMax).toBeLessThan(100_000)
  })

  test('a birth that a record rests on is taken with it, before or after it, and held for ever', async () => {
    const fixture = new Fixture('births needed')
    const zone = fixture.create(fixture.root, fixture.rootPlace, { zoneRoot: true })
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const { first } = fixture.create(alice, zone.place)
    const known = fixture.records.filter((record) => record !== zone.first && record !== first)
    const births = [zone.place.birthBytes]
    for (const steps of [
      [{ records: [{ bytes: first.bytes }], births }],
      [{ records: [], births }, { records: [{ bytes: first.bytes }] }],
      [{ records: [{ bytes: first.bytes }] }, { records: [], births }]
    ]) {
      const { state, store } = await replicaOf(fixture, known)
      for (const step of steps) await state.offer(step, fromHost)
      expect(state.header(first.id)).toBeDefined()
      expect(state.zoneBirth(zone.place.block)).toEqual(zone.place.birthBytes)
      expect(store.hasRecord(first.id)).toBe(true)
    }
  })

  test('a birth that is malformed does not keep the records beside it out', async () => {
    const fixture = new Fixture('births malformed')
    const { state } = await replicaOf(fixture)
    const header = fixture.header(fixture.root, fixture.place(fixture.root, fixture.rootPlace), { prev: [] })
    const offer = { records: [{ bytes: header.bytes }], births: [bytes('no birth')] }
    expect((await state.offer(offer, fromHost)).at(0)?.outcome).toBe('accepted')
  })
})

describe('records that wait', () => {
  test('a long chain that arrives in the wrong order is taken without deep recursion', async () => {
    const fixture = new Fixture('epoch chain')
    const zonePlace = fixture.rootPlace
    const random = createSeededRandom('epochs')
    const epochs = []
    let previous: { id: Uint8Array; number: number; key: Uint8Array }[] = []
    for (let at = 0; at < chainLength; at++) {
      const { record, key } = createEpoch({ crypto, random }, fixture.root.principal, {
        tree: fixture.tree.id,
        zone: zonePlace.block,
        previous,
        inherit: undefined,
        cap: undefined
      })
      epochs.push(record)
      previous = [{ id: record.id, number: record.body.number, key }]
    }
    const { state } = await replicaOf(fixture)
    const [first, ...rest] = epochs
    for (const [at, epoch] of rest.toReversed().entries())
      await state.offer({ records: [{ bytes: epoch.bytes }] }, { peer: `peer ${at % 16}`, from: 'host' })
    await state.offer({ records: first === undefined ? [] : [{ bytes: first.bytes }] }, fromHost)
    expect(state.authority.epochsOf(zonePlace.block)).toHaveLength(epochs.length)
  }, 60_000)

  test('A53: the same record waits once, and never holds the message that it came in', () => {
    const parked = new ParkedRecords()
    const message = new Uint8Array(2 ** 20)
    const missing = crypto.sha256(bytes('missing'))
    for (let again = 0; again < 10; again++) {
      parked.add({
        id: missing,
        bytes: message.subarray(5, 105),
        inline: undefined,
        admission: fromHost,
        missing
      })
    }
    expect(parked.count).toBe(1)
    expect(parked.take(missing).map((record) => record.bytes.buffer.byteLength)).toEqual([100])
  })
})

describe('admission', () => {
  test('A53b: a receipt of a peer that may only keep opens no door to a writer over its quota', async () => {
    const fixture = new Fixture('keep receipt')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const keeper = fixture.cap(fixture.root, 'keeper', fixture.rootPlace, { rights: right.keep })
    const host = fixture.cap(fixture.root, 'host', fixture.rootPlace, { rights: right.host })
    const header = fixture.header(alice, fixture.place(alice, fixture.rootPlace), { prev: [] })
    const { state } = await replicaOf(fixture)
    const quota = { ...fromWriter, refuse: () => 'the quota is used up' }
    const offered = async () =>
      (await state.offer({ records: [{ bytes: header.bytes }] }, quota)).at(0)?.outcome
    await state.offer(fixture.offer([fixture.receipt(keeper, fixture.rootPlace, [header], 900)]), fromHost)
    expect(await offered()).toBe('refused')
    await state.offer(fixture.offer([fixture.receipt(host, fixture.rootPlace, [header], 900)]), fromHost)
    expect(await offered()).toBe('accepted')
  })

  test('A18: a flood of forks stops no version that a host passes on, in whatever order both arrive', async () => {
    const fixture = new Fixture('tips')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const { place, first } = fixture.create(alice, fixture.rootPlace)
    const { state } = await replicaOf(fixture)
    const flood = Array.from({ length: 140 }, () => fixture.write(alice, place, { prev: [first] }))
    const outcomes = (await state.offer(fixture.offer(flood), fromWriter)).map(({ outcome }) => outcome)
    expect(outcomes.filter((outcome) => outcome === 'accepted').length).toBeLessThan(140)
    const honest = fixture.write(fixture.root, place, { prev: [first] })
    expect((await state.offer(fixture.offer([honest]), fromHost)).at(0)?.outcome).toBe('accepted')
    expect(state.blockState(place.block)?.heads.some(({ id }) => id.toHex() === honest.id.toHex())).toBe(true)
  })
})
