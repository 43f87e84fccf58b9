/**
 * A revocation on one node while the root key is replaced on another that has not heard of it, nor the other way round: what
 * seed 51 of the simulator met at commit 8fad66d (one node's disk was full when the succession was made).
 */
import { describe, expect, test } from 'vitest'
import { equalBytes } from '@blocktree/codec'
import { type Principal, createGrant, createRevocation, renewsGrant, right } from '@blocktree/tree'
import {
  asText,
  blockAt,
  crypto,
  failure,
  newHost,
  newPrincipal,
  newWorld,
  text,
  type World
} from './sharing-fixture.ts'

type Side = Pick<World, 'files' | 'sharing' | 'tree' | 'owner' | 'store'>

interface Race {
  readonly world: World
  /** Where the root is replaced. */
  readonly other: Side
  readonly bob: Principal
  readonly newRoot: Principal
  readonly cap: Uint8Array
  readonly grant: Uint8Array
}

async function give(from: Side, to: Side): Promise<void> {
  const chunks = from.sharing.exportBundle(from.owner)
  await to.sharing.importBundle(chunks, { peer: 'other', from: 'host' })
  await to.tree.settled()
  await to.files.indexNames(to.owner, to.tree.unnamedBlocks())
}

/** Bob writes and reads in /d, on two nodes that hold the same. */
async function invited(): Promise<Race> {
  const world = await newWorld({ withRecovery: true })
  const { sharing, rootActor } = world
  await world.files.makeDirectory(world.owner, '/d', { zone: true })
  const bob = newPrincipal()
  const { grant } = await sharing.issueGrant(rootActor, { path: '/d', to: { principal: bob.record } })
  const rights = right.write | right.create
  const { cap } = await sharing.issueWriteCap(rootActor, { path: '/d', to: bob.record, rights })
  const other = await newHost(world, world.node)
  await give(world, other)
  return { world, other, bob, newRoot: newPrincipal(), cap: cap.id, grant: grant.id }
}

async function replaceRoot({ world, other, newRoot }: Race): Promise<void> {
  await other.sharing.succeedRoot(other.owner, { recovery: world.recovery, newRoot })
}

/** With the former root, which is all that this node knows. */
async function putOut({ world, cap, grant }: Race): Promise<void> {
  await world.sharing.revokeReader(world.rootActor, grant)
  await world.sharing.revokeCap(world.rootActor, cap)
}

async function meet({ world, other }: Race): Promise<void> {
  await give(world, other)
  await give(other, world)
}

describe('a revocation while the root key is replaced elsewhere', () => {
  test('is undone by the succession, and listed on both nodes', async () => {
    const race = await invited()
    await replaceRoot(race)
    await putOut(race)
    await meet(race)
    for (const { sharing } of [race.world, race.other]) {
      const undone = sharing.undoneRevocations()
      expect(undone.map(({ kind }) => kind).toSorted()).toEqual(['cap', 'grant'])
      for (const { principal } of undone) expect(principal).toEqual(race.bob.id)
      expect(undone.find(({ kind }) => kind === 'cap')?.target).toEqual(race.cap)
    }
    const { files, owner } = race.other
    await files.create(files.actor(race.bob), '/d/bob', text('goes on'))
    await files.create(owner, '/d/news', text('news'))
    expect(asText(files.read(files.actor(race.bob), '/d/news').bytes)).toBe('news')
  })

  test('holds, and is listed no longer, once the new root has repeated it', async () => {
    const race = await invited()
    await replaceRoot(race)
    await putOut(race)
    await meet(race)
    const { files, sharing, owner } = race.other
    const root = files.actor(race.newRoot)
    for (const { kind, target } of sharing.undoneRevocations()) {
      if (kind === 'cap') await sharing.revokeCap(root, target)
      else await sharing.revokeReader(root, target)
    }
    await meet(race)
    for (const side of [race.world, race.other]) {
      expect(side.sharing.undoneRevocations()).toEqual([])
      const bob = side.files.actor(race.bob)
      expect(await failure(() => side.files.create(bob, '/d/after', text('x')))).toBe('ERR_ACCESS_DENIED')
    }
    await files.create(owner, '/d/secret', text('secret'))
    await meet(race)
    for (const side of [race.world, race.other]) {
      const bob = side.files.actor(race.bob)
      expect(await failure(async () => side.files.read(bob, '/d/secret'))).toMatch(/^ERR_/)
      expect(await blockAt(side, '/d/secret')).toHaveLength(32)
    }
  })

  test('also when the succession comes first, and the revocation after it', async () => {
    const race = await invited()
    await replaceRoot(race)
    await putOut(race)
    await give(race.other, race.world)
    expect(race.world.sharing.undoneRevocations()).toHaveLength(2)
    await give(race.world, race.other)
    expect(race.other.sharing.undoneRevocations()).toHaveLength(2)
  })
})

describe('a revocation that the succession knew', () => {
  test('holds after it, and nothing is listed', async () => {
    const race = await invited()
    await putOut(race)
    await meet(race)
    await replaceRoot(race)
    await meet(race)
    for (const side of [race.world, race.other]) {
      expect(side.sharing.undoneRevocations()).toEqual([])
      const bob = side.files.actor(race.bob)
      expect(await failure(() => side.files.create(bob, '/d/after', text('x')))).toBe('ERR_ACCESS_DENIED')
    }
  })

  test('stays one when the reader is let in again later', async () => {
    const race = await invited()
    await putOut(race)
    await meet(race)
    await replaceRoot(race)
    const { files, sharing } = race.other
    await sharing.issueGrant(files.actor(race.newRoot), {
      path: '/d',
      to: { principal: race.bob.record }
    })
    expect(sharing.undoneRevocations()).toEqual([])
  })
})

test('the thief of a former root key adds to the list, and takes nothing away', async () => {
  const race = await invited()
  await replaceRoot(race)
  await meet(race)
  const { files, sharing } = race.other
  const thief = files.actor(race.world.root)
  expect(await failure(() => sharing.revokeCap(thief, race.cap))).toBe('ERR_ROOT_NEEDED')
  const record = createRevocation(crypto, race.world.root, {
    tree: race.world.genesis.tree.id,
    target: race.cap,
    by: undefined,
    cuts: [],
    reason: 0
  })
  await race.other.tree.commitLocal({ records: [{ record }] })
  await race.other.tree.settled()
  expect(sharing.undoneRevocations().map(({ target }) => target)).toEqual([race.cap])
  await files.create(files.actor(race.bob), '/d/bob', text('goes on'))
})

describe('a grant that is taken back by the id it had before the succession', () => {
  test('ends with what the new root signed in its place, where that is known', async () => {
    const race = await invited()
    await replaceRoot(race)
    await meet(race)
    const { files, sharing, tree, owner } = race.other
    const root = files.actor(race.newRoot)
    const renewed = liveGrantOf(race)
    expect(renewed).not.toEqual(race.grant)
    expect((await sharing.revokeReader(root, race.grant)).grant).toEqual(renewed)
    expect(liveGrantOf(race)).toBeUndefined()
    expect(sharing.undoneRevocations()).toEqual([])
    expect(tree.authority.grantRevocationsOf(race.grant)).toHaveLength(1)
    await files.create(owner, '/d/secret', text('secret'))
    const bob = files.actor(race.bob)
    expect(await failure(async () => files.read(bob, '/d/secret'))).toMatch(/^ERR_/)
  })

  test('ends once more when it is taken back again, after its revocation met the succession', async () => {
    const race = await invited()
    await replaceRoot(race)
    await putOut(race)
    await meet(race)
    const { files, sharing } = race.other
    expect(liveGrantOf(race)).toBeDefined()
    await sharing.revokeReader(files.actor(race.newRoot), race.grant)
    expect(liveGrantOf(race)).toBeUndefined()
  })

  test('is not taken back at all by the former root, which may not end what stands for it', async () => {
    const race = await invited()
    await replaceRoot(race)
    await meet(race)
    const { files, sharing, tree } = race.other
    const former = files.actor(race.world.root)
    expect(await failure(() => sharing.revokeReader(former, race.grant))).toBe('ERR_ACCESS_DENIED')
    expect(tree.authority.grantRevocationsOf(race.grant)).toEqual([])
    expect(liveGrantOf(race)).toBeDefined()
  })

  test('takes no grant along that somebody else says to stand for it', async () => {
    const { world, grant } = await invited()
    const { tree, sharing, rootActor } = world
    const first = tree.authority.grant(grant)
    if (first === undefined) throw new Error('the grant is not held')
    const draft = { ...first.body, nonce: new Uint8Array(16), ext: [renewsGrant(grant)] }
    const other = createGrant(crypto, world.root, draft)
    await tree.commitLocal({ records: [{ record: other }] })
    await tree.settled()
    await sharing.revokeReader(rootActor, grant)
    expect(tree.authority.grantRevocationsOf(grant)).toHaveLength(1)
    expect(tree.authority.grantRevocationsOf(other.id)).toEqual([])
  })
})

/** The live grant of the reader where the root was replaced. */
function liveGrantOf({ other: { tree }, grant, bob }: Race): Uint8Array | undefined {
  const target = tree.authority.grant(grant)?.body.target
  const live = target === undefined ? [] : tree.liveGrants(target)
  return live.find(({ body }) => equalBytes(body.recipient, bob.id))?.id
}
