/** Admission (B.8.7): what a host takes from strangers, and the bounds that hold whatever they send. */
import { decodeEnvelope, encodeEnvelope, signInput } from '@blocktree/codec'
import { describe, expect, test } from 'vitest'
import { createEndpoint } from '../src/endpoint.ts'
import {
  budgetPeersMax,
  endpointsPerDayMax,
  pendingBytesPerPeerMax,
  pendingHeadersPerPeerMax,
  signaturesPerSecondMax,
  strangerPrincipalsMax,
  tipsPerBlockMax,
  tipsPerCapMax
} from '../src/limits.ts'
import { createMemoryStore } from '../src/memory-store.ts'
import { PendingHeaders } from '../src/pending-headers.ts'
import type { Principal } from '../src/principal.ts'
import { type AnyRecord, type HeaderRecord, right } from '../src/records.ts'
import { SignatureBudget } from '../src/signature-budget.ts'
import { createTree } from '../src/tree-record.ts'
import { type OfferResult, type TreeState, createTreeState } from '../src/tree-state.ts'
import { type Author, Fixture, crypto, principalNamed, replicaOf, rowOf } from './tree-fixture.ts'

const fromHost = { peer: 'host', from: 'host' } as const
const fromWriter = { peer: 'writer', from: 'writer' } as const

async function offerOne(
  state: TreeState,
  record: AnyRecord,
  admission: Parameters<TreeState['offer']>[1] = fromWriter
): Promise<OfferResult | undefined> {
  return (await state.offer({ records: [{ bytes: record.bytes }] }, admission))[0]
}

/** A tree that holds everything of the fixture, at a time. */
async function stateAt(fixture: Fixture, nowMs: number, releasedMs?: number): Promise<TreeState> {
  const options = { store: createMemoryStore(), crypto, clock: { now: () => nowMs } }
  const state = await createTreeState(releasedMs === undefined ? options : { ...options, releasedMs })
  await state.offer(fixture.offer(), fromHost)
  return state
}

describe('the clock of a host (A47)', () => {
  function world(seed: string) {
    const fixture = new Fixture(seed)
    const timed = fixture.cap(fixture.root, 'timed', fixture.rootPlace, { notAfter: 10_000_000 })
    const free = fixture.cap(fixture.root, 'free', fixture.rootPlace)
    const by = (author: typeof timed) =>
      fixture.header(author, fixture.place(author, fixture.rootPlace), { prev: [] })
    return { fixture, timed: by(timed), free: by(free) }
  }

  test('before its own release admits nothing under a cap that ends, and parks it without blame', async () => {
    const { fixture, timed, free } = world('release')
    const behind = await stateAt(fixture, 4999, 5000)
    const parked = await offerOne(behind, timed)
    expect(parked).toMatchObject({ outcome: 'parked', code: 'ERR_CLOCK_BEHIND', penalty: false })
    expect(behind.header(timed.id)).toBeUndefined()
    expect(await offerOne(behind, free)).toMatchObject({ outcome: 'accepted' })
    const right = await stateAt(fixture, 5000, 5000)
    expect((await offerOne(right, timed))?.code).toBeUndefined()
    expect(right.header(timed.id)).toBeDefined()
  })

  test('before what the root has signed admits nothing under a cap that ends', async () => {
    const { fixture, timed } = world('root time')
    const checkpoint = fixture.checkpoint(fixture.root, fixture.rootPlace, [])
    const { timeMs } = checkpoint.body
    expect(await offerOne(await stateAt(fixture, timeMs - 1), timed)).toMatchObject({
      code: 'ERR_CLOCK_BEHIND'
    })
    const right = await stateAt(fixture, timeMs)
    await offerOne(right, timed)
    expect(right.header(timed.id)).toBeDefined()
  })

  test('is not moved by a checkpoint of somebody who is not the root', async () => {
    const { fixture, timed } = world('admin time')
    const admin = fixture.cap(fixture.root, 'admin', fixture.rootPlace, { rights: right.admin })
    fixture.checkpoint(admin, fixture.rootPlace, [])
    const state = await stateAt(fixture, 1)
    await offerOne(state, timed)
    expect(state.header(timed.id)).toBeDefined()
  })

  test('refuses what comes after the end of its cap, ten minutes later and no sooner', async () => {
    const { fixture, timed } = world('interval')
    const end = 10_000_000 + 10 * 60 * 1000
    const late = await offerOne(await stateAt(fixture, end + 1), timed)
    expect(late).toMatchObject({ outcome: 'refused', code: 'ERR_ADMISSION_REFUSED', penalty: false })
    const state = await stateAt(fixture, end)
    await offerOne(state, timed)
    expect(state.header(timed.id)).toBeDefined()
    expect((await offerOne(await stateAt(fixture, end + 1), timed, fromHost))?.outcome).toBe('quarantined')
  })
})

describe('versions that wait beside one another (A18)', () => {
  test('are bounded for each cap, so that the forks of one writer keep no other writer out', async () => {
    const fixture = new Fixture('tips per cap')
    const [mallory, bob] = ['mallory', 'bob'].map((name) =>
      fixture.cap(fixture.root, name, fixture.rootPlace)
    )
    if (mallory === undefined || bob === undefined) throw new Error('no caps')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const { state } = await replicaOf(fixture)
    const forks = Array.from({ length: tipsPerCapMax }, () =>
      fixture.header(mallory, place, { prev: [first] })
    )
    for (const fork of forks) expect((await offerOne(state, fork))?.outcome).toBe('accepted')
    const oneMore = fixture.header(mallory, place, { prev: [first] })
    expect(await offerOne(state, oneMore)).toMatchObject({ outcome: 'refused', penalty: false })
    const other = fixture.header(bob, place, { prev: [first] })
    expect((await offerOne(state, other))?.outcome).toBe('accepted')
    const joined = fixture.header(mallory, place, { prev: forks.slice(0, 8) })
    expect((await offerOne(state, joined))?.outcome).toBe('accepted')
  })

  test('are bounded for all caps together, however many somebody issues to himself', async () => {
    const fixture = new Fixture('tips per block')
    const caps = Array.from({ length: tipsPerBlockMax / tipsPerCapMax }, (_, at) =>
      fixture.cap(fixture.root, `writer ${at}`, fixture.rootPlace)
    )
    const last = fixture.cap(fixture.root, 'last writer', fixture.rootPlace)
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const { state } = await replicaOf(fixture)
    const forks = caps.flatMap((cap) =>
      Array.from({ length: tipsPerCapMax }, () => fixture.header(cap, place, { prev: [first] }))
    )
    await state.offer(fixture.offer(forks), fromHost)
    const labels = state.blockState(place.block)
    const seen = (labels?.heads.length ?? 0) + (labels?.labels.uncounted.length ?? 0)
    expect(seen).toBe(new Set(forks.map(({ id }) => id.toHex())).size)
    const fork = fixture.header(last, place, { prev: [first] })
    expect((await offerOne(state, fork))?.outcome).toBe('refused')
    expect((await offerOne(state, fork, fromHost))?.outcome).toBe('accepted')
  })
})

/** The same record with a signature that does not hold. */
function forged(record: AnyRecord): { readonly bytes: Uint8Array } {
  const envelope = decodeEnvelope(record.bytes)
  const signature = envelope.signature.slice()
  signature[0] = (signature[0] ?? 0) ^ 1
  return { bytes: encodeEnvelope({ ...envelope, signature }) }
}

describe('signatures that lead to nothing (B.13)', () => {
  test('are verified 200 a second for each peer; then its records wait, and others are served', async () => {
    const fixture = new Fixture('forgeries')
    let nowMs = 1_000_000
    const state = await createTreeState({ store: createMemoryStore(), crypto, clock: { now: () => nowMs } })
    await state.offer(fixture.offer(), fromHost)
    const place = fixture.place(fixture.root, fixture.rootPlace)
    const header = fixture.header(fixture.root, place, { prev: [] })
    const records = Array.from({ length: signaturesPerSecondMax + 1 }, () => forged(header))
    const results = await state.offer({ records }, fromWriter)
    expect(results.filter(({ outcome }) => outcome === 'refused')).toHaveLength(signaturesPerSecondMax)
    expect(results.at(-1)).toMatchObject({ outcome: 'parked', code: 'ERR_ADMISSION_RATE', penalty: false })
    expect((await offerOne(state, header))?.code).toBe('ERR_ADMISSION_RATE')
    expect((await offerOne(state, header, { ...fromWriter, peer: 'other' }))?.outcome).toBe('accepted')
    nowMs += 5
    const next = fixture.header(fixture.root, place, { prev: [header] })
    expect((await offerOne(state, next))?.outcome).toBe('accepted')
  })

  test('hold up no synchronisation: what is of use costs nothing', async () => {
    const fixture = new Fixture('sync')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const headers = Array.from({ length: 3 * signaturesPerSecondMax }, () =>
      fixture.header(alice, fixture.place(alice, fixture.rootPlace), { prev: [] })
    )
    const { state } = await replicaOf(fixture)
    const results = await state.offer(fixture.offer(headers), fromWriter)
    expect(results.every(({ outcome }) => outcome === 'accepted')).toBe(true)
  })

  test('are counted by a bucket that time fills, no further than its size, and a clock set back does not', () => {
    let nowMs = 10_000
    const budget = new SignatureBudget({ now: () => nowMs })
    const drain = (): number => {
      let taken = 0
      while (budget.take('p')) taken++
      return taken
    }
    expect(drain()).toBe(signaturesPerSecondMax)
    nowMs += 100
    expect(drain()).toBe(signaturesPerSecondMax / 10)
    nowMs += 60_000
    expect(drain()).toBe(signaturesPerSecondMax)
    nowMs -= 30_000
    expect(drain()).toBe(0)
    nowMs += 10
    expect(drain()).toBe(2)
    budget.giveBack('p')
    expect(drain()).toBe(1)
    for (let at = 0; at < budgetPeersMax; at++) budget.take(`peer ${at}`)
    expect(drain()).toBe(signaturesPerSecondMax) // forgotten: nothing grows without end
  })
})

describe('principals that nothing names (B.13)', () => {
  function strangers(count: number): Principal[] {
    return Array.from({ length: count }, (_, at) => principalNamed(`stranger ${at}`))
  }

  test('are bounded; one more is kept in memory until a record names it', async () => {
    const fixture = new Fixture('strangers')
    const { state } = await replicaOf(fixture)
    const all = strangers(strangerPrincipalsMax)
    await state.offer(fixture.offer(all.map(({ record }) => record)), fromHost)
    const held = [...state.authority.principals()].length
    expect(held).toBeGreaterThanOrEqual(strangerPrincipalsMax)
    const late = principalNamed('late')
    const full = await offerOne(state, late.record)
    expect(full).toMatchObject({ outcome: 'parked', code: 'ERR_ADMISSION_ROOM', penalty: false })
    expect([...state.authority.principals()]).toHaveLength(held)
    const work: Author = { principal: late, cap: undefined, rank: 1 }
    const cap = fixture.capRecord(fixture.root, late, fixture.rootPlace)
    const header = fixture.header({ ...work, cap }, fixture.place(work, fixture.rootPlace), { prev: [] })
    expect((await offerOne(state, header))?.outcome).toBe('parked')
    await offerOne(state, cap)
    expect(state.authority.principal(late.id)).toBeDefined()
    expect(state.header(header.id)).toBeDefined()
  }, 60_000)

  test('are taken while there is room, and those that a record names are not counted', async () => {
    const fixture = new Fixture('room for strangers')
    const { state } = await replicaOf(fixture)
    const [last, named, ...others] = strangers(strangerPrincipalsMax + 1)
    if (last === undefined || named === undefined) throw new Error('no strangers')
    await state.offer(fixture.offer(others.map(({ record }) => record)), fromHost)
    await state.offer(fixture.offer([fixture.capRecord(fixture.root, named, fixture.rootPlace)]), fromHost)
    expect((await offerOne(state, named.record))?.outcome).toBe('accepted')
    expect((await offerOne(state, last.record))?.outcome).toBe('accepted')
    const recovery = principalNamed('recovery').record // named by its hash in the tree record
    expect((await offerOne(state, recovery))?.outcome).toBe('accepted')
    expect((await offerOne(state, principalNamed('one too many').record))?.outcome).toBe('parked')
  }, 60_000)
})

describe('endpoints (B.13)', () => {
  const endpoint = (fixture: Fixture, of: Principal, sequence: number): AnyRecord =>
    createEndpoint(crypto, of, {
      tree: fixture.tree.id,
      transportKey: of.key.publicKey,
      addresses: ['/ip4/127.0.0.1/tcp/4001'],
      notAfter: 10 ** 13,
      sequence
    })

  test('are taken of principals that play a part, from a host of all', async () => {
    const fixture = new Fixture('endpoints')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const mallory = fixture.stranger('mallory')
    const { state } = await replicaOf(fixture)
    expect((await offerOne(state, endpoint(fixture, alice.principal, 1)))?.outcome).toBe('accepted')
    const strange = endpoint(fixture, mallory.principal, 1)
    expect(await offerOne(state, strange)).toMatchObject({ outcome: 'refused', penalty: false })
    expect((await offerOne(state, strange, fromHost))?.outcome).toBe('accepted')
  })

  test('are taken when they are newer than the last, 24 a day', async () => {
    const fixture = new Fixture('endpoint flood')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace).principal
    let nowMs = 10 ** 12
    const state = await createTreeState({ store: createMemoryStore(), crypto, clock: { now: () => nowMs } })
    await state.offer(fixture.offer(), fromHost)
    const outcomes: (string | undefined)[] = []
    for (let at = 2; at < endpointsPerDayMax + 2; at++)
      outcomes.push((await offerOne(state, endpoint(fixture, alice, at)))?.outcome)
    expect(new Set(outcomes)).toEqual(new Set(['accepted']))
    expect((await offerOne(state, endpoint(fixture, alice, 1000)))?.outcome).toBe('refused')
    nowMs += 24 * 60 * 60 * 1000
    expect((await offerOne(state, endpoint(fixture, alice, 1)))?.outcome).toBe('refused')
    expect((await offerOne(state, endpoint(fixture, alice, 1000)))?.outcome).toBe('accepted')
  })
})

describe('headers above a missing one (B.8.6)', () => {
  test('are stored up to 1,000 of one peer; others wait in memory and are taken when it comes', async () => {
    const fixture = new Fixture('pending')
    const perBlock = 8
    const blocks = Array.from({ length: pendingHeadersPerPeerMax / perBlock }, () => {
      const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
      const missing = fixture.header(fixture.root, place, { prev: [first] })
      const above = Array.from({ length: perBlock }, (_, at) =>
        fixture.header(fixture.root, place, { prev: [missing], version: 3 + at })
      )
      return { place, first, missing, above }
    })
    const [block] = blocks
    if (block === undefined) throw new Error('no block')
    const { place, first, missing } = block
    const oneMore = fixture.header(fixture.root, place, { prev: [missing], version: 100 })
    const last = fixture.header(fixture.root, place, { prev: [oneMore] })
    const state = await stateAt(fixture, 1000)
    const stored = await state.offer(fixture.offer(blocks.flatMap(({ above }) => above)), fromHost)
    expect(new Set(stored.map(({ outcome }) => outcome))).toEqual(new Set(['accepted']))
    const full = await offerOne(state, oneMore, fromHost)
    expect(full).toMatchObject({ outcome: 'parked', code: 'ERR_ADMISSION_ROOM', penalty: false })
    expect(full?.missing?.toHex()).toBe(missing.id.toHex())
    await offerOne(state, last, fromHost)
    expect(state.header(oneMore.id)).toBeUndefined()
    expect(state.blockState(place.block)?.winner?.id).toEqual(first.id)
    expect((await offerOne(state, missing, fromHost))?.outcome).toBe('accepted')
    expect(state.blockState(place.block)?.winner?.id).toEqual(last.id)
  }, 60_000)

  test('of an anchor are no gap, whatever lies below them', async () => {
    const fixture = new Fixture('pending anchored')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const gone = fixture.header(fixture.root, place, { prev: [first] })
    const entry = fixture.header(fixture.root, place, { prev: [gone] })
    fixture.checkpoint(fixture.root, fixture.rootPlace, [rowOf([entry, 3])])
    const state = await stateAt(fixture, 1000)
    expect((await offerOne(state, entry, fromHost))?.outcome).toBe('accepted')
    await state.settled()
    expect(state.blockState(place.block)?.winner?.id).toEqual(entry.id)
  })

  test('are counted by peer and by bytes, and no longer when what they lack is there', () => {
    const fixture = new Fixture('pending count')
    const place = fixture.place(fixture.root, fixture.rootPlace)
    const [one, two, three] = [1, 2, 3].map((at) =>
      fixture.header(fixture.root, place, { prev: [fixture.rootHeader], version: at + 1 })
    )
    if (one === undefined || two === undefined || three === undefined) throw new Error('no headers')
    const pending = new PendingHeaders()
    const above = (header: HeaderRecord, prev: HeaderRecord): HeaderRecord => ({
      ...header,
      body: { ...header.body, prev: [prev.id] }
    })
    const isHeld = (id: Uint8Array): boolean => id === two.id
    expect(pending.gapBelow({ ...one, body: { ...one.body, prev: [] } }, isHeld)).toBeUndefined()
    expect(pending.gapBelow(above(two, one), isHeld)).toEqual(one.id)
    pending.add(two, one.id, 'p')
    expect(pending.gapBelow(above(three, two), isHeld)).toEqual(one.id)
    const size = pendingBytesPerPeerMax - two.bytes.length
    expect([pending.hasRoom('p', size), pending.hasRoom('p', size + 1)]).toEqual([true, false])
    expect(pending.hasRoom('other', size + 1)).toBe(true)
    pending.add(one, fixture.tree.id, 'p') // comes, and lacks something itself
    pending.release(one.id)
    expect(pending.gapBelow(above(three, two), isHeld)).toEqual(fixture.tree.id)
    pending.release(fixture.tree.id)
    expect(pending.hasRoom('p', pendingBytesPerPeerMax)).toBe(true)
    expect(pending.gapBelow(above(three, two), isHeld)).toBeUndefined()
  })
})

describe('records of an unknown format (A42)', () => {
  const unknown = (of: Principal, body: Uint8Array): { readonly bytes: Uint8Array } => {
    const input = { type: 99, format: 1, signer: of.id, body }
    return { bytes: encodeEnvelope({ ...input, signature: of.key.sign(signInput(input)) }) }
  }

  test('are kept as they are when somebody signed them who plays a part, and not those of strangers', async () => {
    const fixture = new Fixture('unknown format')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const mallory = fixture.stranger('mallory')
    const { state } = await replicaOf(fixture)
    const good = unknown(alice.principal, Uint8Array.of(1))
    const bad = { bytes: good.bytes.slice() }
    bad.bytes[bad.bytes.length - 1] = (bad.bytes.at(-1) ?? 0) ^ 1
    const records = [bad, unknown(mallory.principal, Uint8Array.of(2))]
    for (const result of await state.offer({ records }, fromWriter))
      expect(result).toMatchObject({ outcome: 'parked', code: 'ERR_RECORD_UNKNOWN_FORMAT', penalty: false })
    expect(state.parked).toEqual({ records: 0, unknownFormats: 0 })
    const [result] = await state.offer({ records: [good, good] }, fromWriter)
    expect(result?.id).toBeDefined()
    expect(state.parked).toEqual({ records: 1, unknownFormats: 1 })
  })

  test('are bounded with all that waits', async () => {
    const fixture = new Fixture('unknown flood')
    const alice = fixture.cap(fixture.root, 'alice', fixture.rootPlace)
    const { state } = await replicaOf(fixture)
    const records = Array.from({ length: 1001 }, (_, at) =>
      unknown(alice.principal, Uint8Array.of(at >> 8, at & 255))
    )
    await state.offer({ records }, fromWriter)
    expect(state.parked).toEqual({ records: 1000, unknownFormats: 1000 })
  })
})

describe('a tree that was made under a seeded Random (A30)', () => {
  test('is refused by every node but that of a simulator, without blame', async () => {
    const fixture = new Fixture('insecure')
    const secure = createTree(crypto, fixture.root.principal, {
      recovery: undefined,
      insecure: false,
      nonce: crypto.random.bytes(16)
    })
    const open = (refusesInsecure: boolean) =>
      createTreeState({ store: createMemoryStore(), crypto, clock: { now: () => 1 }, refusesInsecure })
    const root = fixture.root.principal.record
    for (const [refusesInsecure, record, code] of [
      [true, fixture.tree, 'ERR_TREE_INSECURE'],
      [true, secure, undefined],
      [false, fixture.tree, undefined]
    ] as const) {
      const state = await open(refusesInsecure)
      await offerOne(state, root)
      expect(await offerOne(state, record)).toMatchObject({ code, penalty: false })
      expect(state.tree).toEqual(code === undefined ? record.id : undefined)
    }
  })
})

describe('a peer that shows an old state (E_ROLLBACK)', () => {
  test('is noticed when its winner lies below the one known here, and only then', async () => {
    const fixture = new Fixture('rollback')
    const { place, first } = fixture.create(fixture.root, fixture.rootPlace)
    const second = fixture.write(fixture.root, place, { prev: [first] })
    const winner = fixture.write(fixture.root, place, { prev: [second] })
    const fork = fixture.write(fixture.root, place, { prev: [first] })
    const { state } = await replicaOf(fixture)
    const claims = (header: HeaderRecord) => state.isRollback({ block: place.block, winner: header.id })
    expect(state.blockState(place.block)?.winner?.id).toEqual(winner.id)
    expect([first, second].map(claims)).toEqual([true, true])
    const newer = fixture.header(fixture.root, place, { prev: [winner] })
    expect([winner, fork, newer].map(claims)).toEqual([false, false, false])
    expect(state.isRollback({ block: fixture.tree.id, winner: first.id })).toBe(false)
  })

  test('is noticed when its checkpoint lies below the anchors known here, and only then', async () => {
    const fixture = new Fixture('rollback of a zone')
    const zone = fixture.rootPlace.block
    const one = fixture.checkpoint(fixture.root, fixture.rootPlace, [])
    const two = fixture.checkpoint(fixture.root, fixture.rootPlace, [], [one])
    const three = fixture.checkpoint(fixture.root, fixture.rootPlace, [], [two])
    const { state } = await replicaOf(fixture)
    await state.settled()
    const claims = [one, two, three].map(({ id }) => state.isRollback({ zone, checkpoint: id }))
    expect(claims).toEqual([true, true, false])
    expect(state.isRollback({ zone, checkpoint: fixture.tree.id })).toBe(false)
  })
})
