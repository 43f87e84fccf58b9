/** What somebody does who may, or once might, share: epochs of his own, and keys that outlive his right (MODEL B.5, B.7.5). */
import {
  coverage,
  createDelivery,
  createEpoch,
  createReceipt,
  durabilityClass,
  right,
  type EpochRecord
} from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { blockAt, crypto, newPrincipal, newWorld, text, winnerAt, type World } from './sharing-fixture.ts'

const minute = 60_000

/** A zone with a reader who writes, and a sharer whose right ends. */
async function sharedWithSharer() {
  const world = await newWorld()
  await world.files.makeDirectory(world.owner, '/d')
  await world.files.create(world.owner, '/d/a', text('1'))
  const [carol, dan] = [newPrincipal(), newPrincipal()]
  const share = (principal: typeof carol) =>
    world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: principal.record } })
  const carolGrant = (await share(carol)).grant
  const danGrant = (await share(dan)).grant
  const rights = right.write | right.create
  await world.sharing.issueWriteCap(world.owner, { path: '/d', to: carol.id, rights })
  const { cap } = await world.sharing.issueWriteCap(world.owner, {
    path: '/d',
    to: dan.id,
    rights: right.grant,
    notAfterMs: world.clock.now() + minute
  })
  return { world, carol, dan, carolGrant, danGrant, cap }
}
type Shared = Awaited<ReturnType<typeof sharedWithSharer>>

/** An epoch that Dan makes for himself, delivered to Carol so that she writes under it. */
async function danRotates({ world, carol, dan, carolGrant, cap }: Shared): Promise<EpochRecord> {
  const zone = await blockAt(world, '/d')
  const [current] = world.tree.currentEpochs(zone)
  if (current === undefined || world.tree.tree === undefined) throw new Error('no epoch')
  const previous = [{ id: current.id, number: current.body.number, key: crypto.random.bytes(32) }]
  const signer = dan
  const made = createEpoch({ crypto, random: crypto.random }, signer, {
    tree: world.tree.tree,
    zone,
    previous,
    inherit: undefined,
    cap: cap.id
  })
  const delivery = createDelivery({ crypto, random: crypto.random }, signer, {
    grant: carolGrant,
    epoch: made.record.id,
    keyVersion: undefined,
    key: made.key,
    to: { principal: carol.record },
    cap: cap.id
  })
  await world.tree.commitLocal({ records: [{ record: made.record }, { record: delivery }] })
  return made.record
}

function receiptOver(world: World, zone: Uint8Array, epoch: EpochRecord, timeMs: number) {
  const hostCap = world.owner.capFor({ home: zone, block: undefined }, right.host)
  if (hostCap === undefined || world.tree.tree === undefined) throw new Error('no host')
  const record = createReceipt(crypto, world.owner.signer, {
    tree: world.tree.tree,
    zone,
    records: [epoch.id],
    coverage: coverage.header,
    durability: durabilityClass.group,
    timeMs,
    keepUntilMs: undefined,
    term: undefined,
    fence: undefined,
    challenge: undefined,
    cap: hostCap.cap
  })
  return world.tree.commitLocal({ records: [{ record }] })
}

describe('A47: a sharer whose cap has ended', () => {
  test('makes no epoch that anybody writes under', async () => {
    const shared = await sharedWithSharer()
    const { world, carol, danGrant } = shared
    world.clock.set(world.clock.now() + 60 * minute)
    await world.sharing.revokeReader(world.owner, danGrant.id)
    const own = await danRotates(shared)
    const writer = world.files.actor(carol)
    await world.files.create(writer, '/d/secret', text('not for Dan'))
    expect((await winnerAt(world, '/d/secret')).body.epoch).not.toEqual(own.id)
    expect((await world.files.list(writer, '/d')).entries).toHaveLength(2)
  })

  test('does so while it lasts, when a host says that it was in time', async () => {
    const shared = await sharedWithSharer()
    const { world, carol } = shared
    const zone = await blockAt(world, '/d')
    const inTime = world.clock.now()
    const own = await danRotates(shared)
    const writer = world.files.actor(carol)
    expect(writer.writeKey(zone)?.epoch).not.toEqual(own.id)
    await receiptOver(world, zone, own, inTime + 60 * minute)
    expect(writer.writeKey(zone)?.epoch).not.toEqual(own.id)
    await receiptOver(world, zone, own, inTime)
    expect(writer.writeKey(zone)?.epoch).toEqual(own.id)
  })
})

describe('A24: who is exposed', () => {
  test('names readers whose grant has ended or is void, not only those it was taken from', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const [guest, writer] = [newPrincipal(), newPrincipal()]
    const notAfterMs = world.clock.now() + minute
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: guest.record }, notAfterMs })
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: writer.record } })
    const rights = right.write | right.create
    await world.sharing.issueWriteCap(world.owner, { path: '/d', to: writer.id, rights })
    const actor = world.files.actor(writer)
    expect((await world.files.create(actor, '/d/a', text('1'))).exposed).toEqual([])
    world.clock.set(notAfterMs + minute)
    expect((await world.files.create(actor, '/d/b', text('2'))).exposed).toEqual([guest.id])
    await world.sharing.keepKeys(world.owner)
    expect((await world.files.create(actor, '/d/c', text('3'))).exposed).toEqual([])
  })

  test('a sharer who made the key and gave himself no delivery of it does not keep it when taken out', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const dan = newPrincipal()
    const { grant } = await world.sharing.issueGrant(world.owner, {
      path: '/d',
      to: { principal: dan.record }
    })
    const { cap } = await world.sharing.issueWriteCap(world.owner, {
      path: '/d',
      to: dan.id,
      rights: right.grant,
      notAfterMs: world.clock.now() + minute
    })
    const zone = await blockAt(world, '/d')
    const [current] = world.tree.currentEpochs(zone)
    const key = current && world.owner.zoneKey(current.id)
    const outer = world.tree.zoneOf(zone)
    const outerKey = outer && world.owner.writeKey(outer)
    if (current === undefined || key === undefined || outerKey === undefined || world.tree.tree === undefined)
      throw new Error('no key')
    const { record } = createEpoch({ crypto, random: crypto.random }, dan, {
      tree: world.tree.tree,
      zone,
      previous: [{ id: current.id, number: current.body.number, key }],
      inherit: { id: outerKey.epoch, key: outerKey.key }, // somebody who reads outside as well
      cap: cap.id
    })
    await world.tree.commitLocal({ records: [{ record }] })
    await receiptOver(world, zone, record, world.clock.now())
    expect(world.owner.writeKey(zone)?.epoch).toEqual(record.id)
    world.clock.set(world.clock.now() + 60 * minute)
    await world.sharing.revokeReader(world.owner, grant.id)
    expect(world.owner.writeKey(zone)?.epoch).not.toEqual(record.id)
    const settled = world.owner.writeKey(zone)?.epoch
    await world.sharing.keepKeys(world.owner)
    expect(world.owner.writeKey(zone)?.epoch).toEqual(settled)
  })
})

describe('a writer who may change the key', () => {
  test('changes it before writing when a grant has ended meanwhile, and no more than once', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('1'))
    const guest = newPrincipal()
    const notAfterMs = world.clock.now() + minute
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: guest.record }, notAfterMs })
    const zone = await blockAt(world, '/d')
    const before = world.owner.writeKey(zone)?.epoch
    await world.files.write(world.owner, '/d/a', 0, text('2'))
    expect((await winnerAt(world, '/d/a')).body.epoch).toEqual(before)
    world.clock.set(notAfterMs + minute)
    expect((await world.files.write(world.owner, '/d/a', 0, text('3'))).exposed).toEqual([])
    expect((await world.files.create(world.owner, '/d/b', text('4'))).exposed).toEqual([])
    expect((await winnerAt(world, '/d/a')).body.epoch).not.toEqual(before)
    expect(world.tree.authority.epochsOf(zone)).toHaveLength(2)
  })
})
