/** Stories about who may read (MODEL part A, "Read access"): each attack must fail, each lawful act beside it succeed. */
import {
  blockKey,
  createEpoch,
  createGrantRevocation,
  createHeader,
  noMetadata,
  openDelivery,
  right
} from '@blocktree/tree'
import { describe, expect, test } from 'vitest'
import { waysInto, openHeads, formerReaders } from '../../src/sharing/epoch-reach.ts'
import {
  asText,
  blockAt,
  crypto,
  failure,
  hoard,
  newPrincipal,
  newWorld,
  text,
  winnerAt,
  type World
} from './sharing-fixture.ts'

async function sharedWith(world: World, path: string, reader = newPrincipal()) {
  const { grant } = await world.sharing.issueGrant(world.owner, { path, to: { principal: reader.record } })
  return { reader, grant, actor: world.files.actor(reader) }
}

const read = async (world: World, actor: World['owner'], path: string): Promise<string> =>
  asText(world.files.read(actor, path).bytes)

describe('sharing a zone', () => {
  test('lets a reader read what is there and what is written later', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/before', text('1'))
    const { actor } = await sharedWith(world, '/d')
    await world.files.create(world.owner, '/d/after', text('2'))
    expect(await read(world, actor, '/d/before')).toBe('1')
    expect(await read(world, actor, '/d/after')).toBe('2')
  })

  test('does not let the reader into another zone, or write', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/other')
    await world.files.create(world.owner, '/other/x', text('1'))
    const { actor } = await sharedWith(world, '/d')
    expect(await failure(() => world.files.read(actor, '/other/x'))).toBe('ERR_ACCESS_DENIED')
    expect(await failure(() => world.files.create(actor, '/d/x', text('1')))).toBe('ERR_ACCESS_DENIED')
  })

  test('refuses a plain directory, an unknown principal and a sharer without the right', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/d/plain')
    const { actor, reader } = await sharedWith(world, '/d')
    const to = { principal: reader.record }
    expect(await failure(() => world.sharing.issueGrant(world.owner, { path: '/d/plain', to }))).toBe(
      'ERR_SHARE_PLAIN'
    )
    const unknown = { principal: newPrincipal().id }
    expect(await failure(() => world.sharing.issueGrant(world.owner, { path: '/d', to: unknown }))).toBe(
      'ERR_PRINCIPAL_UNKNOWN'
    )
    expect(await failure(() => world.sharing.issueGrant(actor, { path: '/d', to }))).toBe('ERR_ACCESS_DENIED')
  })

  test('ends a grant at its time', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('1'))
    const reader = newPrincipal()
    const notAfterMs = world.clock.now() + 10_000
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: reader.record }, notAfterMs })
    const actor = world.files.actor(reader)
    expect(await read(world, actor, '/d/a')).toBe('1')
    const ring = hoard(world, actor)
    world.clock.set(notAfterMs + 10_000)
    expect(await failure(() => world.files.read(actor, '/d/a'))).toBe('ERR_ACCESS_DENIED')
    const report = await world.sharing.keepKeys(world.owner)
    expect(report.rekeyed).toHaveLength(1)
    await world.files.create(world.owner, '/d/b', text('2'))
    const epoch = (await winnerAt(world, '/d/b')).body.epoch
    expect(epoch && ring.find(epoch)).toBeUndefined()
    expect((await world.sharing.keepKeys(world.owner)).rekeyed).toHaveLength(0)
  })
})

describe('A22: a former reader who kept the key of a sub-zone', () => {
  test('reads nothing that is written there after the revocation', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/d/sub', { zone: true })
    await world.files.makeDirectory(world.owner, '/d/sub/deep', { zone: true })
    await world.files.create(world.owner, '/d/sub/old', text('1'))
    const { actor, grant } = await sharedWith(world, '/d')
    expect(await read(world, actor, '/d/sub/old')).toBe('1')
    const ring = hoard(world, actor)
    const report = await world.sharing.revokeReader(world.owner, grant.id)
    expect(report.rekeyed).toHaveLength(3)
    expect(report.exposed.map(({ path }) => path)).toEqual(['/d', '/d/sub', '/d/sub/deep'])
    expect(report.exposed.every(({ checkpoint }) => checkpoint !== undefined)).toBe(true)
    for (const path of ['/d/new', '/d/sub/new', '/d/sub/deep/new']) {
      await world.files.create(world.owner, path, text('2'))
      const { epoch } = (await winnerAt(world, path)).body
      expect(epoch && ring.find(epoch)).toBeUndefined()
      expect(await failure(() => world.files.read(actor, path))).toBe('ERR_ACCESS_DENIED')
    }
  })

  test('while another reader goes on reading all of it', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/d/sub', { zone: true })
    const bob = await sharedWith(world, '/d')
    const carol = await sharedWith(world, '/d')
    await world.files.create(world.owner, '/d/sub/old', text('1'))
    await world.sharing.revokeReader(world.owner, bob.grant.id)
    await world.files.create(world.owner, '/d/sub/new', text('2'))
    expect(await read(world, carol.actor, '/d/sub/old')).toBe('1')
    expect(await read(world, carol.actor, '/d/sub/new')).toBe('2')
  })

  test('a zone that shut its outer readers out keeps its key', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/d/sub', { zone: true })
    const sub = await blockAt(world, '/d/sub')
    const { tree } = world
    const shut = createEpoch({ crypto, random: crypto.random }, world.root, {
      tree: world.genesis.tree.id,
      zone: sub,
      previous: [],
      inherit: undefined,
      cap: undefined
    })
    await tree.commitLocal({ records: [{ record: shut.record }] })
    expect(waysInto(tree.authority, shut.record.id)).toHaveLength(1)
  })
})

describe('A23: a new reader after a key change', () => {
  test('reads what was written under the keys before', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/old', text('history'))
    const bob = await sharedWith(world, '/d')
    await world.sharing.revokeReader(world.owner, bob.grant.id)
    const carol = await sharedWith(world, '/d')
    expect(await read(world, carol.actor, '/d/old')).toBe('history')
  })
})

describe('A24: the exposure report', () => {
  test('names the reader, the places and the checkpoint, and not a reader who has access by another grant', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await sharedWith(world, '/d')
    const second = await world.sharing.issueGrant(world.owner, {
      path: '/d',
      to: { principal: bob.reader.id }
    })
    const first = await world.sharing.revokeReader(world.owner, bob.grant.id)
    expect(first.rekeyed).toHaveLength(0)
    const last = await world.sharing.revokeReader(world.owner, second.grant.id)
    expect(last.rekeyed).toHaveLength(1)
    expect(last.exposed[0]?.recipient).toEqual(bob.reader.id)
  })
})

describe('A25: a reader of one file', () => {
  test('reads it after its zone changed the key, and nothing else', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/one', text('1'))
    await world.files.create(world.owner, '/d/two', text('2'))
    const carol = await sharedWith(world, '/d/one')
    const bob = await sharedWith(world, '/d')
    expect(await read(world, carol.actor, '/d/one')).toBe('1')
    expect(await failure(() => world.files.read(carol.actor, '/d/two'))).toBe('ERR_ACCESS_DENIED')
    await world.sharing.revokeReader(world.owner, bob.grant.id)
    expect(await read(world, carol.actor, '/d/one')).toBe('1')
    const { epoch } = (await winnerAt(world, '/d/one')).body
    expect(epoch && world.owner.zoneKey(epoch)).toBeDefined()
    expect((await winnerAt(world, '/d/one')).body.version).toBe(2)
  })

  test('goes on reading after the file was written again', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/one', text('1'))
    const carol = await sharedWith(world, '/d/one')
    await world.files.write(world.owner, '/d/one', 0, text('9'))
    expect(await read(world, carol.actor, '/d/one')).toBe('9')
  })

  test('loses it at once when taken back, while another reader of the file keeps it', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/one', text('1'))
    const carol = await sharedWith(world, '/d/one')
    const dave = await sharedWith(world, '/d/one')
    const before = await winnerAt(world, '/d/one')
    const key = carol.actor.blockKey(before.body)?.bytes.slice()
    const report = await world.sharing.revokeReader(world.owner, carol.grant.id)
    expect(report.rewritten).toBe(1)
    const after = await winnerAt(world, '/d/one')
    expect(after.body.keyVersion).toBe(before.body.keyVersion + 1)
    expect(after.body.keyCommitment).not.toEqual(before.body.keyCommitment)
    expect(key).not.toEqual(world.owner.blockKey(after.body)?.bytes)
    expect(await failure(() => world.files.read(carol.actor, '/d/one'))).toBe('ERR_ACCESS_DENIED')
    expect(await read(world, dave.actor, '/d/one')).toBe('1')
  })

  test('loses it also when a writer has used the greatest key version up', async () => {
    const world = await newWorld()
    const { owner, tree } = world
    await world.files.makeDirectory(owner, '/d')
    await world.files.create(owner, '/d/one', new Uint8Array(0))
    const { body, id } = await winnerAt(world, '/d/one')
    const zoneKey = body.epoch && owner.zoneKey(body.epoch)
    if (zoneKey === undefined) throw new Error('the owner cannot open the epoch')
    const greatest = createHeader(
      { crypto, random: crypto.random },
      owner.signer,
      { ...body, version: 2, prev: [id], keyVersion: 0xffff_ffff },
      { name: 'one', metadata: noMetadata, size: 0, rootKey: undefined },
      blockKey(crypto, zoneKey, body.block, 0xffff_ffff)
    )
    await tree.commitLocal({ records: [{ record: greatest }] })
    const carol = await sharedWith(world, '/d/one')
    expect(await read(world, carol.actor, '/d/one')).toBe('')
    await world.sharing.revokeReader(owner, carol.grant.id)
    expect((await winnerAt(world, '/d/one')).body.keyVersion).toBe(0)
    expect(await failure(() => world.files.read(carol.actor, '/d/one'))).toBe('ERR_ACCESS_DENIED')
  })
})

describe('A26: two owners change the key at the same time', () => {
  test('one removes Bob, the other seals to him: the joined epoch is not his', async () => {
    const world = await newWorld()
    const { files, owner, tree, root } = world
    await files.makeDirectory(owner, '/d')
    const zone = await blockAt(world, '/d')
    const bob = await sharedWith(world, '/d')
    const base = tree.currentEpochs(zone)[0]
    const baseKey = base && owner.zoneKey(base.id)
    const outer = owner.writeKey(world.genesis.rootBlock)
    if (base === undefined || baseKey === undefined || outer === undefined) throw new Error('no epoch')
    // what the second owner makes without knowing of the revocation, with a delivery to Bob
    const rival = createEpoch({ crypto, random: crypto.random }, root, {
      tree: world.genesis.tree.id,
      zone,
      previous: [{ id: base.id, number: base.body.number, key: baseKey }],
      inherit: { id: outer.epoch, key: outer.key },
      cap: undefined
    })
    await world.sharing.revokeReader(owner, bob.grant.id)
    await tree.commitLocal({ records: [{ record: rival.record }] })
    expect(
      tree
        .currentEpochs(zone)
        .slice(0, 2)
        .map(({ body }) => body.number)
    ).toEqual([2, 2])
    const report = await world.sharing.keepKeys(owner)
    expect(report.rekeyed).toEqual([zone])
    const heads = openHeads(tree.authority, owner, zone)
    expect(heads).toHaveLength(1)
    expect(heads[0]?.body.prev).toHaveLength(2)
    const ring = hoard(world, bob.actor)
    ring.add(rival.record, rival.key)
    await files.create(owner, '/d/new', text('1'))
    const { epoch } = (await winnerAt(world, '/d/new')).body
    expect(epoch && ring.find(epoch)).toBeUndefined()
    expect(await read(world, owner, '/d/new')).toBe('1')
  })

  test('a new grant joins them first, so the new reader reads both sides', async () => {
    const world = await newWorld()
    const { files, owner, tree, root } = world
    await files.makeDirectory(owner, '/d')
    const zone = await blockAt(world, '/d')
    const base = tree.currentEpochs(zone)[0]
    const baseKey = base && owner.zoneKey(base.id)
    const outer = owner.writeKey(world.genesis.rootBlock)
    if (base === undefined || baseKey === undefined || outer === undefined) throw new Error('no epoch')
    const previous = [{ id: base.id, number: base.body.number, key: baseKey }]
    const inherit = { id: outer.epoch, key: outer.key }
    const draft = { tree: world.genesis.tree.id, zone, previous, inherit, cap: undefined }
    for (let count = 0; count < 2; count++) {
      const { record } = createEpoch({ crypto, random: crypto.random }, root, draft)
      await tree.commitLocal({ records: [{ record }] })
      await files.create(owner, `/d/${count}`, text(String(count)))
    }
    const carol = await sharedWith(world, '/d')
    expect(await read(world, carol.actor, '/d/0')).toBe('0')
    expect(await read(world, carol.actor, '/d/1')).toBe('1')
  })
})

describe('taking a grant back', () => {
  test('twice signs it once, and finishes what the first left', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const { grant } = await sharedWith(world, '/d')
    const first = await world.sharing.revokeReader(world.owner, grant.id)
    const second = await world.sharing.revokeReader(world.owner, grant.id)
    expect([first.rekeyed.length, second.rekeyed.length]).toEqual([1, 0])
    expect(world.tree.authority.grantRevocationsOf(grant.id)).toHaveLength(1)
  })
})

describe('A27: a link', () => {
  test('of another tree is refused before anything is looked up', async () => {
    const [world, other] = [await newWorld(), await newWorld()]
    await other.files.makeDirectory(other.owner, '/d')
    const { link = '' } = await other.sharing.issueGrant(other.owner, { path: '/d', to: 'link' })
    expect(await failure(() => world.sharing.openLink(link))).toBe('ERR_ACCESS_LINE')
    expect(other.sharing.openLink(link).keys).toHaveLength(1)
  })

  test('opens what it was made for, is shown once, and survives a key change', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const { link, grant } = await world.sharing.issueGrant(world.owner, { path: '/d', to: 'link' })
    expect(link).toMatch(/^blocktree-link:[A-Za-z0-9_-]+$/)
    const opened = world.sharing.openLink(link ?? '')
    expect(opened.grant.id).toEqual(grant.id)
    const bob = await sharedWith(world, '/d')
    await world.sharing.revokeReader(world.owner, bob.grant.id)
    const current = world.owner.writeKey(await blockAt(world, '/d'))
    expect(world.sharing.openLink(link ?? '').keys.at(-1)?.key).toEqual(current?.key)
  })

  test('opens nothing new once it is taken back, or with another secret', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const { link, grant } = await world.sharing.issueGrant(world.owner, { path: '/d', to: 'link' })
    const before = world.sharing.openLink(link ?? '').keys
    await world.sharing.revokeReader(world.owner, grant.id)
    expect(await failure(() => world.sharing.openLink(link ?? ''))).toBe('ERR_GRANT_UNKNOWN')
    const current = world.owner.writeKey(await blockAt(world, '/d'))
    expect(before.map(({ key }) => key)).not.toContainEqual(current?.key)
    const text = link ?? ''
    const changed = `${text.slice(0, -3)}${text.at(-3) === 'A' ? 'B' : 'A'}${text.slice(-2)}`
    expect(await failure(() => world.sharing.openLink(changed))).toBe('ERR_ACCESS_LINE')
  })

  test('gives no right to write: a cap is for a principal', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const { grant } = await world.sharing.issueGrant(world.owner, { path: '/d', to: 'link' })
    expect(world.tree.authority.capsOf(grant.body.recipient)).toHaveLength(0)
  })
})

describe('A28: publishing', () => {
  test('a grant cannot make a private block public: zones are born public or private', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('secret'))
    const { epoch } = (await winnerAt(world, '/d/a')).body
    expect(epoch).toBeDefined()
    expect(await failure(() => world.files.read(world.files.actor(newPrincipal()), '/d/a'))).toBe(
      'ERR_ACCESS_DENIED'
    )
  })

  test('what lies in a public zone is read without any grant, and a grant there needs no key', async () => {
    const world = await newWorld({ public: true })
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.create(world.owner, '/d/a', text('open'))
    const { actor } = await sharedWith(world, '/d')
    expect(await read(world, actor, '/d/a')).toBe('open')
  })
})

describe('A31: a hostile sharer', () => {
  test('a delivery of another key than the epoch commits to does not open', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    await world.files.makeDirectory(world.owner, '/e')
    const bob = await sharedWith(world, '/d')
    const delivery = world.tree.authority.deliveriesOf(bob.grant.id)[0]
    const epoch = delivery && world.tree.authority.epoch(delivery.body.epoch)
    const other = world.tree.currentEpochs(await blockAt(world, '/e'))[0]
    if (delivery === undefined || epoch === undefined || other === undefined) throw new Error('no delivery')
    const swapped = { ...epoch, body: { ...epoch.body, keyCommitment: other.body.keyCommitment } }
    expect(openDelivery(crypto, delivery, bob.grant, bob.reader, { epoch })).toHaveLength(32)
    expect(() => openDelivery(crypto, delivery, bob.grant, bob.reader, { epoch: swapped })).toThrow(
      expect.objectContaining({ code: 'ERR_ZONE_KEY' })
    )
  })
})

describe('revokeReader', () => {
  test('rewrites every header the former reader could open when asked to', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    for (let count = 0; count < 5; count++)
      await world.files.create(world.owner, `/d/${count}`, text(String(count)))
    const bob = await sharedWith(world, '/d')
    const ring = hoard(world, bob.actor)
    const report = await world.sharing.revokeReader(world.owner, bob.grant.id, { eager: true })
    expect(report.rewritten).toBe(5)
    for (let count = 0; count < 5; count++) {
      const { epoch } = (await winnerAt(world, `/d/${count}`)).body
      expect(epoch && ring.find(epoch)).toBeUndefined()
      expect(await read(world, world.owner, `/d/${count}`)).toBe(String(count))
    }
  })

  test('is refused to who neither issued the grant nor may share, and for an unknown grant', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await sharedWith(world, '/d')
    const carol = await sharedWith(world, '/d')
    expect(await failure(() => world.sharing.revokeReader(carol.actor, bob.grant.id))).toBe(
      'ERR_ACCESS_DENIED'
    )
    expect(await failure(() => world.sharing.revokeReader(world.owner, new Uint8Array(32)))).toBe(
      'ERR_GRANT_UNKNOWN'
    )
  })

  test('answers the same when it is repeated', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await sharedWith(world, '/d')
    await world.sharing.revokeReader(world.owner, bob.grant.id)
    expect((await world.sharing.revokeReader(world.owner, bob.grant.id)).rekeyed).toHaveLength(0)
    expect(world.tree.authority.grantRevocationsOf(bob.grant.id)).toHaveLength(1)
  })

  test('a revocation that came from elsewhere is acted on by the upkeep', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await sharedWith(world, '/d')
    const record = createGrantRevocation(crypto, world.root, {
      tree: world.genesis.tree.id,
      grant: bob.grant.id,
      cap: undefined
    })
    await world.tree.commitLocal({ records: [{ record }] })
    const zone = await blockAt(world, '/d')
    const epoch = world.tree.currentEpochs(zone)[0]
    expect(epoch && formerReaders(world.tree, epoch.id)).toHaveLength(1)
    expect((await world.sharing.keepKeys(world.owner)).rekeyed).toEqual([zone])
  })
})

describe('listGrants', () => {
  test('shows live grants, and with all their states', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const bob = await sharedWith(world, '/d')
    await sharedWith(world, '/d')
    await world.sharing.revokeReader(world.owner, bob.grant.id)
    expect(world.sharing.listGrants(world.owner, { path: '/d' })).toHaveLength(1)
    const states = world.sharing.listGrants(world.owner, { path: '/d', all: true }).map(({ state }) => state)
    expect(states.toSorted()).toEqual(['live', 'revoked'])
  })

  test('a grant is void once its issuer may share no longer', async () => {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const helper = newPrincipal()
    await world.sharing.issueGrant(world.owner, { path: '/d', to: { principal: helper.record } })
    const { cap } = await world.sharing.issueWriteCap(world.owner, {
      path: '/d',
      to: helper.id,
      rights: right.grant
    })
    const helperActor = world.files.actor(helper)
    const carol = newPrincipal()
    const { grant } = await world.sharing.issueGrant(helperActor, {
      path: '/d',
      to: { principal: carol.record }
    })
    const carolActor = world.files.actor(carol)
    await world.files.create(world.owner, '/d/a', text('1'))
    expect(await read(world, carolActor, '/d/a')).toBe('1')
    const report = await world.sharing.revokeCap(world.owner, cap.id)
    expect(
      world.sharing.listGrants(world.owner, { all: true }).find((view) => view.grant.id === grant.id)?.state
    ).toBe('void')
    expect(report.keys.rekeyed).toHaveLength(1)
    expect(await failure(() => world.files.read(carolActor, '/d/a'))).toBe('ERR_ACCESS_DENIED')
  })
})

describe('a sharer who is not the owner', () => {
  async function withHelper() {
    const world = await newWorld()
    await world.files.makeDirectory(world.owner, '/d')
    const helper = await sharedWith(world, '/d')
    const request = { path: '/d', to: helper.reader.id, rights: right.grant }
    const cap = await world.sharing.issueWriteCap(world.owner, request)
    return { world, helper, cap, zone: await blockAt(world, '/d') }
  }

  test('takes a reader out; the key is changed by who can also open the zone around', async () => {
    const { world, helper, zone } = await withHelper()
    const writer = await sharedWith(world, '/d')
    const rights = right.write | right.create
    await world.sharing.issueWriteCap(world.owner, { path: '/d', to: writer.reader.id, rights })
    const bob = await sharedWith(world, '/d')
    const ring = hoard(world, bob.actor)
    const report = await world.sharing.revokeReader(helper.actor, bob.grant.id)
    expect(report).toMatchObject({ rekeyed: [], skipped: [{ target: zone }] })
    const unsafe = await world.files.create(writer.actor, '/d/early', text('1'))
    expect(unsafe.exposed).toEqual([bob.reader.id])
    expect((await world.sharing.keepKeys(world.owner)).rekeyed).toEqual([zone])
    await world.files.create(world.owner, '/d/new', text('1'))
    const { epoch } = (await winnerAt(world, '/d/new')).body
    expect(epoch && ring.find(epoch)).toBeUndefined()
  })

  test('cannot lock the owner out of changing keys with an epoch for himself alone', async () => {
    const { world, helper, cap, zone } = await withHelper()
    const { tree, owner, sharing } = world
    const base = tree.currentEpochs(zone)[0]
    const key = base && helper.actor.zoneKey(base.id)
    if (base === undefined || key === undefined) throw new Error('no epoch')
    const selfish = createEpoch({ crypto, random: crypto.random }, helper.reader, {
      tree: world.genesis.tree.id,
      zone,
      previous: [{ id: base.id, number: base.body.number, key }],
      inherit: undefined,
      cap: cap.cap.id
    })
    await tree.commitLocal({ records: [{ record: selfish.record }] })
    const ring = hoard(world, helper.actor)
    ring.add(selfish.record, selfish.key)
    await sharing.revokeCap(owner, cap.cap.id)
    await sharing.revokeReader(owner, helper.grant.id)
    const carol = await sharedWith(world, '/d')
    await world.files.create(owner, '/d/new', text('1'))
    const { epoch } = (await winnerAt(world, '/d/new')).body
    expect(epoch && ring.find(epoch)).toBeUndefined()
    expect(await read(world, carol.actor, '/d/new')).toBe('1')
    expect((await sharing.keepKeys(owner)).rekeyed).toEqual([])
  })
})
